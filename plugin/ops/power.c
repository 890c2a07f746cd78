#include "ops/power.h"

#include "ops/block.h"
#include "ops/guest.h"
#include "ops/operation.h"
#include "ops/rival.h"

#include <string.h>

typedef struct {
    XdInstanceState head;
    int timeout_s; /* of a shut-down through the guest; 0: none, -1: as configured */
    gboolean hard;
    gboolean bootable;
    const char *reason; /* of a block: XD_BLOCK_... */
    char *block;        /* the reason with the mark of this operation */
    gboolean changed;   /* the block is perhaps not as this operation has found it */
    gint64 domid;       /* before a reboot */
} Power;

/* ---- what holds when it is done ---- */

static gboolean
is_running(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return xd_instance_is_in(data, XD_VM_POWER_STATE_RUNNING);
}

static gboolean
is_halted(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return xd_instance_is_in(data, XD_VM_POWER_STATE_HALTED);
}

/* A reboot leaves nothing behind but another domain. */
static gboolean
is_rebooted(XdOperation *operation, gpointer data)
{
    const Power *power = data;
    const XdVM *vm = xd_instance_vm(data);

    return is_running(operation, data) && vm->domid != power->domid;
}

/* ---- on ---- */

/* What this driver has blocked it also explains; what somebody else has, the toolstack refuses. */
static void
check_bootable(XdOp *op, gpointer data)
{
    const XdVM *vm = xd_op_get_vm(op, data);

    if (vm == NULL || !xd_op_check_destruction(op, vm))
        return;
    if (vm->power_state == XD_VM_POWER_STATE_HALTED && xd_is_blocked(vm, XD_BLOCK_NOT_BOOTABLE))
        xd_op_fail_state(op, "it is marked as not bootable", N_("make it bootable first"));
    else
        xd_op_next(op);
}

static void
check_block(XdOp *op, gpointer data)
{
    const XdVM *vm = xd_op_get_vm(op, data);

    if (vm == NULL)
        return;
    if (vm->power_state == XD_VM_POWER_STATE_HALTED && xd_is_blocked(vm, XD_BLOCK_SOFT_DELETED))
        xd_op_fail_state(op, "it is soft-deleted", N_("restore it first"));
    else
        check_bootable(op, data);
}

static void
start(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdVM *vm = xd_op_get_vm(op, &power->head);
    XdStepCall call = {.method = "VM.start",
                       .already = "running",
                       .holds = is_running,
                       .data = power,
                       .concludes = TRUE};

    if (vm == NULL)
        return;
    if (vm->power_state == XD_VM_POWER_STATE_RUNNING) {
        xd_op_next(op);
        return;
    }
    if (vm->power_state != XD_VM_POWER_STATE_HALTED) {
        xd_op_fail_state(op, "it is neither running nor shut down",
                         N_("resume a suspended instance, unpause a paused one"));
        return;
    }
    if (!xd_op_check_rivals(op, &power->head, vm))
        return;
    /* at its affinity, if that can: the pool knows better who reaches what, and has room */
    call.parameters = g_variant_new("(sbb)", power->head.vm, FALSE, FALSE);
    xd_op_task(op, &call);
}

static const XdStep power_on_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"check", check_block, NULL, 0, 5},
    {"start", start, NULL, 1, 900},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- off ---- */

/* Does the guest listen? The list follows its agent (verified-sequences 3.3). */
static gboolean
can_shut_down(const XdVM *vm)
{
    return vm->power_state == XD_VM_POWER_STATE_RUNNING &&
           xd_strings_contains(&vm->allowed_operations, "clean_shutdown");
}

static void
shut_down(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdConfig *config = power->head.base.connection->config;
    const XdVM *vm = xd_op_get_vm(op, &power->head);
    guint limit_s = power->timeout_s >= 0
                        ? (guint) power->timeout_s
                        : xd_config_get_uint(config, XD_CONFIG_POWER_SHUTDOWN_TIMEOUT);
    XdStepCall call = {.method = "VM.clean_shutdown",
                       .already = "halted",
                       .holds = is_halted,
                       .data = power,
                       .optional = TRUE,
                       .concludes = TRUE};

    if (vm == NULL)
        return;
    if (vm->power_state == XD_VM_POWER_STATE_SUSPENDED) {
        /* a hard_shutdown would leave a VM behind that does not start (verified-sequences 3.2) */
        xd_op_fail_state(op, "it is suspended", N_("resume it first"));
        return;
    }
    if (limit_s == 0 || !can_shut_down(vm)) {
        xd_op_next(op);
        return;
    }
    xd_op_begin_part(op, limit_s); /* not the step's: a guest has as long as the caller says */
    call.parameters = g_variant_new("(s)", power->head.vm);
    xd_op_task(op, &call);
}

static void
stop(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdVM *vm = xd_op_get_vm(op, &power->head);
    /* cancelled half-way it leaves the guest paused */
    XdStepCall call = {.method = "VM.hard_shutdown",
                       .already = "halted",
                       .holds = is_halted,
                       .data = power,
                       .concludes = TRUE,
                       .whole = TRUE};

    if (vm == NULL)
        return;
    if (vm->power_state == XD_VM_POWER_STATE_HALTED) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", power->head.vm);
    xd_op_task(op, &call);
}

static const XdStep power_off_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"shut-down", shut_down, NULL, 1, 3700},
    {"stop", stop, NULL, 1, 600},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- reboot ---- */

static void
reboot(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdVM *vm = xd_op_get_vm(op, &power->head);
    XdStepCall call = {.method = power->hard ? "VM.hard_reboot" : "VM.clean_reboot",
                       .holds = is_rebooted,
                       .data = power,
                       .concludes = TRUE,
                       .whole = power->hard};

    if (vm == NULL)
        return;
    if (vm->power_state == XD_VM_POWER_STATE_HALTED) {
        start(op, data); /* what a reset button does to a machine that is off */
        return;
    }
    power->domid = vm->domid;
    call.parameters = g_variant_new("(s)", power->head.vm);
    xd_op_task(op, &call);
}

static const XdStep reboot_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"check", check_block, NULL, 0, 5},
    {"reboot", reboot, NULL, 1, 1500},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- blocking starts ---- */

static gboolean
shows_bootable(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    const Power *power = data;
    const XdVM *vm = xd_instance_vm(data);

    return vm == NULL || xd_is_blocked(vm, power->reason) == !power->bootable;
}

/* @concludes: (nullable): where it is all that the operation is for: what holds then */
static void
set_block(XdOp *op, Power *power, gboolean block, XdPredicate concludes)
{
    const XdVM *vm = xd_instance_vm(&power->head);
    XdStepCall call = {.method = "VM.set_blocked_operations",
                       .holds = concludes,
                       .data = power,
                       .concludes = concludes != NULL};

    if (vm == NULL || xd_is_blocked(vm, power->reason) == block) {
        xd_op_next(op);
        return;
    }
    if (block && power->block == NULL)
        power->block = xd_block_new(&power->head.base, power->reason);
    power->changed = TRUE;
    call.parameters =
        g_variant_new("(s@a{ss})", power->head.vm,
                      xd_blocked_operations(vm, power->reason, block ? power->block : NULL));
    xd_op_call(op, &call);
}

static void
block(XdOp *op, gpointer data)
{
    set_block(op, data, TRUE, NULL);
}

static void
unblock(XdOp *op, gpointer data)
{
    set_block(op, data, FALSE, NULL);
}

/* What this operation has changed is taken back, and nothing else. */
static void
change_back(XdOp *op, Power *power, gboolean block)
{
    if (power->changed)
        set_block(op, power, block, NULL);
    else
        xd_op_next(op);
}

/* Too late to stop half-way: what was wanted is the case, so it is left so. */
static void
undo_block(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdVM *vm = xd_instance_vm(&power->head);

    if (xd_instance_is_in(&power->head, XD_VM_POWER_STATE_HALTED) &&
        xd_is_blocked(vm, power->reason))
        xd_op_make_good(op, data);
    else
        change_back(op, data, FALSE);
}

static void
undo_unblock(XdOp *op, gpointer data)
{
    if (xd_instance_is_in(data, XD_VM_POWER_STATE_RUNNING))
        xd_op_make_good(op, data);
    else
        change_back(op, data, TRUE);
}

static void
set_bootable(XdOp *op, gpointer data)
{
    set_block(op, data, !((Power *) data)->bootable, shows_bootable);
}

static void
see_bootable(XdOp *op, gpointer data)
{
    xd_op_see(op, ((Power *) data)->head.vm, shows_bootable, data);
}

static const XdStep soft_delete_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"block-starts", block, undo_block, 1, 60},
    {"shut-down", shut_down, NULL, 10, 3700},
    {"stop", stop, NULL, 5, 600},
    XD_STEP_TELL_INSTANCE,
    {0},
};

static const XdStep restore_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"check", check_bootable, NULL, 0, 5},
    {"allow-starts", unblock, undo_unblock, 1, 60},
    {"start", start, NULL, 10, 900},
    XD_STEP_TELL_INSTANCE,
    {0},
};

static const XdStep set_bootable_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"set-bootable", set_bootable, NULL, 1, 60},
    {"see-bootable", see_bootable, NULL, 0, 30},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- the slots ---- */

static void
power_clear(gpointer data)
{
    g_free(((Power *) data)->block);
    xd_instance_state_clear(data);
}

static Power *
power_new(const char *instance)
{
    Power *power = g_new0(Power, 1);

    xd_instance_state_init(&power->head, instance);
    power->timeout_s = -1;
    return power;
}

#define RUN(operation_name, operation_steps, power)                                                \
    static const XdOperationClass klass = {operation_name, operation_steps, power_clear};          \
    xd_operation_run(&klass, power, connection, instance, NULL, call, cancellable, callback,       \
                     user_data)

void
xd_power_on_async(XdConnection *connection, const char *instance, const HvdCall *call,
                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    RUN("power-on", power_on_steps, power_new(instance));
}

void
xd_power_off_async(XdConnection *connection, const char *instance, int timeout_s,
                   const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                   gpointer user_data)
{
    Power *power = power_new(instance);

    power->timeout_s = timeout_s;
    RUN("power-off", power_off_steps, power);
}

void
xd_reboot_async(XdConnection *connection, const char *instance, gboolean hard, const HvdCall *call,
                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    Power *power = power_new(instance);

    power->hard = hard;
    RUN("reboot", reboot_steps, power);
}

void
xd_soft_delete_async(XdConnection *connection, const char *instance, const HvdCall *call,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    Power *power = power_new(instance);

    power->reason = XD_BLOCK_SOFT_DELETED;
    RUN("soft-delete", soft_delete_steps, power);
}

void
xd_restore_async(XdConnection *connection, const char *instance, const HvdCall *call,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    Power *power = power_new(instance);

    power->reason = XD_BLOCK_SOFT_DELETED;
    RUN("restore", restore_steps, power);
}

void
xd_set_bootable_async(XdConnection *connection, const char *instance, gboolean bootable,
                      const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
    Power *power = power_new(instance);

    power->bootable = bootable;
    power->reason = XD_BLOCK_NOT_BOOTABLE;
    RUN("set-bootable", set_bootable_steps, power);
}
