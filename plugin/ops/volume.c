#include "ops/volume.h"

#include "model/device.h"
#include "model/record.h"
#include "ops/find.h"
#include "ops/rival.h"
#include "ops/volume-plug.h"
#include "ops/volume-state.h"
#include "ops/volume-storage.h"

#include <string.h>

static const XdMirror *
mirror_of(XdVolumeState *volume)
{
    return volume->head.base.connection->mirror;
}

/* (nullable): the device that the document means, as far as one sees before others have to wait for us */
static const XdVBD *
find_device_early(XdVolumeState *volume)
{
    xd_volume_find_storage(volume);
    return xd_volume_find_attached(volume, NULL);
}

static const XdStep settle_steps[] = {XD_STEPS_SEE_SETTLED, {0}};

/* ---- attach ---- */

/* Whatever the instance is about to become: what is plugged is attached. */
static void
settle_to_attach(XdOp *op, gpointer data)
{
    const XdVBD *vbd = find_device_early(data);

    if (vbd != NULL && vbd->currently_attached)
        xd_op_next(op);
    else
        xd_op_table(op, settle_steps, data);
}

/* xapi_vbd.ml, plug: an HVM guest that runs, as all of ours are, takes no disk that it may only read; one that
 * it had from its start on stays. */
static gboolean
is_read_only_plug(const XdVolumeState *volume, const XdVM *vm, const XdVBD *vbd)
{
    return vm->power_state == XD_VM_POWER_STATE_RUNNING && vm->domain_type == XD_DOMAIN_TYPE_HVM &&
           (vbd != NULL ? vbd->mode == XD_VBD_MODE_RO : volume->read_only);
}

/* (nullable) (transfer full): why it cannot be attached, as far as one sees beforehand */
static GError *
attach_error(XdVolumeState *volume, const XdVM *vm)
{
    const XdStorageAccess *access = volume->access;
    const XdVBD *vbd = xd_volume_find_attached(volume, NULL);
    GError *error;

    if (xd_mirror_get_pool(mirror_of(volume)) == NULL)
        return xd_error_new(HVD_ERROR_NOT_FOUND, "the pool shows no pool object");
    if (vbd != NULL && vbd->currently_attached)
        return NULL; /* it is what was asked for, whatever the instance is by now */
    if (vm->power_state != XD_VM_POWER_STATE_RUNNING && vm->power_state != XD_VM_POWER_STATE_HALTED)
        return xd_error_new(HVD_ERROR_STATE, "a paused or suspended instance takes no volume");
    if (is_read_only_plug(volume, vm, vbd)) {
        error = xd_error_new(HVD_ERROR_STATE, "a running instance takes no read-only volume");
        xd_error_set_advice(error, N_("stop it first"));
        return error;
    }
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
    XdVolumeState *volume = data;
    const XdMirror *mirror = mirror_of(volume);
    const XdVM *vm = xd_op_get_vm(op, &volume->head);
    const XdPool *pool = xd_mirror_get_pool(mirror);
    const char *host;
    GError *error;

    if (vm == NULL)
        return;
    host = vm->resident_on != NULL ? vm->resident_on : vm->affinity;
    xd_volume_find_storage(volume);
    error = attach_error(volume, vm);
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
    XdVolumeState *volume = data;

    if (volume->access == NULL)
        xd_op_next(op);
    else
        xd_op_table(op, xd_storage_connect_steps, volume->access);
}

static gboolean
choose_position(XdVolumeState *volume, GError **error)
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
check_placement(XdVolumeState *volume, const XdVDI *vdi, GError **error)
{
    const XdVBD *vbd = xd_volume_find_device(volume, vdi);
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
    volume->was_plugged = vbd->currently_attached;
    volume->position = position;
    volume->vbd = g_strdup(vbd->parent.ref);
    return TRUE;
}

/* (nullable) (transfer full): why nobody else may get it */
static GError *
rival_error(XdVolumeState *volume, const XdVDI *vdi)
{
    const XdVBD *own = xd_volume_find_device(volume, vdi);
    gboolean writes = own != NULL ? own->mode == XD_VBD_MODE_RW : !volume->read_only;

    return volume->was_plugged ? NULL : xd_rival_error(mirror_of(volume), vdi, own, writes);
}

static GError *
no_disk_error(const XdVolumeState *volume)
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
    XdVolumeState *volume = data;
    const XdVDI *vdi = xd_volume_find_disk(volume);
    GError *error = NULL;

    if (vdi != NULL) {
        volume->vdi = g_strdup(vdi->parent.ref);
        if (check_placement(volume, vdi, &error))
            error = rival_error(volume, vdi);
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
    XdVolumeState *volume = data;
    XdStepCall call = {.method = "VBD.create", .kind = "volume", .out = &volume->vbd};

    if (volume->attached_before) {
        xd_op_next(op);
        return;
    }
    volume->vbd_tag = xd_operation_tag(&volume->head.base, "volume", 0);
    call.parameters = g_variant_new(
        "(@a{sv})",
        xd_volume_vbd_record_new(volume->head.vm, volume->vdi, volume->position, volume->read_only,
                                 !xd_volume_names_disk(volume), volume->vbd_tag));
    xd_op_call(op, &call);
}

/* (nullable): a snapshot or clone of the instance, made meanwhile, inherits the mark */
static const XdVBD *
find_made_vbd(XdVolumeState *volume)
{
    const GPtrArray *marked = xd_mirror_find(mirror_of(volume), XD_BY_VBD_TAG, volume->vbd_tag);

    for (guint i = 0; i < marked->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(marked, i);

        if (g_strcmp0(vbd->vm, volume->head.vm) == 0)
            return vbd;
    }
    return NULL;
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

static void
undo_plug(XdOp *op, gpointer data)
{
    XdVolumeState *volume = data;
    const XdVBD *vbd = volume->attached_before ? xd_get_vbd(mirror_of(volume), volume->vbd)
                                               : find_made_vbd(volume);

    if (vbd == NULL || volume->was_plugged || !vbd->currently_attached) {
        xd_op_next(op);
        return;
    }
    g_free(volume->vbd);
    volume->vbd = g_strdup(vbd->parent.ref);
    xd_step_unplug_volume(op, volume);
}

static gboolean
shows_vbd(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    XdVolumeState *volume = data;

    return xd_get_vbd(mirror_of(volume), volume->vbd) != NULL;
}

static void
see_vbd(XdOp *op, gpointer data)
{
    xd_op_see(op, ((XdVolumeState *) data)->vbd, shows_vbd, data);
}

/* The device is there, be the pool's events late or not. */
static void
name_vbd(XdOp *op, gpointer data)
{
    XdVolumeState *volume = data;
    const XdVBD *vbd = xd_get_vbd(mirror_of(volume), volume->vbd);
    XdStepCall call = {.method = "VBD.get_uuid", .out = &volume->vbd_uuid};

    if (vbd != NULL || xd_op_get_plan(op) != NULL) {
        volume->vbd_uuid = vbd != NULL ? g_strdup(vbd->uuid) : NULL;
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", volume->vbd);
    xd_op_call(op, &call);
}

static void
tell_volume(XdOp *op, gpointer data)
{
    XdVolumeState *volume = data;
    const XdVDI *vdi = xd_get_vdi(mirror_of(volume), volume->vdi);
    const XdSR *sr = vdi != NULL ? xd_get_sr(mirror_of(volume), vdi->sr) : NULL;
    g_auto(XdVolumeInfo) info = {0};

    if (xd_op_get_plan(op) != NULL) {
        xd_op_next(op);
        return;
    }
    if (sr == NULL) {
        xd_op_fail(op, xd_error_new(HVD_ERROR_NOT_FOUND, "the volume's disk is gone"));
        return;
    }
    info.device = g_strdup_printf("%u", volume->position);
    info.sr_uuid = g_strdup(sr->uuid);
    info.vdi_uuid = g_strdup(vdi->uuid);
    info.vbd_uuid = g_strdup(volume->vbd_uuid);
    xd_op_set_result(op, xd_volume_info_print(&info, XD_PRINT_MASKED), g_free);
    xd_op_next(op);
}

static const XdStep attach_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"see-settled", settle_to_attach, NULL, 0, 305},
    {"take-turn", xd_step_take_storage_turn, NULL, 0, 3600},
    {"check", check_attach, NULL, 0, 5},
    {"connect-storage", connect_storage, NULL, 10, 3600},
    {"scan-storage", xd_step_scan_storage, NULL, 2, 900},
    {"find-volume", find_volume, NULL, 0, 5},
    {"create-device", create_vbd, destroy_made_vbd, 2, 60},
    {"plug-device", xd_step_plug_volume, undo_plug, 5, 600},
    {"see-device", see_vbd, NULL, 0, 30},
    {"name-device", name_vbd, NULL, 0, 30},
    {"tell", tell_volume, NULL, 0, 5},
    {0},
};

/* ---- detach ---- */

/* (nullable): the storage that is ours to drop, with nobody left who uses it */
static const XdSR *
idle_storage(XdVolumeState *volume)
{
    const XdSR *sr =
        volume->access != NULL ? xd_get_sr(mirror_of(volume), volume->access->sr) : NULL;

    return sr != NULL && xd_is_volume_storage(sr) && !xd_storage_is_used(mirror_of(volume), sr)
               ? sr
               : NULL;
}

/* An instance that is gone has taken its devices along, but not the storage that was connected for them. */
static void
find_instance_or_storage(XdOp *op, gpointer data)
{
    XdVolumeState *volume = data;
    g_autoptr(GError) error = NULL;

    xd_volume_find_storage(volume);
    if (idle_storage(volume) != NULL &&
        xd_look_for_instance(mirror_of(volume), volume->head.instance, &error) == NULL &&
        error == NULL)
        xd_op_next(op);
    else
        xd_step_find_instance(op, data);
}

/* Without a device there is nothing to wait for. */
static void
settle_to_detach(XdOp *op, gpointer data)
{
    if (find_device_early(data) == NULL)
        xd_op_next(op);
    else
        xd_op_table(op, settle_steps, data);
}

static void
check_detach(XdOp *op, gpointer data)
{
    XdVolumeState *volume = data;
    const XdVBD *vbd;
    GError *error = NULL;

    xd_volume_find_storage(volume);
    vbd = xd_volume_find_attached(volume, &error);
    if (error != NULL) {
        xd_op_fail(op, error);
        return;
    }
    if (vbd == NULL) {
        xd_op_next(op); /* detached already; its storage may still have to go */
        return;
    }
    if (xd_map_get(&vbd->other_config, XD_VOLUME_KEY) == NULL) {
        xd_op_fail(op, xd_error_new(HVD_ERROR_DENIED,
                                    "the disk is the instance's own, not a volume of it"));
        return;
    }
    volume->was_plugged = vbd->currently_attached;
    volume->vbd = g_strdup(vbd->parent.ref);
    xd_op_next(op);
}

static gboolean
is_vbd_gone(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    XdVolumeState *volume = data;

    return xd_get_vbd(mirror_of(volume), volume->vbd) == NULL;
}

static void
destroy_vbd(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    XdVolumeState *volume = data;
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
    xd_op_see(op, ((XdVolumeState *) data)->vbd, is_vbd_gone, data);
}

static void
drop_storage(XdOp *op, gpointer data)
{
    XdVolumeState *volume = data;

    if (idle_storage(volume) == NULL)
        xd_op_next(op);
    else
        xd_op_table(op, xd_storage_drop_steps, volume->access->sr);
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
    else if (((XdVolumeState *) data)->was_plugged)
        xd_step_plug_volume(op, data);
    else
        xd_op_next(op);
}

static const XdStep detach_steps[] = {
    XD_STEP_SEE_POOL,
    {"find-instance", find_instance_or_storage, NULL, 0, 5},
    {"see-settled", settle_to_detach, NULL, 0, 305},
    {"take-turn", xd_step_take_storage_turn, NULL, 0, 3600},
    {"check", check_detach, NULL, 0, 5},
    {"unplug-device", xd_step_unplug_volume, undo_unplug, 5, 600},
    {"destroy-device", destroy_vbd, NULL, 2, 60},
    {"see-device-gone", see_vbd_gone, NULL, 0, 30},
    {"drop-storage", drop_storage, NULL, 3, 3600},
    {0},
};

/* ---- the slots ---- */

void
xd_attach_volume_async(XdConnection *connection, const char *instance, const char *connection_info,
                       const char *mountpoint, const HvdCall *call, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
    static const XdOperationClass klass = {"attach-volume", attach_steps, xd_volume_state_clear};
    GError *error = NULL;
    XdVolumeState *volume = xd_volume_state_new(connection, instance, connection_info, &error);
    g_autofree char *shown = NULL;

    if (volume != NULL && mountpoint != NULL) {
        volume->has_position = xd_device_parse(mountpoint, &volume->position);
        if (!volume->has_position) {
            shown = xd_escape(mountpoint, -1, 40);
            error = xd_error_new(HVD_ERROR_INVALID,
                                 "\"%s\" is no device: expected one like /dev/xvdb, or a number",
                                 shown);
            xd_volume_state_clear(volume);
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
    static const XdOperationClass klass = {"detach-volume", detach_steps, xd_volume_state_clear};
    GError *error = NULL;
    XdVolumeState *volume = xd_volume_state_new(connection, instance, connection_info, &error);

    if (volume == NULL) {
        g_prefix_error_literal(&error, "detach-volume: ");
        xd_operation_refuse(error, cancellable, callback, user_data);
        return;
    }
    xd_operation_run(&klass, volume, connection, instance, NULL, call, cancellable, callback,
                     user_data);
}
