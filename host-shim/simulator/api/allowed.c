#include "api/allowed.h"

#include "api/storage.h"

#include <string.h>

typedef enum {
    HALTED = 1 << 0,
    PAUSED = 1 << 1,
    RUNNING = 1 << 2,
    SUSPENDED = 1 << 3,
} States;

/* In the order in which the toolstack lists them (captures: VM_get_record and its kin). */
static const struct {
    const char *operation;
    guint states;
    guint snapshot_states;
    gboolean needs_agent;
} vm_operations[] = {
    {"create_vtpm", HALTED, 0, FALSE},
    {"destroy", HALTED | SUSPENDED, HALTED | SUSPENDED, FALSE},
    {"metadata_export", HALTED | PAUSED | RUNNING | SUSPENDED, HALTED | SUSPENDED, FALSE},
    {"export", HALTED | SUSPENDED, HALTED | SUSPENDED, FALSE},
    {"make_into_template", HALTED, 0, FALSE},
    {"changing_NVRAM", HALTED, 0, FALSE},
    {"changing_shadow_memory", HALTED, 0, FALSE},
    {"changing_VCPUs_live", RUNNING, 0, TRUE},
    {"changing_static_range", HALTED, 0, FALSE},
    {"changing_dynamic_range", HALTED | RUNNING, 0, FALSE},
    {"migrate_send", HALTED | SUSPENDED, 0, FALSE},
    {"migrate_send", RUNNING, 0, TRUE},
    {"pool_migrate", RUNNING, 0, TRUE},
    {"suspend", RUNNING, 0, TRUE},
    {"resume_on", SUSPENDED, 0, FALSE},
    {"resume", SUSPENDED, 0, FALSE},
    {"hard_reboot", RUNNING | PAUSED, 0, FALSE},
    {"hard_shutdown", RUNNING | PAUSED | SUSPENDED, SUSPENDED, FALSE},
    {"clean_reboot", RUNNING, 0, TRUE},
    {"clean_shutdown", RUNNING, 0, TRUE},
    {"unpause", PAUSED, 0, FALSE},
    {"pause", RUNNING, 0, FALSE},
    {"start_on", HALTED, 0, FALSE},
    {"start", HALTED, 0, FALSE},
    {"revert", 0, HALTED | SUSPENDED, FALSE},
    {"copy", HALTED, HALTED | SUSPENDED, FALSE},
    {"clone", HALTED, HALTED | SUSPENDED, FALSE},
    {"checkpoint", PAUSED | SUSPENDED, 0, FALSE},
    {"checkpoint", RUNNING, 0, TRUE},
    {"snapshot", HALTED | PAUSED | RUNNING | SUSPENDED, 0, FALSE},
};

/* What the toolstack still offers while an operation runs (captures, scenarios). */
static const struct {
    const char *current;
    const char *offered[6];
} vm_offers[] = {
    {"clean_shutdown", {"hard_reboot", "hard_shutdown"}},
    {"clean_reboot", {"hard_reboot", "hard_shutdown"}},
    {"shutdown", {"hard_reboot", "hard_shutdown"}},
    {"pool_migrate", {"hard_reboot", "hard_shutdown"}},
    {"suspend", {"hard_reboot", "hard_shutdown"}},
    {"resume", {"hard_reboot", "hard_shutdown"}},
    {"resume_on", {"hard_reboot", "hard_shutdown"}},
    {"pause", {"hard_reboot", "hard_shutdown"}},
    {"unpause", {"hard_reboot", "hard_shutdown"}},
    {"hard_reboot", {"hard_shutdown"}},
    {"migrate_send",
     {"metadata_export", "hard_reboot", "hard_shutdown", "clean_reboot", "clean_shutdown"}},
    {"snapshot", {"hard_reboot", "hard_shutdown", "checkpoint", "snapshot", "clone", "copy"}},
    {"clone", {"snapshot", "clone", "copy", "export"}},
    {"copy", {"snapshot", "clone", "copy", "export"}},
};

/* Reads and copies do not wait for each other. */
static const char *const overlapping[] = {"snapshot", "clone",           "copy",
                                          "export",   "metadata_export", NULL};

static guint
state_of(const SimObject *vm)
{
    static const struct {
        const char *name;
        guint state;
    } states[] = {
        {"Halted", HALTED}, {"Paused", PAUSED}, {"Running", RUNNING}, {"Suspended", SUSPENDED}};

    for (guint i = 0; i < G_N_ELEMENTS(states); i++) {
        if (strcmp(sim_object_text(vm, "power_state"), states[i].name) == 0)
            return states[i].state;
    }
    return HALTED;
}

gboolean
sim_vm_has_agent(const SimObject *vm)
{
    const SimObject *metrics = sim_object_follow(vm, "guest_metrics");

    return metrics != NULL && sim_object_map_text(metrics, "other", "feature-shutdown") != NULL;
}

static gboolean
is_offered(const SimObject *vm, const char *operation)
{
    const SimValue *current = sim_object_get(vm, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        const char *running = sim_value_text(sim_value_at(current, i));
        gboolean offered = FALSE;

        for (guint k = 0; k < G_N_ELEMENTS(vm_offers); k++) {
            for (guint n = 0;
                 n < G_N_ELEMENTS(vm_offers[k].offered) &&
                 strcmp(vm_offers[k].current, running) == 0 && vm_offers[k].offered[n] != NULL;
                 n++)
                offered = offered || strcmp(vm_offers[k].offered[n], operation) == 0;
        }
        if (!offered)
            return FALSE;
    }
    return TRUE;
}

static SimValue *
list_vm_operations(const SimObject *vm)
{
    SimValue *list = sim_array();
    guint state = state_of(vm);
    gboolean snapshot = sim_object_bool(vm, "is_a_snapshot");
    gboolean agent = sim_vm_has_agent(vm);

    for (guint i = 0; i < G_N_ELEMENTS(vm_operations); i++) {
        guint states = snapshot ? vm_operations[i].snapshot_states : vm_operations[i].states;

        if ((states & state) != 0 && (agent || !vm_operations[i].needs_agent) &&
            is_offered(vm, vm_operations[i].operation))
            sim_array_add(list, sim_string(vm_operations[i].operation));
    }
    return list;
}

/* A template is not started but provisioned. */
static SimValue *
list_template_operations(const SimObject *vm)
{
    if (sim_value_size(sim_object_get(vm, "current_operations")) > 0)
        return sim_array();
    return sim_strings("changing_NVRAM", "changing_shadow_memory", "changing_static_range",
                       "changing_dynamic_range", "destroy", "metadata_export", "export",
                       "provision", "copy", "clone", NULL);
}

/* toolstack, xapi_vm_lifecycle.ml: check_operation_error; the setters of blocked_operations do not come here
 * (scenario rescue_unrescue). */
static SimValue *
without_blocked(const SimObject *vm, const SimValue *operations)
{
    SimValue *list = sim_array();

    for (guint i = 0; i < sim_value_size(operations); i++) {
        const char *operation = sim_value_text(sim_value_at(operations, i));

        if (sim_object_map_text(vm, "blocked_operations", operation) == NULL)
            sim_array_add(list, sim_string(operation));
    }
    return list;
}

void
sim_vm_update_allowed(SimObject *vm)
{
    g_autoptr(SimValue) list = NULL;

    if (sim_object_bool(vm, "is_control_domain"))
        return;
    if (sim_object_bool(vm, "is_a_template") && !sim_object_bool(vm, "is_a_snapshot"))
        list = list_template_operations(vm);
    else
        list = list_vm_operations(vm);
    sim_object_set(vm, "allowed_operations", without_blocked(vm, list));
}

static gboolean
is_busy(const SimObject *object)
{
    return sim_value_size(sim_object_get(object, "current_operations")) > 0;
}

static void
add_plugging(SimValue *list, const SimObject *vbd)
{
    gboolean attached = sim_object_bool(vbd, "currently_attached");

    if (!attached)
        sim_array_add(list, sim_string("plug"));
    if (attached && sim_object_bool(vbd, "unpluggable")) {
        sim_array_add(list, sim_string("unplug"));
        sim_array_add(list, sim_string("unplug_force"));
    }
}

/* For a domain that makes way for another, or comes back from its image (scenarios power_cycle,
 * suspend_resume). */
static gboolean
is_reserved(const SimObject *vbd)
{
    const SimValue *current = sim_object_get(vbd, "current_operations");

    return sim_object_bool(vbd, "currently_attached") && sim_value_size(current) == 1 &&
           strcmp(sim_value_text(sim_value_at(current, 0)), "attach") == 0;
}

void
sim_vbd_update_allowed(SimObject *vbd)
{
    const SimObject *vm = sim_object_follow(vbd, "VM");
    guint state = vm != NULL ? state_of(vm) : HALTED;
    gboolean disk = strcmp(sim_object_text(vbd, "type"), "Disk") == 0;
    SimValue *list = sim_array();

    if (!is_busy(vbd) && (vm == NULL || !sim_object_bool(vm, "is_a_snapshot"))) {
        sim_array_add(list, sim_string("attach"));
        if ((state & (RUNNING | PAUSED)) != 0)
            sim_array_add(list, sim_string("unpause"));
        if (state == RUNNING && disk)
            add_plugging(list, vbd);
        if ((state & (RUNNING | PAUSED)) != 0)
            sim_array_add(list, sim_string("pause"));
        if (!disk)
            sim_array_add(list, sim_string(sim_object_bool(vbd, "empty") ? "insert" : "eject"));
    } else if ((state & (RUNNING | PAUSED)) != 0 && is_reserved(vbd)) {
        sim_array_add(list, sim_string("unpause"));
    }
    sim_object_set(vbd, "allowed_operations", list);
}

void
sim_vif_update_allowed(SimObject *vif)
{
    const SimObject *vm = sim_object_follow(vif, "VM");
    SimValue *list = sim_array();

    if (!is_busy(vif)) {
        sim_array_add(list, sim_string("attach"));
        if (vm != NULL && state_of(vm) == RUNNING)
            sim_array_add(
                list, sim_string(sim_object_bool(vif, "currently_attached") ? "unplug" : "plug"));
    }
    sim_object_set(vif, "allowed_operations", list);
}

gboolean
sim_vbd_is_attached(const SimObject *vbd)
{
    return sim_object_bool(vbd, "currently_attached") || is_busy(vbd);
}

gboolean
sim_vdi_is_attached(const SimObject *vdi)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vdi, "VBDs");

    for (guint i = 0; i < vbds->len; i++) {
        if (sim_vbd_is_attached(g_ptr_array_index(vbds, i)))
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_attached_for_writing(const SimObject *vdi)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vdi, "VBDs");

    for (guint i = 0; i < vbds->len; i++) {
        const SimObject *vbd = g_ptr_array_index(vbds, i);

        if (sim_vbd_is_attached(vbd) && strcmp(sim_object_text(vbd, "mode"), "RW") == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_on_its_way(const SimObject *vdi)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vdi, "VBDs");

    for (guint i = 0; i < vbds->len; i++) {
        if (is_reserved(g_ptr_array_index(vbds, i)))
            return TRUE;
    }
    return FALSE;
}

/* toolstack, xapi_vdi.ml: the one operation that asks for a plugged PBD */
static gboolean
is_resizable(const SimObject *vdi)
{
    const SimObject *sr = sim_object_follow(vdi, "SR");

    return sr == NULL || sim_sr_is_plugged(sr);
}

void
sim_vdi_update_allowed(SimObject *vdi)
{
    SimValue *list;

    if (is_busy(vdi) || is_on_its_way(vdi))
        list = sim_array();
    else if (is_attached_for_writing(vdi))
        list = sim_strings("snapshot", "clone", NULL);
    else if (sim_vdi_is_attached(vdi))
        list = sim_strings("snapshot", "copy", "clone", NULL);
    else if (is_resizable(vdi))
        list = sim_strings("generate_config", "update", "forget", "destroy", "snapshot", "resize",
                           "copy", "clone", NULL);
    else
        list = sim_strings("generate_config", "update", "forget", "destroy", "snapshot", "copy",
                           "clone", NULL);
    sim_object_set(vdi, "allowed_operations", list);
}

/* Those that bring guests to a host and those that take them away shut each other out (toolstack,
 * xapi_host_helpers.ml). In the order of the captures: host_get_record and its kin. */
static const struct {
    const char *operation;
    gboolean arriving;
    gboolean leaving;
    gboolean needs_disabled;
    const char *excluded_by;
} host_operations[] = {
    {"vm_migrate", TRUE, FALSE, FALSE, NULL},
    {"provision", TRUE, FALSE, FALSE, NULL},
    {"vm_resume", TRUE, FALSE, FALSE, NULL},
    {"enable", FALSE, FALSE, FALSE, NULL},
    {"evacuate", FALSE, TRUE, FALSE, NULL},
    {"vm_start", FALSE, FALSE, FALSE, NULL},
    {"shutdown", FALSE, TRUE, TRUE, "reboot"},
    {"reboot", FALSE, TRUE, TRUE, "shutdown"},
    {"apply_updates", FALSE, FALSE, TRUE, "shutdown"},
};

static gboolean
runs_of_kind(const SimObject *host, gboolean arriving, gboolean leaving)
{
    const SimValue *current = sim_object_get(host, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        const char *running = sim_value_text(sim_value_at(current, i));

        for (guint n = 0; n < G_N_ELEMENTS(host_operations); n++) {
            if (strcmp(host_operations[n].operation, running) == 0 &&
                ((arriving && host_operations[n].arriving) ||
                 (leaving && host_operations[n].leaving)))
                return TRUE;
        }
    }
    return FALSE;
}

static gboolean
runs(const SimObject *object, const char *operation)
{
    const SimValue *current = sim_object_get(object, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        if (strcmp(sim_value_text(sim_value_at(current, i)), operation) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
host_may_run(SimObject *host, const char *operation)
{
    for (guint i = 0; i < G_N_ELEMENTS(host_operations); i++) {
        const char *rival = host_operations[i].excluded_by;

        if (strcmp(host_operations[i].operation, operation) == 0)
            return !runs_of_kind(host, host_operations[i].leaving, host_operations[i].arriving) &&
                   (rival == NULL || !runs(host, rival));
    }
    return TRUE;
}

void
sim_host_update_allowed(SimObject *host)
{
    SimValue *list = sim_array();

    for (guint i = 0; i < G_N_ELEMENTS(host_operations); i++) {
        if ((!host_operations[i].needs_disabled || !sim_object_bool(host, "enabled")) &&
            host_may_run(host, host_operations[i].operation))
            sim_array_add(list, sim_string(host_operations[i].operation));
    }
    sim_object_set(host, "allowed_operations", list);
}

static void
update_each(const SimObject *object, const char *set, void (*update)(SimObject *))
{
    g_autoptr(GPtrArray) others = sim_object_follow_all(object, set);

    for (guint i = 0; i < others->len; i++)
        update(g_ptr_array_index(others, i));
}

static void
update_vbd_and_vdi(SimObject *vbd)
{
    SimObject *vdi = sim_object_follow(vbd, "VDI");

    sim_vbd_update_allowed(vbd);
    if (vdi != NULL)
        sim_vdi_update_allowed(vdi);
}

void
sim_vm_update_allowed_all(SimObject *vm)
{
    update_each(vm, "VBDs", update_vbd_and_vdi);
    update_each(vm, "VIFs", sim_vif_update_allowed);
    sim_vm_update_allowed(vm);
}

static gboolean
vm_may_run(SimObject *vm, const char *operation)
{
    const SimValue *current = sim_object_get(vm, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        if (!g_strv_contains(overlapping, operation) ||
            !g_strv_contains(overlapping, sim_value_text(sim_value_at(current, i))))
            return FALSE;
    }
    return TRUE;
}

static gboolean
may_run_alone(SimObject *object, const char *operation)
{
    (void) operation;
    return !is_busy(object);
}

const SimPolicy sim_policies[] = {
    {"VM", vm_may_run, sim_vm_update_allowed},
    {"VBD", may_run_alone, update_vbd_and_vdi},
    {"VIF", may_run_alone, sim_vif_update_allowed},
    {"VDI", may_run_alone, sim_vdi_update_allowed},
    {"SR", sim_sr_may_run, sim_sr_update_allowed},
    {"host", NULL, sim_host_update_allowed},
    {NULL, NULL, NULL},
};

void
sim_update_all_allowed(Sim *sim)
{
    for (const SimPolicy *policy = sim_policies; policy->class_name != NULL; policy++) {
        for (SimObject *object = sim_db_first(sim->db, policy->class_name); object != NULL;
             object = sim_object_next(object))
            policy->update_allowed(object);
    }
}
