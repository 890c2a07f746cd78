#include "api/backend.h"

#include "api/allowed.h"
#include "api/placement.h"
#include "api/storage.h"
#include "data/targets.h"

#include <string.h>

/* ---- kinds of storage ---- */

/* (nullable): the record of the driver */
static const SimObject *
find_driver(const SimDatabase *db, const char *type)
{
    for (const SimObject *sm = sim_db_first(db, "SM"); sm != NULL; sm = sim_object_next(sm)) {
        if (strcmp(sim_object_text(sm, "type"), type) == 0)
            return sm;
    }
    return NULL;
}

SimValue *
sim_backend_check_type(Sim *sim, const char *type)
{
    if (find_driver(sim->db, type) != NULL)
        return NULL;
    return sim_strings("SR_UNKNOWN_DRIVER", type, NULL);
}

static SimValue *
driver_error(const char *code, const char *text)
{
    return sim_strings(code, "", text, "", NULL);
}

/* sm: XE_SR_ERRORCODES.xml */
static const struct {
    const char *key;
    const char *code;
    const char *text;
} missing_keys[] = {
    {"device", "SR_BACKEND_FAILURE_90", "The request is missing the device parameter"},
    {"server", "SR_BACKEND_FAILURE_102", "The request is missing the server parameter"},
    {"serverpath", "SR_BACKEND_FAILURE_101", "The request is missing the serverpath parameter"},
    {"location", "SR_BACKEND_FAILURE_94", "The request is missing the location parameter"},
    {"target", "SR_BACKEND_FAILURE_95", "The request is missing the target parameter"},
    {"targetIQN", "SR_BACKEND_FAILURE_96",
     "The request is missing or has an incorrect target IQN parameter"},
    {"SCSIid", "SR_BACKEND_FAILURE_107", "The SCSIid parameter is missing or incorrect"},
};

static const struct {
    const char *type;
    const char *keys[4];
} required_keys[] = {
    {"ext", {"device"}},
    {"lvm", {"device"}},
    {"nfs", {"server", "serverpath"}},
    {"iso", {"location"}},
    {"iscsi", {"target", "targetIQN"}},
    {"lvmoiscsi", {"target", "targetIQN", "SCSIid"}},
};

static gboolean
is_iscsi(const char *type)
{
    return strcmp(type, "iscsi") == 0 || strcmp(type, "lvmoiscsi") == 0;
}

static gboolean
may_log_in(Sim *sim, const SimValue *target, const SimValue *config)
{
    const SimValue *chap = sim_map_get(target, "chap");
    const char *uuid = sim_map_get_text(config, "chappassword_secret");
    const SimObject *secret = uuid != NULL ? sim_db_find_uuid(sim->db, "secret", uuid) : NULL;

    if (chap == NULL)
        return TRUE;
    return secret != NULL &&
           g_strcmp0(sim_map_get_text(config, "chapuser"), sim_map_get_text(chap, "user")) == 0 &&
           strcmp(sim_object_text(secret, "value"), sim_map_get_text(chap, "password")) == 0;
}

static SimValue *
check_target(Sim *sim, const SimValue *config)
{
    g_autoptr(SimValue) target = sim_targets_find(sim->targets, config);

    if (target == NULL)
        return driver_error("SR_BACKEND_FAILURE_141",
                            "Unable to connect to ISCSI service on target");
    if (!may_log_in(sim, target, config))
        return driver_error("SR_BACKEND_FAILURE_68",
                            "ISCSI login failed - check access settings for the initiator on the "
                            "storage, if CHAP is used verify CHAP credentials");
    return NULL;
}

static SimValue *
report_missing(const char *key)
{
    for (guint i = 0; i < G_N_ELEMENTS(missing_keys); i++) {
        if (strcmp(missing_keys[i].key, key) == 0)
            return driver_error(missing_keys[i].code, missing_keys[i].text);
    }
    return NULL;
}

static SimValue *
check_keys(const char *type, const SimValue *config)
{
    for (guint i = 0; i < G_N_ELEMENTS(required_keys); i++) {
        const char *const *keys = required_keys[i].keys;

        for (guint n = 0; strcmp(required_keys[i].type, type) == 0 && keys[n] != NULL; n++) {
            if (sim_map_get(config, keys[n]) == NULL)
                return report_missing(keys[n]);
        }
    }
    return NULL;
}

SimValue *
sim_backend_check_config(Sim *sim, const char *type, const SimValue *config)
{
    SimValue *error = check_keys(type, config);

    if (error != NULL)
        return error;
    return is_iscsi(type) ? check_target(sim, config) : NULL;
}

/* ---- what each kind offers ---- */

/* In the order of the captures (SR_get_record_shared); NULL: every driver can. */
static const struct {
    const char *operation;
    const char *feature;
} operations[] = {
    {"vdi_introduce", "VDI_INTRODUCE"},
    {"unplug", NULL},
    {"plug", NULL},
    {"pbd_create", NULL},
    {"update", "SR_UPDATE"},
    {"pbd_destroy", NULL},
    {"vdi_resize", "VDI_RESIZE"},
    {"forget", NULL},
    {"destroy", NULL},
    {"vdi_clone", NULL},
    {"scan", NULL},
    {"vdi_snapshot", "VDI_SNAPSHOT"},
    {"vdi_mirror", "VDI_MIRROR"},
    {"vdi_create", "VDI_CREATE"},
    {"vdi_destroy", "VDI_DELETE"},
    {"vdi_set_on_boot", "VDI_RESET_ON_BOOT"},
};

static gboolean
has_managed_disk(const SimObject *sr)
{
    g_autoptr(GPtrArray) vdis = sim_object_follow_all(sr, "VDIs");

    for (guint i = 0; i < vdis->len; i++) {
        if (sim_object_bool(g_ptr_array_index(vdis, i), "managed"))
            return TRUE;
    }
    return FALSE;
}

static SimValue *
check_removal(const SimObject *sr, gboolean destroy)
{
    const char *ref = sim_object_get_ref(sr);

    if (sim_sr_is_plugged(sr))
        return sim_strings("SR_HAS_PBD", ref, NULL);
    if (destroy && sim_value_size(sim_object_get(sr, "PBDs")) == 0)
        return sim_strings("SR_HAS_NO_PBDS", ref, NULL);
    if (destroy && has_managed_disk(sr))
        return sim_strings("SR_NOT_EMPTY", NULL);
    return NULL;
}

static gboolean
is_supported(const SimObject *sr, const char *feature)
{
    const SimObject *driver = find_driver(sim_object_db(sr), sim_object_text(sr, "type"));

    return feature == NULL ||
           (driver != NULL && sim_map_get(sim_object_get(driver, "features"), feature) != NULL);
}

SimValue *
sim_sr_check_operation(const SimObject *sr, const char *operation)
{
    for (guint i = 0; i < G_N_ELEMENTS(operations); i++) {
        if (strcmp(operations[i].operation, operation) == 0 &&
            !is_supported(sr, operations[i].feature))
            return sim_strings("SR_OPERATION_NOT_SUPPORTED", sim_object_get_ref(sr), NULL);
    }
    if (strcmp(operation, "forget") == 0 || strcmp(operation, "destroy") == 0)
        return check_removal(sr, strcmp(operation, "destroy") == 0);
    return NULL;
}

/* Only plugs go on side by side (toolstack, xapi_sr_operations.ml). */
gboolean
sim_sr_may_run(SimObject *sr, const char *operation)
{
    const SimValue *current = sim_object_get(sr, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        if (strcmp(operation, "plug") != 0 ||
            strcmp(sim_value_text(sim_value_at(current, i)), "plug") != 0)
            return FALSE;
    }
    return TRUE;
}

void
sim_sr_update_allowed(SimObject *sr)
{
    SimValue *list = sim_array();

    for (guint i = 0; i < G_N_ELEMENTS(operations); i++) {
        g_autoptr(SimValue) error = sim_sr_check_operation(sr, operations[i].operation);

        if (error == NULL && sim_sr_may_run(sr, operations[i].operation))
            sim_array_add(list, sim_string(operations[i].operation));
    }
    sim_object_set(sr, "allowed_operations", list);
}

/* ---- scan ---- */

SimObject *
sim_sr_find_master(Sim *sim, const SimObject *sr)
{
    g_autoptr(GPtrArray) pbds = sim_object_follow_all(sr, "PBDs");

    if (sim_object_bool(sr, "shared"))
        return sim_coordinator_host(sim);
    return pbds->len == 1 ? sim_object_follow(g_ptr_array_index(pbds, 0), "host") : NULL;
}

static SimObject *
find_location(const SimObject *sr, const char *location)
{
    g_autoptr(GPtrArray) vdis = sim_object_follow_all(sr, "VDIs");

    for (guint i = 0; i < vdis->len; i++) {
        SimObject *vdi = g_ptr_array_index(vdis, i);

        if (strcmp(sim_object_text(vdi, "location"), location) == 0)
            return vdi;
    }
    return NULL;
}

/* A disk that was found. @uuid: where no other record has it already */
static SimObject *
add_found(Sim *sim, SimObject *sr, const char *uuid, gint64 size)
{
    SimObject *vdi = sim_vdi_new(sim, sr, "", 0, "user");

    if (g_uuid_string_is_valid(uuid) && sim_db_find_uuid(sim->db, "VDI", uuid) == NULL)
        sim_object_set_text(vdi, "uuid", uuid);
    sim_object_set_text(vdi, "location", uuid);
    sim_object_set_int(vdi, "virtual_size", size);
    sim_object_set_ref(vdi, "metadata_of_pool", NULL);
    return vdi;
}

/* sm: LUNperVDI.py. The recorded back end had no numbers. */
static void
note_lun(Sim *sim, SimObject *vdi, gint64 number)
{
    g_autofree char *lun = g_strdup_printf("%" G_GINT64_FORMAT, number);
    g_autofree char *scsi_id = g_strdup_printf(
        "360000000000000%.8s%.4s%.4s", sim_object_text(vdi, "location"),
        sim_object_text(vdi, "location") + 9, sim_object_text(vdi, "location") + 14);

    if (sim->options.capture_profile)
        return;
    sim_object_set(vdi, "sm_config",
                   sim_string_map("LUNid", lun, "SCSIid", scsi_id, "backend-kind", "vbd", NULL));
}

static void
find_lun(Sim *sim, SimObject *sr, const SimValue *target, const SimValue *lun)
{
    gint64 number = sim_value_int(sim_map_get(lun, "lun"));
    gint64 size = sim_value_int(sim_map_get(lun, "size"));
    g_autofree char *uuid = sim_target_lun_uuid(target, number);
    SimObject *vdi = find_location(sr, uuid);

    if (vdi != NULL)
        sim_object_set_int(vdi, "virtual_size", size);
    else
        note_lun(sim, add_found(sim, sr, uuid, size), number);
}

static gboolean
is_lun_of(const SimObject *vdi, const SimValue *target)
{
    const SimValue *luns = sim_map_get(target, "luns");

    for (guint i = 0; i < sim_value_size(luns); i++) {
        gint64 number = sim_value_int(sim_map_get(sim_value_at(luns, i), "lun"));
        g_autofree char *uuid = sim_target_lun_uuid(target, number);

        if (strcmp(sim_object_text(vdi, "location"), uuid) == 0)
            return TRUE;
    }
    return FALSE;
}

static void
forget_lost_luns(const SimObject *sr, const SimValue *target)
{
    g_autoptr(GPtrArray) vdis = sim_object_follow_all(sr, "VDIs");

    for (guint i = 0; i < vdis->len; i++) {
        SimObject *vdi = g_ptr_array_index(vdis, i);

        if (sim_object_map_text(vdi, "sm_config", "LUNid") != NULL && !is_lun_of(vdi, target) &&
            !sim_vdi_is_attached(vdi))
            sim_db_destroy(vdi);
    }
}

static void
scan_target(Sim *sim, SimObject *sr)
{
    g_autoptr(GPtrArray) pbds = sim_object_follow_all(sr, "PBDs");
    g_autoptr(SimValue) target = NULL;
    const SimValue *luns;

    if (pbds->len > 0)
        target = sim_targets_find(sim->targets,
                                  sim_object_get(g_ptr_array_index(pbds, 0), "device_config"));
    if (target == NULL)
        return;
    luns = sim_map_get(target, "luns");
    for (guint i = 0; i < sim_value_size(luns); i++)
        find_lun(sim, sr, target, sim_value_at(luns, i));
    forget_lost_luns(sr, target);
}

static void
take_from_shelf(Sim *sim, SimObject *sr)
{
    const char *uuid = sim_object_text(sr, "uuid");
    const SimValue *disks = sim_map_get(sim->shelf, uuid);
    SimValue *shelf;

    for (guint i = 0; i < sim_value_size(disks); i++) {
        const char *location = sim_map_key(disks, i);

        if (find_location(sr, location) == NULL)
            add_found(sim, sr, location, sim_value_int(sim_value_at(disks, i)));
    }
    shelf = sim_map_without(sim->shelf, uuid);
    sim_value_unref(sim->shelf);
    sim->shelf = shelf;
}

/* What the storage itself knows of its snapshots: not what became of their originals (captures:
 * event_from_before_del). */
static void
rescan_branches(const SimObject *sr)
{
    g_autoptr(GPtrArray) vdis = sim_object_follow_all(sr, "VDIs");

    for (guint i = 0; i < vdis->len; i++) {
        SimObject *vdi = g_ptr_array_index(vdis, i);
        const SimObject *original = sim_object_follow(vdi, "snapshot_of");

        sim_object_map_remove(vdi, "sm_config", "vhd-parent");
        if (original == NULL)
            sim_object_set_ref(vdi, "snapshot_of", NULL);
        if (!sim_object_bool(vdi, "is_a_snapshot"))
            continue;
        sim_object_set_bool(vdi, "read_only", FALSE);
        sim_object_set(vdi, "sm_config", sim_map());
        if (original != NULL && sim_object_created(original) > sim_object_created(vdi))
            sim_object_set_ref(vdi, "snapshot_of", NULL);
    }
}

void
sim_sr_scan(Sim *sim, SimObject *sr)
{
    rescan_branches(sr);
    take_from_shelf(sim, sr);
    if (strcmp(sim_object_text(sr, "type"), "iscsi") == 0)
        scan_target(sim, sr);
    sim_object_set_int(sr, "physical_size",
                       sim_object_bool(sr, "shared") || is_iscsi(sim_object_text(sr, "type"))
                           ? sim->options.shared_size
                           : sim->options.local_size);
    sim_sr_update_sizes(sim, sr);
}

void
sim_vdi_put_aside(Sim *sim, SimObject *vdi)
{
    const SimObject *sr = sim_object_follow(vdi, "SR");
    const char *uuid = sr != NULL ? sim_object_text(sr, "uuid") : "";
    const SimValue *present = sim_map_get(sim->shelf, uuid);
    g_autoptr(SimValue) disks = present != NULL ? sim_value_ref(present) : sim_map();
    SimValue *shelf;

    if (sr != NULL && strcmp(sim_object_text(sr, "type"), "iscsi") != 0) {
        shelf = sim_map_with(sim->shelf, uuid,
                             sim_map_with(disks, sim_object_text(vdi, "location"),
                                          sim_int(sim_object_int(vdi, "virtual_size"))));
        sim_value_unref(sim->shelf);
        sim->shelf = shelf;
    }
    sim_vdi_drop_record(vdi);
}

void
sim_sr_erase(Sim *sim, const SimObject *sr)
{
    SimValue *shelf = sim_map_without(sim->shelf, sim_object_text(sr, "uuid"));

    sim_value_unref(sim->shelf);
    sim->shelf = shelf;
}

static SimValue *
capture_shelf(Sim *sim)
{
    return sim_value_ref(sim->shelf);
}

static void
apply_shelf(Sim *sim, const SimValue *value)
{
    SimValue *shelf = sim_value_ref(value);

    sim_value_unref(sim->shelf);
    sim->shelf = shelf;
}

const SimStatePart sim_shelf_part = {"shelf", capture_shelf, apply_shelf};

/* ---- attach, detach ---- */

/* captures: SR_NOT_SHARABLE is only of PBDs that are plugged elsewhere */
static SimValue *
check_sharing(const SimObject *sr, const SimObject *host)
{
    g_autoptr(GPtrArray) pbds = sim_object_follow_all(sr, "PBDs");

    for (guint i = 0; i < pbds->len && !sim_object_bool(sr, "shared"); i++) {
        const SimObject *pbd = g_ptr_array_index(pbds, i);
        const SimObject *other = sim_object_follow(pbd, "host");

        if (sim_object_bool(pbd, "currently_attached") && other != NULL && other != host)
            return sim_strings("SR_NOT_SHARABLE", sim_object_get_ref(sr), sim_object_get_ref(other),
                               NULL);
    }
    return NULL;
}

/* Control domain and PBD name each other; both are written each time (scenarios
 * volume_sr_introduce_attach_forget, volume_attach_detach_running). */
static void
bind_driver_domain(SimObject *pbd, const SimObject *host)
{
    SimObject *dom0 = sim_object_follow(host, "control_domain");

    if (dom0 == NULL)
        return;
    sim_object_map_set(pbd, "other_config", "storage_driver_domain", sim_object_get_ref(dom0));
    sim_object_map_set(dom0, "other_config", "storage_driver_domain", sim_object_get_ref(pbd));
    sim_object_touch(pbd);
    sim_object_touch(dom0);
}

void
sim_vdi_note_driver(const SimObject *vdi, const SimObject *host)
{
    const SimObject *sr = sim_object_follow(vdi, "SR");
    g_autoptr(GPtrArray) pbds = sr != NULL ? sim_object_follow_all(sr, "PBDs") : NULL;

    for (guint i = 0; pbds != NULL && i < pbds->len; i++) {
        SimObject *pbd = g_ptr_array_index(pbds, i);

        if (sim_object_follow(pbd, "host") == host)
            bind_driver_domain(pbd, host);
    }
}

SimValue *
sim_pbd_begin_attach(Sim *sim, SimObject *pbd)
{
    SimObject *sr = sim_object_follow(pbd, "SR");
    const SimObject *host = sim_object_follow(pbd, "host");
    const char *type = sim_object_text(sr, "type");
    SimValue *error = sim_backend_check_type(sim, type);

    if (error == NULL)
        error = check_sharing(sr, host);
    if (error == NULL)
        error = sim_backend_check_config(sim, type, sim_object_get(pbd, "device_config"));
    if (error == NULL)
        bind_driver_domain(pbd, host);
    return error;
}

void
sim_pbd_find_disks(Sim *sim, const SimObject *pbd)
{
    SimObject *sr = sim_object_follow(pbd, "SR");

    if (sim_sr_find_master(sim, sr) != sim_object_follow(pbd, "host"))
        return;
    sim_sr_scan(sim, sr);
    sim_object_map_set(sr, "other_config", "dirty", "");
}

SimValue *
sim_pbd_attach(Sim *sim, SimObject *pbd)
{
    SimValue *error = sim_pbd_begin_attach(sim, pbd);

    if (error != NULL)
        return error;
    sim_pbd_find_disks(sim, pbd);
    sim_object_set_bool(pbd, "currently_attached", TRUE);
    return NULL;
}

void
sim_pbd_detach(Sim *sim, SimObject *pbd)
{
    (void) sim;
    sim_object_set_bool(pbd, "currently_attached", FALSE);
}
