/* Machines as records: create, destroy, and the settings that need more than a write. */
#include "api/allowed.h"
#include "api/device.h"
#include "api/domain.h"
#include "api/families.h"
#include "api/placement.h"
#include "api/storage.h"
#include "api/vm-copy.h"

#include <string.h>

/* ---- create, destroy ---- */

/* verified-sequences 1.6: these members are ignored, whatever they say. */
static gboolean
is_ignored(const char *member)
{
    static const char *const ignored[] = {"uuid",          "blocked_operations", "power_state",
                                          "suspend_VDI",   "resident_on",        "domid",
                                          "is_a_snapshot", "generation_id",      NULL};

    return g_strv_contains(ignored, member);
}

static void
settle_domain_type(SimObject *vm)
{
    const char *policy = sim_object_text(vm, "HVM_boot_policy");

    if (strcmp(sim_object_text(vm, "domain_type"), "unspecified") == 0)
        sim_object_set_text(vm, "domain_type", policy[0] == '\0' ? "pv" : "hvm");
}

static SimObject *
create_vm_metrics(Sim *sim)
{
    SimObject *metrics = sim_db_create(sim->db, "VM_metrics");
    SimValue *utilisation = sim_map();

    sim_map_add(utilisation, "0", sim_float(0));
    sim_object_set(metrics, "VCPUs_utilisation", utilisation);
    return metrics;
}

static void
vm_create(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    const SimValue *record = sim_call_arg(call, 0);
    SimObject *metrics = create_vm_metrics(sim);
    SimObject *vm = sim_db_create(sim->db, "VM");
    g_autofree char *seed = sim_ids_uuid(sim->ids);

    for (guint i = 0; i < sim_value_size(record); i++) {
        if (!is_ignored(sim_map_key(record, i)))
            sim_object_set(vm, sim_map_key(record, i), sim_value_ref(sim_value_at(record, i)));
    }
    if (sim_object_map_text(vm, "other_config", "mac_seed") == NULL)
        sim_object_map_set(vm, "other_config", "mac_seed", seed);
    settle_domain_type(vm);
    sim_object_set_ref(vm, "metrics", metrics);
    sim_object_set_int(vm, "domid", -1);
    sim_object_set_int(vm, "memory_overhead", sim_vm_memory_overhead(vm));
    if (sim_object_bool(vm, "has_vendor_device"))
        sim_object_set_int(vm, "hardware_platform_version", 2);
    sim_vm_update_allowed(vm);
    sim_call_return(call, sim_string(sim_object_get_ref(vm)));
}

static void
destroy_devices(const SimObject *vm, const char *set)
{
    g_autoptr(GPtrArray) devices = sim_object_follow_all(vm, set);

    for (guint i = 0; i < devices->len; i++) {
        SimObject *device = g_ptr_array_index(devices, i);
        SimObject *metrics = sim_object_follow(device, "metrics");
        SimObject *vdi = strcmp(set, "VBDs") == 0 ? sim_object_follow(device, "VDI") : NULL;

        if (metrics != NULL)
            sim_db_destroy(metrics);
        sim_db_destroy(device);
        if (vdi != NULL)
            sim_vdi_update_allowed(vdi);
    }
}

void
sim_vm_delete(SimObject *vm)
{
    destroy_devices(vm, "VIFs");
    sim_domain_destroy_all(vm, "consoles");
    sim_vm_delete_record(vm);
}

void
sim_vm_delete_record(SimObject *vm)
{
    static const char *const records[] = {"metrics", "guest_metrics"};

    destroy_devices(vm, "VBDs");
    for (guint i = 0; i < G_N_ELEMENTS(records); i++) {
        SimObject *record = sim_object_follow(vm, records[i]);

        if (record != NULL)
            sim_db_destroy(record);
    }
    sim_db_destroy(vm);
}

static gboolean
is_gone(SimCall *call)
{
    if (sim_object_is_alive(sim_call_state(call)))
        return FALSE;
    sim_call_fail(call, "OBJECT_NOLONGER_EXISTS", NULL);
    return TRUE;
}

/* The drives go first, and the machine tells so (scenario destroy_running). */
static gboolean
destroy_drives(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    destroy_devices(sim_call_state(call), "VBDs");
    return TRUE;
}

static gboolean
do_destroy(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    sim_vm_delete(sim_call_state(call));
    return TRUE;
}

static const SimStep destroy_steps[] = {
    {destroy_drives, SIM_MOMENT, -1}, {do_destroy, SIM_MOMENT, -1}, {NULL, 0, 0}};

static gboolean
runs_clean_shutdown(const SimObject *vm)
{
    const SimValue *current = sim_object_get(vm, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        if (strcmp(sim_value_text(sim_value_at(current, i)), "clean_shutdown") == 0)
            return TRUE;
    }
    return FALSE;
}

/* Never its disks. During a clean shutdown it waits for the end of that (observed.md, "Semantics");
 * during a hard one the state that it sees decides. */
static void
vm_destroy(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm == NULL)
        return;
    if (sim_object_bool(vm, "is_control_domain")) {
        sim_call_fail(call, "OPERATION_NOT_ALLOWED", "VM is a control domain", NULL);
        return;
    }
    if (runs_clean_shutdown(vm) ? !sim_call_lock(call, vm, "destroy")
                                : !sim_vm_allow(call, vm, "destroy", "halted, suspended") ||
                                      !sim_call_lock(call, vm, "destroy"))
        return;
    sim_call_run(call, destroy_steps, sim_object_ref(vm), (GDestroyNotify) sim_object_unref);
}

static void
vm_set_is_a_template(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    gboolean template = sim_value_bool(sim_call_arg(call, 1));

    if (vm == NULL || (template && !sim_vm_allow(call, vm, "make_into_template", "halted")))
        return;
    sim_object_set_bool(vm, "is_a_template", template);
    sim_vm_update_allowed(vm);
    sim_call_return(call, NULL);
}

static void
vm_provision(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm == NULL)
        return;
    if (!sim_object_bool(vm, "is_a_template")) {
        sim_call_fail(call, "PROVISION_ONLY_ALLOWED_ON_TEMPLATE", NULL);
        return;
    }
    sim_object_set_bool(vm, "is_a_template", FALSE);
    sim_vm_update_allowed(vm);
    sim_call_return(call, NULL);
}

/* ---- memory and vCPUs ---- */

/* 0 <= static_min <= dynamic_min <= dynamic_max <= static_max */
static gboolean
apply_memory(SimCall *call, SimObject *vm, gint64 static_min, gint64 static_max, gint64 dynamic_min,
             gint64 dynamic_max)
{
    if (static_min < 0 || static_min > dynamic_min || dynamic_min > dynamic_max ||
        dynamic_max > static_max) {
        sim_call_fail(call, "MEMORY_CONSTRAINT_VIOLATION_ORDER", NULL);
        return FALSE;
    }
    sim_object_set_int(vm, "memory_static_min", static_min);
    sim_object_set_int(vm, "memory_static_max", static_max);
    sim_object_set_int(vm, "memory_dynamic_min", dynamic_min);
    sim_object_set_int(vm, "memory_dynamic_max", dynamic_max);
    sim_object_set_int(vm, "memory_overhead", sim_vm_memory_overhead(vm));
    return TRUE;
}

static gint64
int_arg(const SimCall *call, guint index)
{
    return sim_value_int(sim_call_arg(call, index));
}

/* (nullable) */
static SimObject *
halted_vm(SimCall *call, const char *operation)
{
    SimObject *vm = sim_call_object(call, 0);

    return vm != NULL && sim_vm_allow(call, vm, operation, "halted") ? vm : NULL;
}

static void
vm_set_memory(SimCall *call)
{
    SimObject *vm = halted_vm(call, "changing_memory_limits");
    gint64 bytes = int_arg(call, 1);

    if (vm != NULL && apply_memory(call, vm, MIN(sim_object_int(vm, "memory_static_min"), bytes),
                                   bytes, bytes, bytes))
        sim_call_return(call, NULL);
}

static void
vm_set_memory_limits(SimCall *call)
{
    SimObject *vm = halted_vm(call, "changing_memory_limits");

    if (vm != NULL && apply_memory(call, vm, int_arg(call, 1), int_arg(call, 2), int_arg(call, 3),
                                   int_arg(call, 4)))
        sim_call_return(call, NULL);
}

static void
vm_set_memory_static_range(SimCall *call)
{
    SimObject *vm = halted_vm(call, "changing_static_range");

    if (vm != NULL && apply_memory(call, vm, int_arg(call, 1), int_arg(call, 2),
                                   sim_object_int(vm, "memory_dynamic_min"),
                                   sim_object_int(vm, "memory_dynamic_max")))
        sim_call_return(call, NULL);
}

static void
vm_set_memory_dynamic_range(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm == NULL || !sim_vm_allow(call, vm, "changing_dynamic_range", "halted, running"))
        return;
    if (!apply_memory(call, vm, sim_object_int(vm, "memory_static_min"),
                      sim_object_int(vm, "memory_static_max"), int_arg(call, 1), int_arg(call, 2)))
        return;
    if (sim_vm_is(vm, "Running"))
        sim_object_set_int(vm, "memory_target", sim_object_int(vm, "memory_dynamic_max"));
    sim_call_return(call, NULL);
}

static void
refuse_number(SimCall *call, const char *field, gint64 number)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, number);

    sim_call_fail(call, "INVALID_VALUE", field, text, NULL);
}

/* To grow the maximum first, to shrink it last (verified-sequences 5). */
static void
vm_set_vcpus_max(SimCall *call)
{
    SimObject *vm = halted_vm(call, "changing_VCPUs");
    gint64 number = int_arg(call, 1);

    if (vm == NULL)
        return;
    if (number < 1 || number < sim_object_int(vm, "VCPUs_at_startup")) {
        refuse_number(call, "VCPUs_max", number);
        return;
    }
    sim_object_set_int(vm, "VCPUs_max", number);
    sim_object_set_int(vm, "memory_overhead", sim_vm_memory_overhead(vm));
    sim_call_return(call, NULL);
}

static void
vm_set_vcpus_at_startup(SimCall *call)
{
    SimObject *vm = halted_vm(call, "changing_VCPUs");
    gint64 number = int_arg(call, 1);

    if (vm == NULL)
        return;
    if (number < 1 || number > sim_object_int(vm, "VCPUs_max")) {
        refuse_number(call, "VCPUs_at_startup", number);
        return;
    }
    sim_object_set_int(vm, "VCPUs_at_startup", number);
    sim_call_return(call, NULL);
}

static void
vm_set_vcpus_number_live(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimObject *metrics;
    gint64 number = int_arg(call, 1);

    if (vm == NULL || !sim_vm_allow(call, vm, "changing_VCPUs_live", "running") ||
        !sim_vm_require_agent(call, vm))
        return;
    if (number < 1 || number > sim_object_int(vm, "VCPUs_max")) {
        refuse_number(call, "VCPUs_number", number);
        return;
    }
    metrics = sim_object_follow(vm, "metrics");
    if (metrics != NULL)
        sim_object_set_int(metrics, "VCPUs_number", number);
    sim_object_set_int(vm, "VCPUs_at_startup", number);
    sim_call_return(call, NULL);
}

/* ---- questions ---- */

static void
vm_get_allowed_vbd_devices(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm != NULL)
        sim_call_return(call, sim_vm_free_vbd_devices(vm));
}

static void
vm_get_allowed_vif_devices(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm != NULL)
        sim_call_return(call, sim_vm_free_vif_devices(vm));
}

static void
vm_assert_can_boot_here(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimObject *host = vm != NULL ? sim_call_object(call, 1) : NULL;
    SimValue *error;

    if (host == NULL)
        return;
    error = sim_vm_cannot_run_on(sim_call_sim(call), vm, host, TRUE);
    if (error != NULL)
        sim_call_fail_with(call, error);
    else
        sim_call_return(call, NULL);
}

static void
vm_get_possible_hosts(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimValue *refs;

    if (vm == NULL)
        return;
    refs = sim_array();
    for (SimObject *host = sim_db_first(sim_call_db(call), "host"); host != NULL;
         host = sim_object_next(host)) {
        g_autoptr(SimValue) error = sim_vm_cannot_run_on(sim_call_sim(call), vm, host, FALSE);

        if (error == NULL)
            sim_array_add(refs, sim_string(sim_object_get_ref(host)));
    }
    sim_call_return(call, refs);
}

/* Agile: every disk is on shared storage. */
static void
vm_assert_agile(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    g_autoptr(GPtrArray) vbds = NULL;

    if (vm == NULL)
        return;
    vbds = sim_object_follow_all(vm, "VBDs");
    for (guint i = 0; i < vbds->len; i++) {
        const SimObject *vdi = sim_object_follow(g_ptr_array_index(vbds, i), "VDI");
        const SimObject *sr = vdi != NULL ? sim_object_follow(vdi, "SR") : NULL;

        if (sr != NULL && !sim_object_bool(sr, "shared")) {
            sim_call_fail(call, "HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sim_object_get_ref(sr),
                          NULL);
            return;
        }
    }
    sim_call_return(call, NULL);
}

static void
vm_compute_memory_overhead(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm != NULL)
        sim_call_return(call, sim_int(sim_vm_memory_overhead(vm)));
}

static void
vm_update_allowed_operations(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm == NULL)
        return;
    sim_vm_update_allowed(vm);
    sim_call_return(call, NULL);
}

static void
vm_assert_operation_valid(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    const char *operation = sim_call_text(call, 1);

    if (vm == NULL)
        return;
    if (sim_array_has(sim_object_get(vm, "allowed_operations"), operation))
        sim_call_return(call, NULL);
    else
        sim_call_fail(call, "OPERATION_NOT_ALLOWED", operation, NULL);
}

static void
vm_get_cooperative(SimCall *call)
{
    if (sim_call_object(call, 0) != NULL)
        sim_call_return(call, sim_bool(TRUE));
}

/* Takes those of the host, as long as the machine has none. */
static void
vm_copy_bios_strings(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimObject *host = vm != NULL ? sim_call_object(call, 1) : NULL;

    if (host == NULL)
        return;
    if (sim_value_size(sim_object_get(vm, "bios_strings")) > 0) {
        sim_call_fail(call, "VM_BIOS_STRINGS_ALREADY_SET", NULL);
        return;
    }
    sim_object_set(vm, "bios_strings", sim_value_ref(sim_object_get(host, "bios_strings")));
    sim_call_return(call, NULL);
}

const SimHandlerEntry sim_vm_record_handlers[] = {
    {"VM.create", vm_create},
    {"VM.destroy", vm_destroy},
    {"VM.set_is_a_template", vm_set_is_a_template},
    {"VM.provision", vm_provision},
    {"VM.set_memory", vm_set_memory},
    {"VM.set_memory_limits", vm_set_memory_limits},
    {"VM.set_memory_static_range", vm_set_memory_static_range},
    {"VM.set_memory_dynamic_range", vm_set_memory_dynamic_range},
    {"VM.set_VCPUs_max", vm_set_vcpus_max},
    {"VM.set_VCPUs_at_startup", vm_set_vcpus_at_startup},
    {"VM.set_VCPUs_number_live", vm_set_vcpus_number_live},
    {"VM.get_allowed_VBD_devices", vm_get_allowed_vbd_devices},
    {"VM.get_allowed_VIF_devices", vm_get_allowed_vif_devices},
    {"VM.assert_can_boot_here", vm_assert_can_boot_here},
    {"VM.get_possible_hosts", vm_get_possible_hosts},
    {"VM.assert_agile", vm_assert_agile},
    {"VM.compute_memory_overhead", vm_compute_memory_overhead},
    {"VM.update_allowed_operations", vm_update_allowed_operations},
    {"VM.assert_operation_valid", vm_assert_operation_valid},
    {"VM.get_cooperative", vm_get_cooperative},
    {"VM.copy_bios_strings", vm_copy_bios_strings},
    {NULL, NULL},
};
