#include "ops/volume.h"

#include "model/device.h"
#include "model/portal.h"
#include "model/record.h"
#include "ops/find.h"
#include "ops/storage-access.h"

#include <string.h>

typedef struct {
    XdInstanceState head;
    XdConnectionInfo info;
    gboolean has_position; /* the caller has said where */
    guint position;

    XdStorageAccess
        *access;       /* NULL: the disk alone is named, and its storage is not ours to touch */
    char *storage_key; /* whose turn it is */
    char *vdi_uuid;    /* NULL: found by its unit */
    gint64 lun;        /* -1: not named */
    gboolean read_only;

    char *vdi;
    char *vbd;
    char *vbd_tag;
    gboolean attached_before;
    gboolean scanned;
} Volume;

static void
volume_clear(gpointer data)
{
    Volume *volume = data;

    g_clear_pointer(&volume->access, xd_storage_access_free);
    xd_connection_info_clear(&volume->info);
    g_free(volume->storage_key);
    g_free(volume->vdi_uuid);
    g_free(volume->vdi);
    g_free(volume->vbd);
    g_free(volume->vbd_tag);
    xd_instance_state_clear(data);
}

static const XdMirror *
mirror_of(Volume *volume)
{
    return volume->head.base.connection->mirror;
}

/* ---- what the document says ---- */

static gboolean
read_iscsi(Volume *volume, const XdIscsiData *data, GError **error)
{
    XdStorageAccess *access = volume->access;
    g_auto(XdPortal) portal = {0};
    g_autofree char *port = NULL;

    if (data->has_encrypted && data->encrypted) {
        xd_set_error(error, HVD_ERROR_UNSUPPORTED,
                     "/data/encrypted: encrypted volumes are not supported");
        return FALSE;
    }
    if (data->auth_method == XD_ISCSI_DATA_AUTH_METHOD_CHAP &&
        (data->auth_username == NULL || data->auth_password == NULL)) {
        xd_set_error(error, HVD_ERROR_INVALID,
                     "/data/auth_method: CHAP needs auth_username and auth_password");
        return FALSE;
    }
    if (!xd_portal_parse(data->target_portal, &portal, error))
        return FALSE;
    port = g_strdup_printf("%u", (guint) portal.port);
    access->uuid =
        data->sr_uuid != NULL ? g_strdup(data->sr_uuid) : xd_sr_uuid_new(&portal, data->target_iqn);
    access->type = g_strdup("iscsi");
    access->label = data->name_label != NULL ? g_strdup(data->name_label)
                                             : g_strconcat("tempSR-", access->uuid, NULL);
    access->shared = TRUE; /* so that a migration can give a second node access */
    xd_storage_access_add_config(access, "target", portal.host);
    xd_storage_access_add_config(access, "port", port);
    xd_storage_access_add_config(access, "targetIQN", data->target_iqn);
    if (data->auth_method == XD_ISCSI_DATA_AUTH_METHOD_CHAP) {
        xd_storage_access_add_config(access, "chapuser", data->auth_username);
        access->password = xd_secret_ref(data->auth_password);
    }
    volume->vdi_uuid = g_strdup(data->vdi_uuid);
    volume->lun = data->has_target_lun ? data->target_lun : -1;
    volume->read_only = data->access_mode == XD_ISCSI_DATA_ACCESS_MODE_RO;
    return TRUE;
}

static void
read_xensm(Volume *volume, const XdXensmData *data)
{
    XdStorageAccess *access = volume->access;

    access->uuid = g_strdup(data->sr_uuid);
    access->type = g_strdup(data->sr_type != NULL ? data->sr_type : "nfs");
    access->label = g_strdup(data->name_label != NULL ? data->name_label : data->sr_uuid);
    access->shared = TRUE;
    if (data->server != NULL)
        xd_storage_access_add_config(access, "server", data->server);
    if (data->serverpath != NULL)
        xd_storage_access_add_config(access, "serverpath", data->serverpath);
    volume->vdi_uuid = g_strdup(data->vdi_uuid);
    volume->lun = -1;
}

static gboolean
read_info(Volume *volume, GError **error)
{
    if (volume->info.kind == XD_CONNECTION_INFO_VDI) {
        const XdVdiData *data = &volume->info.vdi->data;

        volume->vdi_uuid = g_strdup(data->vdi_uuid);
        volume->read_only = data->access_mode == XD_VDI_DATA_ACCESS_MODE_RO;
        volume->storage_key = g_strdup(volume->vdi_uuid);
        return TRUE;
    }
    volume->access = xd_storage_access_new(&volume->head.base);
    if (volume->info.kind == XD_CONNECTION_INFO_XENSM)
        read_xensm(volume, &volume->info.xensm->data);
    else if (!read_iscsi(volume, &volume->info.iscsi->data, error))
        return FALSE;
    volume->storage_key = g_strconcat("storage ", volume->access->uuid, NULL);
    return TRUE;
}

/* Attach and detach of two units of one target would race between "in use?" and "forget". */
static void
take_turn(XdOp *op, gpointer data)
{
    xd_op_take_turn(op, ((Volume *) data)->storage_key);
}

static void
find_storage(Volume *volume)
{
    const XdSR *sr = volume->access != NULL
                         ? (const XdSR *) xd_mirror_find_one(mirror_of(volume), XD_BY_SR_UUID,
                                                             volume->access->uuid)
                         : NULL;

    if (sr != NULL)
        volume->access->sr = g_strdup(sr->parent.ref);
}

/* ---- finding the disk ---- */

static gboolean
is_wanted(const Volume *volume, const XdVDI *vdi)
{
    const char *lun = xd_map_get(&vdi->sm_config, "LUNid");
    gint64 number = -1;

    if (vdi->missing)
        return FALSE;
    if (volume->vdi_uuid != NULL)
        return strcmp(vdi->uuid, volume->vdi_uuid) == 0;
    if (volume->lun < 0)
        return TRUE;
    return lun != NULL && g_ascii_string_to_signed(lun, 10, 0, G_MAXINT64, &number, NULL) &&
           number == volume->lun;
}

/* Unit 0 is a unit like any other, and with several disks nobody guesses (Nova's defects, 3.4). */
static const XdVDI *
find_disk(Volume *volume)
{
    const XdMirror *mirror = mirror_of(volume);
    const GPtrArray *disks;
    const XdVDI *found = NULL;

    if (volume->access == NULL)
        return (const XdVDI *) xd_mirror_find_one(mirror, XD_BY_VDI_UUID, volume->vdi_uuid);
    disks = xd_mirror_find(mirror, XD_BY_VDI_SR, volume->access->sr);
    for (guint i = 0; i < disks->len; i++) {
        const XdVDI *vdi = g_ptr_array_index(disks, i);

        if (!is_wanted(volume, vdi))
            continue;
        if (found != NULL)
            return NULL;
        found = vdi;
    }
    return found;
}

static gboolean
has_disk(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return find_disk(data) != NULL;
}

/* Attaching scans, so the disk is there; one that the target got later needs a scan of its own. */
static void
scan(XdOp *op, gpointer data)
{
    Volume *volume = data;
    XdStepCall call = {.method = "SR.scan"};

    if (volume->access == NULL || has_disk(NULL, volume) || xd_op_get_plan(op) != NULL) {
        xd_op_next(op);
        return;
    }
    call.gate = volume->access->sr;
    call.parameters = g_variant_new("(s)", volume->access->sr);
    xd_op_task(op, &call);
}

/* (nullable): the instance's device with this disk */
static const XdVBD *
find_device_of(Volume *volume, const XdVDI *vdi)
{
    const GPtrArray *vbds = xd_mirror_find(mirror_of(volume), XD_BY_VBD_VDI, vdi->parent.ref);

    for (guint i = 0; i < vbds->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);

        if (g_strcmp0(vbd->vm, volume->head.vm) == 0)
            return vbd;
    }
    return NULL;
}

/* ---- attach ---- */

/* (nullable) (transfer full): why it cannot be attached, as far as one sees beforehand */
static GError *
attach_error(Volume *volume)
{
    const XdVM *vm = xd_instance_vm(&volume->head);
    const XdStorageAccess *access = volume->access;
    GError *error;

    if (vm->power_state != XD_VM_POWER_STATE_RUNNING && vm->power_state != XD_VM_POWER_STATE_HALTED)
        return xd_error_new(HVD_ERROR_STATE, "a paused or suspended instance takes no volume");
    if (xd_mirror_get_pool(mirror_of(volume)) == NULL)
        return xd_error_new(HVD_ERROR_NOT_FOUND, "the pool shows no pool object");
    if (access == NULL || access->sr != NULL || access->config->len > 0)
        return NULL;
    error = xd_error_new(HVD_ERROR_NOT_FOUND,
                         "/data/sr_uuid: the pool has no storage %s, and nothing says how to "
                         "connect it",
                         access->uuid);
    xd_error_set_advice(error, N_("give server and serverpath, or the uuid of a storage"));
    return error;
}

static void
check_attach(XdOp *op, gpointer data)
{
    Volume *volume = data;
    const XdMirror *mirror = mirror_of(volume);
    const XdVM *vm = xd_instance_vm(&volume->head);
    const char *host = vm->resident_on != NULL ? vm->resident_on : vm->affinity;
    const XdPool *pool = xd_mirror_get_pool(mirror);
    GError *error;

    find_storage(volume);
    error = attach_error(volume);
    if (error != NULL) {
        xd_op_fail(op, error);
        return;
    }
    if (volume->access != NULL) {
        /* shared storage is scanned by the coordinator alone (sm: SRmaster), so that goes first */
        if (volume->access->shared && volume->access->sr == NULL)
            xd_storage_access_add_node(volume->access, pool->master);
        xd_storage_access_add_node(volume->access, host != NULL ? host : pool->master);
    }
    xd_op_next(op);
}

static void
connect_storage(XdOp *op, gpointer data)
{
    Volume *volume = data;

    if (volume->access == NULL)
        xd_op_next(op);
    else
        xd_op_table(op, xd_storage_connect_steps, volume->access);
}

static gboolean
choose_position(Volume *volume, GError **error)
{
    const GPtrArray *vbds = xd_mirror_find(mirror_of(volume), XD_BY_VBD_VM, volume->head.vm);
    XdPositions used = {0};

    for (guint i = 0; i < vbds->len; i++) {
        guint position = 0;

        if (xd_device_parse(((const XdVBD *) g_ptr_array_index(vbds, i))->userdevice, &position))
            xd_positions_add(&used, position);
    }
    if (volume->has_position && xd_positions_has(&used, volume->position)) {
        xd_set_error(error, HVD_ERROR_EXISTS, "device %u of the instance is taken",
                     volume->position);
        return FALSE;
    }
    if (volume->has_position || xd_positions_first_free(&used, 1, &volume->position))
        return TRUE;
    xd_set_error(error, HVD_ERROR_NO_RESOURCES, "the instance has no free device");
    return FALSE;
}

static gboolean
check_placement(Volume *volume, const XdVDI *vdi, GError **error)
{
    const XdVBD *vbd = find_device_of(volume, vdi);
    guint position = 0;

    if (vbd == NULL)
        return choose_position(volume, error);
    xd_device_parse(vbd->userdevice, &position);
    if (volume->has_position && position != volume->position) {
        xd_set_error(error, HVD_ERROR_EXISTS, "the volume is attached already, as device %u",
                     position);
        return FALSE;
    }
    volume->attached_before = TRUE;
    volume->position = position;
    volume->vbd = g_strdup(vbd->parent.ref);
    return TRUE;
}

static GError *
no_disk_error(const Volume *volume)
{
    const char *storage = volume->access != NULL ? volume->access->uuid : NULL;
    g_autofree char *unit = volume->lun >= 0
                                ? g_strdup_printf("unit %" G_GINT64_FORMAT, volume->lun)
                                : g_strdup("a single disk");
    g_autofree char *disk =
        volume->vdi_uuid != NULL ? g_strconcat("disk ", volume->vdi_uuid, NULL) : NULL;
    GError *error = xd_error_new(HVD_ERROR_NOT_FOUND, "%s%s does not show %s",
                                 storage != NULL ? "storage " : "the pool",
                                 storage != NULL ? storage : "", disk != NULL ? disk : unit);

    xd_error_set_advice(error, N_("check what the storage offers, and its access list"));
    return error;
}

static void
find_volume(XdOp *op, gpointer data)
{
    Volume *volume = data;
    const XdVDI *vdi = find_disk(volume);
    GError *error = NULL;

    if (vdi != NULL) {
        volume->vdi = g_strdup(vdi->parent.ref);
        check_placement(volume, vdi, &error);
    } else if (xd_op_get_plan(op) != NULL && volume->access != NULL) {
        volume->vdi = g_strdup("<the volume's disk>");
        choose_position(volume, &error);
    } else {
        error = no_disk_error(volume);
    }
    if (error != NULL)
        xd_op_fail(op, error);
    else
        xd_op_next(op);
}

static void
create_vbd(XdOp *op, gpointer data)
{
    Volume *volume = data;
    XdStepCall call = {.method = "VBD.create", .kind = "volume", .out = &volume->vbd};

    if (volume->attached_before) {
        xd_op_next(op);
        return;
    }
    volume->vbd_tag = xd_operation_tag(&volume->head.base, "volume", 0);
    call.parameters = g_variant_new(
        "(@a{sv})", xd_volume_vbd_record_new(volume->head.vm, volume->vdi, volume->position,
                                             volume->read_only, volume->vbd_tag));
    xd_op_call(op, &call);
}

static const XdVBD *
find_made_vbd(Volume *volume)
{
    return volume->vbd_tag != NULL ? (const XdVBD *) xd_mirror_find_one(
                                         mirror_of(volume), XD_BY_VBD_TAG, volume->vbd_tag)
                                   : NULL;
}

static void
destroy_made_vbd(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    const XdVBD *vbd = find_made_vbd(data);
    XdStepCall call = {.method = "VBD.destroy", .done = done};

    if (vbd == NULL) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", vbd->parent.ref);
    xd_op_call(op, &call);
}

/* True at the beginning of a plug already: attached means that nothing is under way any more
 * (verified-sequences 1.1). */
static gboolean
is_attached(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    Volume *volume = data;
    const XdVBD *vbd = xd_get_vbd(mirror_of(volume), volume->vbd);

    return vbd != NULL && vbd->currently_attached && vbd->current_operations.n == 0;
}

static void
plug_vbd(XdOp *op, gpointer data)
{
    static const char *const done[] = {"DEVICE_ALREADY_ATTACHED", NULL};
    Volume *volume = data;
    const XdVM *vm = xd_instance_vm(&volume->head);
    XdStepCall call = {.method = "VBD.plug", .done = done, .holds = is_attached, .data = volume};

    if (vm->power_state != XD_VM_POWER_STATE_RUNNING || is_attached(NULL, volume)) {
        xd_op_next(op); /* a halted one gets it when it starts */
        return;
    }
    call.parameters = g_variant_new("(s)", volume->vbd);
    xd_op_task(op, &call);
}

static void
unplug_made_vbd(XdOp *op, gpointer data)
{
    static const char *const done[] = {"DEVICE_ALREADY_DETACHED", "HANDLE_INVALID", NULL};
    const XdVBD *vbd = find_made_vbd(data);
    XdStepCall call = {.method = "VBD.unplug", .done = done};

    if (vbd == NULL || !vbd->currently_attached) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", vbd->parent.ref);
    xd_op_task(op, &call);
}

static gboolean
shows_vbd(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    Volume *volume = data;

    return xd_get_vbd(mirror_of(volume), volume->vbd) != NULL;
}

static void
see_vbd(XdOp *op, gpointer data)
{
    xd_op_see(op, ((Volume *) data)->vbd, shows_vbd, data);
}

static void
tell_volume(XdOp *op, gpointer data)
{
    Volume *volume = data;
    const XdVBD *vbd = xd_get_vbd(mirror_of(volume), volume->vbd);
    const XdVDI *vdi = xd_get_vdi(mirror_of(volume), volume->vdi);
    const XdSR *sr = vdi != NULL ? xd_get_sr(mirror_of(volume), vdi->sr) : NULL;
    g_auto(XdVolumeInfo) info = {0};

    if (vbd != NULL && sr != NULL) {
        info.device = g_strdup(vbd->userdevice);
        info.sr_uuid = g_strdup(sr->uuid);
        info.vdi_uuid = g_strdup(vdi->uuid);
        info.vbd_uuid = g_strdup(vbd->uuid);
        xd_op_set_result(op, xd_volume_info_print(&info, XD_PRINT_MASKED), g_free);
    }
    xd_op_next(op);
}

static const XdStep attach_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"take-turn", take_turn, NULL, 0, 3600},
    {"check", check_attach, NULL, 0, 5},
    {"connect-storage", connect_storage, NULL, 10, 3600},
    {"scan-storage", scan, NULL, 2, 900},
    {"find-volume", find_volume, NULL, 0, 5},
    {"create-device", create_vbd, destroy_made_vbd, 2, 60},
    {"plug-device", plug_vbd, unplug_made_vbd, 5, 600},
    {"see-device", see_vbd, NULL, 0, 30},
    {"tell", tell_volume, NULL, 0, 5},
    {0},
};

/* ---- detach ---- */

static void
check_detach(XdOp *op, gpointer data)
{
    Volume *volume = data;
    const XdVM *vm = xd_instance_vm(&volume->head);
    const XdVDI *vdi;
    const XdVBD *vbd;

    find_storage(volume);
    vdi = volume->access == NULL || volume->access->sr != NULL ? find_disk(volume) : NULL;
    vbd = vdi != NULL ? find_device_of(volume, vdi) : NULL;
    if (vbd == NULL) {
        xd_op_next(op); /* detached already; its storage may still have to go */
        return;
    }
    if (xd_map_get(&vbd->other_config, XD_VOLUME_KEY) == NULL) {
        xd_op_fail(op, xd_error_new(HVD_ERROR_DENIED,
                                    "the disk is the instance's own, not a volume of it"));
        return;
    }
    if (vbd->currently_attached && vm->power_state != XD_VM_POWER_STATE_RUNNING) {
        xd_op_fail(op, xd_error_new(HVD_ERROR_STATE,
                                    "a paused or suspended instance gives no volume back"));
        return;
    }
    volume->vdi = g_strdup(vdi->parent.ref);
    volume->vbd = g_strdup(vbd->parent.ref);
    xd_op_next(op);
}

static gboolean
is_detached(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    Volume *volume = data;
    const XdVBD *vbd = xd_get_vbd(mirror_of(volume), volume->vbd);

    return vbd == NULL || (!vbd->currently_attached && vbd->current_operations.n == 0);
}

static void
unplug_vbd(XdOp *op, gpointer data)
{
    static const char *const done[] = {"DEVICE_ALREADY_DETACHED", "HANDLE_INVALID", NULL};
    static const char *const retry[] = {"DEVICE_DETACH_REJECTED", "DEVICE_DETACH_TIMEOUT", NULL};
    Volume *volume = data;
    const XdConfig *config = volume->head.base.connection->config;
    XdStepCall call = {
        .method = "VBD.unplug",
        .done = done,
        .retry = retry,
        .attempts = xd_config_get_uint(config, XD_CONFIG_VOLUME_UNPLUG_RETRIES) + 1,
        .delay_s = 1,
        .holds = is_detached,
        .data = volume,
    };

    if (is_detached(NULL, volume)) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", volume->vbd);
    xd_op_task(op, &call);
}

static gboolean
is_vbd_gone(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    Volume *volume = data;

    return xd_get_vbd(mirror_of(volume), volume->vbd) == NULL;
}

static void
destroy_vbd(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Volume *volume = data;
    XdStepCall call = {.method = "VBD.destroy", .done = done, .holds = is_vbd_gone, .data = volume};

    if (volume->vbd == NULL) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", volume->vbd);
    xd_op_call(op, &call);
}

static void
see_vbd_gone(XdOp *op, gpointer data)
{
    xd_op_see(op, ((Volume *) data)->vbd, is_vbd_gone, data);
}

static void
drop_storage(XdOp *op, gpointer data)
{
    Volume *volume = data;
    const XdSR *sr =
        volume->access != NULL ? xd_get_sr(mirror_of(volume), volume->access->sr) : NULL;

    if (sr == NULL || !xd_is_volume_storage(sr) || xd_storage_is_used(mirror_of(volume), sr))
        xd_op_next(op);
    else
        xd_op_table(op, xd_storage_drop_steps, volume->access);
}

/* Once the device is gone there is nothing to go back to: what is left is dropped all the same. */
static void
undo_unplug(XdOp *op, gpointer data)
{
    static const XdStep forward[] = {
        {"drop-storage", drop_storage, NULL, 1, 3600},
        {"made-good", xd_op_make_good, NULL, 0, 1},
        {0},
    };

    if (is_vbd_gone(NULL, data))
        xd_op_table(op, forward, data);
    else
        plug_vbd(op, data);
}

static const XdStep detach_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"take-turn", take_turn, NULL, 0, 3600},
    {"check", check_detach, NULL, 0, 5},
    {"unplug-device", unplug_vbd, undo_unplug, 5, 600},
    {"destroy-device", destroy_vbd, NULL, 2, 60},
    {"see-device-gone", see_vbd_gone, NULL, 0, 30},
    {"drop-storage", drop_storage, NULL, 3, 3600},
    {0},
};

/* ---- the slots ---- */

static Volume *
volume_new(XdConnection *connection, const char *instance, const char *document, GError **error)
{
    Volume *volume = g_new0(Volume, 1);

    xd_instance_state_init(&volume->head, instance);
    if (xd_connection_info_parse(document, -1, connection->arena, &volume->info, error) &&
        read_info(volume, error))
        return volume;
    volume_clear(volume);
    g_free(volume);
    return NULL;
}

void
xd_attach_volume_async(XdConnection *connection, const char *instance, const char *connection_info,
                       const char *mountpoint, const HvdCall *call, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
    static const XdOperationClass klass = {"attach-volume", attach_steps, volume_clear};
    GError *error = NULL;
    Volume *volume = volume_new(connection, instance, connection_info, &error);
    g_autofree char *shown = NULL;

    if (volume != NULL && mountpoint != NULL) {
        volume->has_position = xd_device_parse(mountpoint, &volume->position);
        if (!volume->has_position) {
            shown = xd_escape(mountpoint, -1, 40);
            error = xd_error_new(HVD_ERROR_INVALID,
                                 "\"%s\" is no device: expected one like /dev/xvdb, or a number",
                                 shown);
            volume_clear(volume);
            g_clear_pointer(&volume, g_free);
        }
    }
    if (volume == NULL) {
        g_prefix_error_literal(&error, "attach-volume: ");
        xd_operation_refuse(error, cancellable, callback, user_data);
        return;
    }
    xd_operation_run(&klass, volume, connection, instance, NULL, call, cancellable, callback,
                     user_data);
}

void
xd_detach_volume_async(XdConnection *connection, const char *instance, const char *connection_info,
                       const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
    static const XdOperationClass klass = {"detach-volume", detach_steps, volume_clear};
    GError *error = NULL;
    Volume *volume = volume_new(connection, instance, connection_info, &error);

    if (volume == NULL) {
        g_prefix_error_literal(&error, "detach-volume: ");
        xd_operation_refuse(error, cancellable, callback, user_data);
        return;
    }
    xd_operation_run(&klass, volume, connection, instance, NULL, call, cancellable, callback,
                     user_data);
}
