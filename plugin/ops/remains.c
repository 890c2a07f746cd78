#include "ops/remains.h"

#include "ops/block.h"
#include "ops/find.h"
#include "ops/volume-storage.h"
#include "xenapi/task.h"

#include <string.h>

#define NOT_ALONE    N_("another object carries the same mark")
#define IS_RELEASED  N_("its destruction had begun, and somebody has allowed it to start since")
#define IS_NEEDED    N_("it was to be destroyed, and its instance is still there")
#define HAS_CONTENTS N_("it has contents, and nothing tells whether its instance was ever complete")

void
xd_remain_free(XdRemain *remain)
{
    xd_tag_clear(&remain->tag);
    g_free(remain->ref);
    g_free(remain->uuid);
    g_free(remain->name);
    g_free(remain->instance);
    g_free(remain);
}

XdRemain *
xd_remain_new(XdRemainKind kind, const char *ref, const char *uuid, const char *name,
              const char *tag, const char *owner, const char *epoch)
{
    g_auto(XdTag) parsed = {0};
    XdRemain *remain;

    if (tag == NULL || !xd_tag_parse(tag, &parsed) || strcmp(parsed.owner, owner) != 0 ||
        g_strcmp0(parsed.epoch, epoch) == 0)
        return NULL;
    remain = g_new0(XdRemain, 1);
    remain->kind = kind;
    remain->ref = g_strdup(ref);
    remain->uuid = g_strdup(uuid);
    remain->name = g_strdup(name);
    remain->tag = parsed;
    parsed = (XdTag){0};
    return remain;
}

/* (nullable) (transfer none): takes it into what was found */
static XdRemain *
add(const XdRemainSearch *search, XdRemainKind kind, const char *ref, const char *uuid,
    const char *name, const char *tag)
{
    XdRemain *remain = xd_remain_new(kind, ref, uuid, name, tag, search->owner, search->epoch);

    if (remain != NULL)
        g_ptr_array_add(search->found, remain);
    return remain;
}

/* ---- machines ---- */

static gboolean
is_machine(const XdVM *vm)
{
    return !vm->is_a_template && !vm->is_a_snapshot && !vm->is_control_domain;
}

/* (nullable) (transfer full): the mark of what was under way */
static char *
mark_of(const XdVM *vm, XdRemainKind kind)
{
    if (kind == XD_REMAIN_DESTROYED)
        return xd_block_get_tag(vm, XD_BLOCK_DESTROYED);
    return kind == XD_REMAIN_DELETED ? xd_block_get_tag(vm, XD_BLOCK_SOFT_DELETED)
                                     : g_strdup(xd_map_get(&vm->other_config, XD_TAG_KEY));
}

/* Other tools' clones inherit marks: how many machines have this one? */
static guint
count_machines(const XdMirror *mirror, XdRemainKind kind, const char *tag)
{
    const XdRecord *record;
    XdMirrorIter iter;
    guint n = 0;

    xd_mirror_iter_init(&iter, mirror, &xd_class_vm);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        const XdVM *vm = (const XdVM *) record;
        g_autofree char *its = is_machine(vm) ? mark_of(vm, kind) : NULL;

        n += g_strcmp0(its, tag) == 0;
    }
    return n;
}

static XdRemain *
add_machine(const XdRemainSearch *search, XdRemainKind kind, const XdVM *vm)
{
    g_autofree char *tag = mark_of(vm, kind);
    XdRemain *remain = add(search, kind, vm->parent.ref, vm->uuid, vm->name_label, tag);

    if (remain == NULL)
        return NULL;
    remain->instance = g_strdup(xd_map_get(&vm->other_config, XD_INSTANCE_KEY));
    if (kind != XD_REMAIN_DELETED && count_machines(search->mirror, kind, tag) > 1)
        remain->doubt = NOT_ALONE;
    return remain;
}

/* Who has only taken a part of the block back may have started it, and stopped it again. */
static void
look_at_destroyed(const XdRemainSearch *search, const XdVM *vm)
{
    XdRemain *remain = add_machine(search, XD_REMAIN_DESTROYED, vm);

    if (remain != NULL && remain->doubt == NULL && xd_is_down(vm) &&
        !xd_is_wholly_blocked(vm, XD_BLOCK_DESTROYED))
        remain->doubt = IS_RELEASED;
}

static void
look_at_machine(const XdRemainSearch *search, const XdVM *vm)
{
    if (!is_machine(vm))
        return;
    if (xd_is_blocked(vm, XD_BLOCK_DESTROYED)) {
        look_at_destroyed(search, vm);
        return;
    }
    if (!xd_was_started(vm))
        add_machine(search, XD_REMAIN_MADE, vm);
    if (vm->power_state == XD_VM_POWER_STATE_RUNNING)
        add_machine(search, XD_REMAIN_DELETED, vm);
}

/* Of a running machine: one that is halted gets its volumes when it starts. */
static void
look_at_device(const XdRemainSearch *search, const XdVBD *vbd)
{
    const XdVM *vm = xd_get_vm(search->mirror, vbd->vm);
    const char *tag = xd_map_get(&vbd->other_config, XD_TAG_KEY);
    g_autofree char *name = NULL;
    XdRemain *remain;

    if (vm == NULL || !is_machine(vm) || vm->power_state != XD_VM_POWER_STATE_RUNNING ||
        vbd->currently_attached || vbd->current_operations.n > 0 ||
        xd_map_get(&vbd->other_config, XD_VOLUME_KEY) == NULL)
        return;
    name = g_strdup_printf("%s of %s", vbd->userdevice, vm->name_label);
    remain = add(search, XD_REMAIN_DEVICE, vbd->parent.ref, vbd->uuid, name, tag);
    if (remain != NULL)
        remain->instance = g_strdup(xd_map_get(&vm->other_config, XD_INSTANCE_KEY));
}

#define FOR_EACH(name, Type, search, func)                                                         \
    G_STMT_START                                                                                   \
    {                                                                                              \
        const XdRecord *record;                                                                    \
        XdMirrorIter iter;                                                                         \
                                                                                                   \
        xd_mirror_iter_init(&iter, (search)->mirror, &xd_class_##name);                            \
        while ((record = xd_mirror_iter_next(&iter)) != NULL)                                      \
            func(search, (const Type *) record);                                                   \
    }                                                                                              \
    G_STMT_END

void
xd_remains_find_machines(const XdRemainSearch *search)
{
    FOR_EACH(vm, XdVM, search, look_at_machine);
    FOR_EACH(vbd, XdVBD, search, look_at_device);
}

/* ---- disks ---- */

/* dom0 holds a device on a disk while its bytes are moved (verified-sequences 2.1): that is no use. */
gboolean
xd_disk_is_used(const XdMirror *mirror, const XdVDI *vdi)
{
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VDI, vdi->parent.ref);
    const XdRecord *record;
    XdMirrorIter iter;

    for (guint i = 0; i < vbds->len; i++) {
        const XdVM *vm = xd_get_vm(mirror, ((const XdVBD *) g_ptr_array_index(vbds, i))->vm);

        if (vm == NULL || !vm->is_control_domain)
            return TRUE;
    }
    xd_mirror_iter_init(&iter, mirror, &xd_class_vm);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        if (g_strcmp0(((const XdVM *) record)->suspend_vdi, vdi->parent.ref) == 0)
            return TRUE;
    }
    return FALSE;
}

/* (nullable) (transfer full): what a task of this method has made */
static char *
result_of(const XdRemainSearch *search, const XdTask *task, const char *method)
{
    return strcmp(task->name_label, method) == 0 ? xd_task_get_made(task, search->arena) : NULL;
}

/* The task that made it, as long as the server remembers: proof whose it is. */
static gboolean
is_named_by_task(const XdRemainSearch *search, const XdVDI *vdi, const char *tag)
{
    const GPtrArray *tasks = xd_mirror_find(search->mirror, XD_BY_TASK_TAG, tag);

    for (guint i = 0; i < tasks->len; i++) {
        g_autofree char *ref = result_of(search, g_ptr_array_index(tasks, i), "Async.VDI.create");

        if (g_strcmp0(ref, vdi->parent.ref) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Did the operation come so far as to start what it made? The pool remembers that as long as the rest. */
static gboolean
has_started(const XdMirror *mirror, const XdTag *tag)
{
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, mirror, &xd_class_task);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        const XdTask *task = (const XdTask *) record;

        if (task->status == XD_TASK_STATUS_TYPE_SUCCESS &&
            g_str_has_prefix(task->name_label, "Async.VM.start") &&
            xd_tag_is_of(xd_map_get(&task->other_config, XD_TASK_TAG_KEY), tag->operation))
            return TRUE;
    }
    return FALSE;
}

static guint
count_disks(const XdMirror *mirror, const char *key, const char *tag)
{
    const XdRecord *record;
    XdMirrorIter iter;
    guint n = 0;

    xd_mirror_iter_init(&iter, mirror, &xd_class_vdi);
    while ((record = xd_mirror_iter_next(&iter)) != NULL)
        n += g_strcmp0(xd_map_get(&((const XdVDI *) record)->other_config, key), tag) == 0;
    return n;
}

static gboolean
has_instance(const XdMirror *mirror, const char *instance)
{
    const GPtrArray *vms =
        instance != NULL ? xd_mirror_find(mirror, XD_BY_VM_INSTANCE, instance) : NULL;

    for (guint i = 0; vms != NULL && i < vms->len; i++) {
        if (xd_is_instance(g_ptr_array_index(vms, i)))
            return TRUE;
    }
    return FALSE;
}

static XdRemain *
add_disk(const XdRemainSearch *search, const XdVDI *vdi, const char *tag)
{
    XdRemain *remain =
        add(search, XD_REMAIN_DISK, vdi->parent.ref, vdi->uuid, vdi->name_label, tag);

    if (remain != NULL)
        remain->instance = g_strdup(xd_map_get(&vdi->other_config, XD_DISK_INSTANCE_KEY));
    return remain;
}

/* Clones and snapshots inherit marks, so a mark alone proves nothing: it says that it was doomed, and is
 * the only one that says so; or the task that made it names it; or it was never written to. A disk that
 * somebody took from a complete instance on purpose looks like one of a spawn that was killed. */
const XdRemain *
xd_remains_look_at_disk(const XdRemainSearch *search, const XdVDI *vdi)
{
    gboolean doomed = xd_map_get(&vdi->other_config, XD_DESTROY_KEY) != NULL;
    const char *key = vdi->is_a_snapshot ? XD_SNAPSHOT_KEY : doomed ? XD_DESTROY_KEY : XD_TAG_KEY;
    const char *tag = xd_map_get(&vdi->other_config, key);
    XdRemain *remain;

    if (tag == NULL || !vdi->managed || xd_disk_is_used(search->mirror, vdi))
        return NULL;
    remain = add_disk(search, vdi, tag);
    if (remain == NULL ||
        (is_named_by_task(search, vdi, tag) && !has_started(search->mirror, &remain->tag)))
        return remain;
    if (count_disks(search->mirror, key, tag) > 1)
        remain->doubt = NOT_ALONE;
    else if (doomed && has_instance(search->mirror, remain->instance))
        remain->doubt = IS_NEEDED;
    else if (strcmp(key, XD_TAG_KEY) == 0 && xd_map_get(&vdi->other_config, "content_id") != NULL)
        remain->doubt = HAS_CONTENTS;
    return remain;
}

static void
look_at_disk(const XdRemainSearch *search, const XdVDI *vdi)
{
    xd_remains_look_at_disk(search, vdi);
}

/* ---- storage ---- */

static void
look_at_storage(const XdRemainSearch *search, const XdSR *sr)
{
    gsize length = strlen(XD_VOLUME_STORAGE);

    if (g_str_has_prefix(sr->name_description, XD_VOLUME_STORAGE) &&
        !xd_storage_is_used(search->mirror, sr))
        add(search, XD_REMAIN_STORAGE, sr->parent.ref, sr->uuid, sr->name_label,
            sr->name_description + length);
}

static void
add_link(const XdRemainSearch *search, const XdPBD *pbd, const char *tag)
{
    const XdSR *sr = xd_get_sr(search->mirror, pbd->sr);
    const XdHost *host = xd_get_host(search->mirror, pbd->host);
    g_autofree char *name = g_strdup_printf("%s at %s", sr != NULL ? sr->name_label : "nothing",
                                            host != NULL ? host->name_label : "nowhere");

    add(search, XD_REMAIN_LINK, pbd->parent.ref, pbd->uuid, name, tag);
}

/* ---- tasks, and what only they know of ---- */

static void
look_at_task(const XdRemainSearch *search, const XdTask *task)
{
    const char *tag = xd_map_get(&task->other_config, XD_TASK_TAG_KEY);
    g_autofree char *snapshot = result_of(search, task, "Async.VDI.snapshot");
    g_autofree char *link = result_of(search, task, "Async.PBD.create");
    const XdVDI *vdi = xd_get_vdi(search->mirror, snapshot);
    const XdPBD *pbd = xd_get_pbd(search->mirror, link);

    /* task.create names it after the mark; its other_config it does not fill */
    if (task->status == XD_TASK_STATUS_TYPE_PENDING)
        add(search, XD_REMAIN_TASK, task->parent.ref, task->uuid, task->name_label,
            task->name_label);
    if (tag == NULL)
        return;
    if (vdi != NULL && vdi->is_a_snapshot && !xd_disk_is_used(search->mirror, vdi) &&
        xd_map_get(&vdi->other_config, XD_SNAPSHOT_KEY) == NULL)
        add_disk(search, vdi, tag);
    if (pbd != NULL && !pbd->currently_attached)
        add_link(search, pbd, tag);
}

void
xd_remains_find_parts(const XdRemainSearch *search)
{
    FOR_EACH(vdi, XdVDI, search, look_at_disk);
    FOR_EACH(task, XdTask, search, look_at_task);
    FOR_EACH(sr, XdSR, search, look_at_storage);
}

gboolean
xd_remains_is_busy(const XdMirror *mirror, const XdTag *tag)
{
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, mirror, &xd_class_task);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        const XdTask *task = (const XdTask *) record;
        const char *its = xd_map_get(&task->other_config, XD_TASK_TAG_KEY);

        if (task->status == XD_TASK_STATUS_TYPE_PENDING && xd_tag_is_of(its, tag->operation) &&
            !xd_tag_is_of(task->name_label, tag->operation))
            return TRUE;
    }
    return FALSE;
}
