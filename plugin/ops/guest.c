#include "ops/guest.h"

#include "ops/block.h"

gboolean
xd_instance_is_in(XdInstanceState *instance, XdVmPowerState state)
{
    const XdVM *vm = xd_instance_vm(instance);

    return vm != NULL && vm->power_state == state && vm->current_operations.n == 0;
}

void
xd_op_fail_state(XdOp *op, const char *what, const char *advice)
{
    GError *error = xd_error_new(HVD_ERROR_STATE, "%s", what);

    xd_error_set_advice(error, advice);
    xd_op_fail(op, error);
}

gboolean
xd_op_check_destruction(XdOp *op, const XdVM *vm)
{
    if (!xd_is_blocked(vm, XD_BLOCK_DESTROYED))
        return TRUE;
    xd_op_fail_state(op, "its destruction has begun", N_("destroy it again, or reconcile"));
    return FALSE;
}
