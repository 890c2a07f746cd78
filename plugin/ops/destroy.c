#include "ops/destroy.h"

#include "ops/block.h"
#include "ops/find.h"
#include "ops/removal.h"
#include "xenapi/tag.h"

typedef struct {
    XdInstanceState head;
    char *block; /* our own mark; NULL: somebody's was there before */
    XdRemoval removal;
} Destroy;

static void
destroy_clear(gpointer data)
{
    Destroy *destroy = data;

    xd_removal_clear(&destroy->removal);
    g_free(destroy->block);
    xd_instance_state_clear(data);
}

/* The toolstack refuses it only at the end, when the disks are gone already. */
static GError *
check_block(const XdVM *vm)
{
    const char *reason = vm != NULL ? xd_map_get(&vm->blocked_operations, "destroy") : NULL;
    g_autofree char *shown = reason != NULL ? xd_escape(reason, -1, 200) : NULL;

    return reason != NULL
               ? xd_error_new(HVD_ERROR_DENIED, "an administrator has blocked it: %s", shown)
               : NULL;
}

static void
find(XdOp *op, gpointer data)
{
    Destroy *destroy = data;
    GError *error = NULL;
    const XdVM *vm =
        xd_look_for_instance(destroy->head.base.connection->mirror, destroy->head.instance, &error);

    if (error == NULL)
        error = check_block(vm);
    if (error != NULL) {
        xd_op_fail(op, error);
        return;
    }
    xd_removal_init(&destroy->removal, &destroy->head.base, destroy->head.instance, vm);
    xd_op_next(op);
}

/* ---- the mark: who is killed half-way has said what he was about ----
 * It forbids every start: a machine that somebody could start again would be destroyed weeks later, with what
 * it has got since. Who wants it back takes the block off, and the mark with it. */

static void
set_blocked(XdOp *op, const Destroy *destroy, const XdVM *vm, const char *block)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    XdStepCall call = {.method = "VM.set_blocked_operations", .done = done};

    call.parameters = g_variant_new("(s@a{ss})", destroy->removal.vm,
                                    xd_blocked_operations(vm, XD_BLOCK_DESTROYED, block));
    xd_op_call(op, &call);
}

static void
mark(XdOp *op, gpointer data)
{
    Destroy *destroy = data;
    const XdVM *vm = xd_removal_vm(&destroy->removal);

    if (vm == NULL || xd_is_blocked(vm, XD_BLOCK_DESTROYED)) {
        xd_op_next(op);
        return;
    }
    destroy->block = xd_block_new(&destroy->head.base, XD_BLOCK_DESTROYED);
    set_blocked(op, destroy, vm, destroy->block);
}

/* Our own, and never one that another process has set since. */
static void
unmark(XdOp *op, gpointer data)
{
    Destroy *destroy = data;
    const XdVM *vm = xd_removal_vm(&destroy->removal);
    g_autofree char *tag = vm != NULL ? xd_block_get_tag(vm, XD_BLOCK_DESTROYED) : NULL;

    if (!xd_tag_is_of(tag, destroy->head.base.id))
        xd_op_next(op);
    else
        set_blocked(op, destroy, vm, NULL);
}

/* ---- after the point of no return undo goes forward ---- */

static void
remove_all(XdOp *op, gpointer data)
{
    xd_op_table(op, xd_removal_steps, &((Destroy *) data)->removal);
}

/* What failed is tried once more, together with what is left: a half-destroyed instance is of no use
 * to anybody. One that could not even be stopped stays as it was. */
static void
finish(XdOp *op, gpointer data)
{
    static const XdStep forward[] = {
        {"remove", remove_all, NULL, 10, 7200},
        {"made-good", xd_op_make_good, NULL, 0, 1},
        {0},
    };

    if (xd_removal_has_begun(&((Destroy *) data)->removal))
        xd_op_table(op, forward, data);
    else
        unmark(op, data);
}

static void
see_gone(XdOp *op, gpointer data)
{
    Destroy *destroy = data;

    xd_op_see(op, destroy->removal.vm, xd_removal_is_gone, &destroy->removal);
}

static const XdStep destroy_steps[] = {
    XD_STEP_SEE_POOL,
    {"find-instance", find, NULL, 0, 5},
    {"mark", mark, unmark, 1, 60},
    {"point-of-no-return", xd_op_point_of_no_return, NULL, 0, 1},
    {"remove", remove_all, finish, 30, 7200},
    {"see-gone", see_gone, NULL, 0, 30},
    {0},
};

void
xd_destroy_async(XdConnection *connection, const char *instance, const HvdCall *call,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    static const XdOperationClass klass = {"destroy", destroy_steps, destroy_clear};
    Destroy *destroy = g_new0(Destroy, 1);

    xd_instance_state_init(&destroy->head, instance);
    xd_operation_run(&klass, destroy, connection, instance, NULL, call, cancellable, callback,
                     user_data);
}
