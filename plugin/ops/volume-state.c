#include "ops/volume-state.h"

#include "model/portal.h"
#include "model/record.h"
#include "ops/find.h"

#include <string.h>

void
xd_volume_state_clear(gpointer data)
{
    XdVolumeState *volume = data;

    g_clear_pointer(&volume->access, xd_storage_access_free);
    xd_connection_info_clear(&volume->info);
    g_free(volume->storage_key);
    g_free(volume->vdi_uuid);
    g_free(volume->vdi);
    g_free(volume->vbd);
    g_free(volume->vbd_tag);
    g_free(volume->vbd_uuid);
    xd_instance_state_clear(data);
}

static const XdMirror *
mirror_of(XdVolumeState *volume)
{
    return volume->head.base.connection->mirror;
}

/* ---- what the document says ---- */

/* (nullable) (transfer full): Cinder says of a volume of whatever kind that it is encrypted. */
static GError *
encrypted_error(const XdConnectionInfo *info)
{
    gboolean encrypted = info->kind == XD_CONNECTION_INFO_ISCSI   ? info->iscsi->data.encrypted
                         : info->kind == XD_CONNECTION_INFO_XENSM ? info->xensm->data.encrypted
                                                                  : info->vdi->data.encrypted;

    return encrypted ? xd_error_new(HVD_ERROR_UNSUPPORTED,
                                    "/data/encrypted: encrypted volumes are not supported")
                     : NULL;
}

static gboolean
read_iscsi(XdVolumeState *volume, const XdIscsiData *data, GError **error)
{
    XdStorageAccess *access = volume->access;
    g_auto(XdPortal) portal = {0};
    g_autofree char *port = NULL;

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
read_xensm(XdVolumeState *volume, const XdXensmData *data)
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
    volume->read_only = data->access_mode == XD_XENSM_DATA_ACCESS_MODE_RO;
}

static gboolean
read_info(XdVolumeState *volume, GError **error)
{
    GError *encrypted = encrypted_error(&volume->info);

    if (encrypted != NULL) {
        g_propagate_error(error, encrypted);
        return FALSE;
    }
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
void
xd_step_take_storage_turn(XdOp *op, gpointer data)
{
    xd_op_take_turn(op, ((XdVolumeState *) data)->storage_key);
}

void
xd_volume_find_storage(XdVolumeState *volume)
{
    const XdSR *sr = volume->access != NULL
                         ? (const XdSR *) xd_mirror_find_one(mirror_of(volume), XD_BY_SR_UUID,
                                                             volume->access->uuid)
                         : NULL;

    if (sr == NULL)
        return;
    g_free(volume->access->sr);
    volume->access->sr = g_strdup(sr->parent.ref);
}

/* ---- finding the disk ---- */

gboolean
xd_volume_names_disk(const XdVolumeState *volume)
{
    return volume->vdi_uuid != NULL || volume->lun >= 0;
}

/* Does the document mean this disk, as far as it says? */
static gboolean
is_meant(const XdVolumeState *volume, const XdVDI *vdi)
{
    const char *lun = xd_map_get(&vdi->sm_config, "LUNid");
    gint64 number = -1;

    if (volume->access != NULL && g_strcmp0(vdi->sr, volume->access->sr) != 0)
        return FALSE;
    if (volume->vdi_uuid != NULL)
        return strcmp(vdi->uuid, volume->vdi_uuid) == 0;
    if (!xd_volume_names_disk(volume))
        return TRUE;
    return lun != NULL && g_ascii_string_to_signed(lun, 10, 0, G_MAXINT64, &number, NULL) &&
           number == volume->lun;
}

/* Unit 0 is a unit like any other, and with several disks nobody guesses (Nova's defects, 3.4). */
const XdVDI *
xd_volume_find_disk(XdVolumeState *volume)
{
    const XdMirror *mirror = mirror_of(volume);
    const GPtrArray *disks;
    const XdVDI *found = NULL;

    if (volume->access == NULL)
        return (const XdVDI *) xd_mirror_find_one(mirror, XD_BY_VDI_UUID, volume->vdi_uuid);
    disks = xd_mirror_find(mirror, XD_BY_VDI_SR, volume->access->sr);
    for (guint i = 0; i < disks->len; i++) {
        const XdVDI *vdi = g_ptr_array_index(disks, i);

        if (vdi->missing || !is_meant(volume, vdi))
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
    return xd_volume_find_disk(data) != NULL;
}

/* Attaching scans, so the disk is there; one that the target got later needs a scan of its own. */
void
xd_step_scan_storage(XdOp *op, gpointer data)
{
    XdVolumeState *volume = data;
    XdStepCall call = {.method = "SR.scan"};

    if (volume->access == NULL || has_disk(NULL, volume) || xd_op_get_plan(op) != NULL) {
        xd_op_next(op);
        return;
    }
    call.gate = volume->access->sr;
    call.parameters = g_variant_new("(s)", volume->access->sr);
    xd_op_task(op, &call);
}

const XdVBD *
xd_volume_find_device(XdVolumeState *volume, const XdVDI *vdi)
{
    const GPtrArray *vbds = xd_mirror_find(mirror_of(volume), XD_BY_VBD_VDI, vdi->parent.ref);

    for (guint i = 0; i < vbds->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);

        if (g_strcmp0(vbd->vm, volume->head.vm) == 0)
            return vbd;
    }
    return NULL;
}

/* Without a name it is the one that was attached without, or the only one there is; what else the instance
 * has may be another volume. */
static gboolean
is_named(XdVolumeState *volume, const XdVBD *vbd)
{
    return xd_volume_names_disk(volume) || xd_map_get(&vbd->other_config, XD_UNNAMED_KEY) != NULL ||
           xd_mirror_find(mirror_of(volume), XD_BY_VDI_SR, volume->access->sr)->len == 1;
}

/* What the storage offers now says nothing about what the instance has: units come and go. */
const XdVBD *
xd_volume_find_attached(XdVolumeState *volume, GError **error)
{
    const XdMirror *mirror = mirror_of(volume);
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, volume->head.vm);
    const XdVBD *found = NULL;

    for (guint i = 0; i < vbds->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);
        const XdVDI *vdi = xd_get_vdi(mirror, vbd->vdi);

        if (vdi == NULL || !is_meant(volume, vdi))
            continue;
        if (found != NULL) {
            xd_set_error(error, HVD_ERROR_AMBIGUOUS,
                         "several devices of the instance fit: VBD %s and VBD %s at least",
                         found->uuid, vbd->uuid);
            return NULL;
        }
        found = vbd;
    }
    if (found == NULL || is_named(volume, found))
        return found;
    xd_set_error(
        error, HVD_ERROR_AMBIGUOUS,
        "the storage has several disks, and the document does not say which: VBD %s may be "
        "another volume",
        found->uuid);
    return NULL;
}

/* ---- the state ---- */

XdVolumeState *
xd_volume_state_new(XdConnection *connection, const char *instance, const char *document,
                    GError **error)
{
    XdVolumeState *volume = g_new0(XdVolumeState, 1);

    xd_instance_state_init(&volume->head, instance);
    if (xd_connection_info_parse(document, -1, connection->arena, &volume->info, error) &&
        read_info(volume, error))
        return volume;
    xd_volume_state_clear(volume);
    g_free(volume);
    return NULL;
}
