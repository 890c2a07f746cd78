#include "ops/mend.h"

#include "ops/block.h"
#include "ops/disposal.h"
#include "ops/find.h"
#include "ops/volume-storage.h"

static const char *const gone[] = {"HANDLE_INVALID", NULL};

XdMend *
xd_mend_new(XdOperation *operation, XdRemain *remain)
{
    XdMend *mend = g_new0(XdMend, 1);

    mend->operation = operation;
    mend->remain = remain;
    return mend;
}

void
xd_mend_free(XdMend *mend)
{
    xd_removal_clear(&mend->removal);
    g_clear_pointer(&mend->disks, g_ptr_array_unref);
    g_clear_error(&mend->error);
    g_free(mend);
}

static const XdMirror *
mirror_of(const XdMend *mend)
{
    return mend->operation->connection->mirror;
}

/* Calls that take the reference alone, and want it gone. */
static void
remove_object(XdOp *op, const XdMend *mend, const char *method)
{
    XdStepCall call = {.method = method, .done = gone};

    call.parameters = g_variant_new("(s)", mend->remain->ref);
    xd_op_call(op, &call);
}

/* What is done has to be in the mirror when it ends, or the next pass would do it again. */
static gboolean
is_gone(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    const XdMend *mend = data;
    const XdClass *klass = xd_mend_class(mend->remain->kind)->klass;

    return mend->spared || klass == NULL ||
           xd_mirror_get(mirror_of(mend), klass, mend->remain->ref) == NULL;
}

static void
see_gone(XdOp *op, gpointer data)
{
    xd_op_see(op, ((XdMend *) data)->remain->ref, is_gone, data);
}

#define SEE_GONE                                                                                   \
    {                                                                                              \
        "see-gone", see_gone, NULL, 0, 30                                                          \
    }

/* ---- machines ---- */

static void
remove_machine(XdOp *op, gpointer data)
{
    XdMend *mend = data;
    const XdVM *vm = xd_get_vm(mirror_of(mend), mend->remain->ref);

    xd_removal_init(&mend->removal, mend->operation,
                    mend->remain->instance != NULL ? mend->remain->instance : "", vm);
    xd_op_table(op, xd_removal_steps, &mend->removal);
}

static void
remove_half_made(XdOp *op, gpointer data)
{
    XdMend *mend = data;
    const XdVM *vm = xd_get_vm(mirror_of(mend), mend->remain->ref);

    mend->spared = vm != NULL && xd_was_started(vm); /* meanwhile */
    if (mend->spared)
        xd_op_next(op);
    else
        remove_machine(op, data);
}

static const XdStep made_steps[] = {
    {"remove", remove_half_made, NULL, 10, 7200},
    SEE_GONE,
    {0},
};

/* Nothing had been taken from anybody yet: it is as if nobody had asked. Its disks first: who is killed here
 * leaves the mark by which the others are found. */

static void
unmark_disk(XdOp *op, gpointer data)
{
    const XdDoomedDisk *disk = data;
    XdStepCall call = {.method = "VDI.remove_from_other_config", .done = gone};

    call.parameters = g_variant_new("(ss)", disk->vdi, XD_DESTROY_KEY);
    xd_op_call(op, &call);
}

static void
unmark_disks(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {{"unmark-disk", unmark_disk, NULL, 1, 60}, {0}};
    XdMend *mend = data;
    const GPtrArray *vbds = xd_mirror_find(mirror_of(mend), XD_BY_VBD_VM, mend->remain->ref);

    mend->disks = xd_doomed_disks_new();
    for (guint i = 0; i < vbds->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);
        const XdVDI *vdi = xd_get_vdi(mirror_of(mend), vbd->vdi);

        if (vdi != NULL && xd_map_get(&vdi->other_config, XD_DESTROY_KEY) != NULL)
            xd_doomed_disks_add(mend->disks, vdi);
    }
    xd_op_each(op, mend->disks, steps, 1);
}

static void
unblock(XdOp *op, const XdMend *mend, const char *reason)
{
    const XdVM *vm = xd_get_vm(mirror_of(mend), mend->remain->ref);
    XdStepCall call = {.method = "VM.set_blocked_operations", .done = gone};

    if (vm == NULL) {
        xd_op_next(op);
        return;
    }
    call.parameters =
        g_variant_new("(s@a{ss})", mend->remain->ref, xd_blocked_operations(vm, reason, NULL));
    xd_op_call(op, &call);
}

static void
unmark(XdOp *op, gpointer data)
{
    unblock(op, data, XD_BLOCK_DESTROYED);
}

static const XdStep forget_steps[] = {
    {"unmark-disks", unmark_disks, NULL, 1, 300},
    {"unblock", unmark, NULL, 1, 60},
    {0},
};

static void
end_destruction(XdOp *op, gpointer data)
{
    XdMend *mend = data;
    const XdVM *vm = xd_get_vm(mirror_of(mend), mend->remain->ref);

    /* meanwhile */
    mend->spared = vm != NULL && xd_is_down(vm) && !xd_is_wholly_blocked(vm, XD_BLOCK_DESTROYED);
    if (mend->spared)
        xd_op_next(op);
    else if (vm != NULL && !xd_is_down(vm))
        xd_op_table(op, forget_steps, mend);
    else
        remove_machine(op, data);
}

/* Gone, or forgotten. */
static gboolean
is_settled(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    const XdMend *mend = data;
    const XdVM *vm = xd_get_vm(mirror_of(mend), mend->remain->ref);

    return mend->spared || vm == NULL ||
           (!xd_is_blocked(vm, XD_BLOCK_DESTROYED) && !xd_is_blocked(vm, XD_BLOCK_SOFT_DELETED));
}

static void
see_settled(XdOp *op, gpointer data)
{
    xd_op_see(op, ((XdMend *) data)->remain->ref, is_settled, data);
}

static const XdStep destroyed_steps[] = {
    {"end-destruction", end_destruction, NULL, 10, 7200},
    {"see-settled", see_settled, NULL, 0, 30},
    {0},
};

static void
allow_starts(XdOp *op, gpointer data)
{
    unblock(op, data, XD_BLOCK_SOFT_DELETED);
}

static const XdStep deleted_steps[] = {
    {"unblock", allow_starts, NULL, 1, 60},
    {"see-settled", see_settled, NULL, 0, 30},
    {0},
};

/* ---- devices and disks ---- */

static void
destroy_device(XdOp *op, gpointer data)
{
    remove_object(op, data, "VBD.destroy");
}

static const XdStep device_steps[] = {
    {"destroy-device", destroy_device, NULL, 1, 60},
    SEE_GONE,
    {0},
};

static void
destroy_disk(XdOp *op, gpointer data)
{
    XdMend *mend = data;
    const XdVDI *vdi = xd_get_vdi(mirror_of(mend), mend->remain->ref);

    mend->spared = vdi != NULL && xd_disk_is_used(mirror_of(mend), vdi); /* meanwhile */
    mend->disks = xd_doomed_disks_new();
    if (vdi != NULL && !mend->spared)
        xd_doomed_disks_add(mend->disks, vdi);
    xd_op_each(op, mend->disks, xd_dispose_disk_steps, 1);
}

static const XdStep disk_steps[] = {
    {"destroy-disk", destroy_disk, NULL, 1, 900},
    SEE_GONE,
    {0},
};

/* ---- storage ---- */

static void
destroy_link(XdOp *op, gpointer data)
{
    remove_object(op, data, "PBD.destroy");
}

static const XdStep link_steps[] = {
    {"destroy-link", destroy_link, NULL, 1, 60},
    SEE_GONE,
    {0},
};

static void
drop_storage(XdOp *op, gpointer data)
{
    XdMend *mend = data;
    const XdSR *sr = xd_get_sr(mirror_of(mend), mend->remain->ref);

    mend->spared = sr != NULL && xd_storage_is_used(mirror_of(mend), sr); /* meanwhile */
    if (sr == NULL || mend->spared)
        xd_op_next(op);
    else
        xd_op_table(op, xd_storage_drop_steps, mend->remain->ref);
}

static const XdStep storage_steps[] = {{"drop-storage", drop_storage, NULL, 1, 3600}, {0}};

static void
destroy_secret(XdOp *op, gpointer data)
{
    remove_object(op, data, "secret.destroy");
}

static const XdStep secret_steps[] = {{"destroy-secret", destroy_secret, NULL, 1, 60}, {0}};

/* One that is pending is destroyed only when it ends, and nobody else would end it; the server removes the
 * finished ones itself. */
static void
end_task(XdOp *op, gpointer data)
{
    const XdMend *mend = data;
    XdStepCall call = {.method = "task.set_status", .done = gone};

    call.parameters = g_variant_new("(ss)", mend->remain->ref, "cancelled");
    xd_op_call(op, &call);
}

static gboolean
is_ended(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    const XdMend *mend = data;
    const XdTask *task = xd_get_task(mirror_of(mend), mend->remain->ref);

    return task == NULL || task->status != XD_TASK_STATUS_TYPE_PENDING;
}

static void
see_ended(XdOp *op, gpointer data)
{
    xd_op_see(op, ((XdMend *) data)->remain->ref, is_ended, data);
}

static const XdStep task_steps[] = {
    {"end-task", end_task, NULL, 1, 60},
    {"see-ended", see_ended, NULL, 0, 30},
    {0},
};

/* ---- all kinds ---- */

static const XdMendClass classes[XD_N_REMAINS] = {
    [XD_REMAIN_MADE] = {"VM", &xd_class_vm, N_("its spawn did not come to its end"), FALSE,
                        made_steps},
    [XD_REMAIN_DESTROYED] = {"VM", &xd_class_vm, N_("its destruction was under way"), TRUE,
                             destroyed_steps},
    [XD_REMAIN_DELETED] = {"VM", &xd_class_vm,
                           N_("it was to be soft-deleted, and runs: it may start again"), TRUE,
                           deleted_steps},
    [XD_REMAIN_DEVICE] = {"VBD", &xd_class_vbd, N_("a volume that is not plugged"), FALSE,
                          device_steps},
    [XD_REMAIN_DISK] = {"VDI", &xd_class_vdi, N_("nobody uses it"), FALSE, disk_steps},
    [XD_REMAIN_LINK] = {"PBD", &xd_class_pbd, N_("it was made and not plugged"), FALSE, link_steps},
    [XD_REMAIN_STORAGE] = {"SR", &xd_class_sr, N_("a volume's storage that nobody uses"), FALSE,
                           storage_steps},
    [XD_REMAIN_TASK] = {"task", &xd_class_task, N_("its transfer does not run any more"), FALSE,
                        task_steps},
    [XD_REMAIN_SECRET] = {"secret", NULL, N_("storage has a copy of it"), FALSE, secret_steps},
};

const XdMendClass *
xd_mend_class(XdRemainKind kind)
{
    return &classes[kind];
}

void
xd_step_mend(XdOp *op, gpointer data)
{
    XdMend *mend = data;

    xd_op_try(op, xd_mend_class(mend->remain->kind)->steps, mend, &mend->error);
}
