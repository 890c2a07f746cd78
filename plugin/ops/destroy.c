#include "ops/destroy.h"

#include "ops/disposal.h"
#include "ops/find.h"

#include <string.h>

#define DISKS_AT_ONCE 4

typedef struct {
    XdInstanceState head;
    char *tag;
    GPtrArray *disks; /* (element-type XdDoomedDisk) */
} Destroy;

static void
destroy_clear(gpointer data)
{
    Destroy *destroy = data;

    xd_instance_state_clear(data);
    g_clear_pointer(&destroy->disks, g_ptr_array_unref);
    g_free(destroy->tag);
}

/* ---- finding ---- */

static void
collect_disks(Destroy *destroy, const XdVM *vm)
{
    const XdMirror *mirror = destroy->head.base.connection->mirror;
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, vm->parent.ref);
    const XdVDI *memory = xd_get_vdi(mirror, vm->suspend_vdi);

    for (guint i = 0; i < vbds->len; i++) {
        const XdVDI *vdi = xd_own_disk(mirror, g_ptr_array_index(vbds, i), destroy->head.instance);

        if (vdi != NULL)
            xd_doomed_disks_add(destroy->disks, vdi);
    }
    if (memory != NULL) /* it carries no mark, but it is this VM's alone */
        xd_doomed_disks_add(destroy->disks, memory);
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

    destroy->disks = xd_doomed_disks_new();
    if (error == NULL)
        error = check_block(vm);
    if (error != NULL) {
        xd_op_fail(op, error);
        return;
    }
    if (vm != NULL) {
        destroy->head.vm = g_strdup(vm->parent.ref);
        collect_disks(destroy, vm);
    }
    xd_op_next(op);
}

/* ---- the mark: who is killed half-way has said what he was about ---- */

static void
mark(XdOp *op, gpointer data)
{
    static const char *const done[] = {"MAP_DUPLICATE_KEY", "HANDLE_INVALID", NULL};
    Destroy *destroy = data;
    const XdVM *vm = xd_instance_vm(&destroy->head);
    XdStepCall call = {.method = "VM.add_to_other_config", .done = done, .kind = "destroy"};

    if (vm == NULL || xd_map_get(&vm->other_config, XD_DESTROY_KEY) != NULL) {
        xd_op_next(op);
        return;
    }
    destroy->tag = xd_operation_tag(&destroy->head.base, "destroy", 0);
    call.parameters = g_variant_new("(sss)", destroy->head.vm, XD_DESTROY_KEY, destroy->tag);
    xd_op_call(op, &call);
}

static void
unmark(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Destroy *destroy = data;
    XdStepCall call = {.method = "VM.remove_from_other_config", .done = done};

    if (destroy->tag == NULL) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(ss)", destroy->head.vm, XD_DESTROY_KEY);
    xd_op_call(op, &call);
}

/* ---- stopping ---- */

static gboolean
is_stopped(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    const XdVM *vm = xd_instance_vm(data);

    return vm == NULL || vm->power_state == XD_VM_POWER_STATE_HALTED;
}

static void
stop(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Destroy *destroy = data;
    const XdVM *vm = xd_instance_vm(&destroy->head);
    XdStepCall call = {.method = "VM.hard_shutdown",
                       .done = done,
                       .already = "halted",
                       .holds = is_stopped,
                       .data = destroy};

    /* a suspended VM is destroyed as it is (verified-sequences 3.2) */
    if (vm == NULL || vm->power_state == XD_VM_POWER_STATE_HALTED ||
        vm->power_state == XD_VM_POWER_STATE_SUSPENDED) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", destroy->head.vm);
    xd_op_task(op, &call);
}

/* ---- removing ----
 * Disks of a halted VM go first: their VBDs go with them, and the VM, which tells whose they were, is
 * the last to leave. Those of a suspended one are still attached and have to wait for it. */

static void
destroy_disks(XdOp *op, gpointer data)
{
    Destroy *destroy = data;

    xd_op_each(op, destroy->disks, xd_dispose_disk_steps, DISKS_AT_ONCE);
}

static void
destroy_detached_disks(XdOp *op, gpointer data)
{
    const XdVM *vm = xd_instance_vm(data);

    if (vm != NULL && vm->power_state == XD_VM_POWER_STATE_SUSPENDED)
        xd_op_next(op);
    else
        destroy_disks(op, data);
}

static gboolean
is_gone(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return xd_instance_vm(data) == NULL;
}

static void
destroy_vm(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Destroy *destroy = data;
    XdStepCall call = {.method = "VM.destroy", .done = done, .holds = is_gone, .data = destroy};

    if (destroy->head.vm == NULL) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", destroy->head.vm);
    xd_op_call(op, &call);
}

static void
see_gone(XdOp *op, gpointer data)
{
    xd_op_see(op, ((Destroy *) data)->head.vm, is_gone, data);
}

/* ---- after the point of no return undo goes forward ---- */

static const XdStep finish_steps[] = {
    {"destroy-disks", destroy_detached_disks, NULL, 10, 3600},
    {"destroy-vm", destroy_vm, NULL, 5, 120},
    {"destroy-left-disks", destroy_disks, NULL, 1, 3600},
    {"made-good", xd_op_make_good, NULL, 0, 1},
    {0},
};

/* What failed is tried once more, together with what is left: a half-destroyed instance is of no use
 * to anybody. One that could not even be stopped stays as it was. */
static void
finish(XdOp *op, gpointer data)
{
    const XdVM *vm = xd_instance_vm(data);

    if (vm != NULL && vm->power_state != XD_VM_POWER_STATE_HALTED &&
        vm->power_state != XD_VM_POWER_STATE_SUSPENDED)
        unmark(op, data);
    else
        xd_op_table(op, finish_steps, data);
}

static const XdStep destroy_steps[] = {
    XD_STEP_SEE_POOL,
    {"find-instance", find, NULL, 0, 5},
    {"mark", mark, unmark, 1, 60},
    {"point-of-no-return", xd_op_point_of_no_return, NULL, 0, 1},
    {"stop", stop, finish, 10, 600},
    {"destroy-disks", destroy_detached_disks, NULL, 10, 3600},
    {"destroy-vm", destroy_vm, NULL, 5, 120},
    {"destroy-left-disks", destroy_disks, NULL, 1, 3600},
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

/* ---- cleanup: disks of an instance that is gone ---- */

/* Clones and snapshots inherit marks: only a disk that alone carries its own is certainly ours. */
static gboolean
is_orphan(const XdMirror *mirror, const XdVDI *vdi)
{
    const char *tag = xd_map_get(&vdi->other_config, "hvd");

    return !vdi->is_a_snapshot && vdi->managed && tag != NULL &&
           xd_mirror_find(mirror, XD_BY_VBD_VDI, vdi->parent.ref)->len == 0 &&
           xd_mirror_find(mirror, XD_BY_VDI_TAG, tag)->len == 1;
}

static void
find_orphans(XdOp *op, gpointer data)
{
    Destroy *destroy = data;
    const XdMirror *mirror = destroy->head.base.connection->mirror;
    const GPtrArray *marked = xd_mirror_find(mirror, XD_BY_VDI_INSTANCE, destroy->head.instance);
    GError *error = NULL;

    destroy->disks = xd_doomed_disks_new();
    if (xd_look_for_instance(mirror, destroy->head.instance, &error) != NULL)
        error = xd_error_new(HVD_ERROR_STATE, "the instance is still there: destroy it");
    if (error != NULL) {
        xd_op_fail(op, error);
        return;
    }
    for (guint i = 0; i < marked->len; i++) {
        const XdVDI *vdi = g_ptr_array_index(marked, i);

        if (is_orphan(mirror, vdi))
            xd_doomed_disks_add(destroy->disks, vdi);
    }
    xd_op_next(op);
}

static const XdStep cleanup_steps[] = {
    XD_STEP_SEE_POOL,
    {"find-orphans", find_orphans, NULL, 0, 5},
    {"point-of-no-return", xd_op_point_of_no_return, NULL, 0, 1},
    {"destroy-disks", destroy_disks, NULL, 10, 3600},
    {0},
};

void
xd_cleanup_async(XdConnection *connection, const char *instance, const HvdCall *call,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    static const XdOperationClass klass = {"cleanup", cleanup_steps, destroy_clear};
    Destroy *destroy = g_new0(Destroy, 1);

    xd_instance_state_init(&destroy->head, instance);
    xd_operation_run(&klass, destroy, connection, instance, NULL, call, cancellable, callback,
                     user_data);
}
