#include "ops/snapshot.h"

#include "image/raw.h"
#include "ops/disposal.h"
#include "ops/find.h"
#include "ops/operation.h"
#include "xd-documents.h"

typedef struct {
    XdInstanceState head;
    GOutputStream *stream;
    gboolean digest; /* of its bytes is asked for */
    XdDrain *drain;
    char *disk; /* the root disk */
    char *sr;
    char *snapshot;    /* of it */
    char *task_tag;    /* of the call that makes it */
    GHashTable *known; /* what may be one, and was there before it */
} Snapshot;

static void
snapshot_clear(gpointer data)
{
    Snapshot *snapshot = data;

    g_clear_pointer(&snapshot->drain, xd_drain_free);
    g_clear_object(&snapshot->stream);
    g_free(snapshot->disk);
    g_free(snapshot->sr);
    g_free(snapshot->snapshot);
    g_free(snapshot->task_tag);
    g_clear_pointer(&snapshot->known, g_hash_table_unref);
    xd_instance_state_clear(data);
}

static const XdMirror *
mirror_of(Snapshot *snapshot)
{
    return snapshot->head.base.connection->mirror;
}

static void
find_root(XdOp *op, gpointer data)
{
    Snapshot *snapshot = data;
    const XdMirror *mirror = mirror_of(snapshot);
    const XdVBD *vbd = xd_find_root(mirror, snapshot->head.vm);
    const XdVDI *vdi = vbd != NULL ? xd_get_vdi(mirror, vbd->vdi) : NULL;

    if (vdi == NULL) {
        xd_op_fail(op, xd_error_new(HVD_ERROR_NOT_FOUND, "the instance has no root disk"));
        return;
    }
    if (xd_map_get(&vbd->other_config, XD_VOLUME_KEY) != NULL) {
        xd_op_fail(op, xd_error_new(HVD_ERROR_UNSUPPORTED,
                                    "its root disk is a volume: take the snapshot where that is"));
        return;
    }
    snapshot->disk = g_strdup(vdi->parent.ref);
    snapshot->sr = g_strdup(vdi->sr);
    xd_op_next(op);
}

/* ---- the snapshot: found again by its task, since it inherits the disk's own marks ---- */

/* sm introduces it as any other disk (FileSR.py), without what a disk gets that somebody has asked for; that it is a
 * snapshot xapi says a moment later (storage_smapiv1.ml). */
static gboolean
is_bare_copy(Snapshot *snapshot, const XdVDI *vdi)
{
    const GPtrArray *vbds = xd_mirror_find(mirror_of(snapshot), XD_BY_VBD_VDI, vdi->parent.ref);
    const XdVDI *disk = xd_get_vdi(mirror_of(snapshot), snapshot->disk);
    gboolean has_content = xd_map_get(&vdi->other_config, "content_id") != NULL;

    return disk != NULL && vdi->virtual_size == disk->virtual_size && vdi->managed &&
           vbds->len == 0 && vdi->name_label[0] == '\0' &&
           vdi->other_config.n == (has_content ? 1 : 0);
}

/* A toolstack that ends in the middle leaves half of one, which does not say whose snapshot it is, if it says that
 * it is one. */
static gboolean
may_be_of_disk(Snapshot *snapshot, const XdVDI *vdi)
{
    if (!vdi->is_a_snapshot)
        return is_bare_copy(snapshot, vdi);
    return vdi->snapshot_of == NULL || strcmp(vdi->snapshot_of, snapshot->disk) == 0;
}

static GHashTable *
find_snapshots(Snapshot *snapshot)
{
    const GPtrArray *disks = xd_mirror_find(mirror_of(snapshot), XD_BY_VDI_SR, snapshot->sr);
    GHashTable *found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < disks->len; i++) {
        const XdVDI *vdi = g_ptr_array_index(disks, i);

        if (may_be_of_disk(snapshot, vdi))
            g_hash_table_add(found, g_strdup(vdi->uuid));
    }
    return found;
}

static void
note_known(Snapshot *snapshot)
{
    if (snapshot->known == NULL)
        snapshot->known = find_snapshots(snapshot);
}

static void
take_snapshot(XdOp *op, gpointer data)
{
    Snapshot *snapshot = data;
    XdStepCall call = {.method = "VDI.snapshot",
                       .kind = "snapshot",
                       .out = &snapshot->snapshot,
                       .gate = snapshot->sr};

    note_known(snapshot);
    snapshot->task_tag = xd_operation_tag(&snapshot->head.base, "snapshot", 0);
    call.parameters = g_variant_new("(s@a{ss})", snapshot->disk, g_variant_new("a{ss}", NULL));
    xd_op_task(op, &call);
}

/* With its task the toolstack has forgotten what became of it. */
static gboolean
has_task(Snapshot *snapshot)
{
    return xd_mirror_find_one(mirror_of(snapshot), XD_BY_TASK_TAG, snapshot->task_tag) != NULL;
}

/* (nullable): what may be ours or somebody else's is told, and left alone */
static GError *
strangers_error(Snapshot *snapshot)
{
    g_autoptr(GHashTable) found = find_snapshots(snapshot);
    g_autoptr(GString) text = g_string_new(NULL);
    GHashTableIter iter;
    gpointer uuid;

    g_hash_table_iter_init(&iter, found);
    while (g_hash_table_iter_next(&iter, &uuid, NULL)) {
        if (!g_hash_table_contains(snapshot->known, uuid))
            g_string_append_printf(text, "%sVDI %s", text->len > 0 ? ", " : "", (char *) uuid);
    }
    if (text->len == 0)
        return NULL;
    return xd_error_new(HVD_ERROR_LEFTOVERS, "%s: may be the snapshot that was being taken",
                        text->str);
}

static void
reap_snapshot(XdOp *op, gpointer data)
{
    Snapshot *snapshot = data;
    g_autoptr(GPtrArray) doomed = xd_doomed_disks_new();
    GError *strangers = NULL;
    const XdVDI *vdi;

    if (snapshot->snapshot == NULL && snapshot->task_tag != NULL)
        snapshot->snapshot = xd_operation_made(&snapshot->head.base, snapshot->task_tag);
    vdi = xd_get_vdi(mirror_of(snapshot), snapshot->snapshot);
    if (vdi != NULL && vdi->is_a_snapshot)
        xd_doomed_disks_add(doomed, vdi);
    else if (snapshot->snapshot == NULL && snapshot->task_tag != NULL && !has_task(snapshot))
        strangers = strangers_error(snapshot);
    if (strangers != NULL)
        xd_op_fail(op, strangers);
    else
        xd_op_each(op, doomed, xd_dispose_disk_steps, 1);
}

/* A snapshot looks like any other tool's: our mark on it is for the next process, if this one dies. */
static void
mark_snapshot(XdOp *op, gpointer data)
{
    static const char *const done[] = {"MAP_DUPLICATE_KEY", NULL};
    Snapshot *snapshot = data;
    g_autofree char *tag = xd_operation_tag(&snapshot->head.base, "snapshot", 0);
    XdStepCall call = {.method = "VDI.add_to_other_config", .kind = "mark", .done = done};

    call.parameters = g_variant_new("(sss)", snapshot->snapshot, XD_SNAPSHOT_KEY, tag);
    xd_op_call(op, &call);
}

static void
export_snapshot(XdOp *op, gpointer data)
{
    Snapshot *snapshot = data;
    const XdConfig *config = snapshot->head.base.connection->config;
    const XdVDI *vdi = xd_get_vdi(mirror_of(snapshot), snapshot->snapshot);
    XdStepTransfer transfer = {.vdi = snapshot->snapshot, .sr = snapshot->sr, .kind = "export"};

    if (vdi == NULL && xd_op_get_plan(op) == NULL) {
        xd_op_fail(op, xd_error_new(HVD_ERROR_NOT_FOUND, "the snapshot is gone"));
        return;
    }
    /* not the disk's: that may have grown since. Who has been told of the task's end knows the record */
    transfer.size = vdi != NULL ? (guint64) vdi->virtual_size : 0;
    snapshot->drain = xd_raw_drain_new(snapshot->stream, snapshot->digest,
                                       xd_config_get_uint(config, XD_CONFIG_TRANSFER_BUFFER_BYTES));
    transfer.drain = snapshot->drain;
    xd_op_transfer(op, &transfer);
}

static gboolean
is_gone(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    Snapshot *snapshot = data;

    return xd_get_vdi(mirror_of(snapshot), snapshot->snapshot) == NULL;
}

static void
destroy_snapshot(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    static const char *const retry[] = {"VDI_IN_USE", "SR_BACKEND_FAILURE_46", NULL};
    Snapshot *snapshot = data;
    XdStepCall call = {.method = "VDI.destroy",
                       .done = done,
                       .retry = retry,
                       .attempts = 10,
                       .delay_s = 3,
                       .gate = snapshot->sr,
                       .holds = is_gone,
                       .data = snapshot};

    call.parameters = g_variant_new("(s)", snapshot->snapshot);
    xd_op_task(op, &call);
}

static void
tell(XdOp *op, gpointer data)
{
    Snapshot *snapshot = data;
    g_auto(XdSnapshotInfo) info = {.format = XD_SNAPSHOT_INFO_FORMAT_RAW};

    if (snapshot->drain != NULL && xd_op_get_plan(op) == NULL) {
        info.size_bytes = (gint64) snapshot->drain->position;
        info.sha256 = g_strdup(xd_raw_drain_get_sha256(snapshot->drain));
        xd_op_set_result(op, xd_snapshot_info_print(&info, XD_PRINT_MASKED), g_free);
    }
    xd_op_next(op);
}

static const XdStep snapshot_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"find-root-disk", find_root, NULL, 0, 5},
    {"take-snapshot", take_snapshot, reap_snapshot, 10, 900},
    {"mark-snapshot", mark_snapshot, NULL, 1, 60},
    {"export", export_snapshot, NULL, 80, XD_TRANSFER_S},
    {"destroy-snapshot", destroy_snapshot, NULL, 9, 900},
    {"tell", tell, NULL, 0, 5},
    {0},
};

void
xd_snapshot_async(XdConnection *connection, const char *instance, GOutputStream *sink,
                  const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                  gpointer user_data)
{
    static const XdOperationClass klass = {"snapshot", snapshot_steps, snapshot_clear};
    Snapshot *snapshot = g_new0(Snapshot, 1);
    HvdCall options;

    xd_call_options(call, &options);
    snapshot->digest = (options.flags & HVD_CALL_DIGEST) != 0;
    snapshot->stream = g_object_ref(sink);
    xd_instance_state_init(&snapshot->head, instance);
    xd_operation_run(&klass, snapshot, connection, instance, NULL, call, cancellable, callback,
                     user_data);
}
