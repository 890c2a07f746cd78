#include "api/allowed.h"
#include "api/backend.h"
#include "api/device.h"
#include "api/domain.h"
#include "api/families.h"
#include "api/placement.h"
#include "api/storage.h"

#include <string.h>

static gboolean
is_cd(const SimObject *vbd)
{
    return strcmp(sim_object_text(vbd, "type"), "CD") == 0;
}

/* ---- create, destroy ---- */

/* (transfer full) (nullable): what is wrong with the record itself */
static SimValue *
check_record(const SimValue *record, const SimObject *vdi)
{
    const char *type = sim_value_text(sim_map_get(record, "type"));
    const char *mode = sim_value_text(sim_map_get(record, "mode"));
    const char *vdi_ref = sim_value_text(sim_map_get(record, "VDI"));
    gboolean cd = strcmp(type, "CD") == 0;
    gboolean empty = sim_value_bool(sim_map_get(record, "empty"));

    if (empty && !cd)
        return sim_strings("VBD_NOT_REMOVABLE_MEDIA", "in constructor", NULL);
    if (!empty && vdi == NULL)
        return sim_strings("HANDLE_INVALID", "VDI", vdi_ref, NULL);
    if (cd && strcmp(mode, "RO") != 0)
        return sim_strings("VBD_CDS_MUST_BE_READONLY", NULL);
    if (vdi != NULL && sim_object_bool(vdi, "read_only") && strcmp(mode, "RW") == 0)
        return sim_strings("VDI_READONLY", vdi_ref, NULL);
    return NULL;
}

/* (transfer full) (nullable): toolstack, xapi_vbd.ml: create, which does not try again */
static SimValue *
check_migration(const SimObject *vm)
{
    const SimValue *current = sim_object_get(vm, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        const char *operation = sim_value_text(sim_value_at(current, i));

        if (strcmp(operation, "migrate_send") == 0 || strcmp(operation, "pool_migrate") == 0)
            return sim_strings("OTHER_OPERATION_IN_PROGRESS", "VM", sim_object_get_ref(vm),
                               operation, sim_map_key(current, i), NULL);
    }
    return NULL;
}

/* (transfer full) (nullable): the device that the record asks for, as it is written down */
static char *
choose_device(SimCall *call, const SimObject *vm, const char *wanted)
{
    g_autoptr(SimValue) left = sim_vm_free_vbd_devices(vm);
    gint number = sim_vbd_device_number(wanted);
    g_autofree char *plain = g_strdup_printf("%d", number);

    if (strcmp(wanted, "autodetect") == 0 && sim_value_size(left) > 0)
        return g_strdup(sim_value_text(sim_value_at(left, 0)));
    if (number < 0) {
        sim_call_fail(call, "INVALID_DEVICE", wanted, NULL);
        return NULL;
    }
    if (sim_array_has(left, plain))
        return g_strdup(wanted);
    sim_call_fail(call, "DEVICE_ALREADY_EXISTS", wanted, NULL);
    return NULL;
}

static void
fill_record(SimObject *vbd, const SimValue *record)
{
    static const char *const given[] = {"bootable",
                                        "mode",
                                        "type",
                                        "unpluggable",
                                        "empty",
                                        "other_config",
                                        "qos_algorithm_type",
                                        "qos_algorithm_params"};

    sim_object_set_bool(vbd, "unpluggable", TRUE);
    for (guint i = 0; i < G_N_ELEMENTS(given); i++) {
        const SimValue *value = sim_map_get(record, given[i]);

        if (value != NULL)
            sim_object_set(vbd, given[i], sim_value_ref(value));
    }
}

static void
vbd_create(SimCall *call)
{
    const SimValue *record = sim_call_arg(call, 0);
    SimObject *vm = sim_call_find(call, "VM", sim_value_text(sim_map_get(record, "VM")));
    SimObject *vdi =
        sim_db_find(sim_call_db(call), "VDI", sim_value_text(sim_map_get(record, "VDI")));
    g_autofree char *device = NULL;
    SimValue *error;
    SimObject *metrics;
    SimObject *vbd;

    if (vm == NULL)
        return;
    error = check_record(record, vdi);
    if (error == NULL)
        error = check_migration(vm);
    if (error != NULL) {
        sim_call_fail_with(call, error);
        return;
    }
    device = choose_device(call, vm, sim_value_text(sim_map_get(record, "userdevice")));
    if (device == NULL)
        return;
    metrics = sim_db_create(sim_call_db(call), "VBD_metrics");
    vbd = sim_db_create(sim_call_db(call), "VBD");
    fill_record(vbd, record);
    sim_object_set_text(vbd, "userdevice", device);
    sim_object_set_ref(vbd, "metrics", metrics);
    sim_object_set_ref(vbd, "VDI", vdi);
    sim_object_set_ref(vbd, "VM", vm);
    sim_vbd_update_allowed(vbd);
    sim_call_return(call, sim_string(sim_object_get_ref(vbd)));
}

static void
vbd_destroy(SimCall *call)
{
    SimObject *vbd = sim_call_object(call, 0);
    SimObject *metrics;
    SimObject *vdi;

    if (vbd == NULL || !sim_call_lock(call, vbd, "destroy"))
        return;
    if (sim_object_bool(vbd, "currently_attached")) {
        const SimObject *vm = sim_object_follow(vbd, "VM");
        g_autofree char *text =
            g_strdup_printf("VBD '%s' still attached to '%s'", sim_object_text(vbd, "uuid"),
                            vm != NULL ? sim_object_text(vm, "uuid") : "");

        sim_call_fail(call, "OPERATION_NOT_ALLOWED", text, NULL);
        return;
    }
    metrics = sim_object_follow(vbd, "metrics");
    vdi = sim_object_follow(vbd, "VDI");
    if (metrics != NULL)
        sim_db_destroy(metrics);
    sim_db_destroy(vbd);
    if (vdi != NULL)
        sim_vdi_update_allowed(vdi);
    sim_call_return(call, NULL);
}

/* ---- plug, unplug ---- */

static SimObject *
vbd_of(SimCall *call)
{
    return sim_call_state(call);
}

static gboolean
is_gone(SimCall *call)
{
    if (sim_object_is_alive(vbd_of(call)))
        return FALSE;
    sim_call_fail(call, "OBJECT_NOLONGER_EXISTS", NULL);
    return TRUE;
}

static void
abort_plug(SimCall *call)
{
    if (sim_object_is_alive(vbd_of(call)))
        sim_object_set_bool(vbd_of(call), "currently_attached", FALSE);
}

/* The name in a guest; in a control domain the back end's path (scenario spawn_raw_paused). */
static char *
device_name(const SimObject *vbd)
{
    const SimObject *vdi = sim_object_follow(vbd, "VDI");
    const SimObject *sr = vdi != NULL ? sim_object_follow(vdi, "SR") : NULL;

    if (sr != NULL && sim_vbd_is_of_control_domain(vbd))
        return g_strdup_printf("sm/backend/%s/%s", sim_object_text(sr, "uuid"),
                               sim_object_text(vdi, "uuid"));
    return sim_vbd_device_name(sim_object_text(vbd, "userdevice"));
}

static void
note_driver(const SimObject *vbd)
{
    const SimObject *vm = sim_object_follow(vbd, "VM");
    const SimObject *vdi = sim_object_follow(vbd, "VDI");
    const SimObject *host = vm != NULL ? sim_object_follow(vm, "resident_on") : NULL;

    if (vdi != NULL && host != NULL)
        sim_vdi_note_driver(vdi, host);
}

/* A guest's disk is not marked as changed (scenario volume_attach_detach_running). */
static gboolean
do_plug(SimCall *call)
{
    SimObject *vdi;
    g_autofree char *device = NULL;

    if (is_gone(call))
        return FALSE;
    device = device_name(vbd_of(call));
    sim_object_set_text(vbd_of(call), "device", device);
    vdi = sim_object_follow(vbd_of(call), "VDI");
    if (vdi != NULL && sim_vbd_is_of_control_domain(vbd_of(call)) &&
        strcmp(sim_object_text(vbd_of(call), "mode"), "RW") == 0)
        sim_vdi_touch_content(sim_call_sim(call), vdi);
    sim_domain_note_cancel_points(call, 2);
    return TRUE;
}

/* See vm-power.c. */
static void
go_on_alone(SimCall *call)
{
    const SimObject *vm =
        sim_object_is_alive(vbd_of(call)) ? sim_object_follow(vbd_of(call), "VM") : NULL;
    const SimObject *host = vm != NULL ? sim_object_follow(vm, "resident_on") : NULL;

    if (host != NULL)
        sim_call_go_on_alone(call, host);
}

static const SimStep plug_steps[] = {{do_plug, 0.5, 0.5}, {NULL, 0, 0}};

/* (transfer full) (nullable) */
static SimValue *
check_plug(const SimObject *vbd, const SimObject *vm)
{
    const SimObject *vdi = sim_object_follow(vbd, "VDI");
    const SimObject *sr = vdi != NULL ? sim_object_follow(vdi, "SR") : NULL;
    const SimObject *host = sim_object_follow(vm, "resident_on");
    gboolean dom0 = sim_object_bool(vm, "is_control_domain");

    if (!dom0 && !sim_vm_has_agent(vm))
        return sim_strings("VM_MISSING_PV_DRIVERS", sim_object_get_ref(vm), NULL);
    if (is_cd(vbd) && strcmp(sim_object_text(vm, "domain_type"), "hvm") == 0)
        return sim_strings("OPERATION_NOT_ALLOWED",
                           "HVM CDROMs cannot be hotplugged/unplugged, "
                           "only inserted or ejected",
                           NULL);
    if (vdi == NULL)
        return sim_strings("VBD_IS_EMPTY", sim_object_get_ref(vbd), NULL);
    if (sr != NULL && host != NULL && !sim_host_sees_sr(host, sr))
        return sim_strings("VM_REQUIRES_SR", sim_object_get_ref(vm), sim_object_get_ref(sr), NULL);
    return sim_vbd_check_sharing(vbd);
}

/* toolstack, xapi_vbd.ml: plug, and there alone; a start does not mind. */
static gboolean
is_read_only_disk_of_hvm(const SimObject *vbd, const SimObject *vm)
{
    const SimObject *metrics = sim_object_follow(vm, "metrics");

    return metrics != NULL && !is_cd(vbd) && strcmp(sim_object_text(vbd, "mode"), "RO") == 0 &&
           strcmp(sim_object_text(metrics, "current_domain_type"), "hvm") == 0;
}

static void
vbd_plug(SimCall *call)
{
    SimObject *vbd = sim_call_object(call, 0);
    SimObject *vm = vbd != NULL ? sim_object_follow(vbd, "VM") : NULL;
    SimValue *error;

    if (vbd == NULL)
        return;
    error = vm != NULL ? sim_vm_check_state(vm, "running")
                       : sim_strings("HANDLE_INVALID", "VM", sim_object_text(vbd, "VM"), NULL);
    if (error == NULL && sim_object_bool(vbd, "currently_attached"))
        error = sim_strings("DEVICE_ALREADY_ATTACHED", sim_object_get_ref(vbd), NULL);
    if (error == NULL)
        error = sim_vm_check_plugging(vm);
    if (error == NULL)
        error = check_plug(vbd, vm);
    if (error == NULL && is_read_only_disk_of_hvm(vbd, vm))
        error = sim_strings("DISK_VBD_MUST_BE_READWRITE_FOR_HVM", sim_object_get_ref(vbd), NULL);
    if (error != NULL) {
        sim_call_fail_with(call, error);
        return;
    }
    if (!sim_call_lock(call, vbd, "plug"))
        return;
    sim_object_set_bool(vbd, "currently_attached", TRUE);
    sim_vbd_update_allowed(vbd);
    note_driver(vbd);
    sim_call_set_abort(call, abort_plug);
    sim_call_set_orphan(call, go_on_alone);
    sim_call_run(call, plug_steps, sim_object_ref(vbd), (GDestroyNotify) sim_object_unref);
}

static gboolean
do_unplug(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    sim_object_set_bool(vbd_of(call), "currently_attached", FALSE);
    sim_domain_note_cancel_points(call, 2);
    return TRUE;
}

static const SimStep unplug_steps[] = {{do_unplug, 0.5, 0.5}, {NULL, 0, 0}};

static void
unplug(SimCall *call, const char *operation, gboolean force)
{
    SimObject *vbd = sim_call_object(call, 0);
    SimObject *vm = vbd != NULL ? sim_object_follow(vbd, "VM") : NULL;
    SimValue *error = NULL;

    if (vbd == NULL)
        return;
    if (!sim_object_bool(vbd, "currently_attached"))
        error = sim_strings("DEVICE_ALREADY_DETACHED", sim_object_get_ref(vbd), NULL);
    else if (vm != NULL)
        error = sim_vm_check_state(vm, "running");
    if (error == NULL && !sim_object_bool(vbd, "unpluggable"))
        error = sim_strings("VBD_NOT_UNPLUGGABLE", sim_object_get_ref(vbd), NULL);
    if (error == NULL && !force && vm != NULL)
        error = sim_vm_check_plugging(vm);
    if (error == NULL && !force && vm != NULL && !sim_object_bool(vm, "is_control_domain") &&
        !sim_vm_has_agent(vm))
        error = sim_strings("VM_MISSING_PV_DRIVERS", sim_object_get_ref(vm), NULL);
    if (error != NULL)
        sim_call_fail_with(call, error);
    else if (sim_call_lock(call, vbd, operation)) {
        note_driver(vbd);
        sim_call_set_orphan(call, go_on_alone);
        sim_call_run(call, unplug_steps, sim_object_ref(vbd), (GDestroyNotify) sim_object_unref);
    }
}

static void
vbd_unplug(SimCall *call)
{
    unplug(call, "unplug", FALSE);
}

static void
vbd_unplug_force(SimCall *call)
{
    unplug(call, "unplug_force", TRUE);
}

/* ---- media ---- */

static void
change_medium(SimCall *call, SimObject *vbd, SimObject *vdi, const char *operation)
{
    if (!is_cd(vbd)) {
        sim_call_fail(call, "VBD_NOT_REMOVABLE_MEDIA", sim_object_get_ref(vbd), NULL);
        return;
    }
    if (!sim_call_lock(call, vbd, operation))
        return;
    sim_object_set_ref(vbd, "VDI", vdi);
    sim_object_set_bool(vbd, "empty", vdi == NULL);
    sim_call_return(call, NULL);
}

static void
vbd_insert(SimCall *call)
{
    SimObject *vbd = sim_call_object(call, 0);
    SimObject *vdi = vbd != NULL ? sim_call_object(call, 1) : NULL;

    if (vdi == NULL)
        return;
    if (is_cd(vbd) && !sim_object_bool(vbd, "empty"))
        sim_call_fail(call, "VBD_NOT_EMPTY", sim_object_get_ref(vbd), NULL);
    else
        change_medium(call, vbd, vdi, "insert");
}

/* A drive that a running machine will only have from its next start on (verified-sequences 2.3). */
static gboolean
is_not_there_yet(const SimObject *vbd)
{
    const SimObject *vm = sim_object_follow(vbd, "VM");

    return vm != NULL && sim_vm_is(vm, "Running") && !sim_object_bool(vbd, "currently_attached");
}

static void
vbd_eject(SimCall *call)
{
    SimObject *vbd = sim_call_object(call, 0);

    if (vbd == NULL)
        return;
    if (is_cd(vbd) && sim_object_bool(vbd, "empty"))
        sim_call_fail(call, "VBD_IS_EMPTY", sim_object_get_ref(vbd), NULL);
    else if (is_cd(vbd) && is_not_there_yet(vbd))
        sim_call_fail_internal(
            call,
            "xenopsd internal error: Xenops_interface.Xenopsd_error([S(Does_not_exist);"
            "[S(VBD);S(%s)]])",
            sim_object_text(vbd, "uuid"));
    else
        change_medium(call, vbd, NULL, "eject");
}

static void
vbd_assert_attachable(SimCall *call)
{
    SimObject *vbd = sim_call_object(call, 0);
    SimObject *vm = vbd != NULL ? sim_object_follow(vbd, "VM") : NULL;
    SimValue *error = vm != NULL ? check_plug(vbd, vm) : NULL;

    if (error != NULL)
        sim_call_fail_with(call, error);
    else if (vbd != NULL)
        sim_call_return(call, NULL);
}

const SimHandlerEntry sim_vbd_handlers[] = {
    {"VBD.create", vbd_create},
    {"VBD.destroy", vbd_destroy},
    {"VBD.plug", vbd_plug},
    {"VBD.unplug", vbd_unplug},
    {"VBD.unplug_force", vbd_unplug_force},
    {"VBD.insert", vbd_insert},
    {"VBD.eject", vbd_eject},
    {"VBD.assert_attachable", vbd_assert_attachable},
    {NULL, NULL},
};
