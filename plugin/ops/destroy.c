#include "ops/destroy.h"

#include "ops/find.h"
#include "ops/removal.h"

typedef struct {
    XdInstanceState head;
    char *tag; /* of our own mark; NULL: somebody's was there before */
    XdRemoval removal;
} Destroy;

static void
destroy_clear(gpointer data)
{
    Destroy *destroy = data;

    xd_removal_clear(&destroy->removal);
    g_free(destroy->tag);
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

/* ---- the mark: who is killed half-way has said what he was about ---- */

static void
mark(XdOp *op, gpointer data)
{
    static const char *const done[] = {"MAP_DUPLICATE_KEY", "HANDLE_INVALID", NULL};
    Destroy *destroy = data;
    const XdVM *vm = xd_removal_vm(&destroy->removal);
    XdStepCall call = {.method = "VM.add_to_other_config", .done = done, .kind = "destroy"};

    if (vm == NULL || xd_map_get(&vm->other_config, XD_DESTROY_KEY) != NULL) {
        xd_op_next(op);
        return;
    }
    destroy->tag = xd_operation_tag(&destroy->head.base, "destroy", 0);
    call.parameters = g_variant_new("(sss)", destroy->removal.vm, XD_DESTROY_KEY, destroy->tag);
    xd_op_call(op, &call);
}

static void
unmark(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Destroy *destroy = data;
    const XdVM *vm = xd_removal_vm(&destroy->removal);
    const char *there = vm != NULL ? xd_map_get(&vm->other_config, XD_DESTROY_KEY) : NULL;
    XdStepCall call = {.method = "VM.remove_from_other_config", .done = done};

    if (destroy->tag == NULL || g_strcmp0(there, destroy->tag) != 0) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(ss)", destroy->removal.vm, XD_DESTROY_KEY);
    xd_op_call(op, &call);
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
