#include "api/domain.h"

#include "api/allowed.h"
#include "api/device.h"
#include "api/placement.h"
#include "core/build.h"
#include "core/events.h"

#include <stdarg.h>
#include <string.h>

gboolean
sim_vm_is(const SimObject *vm, const char *power_state)
{
    return strcmp(sim_object_text(vm, "power_state"), power_state) == 0;
}

SimValue *
sim_vm_check_state(const SimObject *vm, const char *states)
{
    g_autofree char *state = g_ascii_strdown(sim_object_text(vm, "power_state"), -1);
    g_auto(GStrv) wanted = g_strsplit(states, ", ", -1);

    if (g_strv_contains((const char *const *) wanted, state))
        return NULL;
    return sim_strings("VM_BAD_POWER_STATE", sim_object_get_ref(vm), states, state, NULL);
}

SimValue *
sim_vm_check_blocked(const SimObject *vm, const char *operation)
{
    const char *reason = sim_object_map_text(vm, "blocked_operations", operation);

    if (reason == NULL)
        return NULL;
    return sim_strings("OPERATION_BLOCKED", sim_object_get_ref(vm), reason, NULL);
}

SimValue *
sim_vm_check_plugging(const SimObject *vm)
{
    static const char *const ways_down[] = {"clean_shutdown", "hard_shutdown", "suspend", "pause",
                                            NULL};
    const SimValue *current = sim_object_get(vm, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        const char *operation = sim_value_text(sim_value_at(current, i));
        g_autofree char *text =
            g_strdup_printf("Current operation on VM:%s is %s", sim_object_get_ref(vm), operation);

        if (g_strv_contains(ways_down, operation))
            return sim_strings("OPERATION_NOT_ALLOWED", text, NULL);
    }
    return NULL;
}

/* Calls for a running machine go to its host. */
static SimValue *
check_host(Sim *sim, const SimObject *vm)
{
    const SimObject *host = sim_object_follow(vm, "resident_on");

    return host != NULL ? sim_host_check_contact(sim, host) : NULL;
}

gboolean
sim_vm_allow(SimCall *call, const SimObject *vm, const char *operation, const char *states)
{
    SimValue *error = sim_vm_check_blocked(vm, operation);

    if (error == NULL)
        error = sim_vm_check_state(vm, states);
    if (error == NULL)
        error = check_host(sim_call_sim(call), vm);
    if (error == NULL)
        return TRUE;
    sim_call_fail_with(call, error);
    return FALSE;
}

gboolean
sim_vm_require_agent(SimCall *call, const SimObject *vm)
{
    if (sim_vm_has_agent(vm))
        return TRUE;
    sim_call_fail(call, "VM_LACKS_FEATURE", sim_object_get_ref(vm), NULL);
    return FALSE;
}

static void
for_each_device(SimObject *vm, void (*func)(SimObject *device, gpointer data), gpointer data)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vm, "VBDs");
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(vm, "VIFs");

    for (guint i = 0; i < vbds->len; i++)
        func(g_ptr_array_index(vbds, i), data);
    for (guint i = 0; i < vifs->len; i++)
        func(g_ptr_array_index(vifs, i), data);
}

static gboolean
is_empty_drive(const SimObject *device)
{
    return strcmp(sim_object_class(device)->name, "VBD") == 0 && sim_object_bool(device, "empty");
}

static void
reserve_device(SimObject *device, gpointer call)
{
    sim_call_mark(call, device, "attach");
}

void
sim_domain_reserve_devices(SimCall *call, SimObject *vm)
{
    for_each_device(vm, reserve_device, call);
}

static void
attach_device(SimObject *device, gpointer data)
{
    (void) data;
    sim_object_set_bool(device, "currently_attached", TRUE);
}

void
sim_domain_attach_devices(SimObject *vm)
{
    for_each_device(vm, attach_device, NULL);
}

gboolean
sim_vbd_is_of_control_domain(const SimObject *vbd)
{
    const SimObject *vm = sim_object_follow(vbd, "VM");

    return vm != NULL && sim_object_bool(vm, "is_control_domain");
}

static gboolean
is_user(const SimObject *vbd)
{
    const SimObject *vm = sim_object_follow(vbd, "VM");

    return sim_vbd_is_attached(vbd) && !sim_vbd_is_of_control_domain(vbd) &&
           (vm == NULL || !sim_vm_is(vm, "Suspended"));
}

static gboolean
is_writer(const SimObject *vbd)
{
    return strcmp(sim_object_text(vbd, "mode"), "RW") == 0;
}

/* toolstack, xapi_vbd_helpers.ml: valid_operations. A resume is not asked: its VBDs are attached. */
SimValue *
sim_vbd_check_sharing(const SimObject *vbd)
{
    const SimObject *vdi = sim_object_follow(vbd, "VDI");
    g_autoptr(GPtrArray) vbds = NULL;

    if (vdi == NULL || sim_object_bool(vdi, "sharable") || sim_vbd_is_of_control_domain(vbd))
        return NULL;
    vbds = sim_object_follow_all(vdi, "VBDs");
    for (guint i = 0; i < vbds->len; i++) {
        const SimObject *other = g_ptr_array_index(vbds, i);

        if (other != vbd && is_user(other) && (is_writer(vbd) || is_writer(other)))
            return sim_strings("VDI_IN_USE", sim_object_get_ref(vdi), NULL);
    }
    return NULL;
}

SimValue *
sim_domain_check_disks(const SimObject *vm)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vm, "VBDs");
    SimValue *error = NULL;

    for (guint i = 0; i < vbds->len && error == NULL; i++)
        error = sim_vbd_check_sharing(g_ptr_array_index(vbds, i));
    return error;
}

static void
name_device(SimObject *device)
{
    g_autofree char *name = NULL;

    if (strcmp(sim_object_class(device)->name, "VBD") != 0)
        return;
    name = sim_vbd_device_name(sim_object_text(device, "userdevice"));
    sim_object_set_text(device, "device", is_empty_drive(device) ? "" : name);
}

static void
settle_device(SimObject *device, gpointer call)
{
    name_device(device);
    sim_call_unmark(call, device);
}

void
sim_domain_settle_devices(SimCall *call, SimObject *vm)
{
    for_each_device(vm, settle_device, call);
}

static void
detach_device(SimObject *device, gpointer call)
{
    sim_object_set_bool(device, "currently_attached", FALSE);
    sim_call_unmark(call, device);
}

void
sim_domain_detach_devices(SimCall *call, SimObject *vm)
{
    for_each_device(vm, detach_device, call);
}

void
sim_domain_prepare_first_start(Sim *sim, SimObject *vm)
{
    gboolean hvm = strcmp(sim_object_text(vm, "domain_type"), "hvm") == 0;
    const char *firmware = sim_object_map_text(vm, "HVM_boot_params", "firmware");
    gboolean uefi = g_strcmp0(firmware, "uefi") == 0;

    if (hvm && sim_object_map_text(vm, "platform", "device-model") == NULL)
        sim_object_map_set(vm, "platform", "device-model",
                           uefi ? "qemu-upstream-uefi" : "qemu-upstream-compat");
    if (sim_value_size(sim_object_get(vm, "bios_strings")) == 0)
        sim_object_set(vm, "bios_strings", sim_value_ref(sim_seed(sim, "vm_bios_strings")));
    if (strcmp(sim_object_text(vm, "generation_id"), "0:0") == 0)
        sim_object_set(vm, "generation_id", sim_string_take(sim_generation_id(sim)));
}

char *
sim_generation_id(Sim *sim)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                           sim_ids_number(sim->ids) >> 1, sim_ids_number(sim->ids) >> 1);
}

/* Domain numbers only grow, and never meet one that is in use after a restart. */
void
sim_domain_new_domid(Sim *sim, SimObject *vm, SimObject *host)
{
    SimNode *node = sim_node_of_host(sim, host);
    gint64 last = node != NULL ? node->last_domid : 0;

    for (SimObject *other = sim_db_first(sim->db, "VM"); other != NULL;
         other = sim_object_next(other)) {
        if (sim_object_follow(other, "resident_on") == host)
            last = MAX(last, sim_object_int(other, "domid"));
    }
    sim_object_set_int(vm, "domid", last + 1);
    if (node != NULL)
        node->last_domid = last + 1;
}

static void
create_console(Sim *sim, SimObject *vm, const SimObject *host, const char *protocol)
{
    SimObject *console = sim_db_create(sim->db, "console");
    g_autofree char *location = sim_console_location(sim, host, sim_object_text(console, "uuid"));

    sim_object_set_text(console, "protocol", protocol);
    sim_object_set_text(console, "location", location);
    sim_object_set_ref(console, "VM", vm);
}

/* The real port is 443 and not told; ours has to be. */
char *
sim_console_location(Sim *sim, const SimObject *host, const char *uuid)
{
    const SimNode *node = sim_node_of_host(sim, host);
    g_autofree char *url = NULL;

    if (sim->options.capture_profile || sim->port == 0 || node == NULL)
        url = g_strconcat("https://", sim_object_text(host, "address"), NULL);
    else
        url = sim_node_url(sim, node);
    return g_strconcat(url, "/console?uuid=", uuid, NULL);
}

void
sim_domain_create_consoles(Sim *sim, SimObject *vm, const SimObject *host)
{
    create_console(sim, vm, host, "rfb");
    create_console(sim, vm, host, "vt100");
}

void
sim_domain_destroy_all(const SimObject *object, const char *set)
{
    g_autoptr(GPtrArray) others = sim_object_follow_all(object, set);

    for (guint i = 0; i < others->len; i++)
        sim_db_destroy(g_ptr_array_index(others, i));
}

/* A guest has the agent unless its owner says otherwise, before the start, in its xenstore. */
static gboolean
wants_agent(const SimObject *vm)
{
    return g_strcmp0(sim_object_map_text(vm, "xenstore_data", "vm-data/sim-agent"), "0") != 0;
}

static SimValue *
guest_networks(Sim *sim, const SimObject *vm)
{
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(vm, "VIFs");
    SimValue *networks = sim_map();

    for (guint i = 0; i < vifs->len; i++) {
        const char *device = sim_object_text(g_ptr_array_index(vifs, i), "device");
        g_autofree char *plain = g_strconcat(device, "/ip", NULL);
        g_autofree char *numbered = g_strconcat(device, "/ipv4/0", NULL);
        g_autofree char *address = g_strdup_printf("192.0.2.%u", 11 + sim->last_address++ % 240);

        sim_map_set_string(networks, plain, address);
        sim_map_set_string(networks, numbered, address);
    }
    return networks;
}

static void
replace_guest_metrics(Sim *sim, SimObject *vm)
{
    SimObject *old = sim_object_follow(vm, "guest_metrics");
    SimObject *metrics;

    if (old != NULL)
        sim_db_destroy(old);
    if (!wants_agent(vm)) {
        sim_object_set_ref(vm, "guest_metrics", NULL);
        return;
    }
    metrics = sim_db_create(sim->db, "VM_guest_metrics");
    sim_object_set_all(metrics, sim_seed(sim, "VM_guest_metrics"));
    sim_object_set_ref(vm, "guest_metrics", metrics);
}

void
sim_agent_start(Sim *sim, SimObject *vm, gboolean fresh)
{
    SimObject *metrics;

    if (fresh)
        replace_guest_metrics(sim, vm);
    metrics = sim_object_follow(vm, "guest_metrics");
    if (metrics == NULL)
        return;
    sim_object_set(metrics, "networks", guest_networks(sim, vm));
    sim_object_set(metrics, "last_updated", sim_date(sim_clock_now(sim->clock)));
}

void
sim_agent_stop(Sim *sim, SimObject *vm)
{
    SimObject *metrics = sim_object_follow(vm, "guest_metrics");

    if (metrics == NULL)
        return;
    sim_object_set(metrics, "networks", sim_map());
    sim_object_set(metrics, "last_updated", sim_date(sim_clock_now(sim->clock)));
}

static void
start_metrics(Sim *sim, SimObject *vm)
{
    SimObject *metrics = sim_object_follow(vm, "metrics");
    const char *type = sim_object_text(vm, "domain_type");

    if (metrics == NULL)
        return;
    sim_object_set_int(metrics, "memory_actual", sim_object_int(vm, "memory_dynamic_max"));
    sim_object_set_int(metrics, "VCPUs_number", sim_object_int(vm, "VCPUs_at_startup"));
    sim_object_set(metrics, "start_time", sim_date(sim_clock_now(sim->clock)));
    sim_object_set_bool(metrics, "hvm", strcmp(type, "hvm") == 0);
    sim_object_set_text(metrics, "current_domain_type", type);
}

static void
stop_metrics(SimObject *vm)
{
    SimObject *metrics = sim_object_follow(vm, "metrics");

    if (metrics == NULL)
        return;
    sim_object_set_int(metrics, "memory_actual", 0);
    sim_object_set_int(metrics, "VCPUs_number", 0);
    sim_object_set(metrics, "start_time", sim_date(0));
    sim_object_set_bool(metrics, "hvm", FALSE);
    sim_object_set_text(metrics, "current_domain_type", "unspecified");
}

void
sim_domain_build(SimCall *call, SimObject *vm, SimObject *host)
{
    Sim *sim = sim_call_sim(call);

    sim_domain_new_domid(sim, vm, host);
    sim_object_set_ref(vm, "resident_on", host);
    sim_object_set_ref(vm, "scheduled_to_be_resident_on", NULL);
    sim_object_set_int(vm, "memory_target", sim_object_int(vm, "memory_dynamic_max"));
    sim_object_set(vm, "last_boot_CPU_flags",
                   sim_string_map("vendor", "GenuineIntel", "features", "", NULL));
    sim_agent_start(sim, vm, TRUE);
    sim_domain_create_consoles(sim, vm, host);
    start_metrics(sim, vm);
    sim_hosts_update_memory(sim);
}

void
sim_domain_rebuild(SimCall *call, SimObject *vm)
{
    SimObject *host = sim_object_follow(vm, "resident_on");
    Sim *sim = sim_call_sim(call);

    if (host != NULL)
        sim_domain_new_domid(sim, vm, host);
    start_metrics(sim, vm);
}

static void
plug_device(SimObject *device, gpointer data)
{
    (void) data;
    sim_object_set_bool(device, "currently_attached", TRUE);
    name_device(device);
}

void
sim_domain_appear(Sim *sim, SimObject *vm, SimObject *host)
{
    sim_domain_new_domid(sim, vm, host);
    sim_object_set_text(vm, "power_state", "Running");
    sim_object_set_ref(vm, "resident_on", host);
    sim_object_set_ref(vm, "scheduled_to_be_resident_on", NULL);
    sim_domain_create_consoles(sim, vm, host);
    sim_agent_start(sim, vm, FALSE);
    start_metrics(sim, vm);
    for_each_device(vm, plug_device, NULL);
    sim_hosts_update_memory(sim);
    sim_vm_update_allowed_all(vm);
}

static void
unplug_device(SimObject *device, gpointer data)
{
    (void) data;
    sim_object_set_bool(device, "currently_attached", FALSE);
}

void
sim_vm_unplug_all(SimObject *vm)
{
    for_each_device(vm, unplug_device, NULL);
}

void
sim_vm_reset(Sim *sim, SimObject *vm)
{
    sim_vm_unplug_all(vm);
    sim_object_set_text(vm, "power_state", "Halted");
    sim_object_set_ref(vm, "resident_on", NULL);
    sim_object_set_ref(vm, "scheduled_to_be_resident_on", NULL);
    sim_object_set_int(vm, "domid", -1);
    sim_object_set_int(vm, "memory_target", 0);
    sim_domain_destroy_all(vm, "consoles");
    stop_metrics(vm);
    sim_hosts_update_memory(sim);
    sim_vm_update_allowed_all(vm);
}

void
sim_domain_tear_down(SimCall *call, SimObject *vm)
{
    sim_domain_detach_devices(call, vm);
    sim_vm_reset(sim_call_sim(call), vm);
}

void
sim_domain_move(SimCall *call, SimObject *vm, SimObject *host)
{
    Sim *sim = sim_call_sim(call);
    g_autoptr(GPtrArray) consoles = sim_object_follow_all(vm, "consoles");

    sim_domain_new_domid(sim, vm, host);
    for (guint i = 0; i < consoles->len; i++) {
        SimObject *console = g_ptr_array_index(consoles, i);
        g_autofree char *location =
            sim_console_location(sim, host, sim_object_text(console, "uuid"));

        sim_object_set_text(console, "location", location);
    }
}

void
sim_vm_post(Sim *sim, const SimObject *vm, const char *name, const char *format, ...)
{
    g_autofree char *what = NULL;
    g_autofree char *body = NULL;
    va_list list;

    va_start(list, format);
    what = g_strdup_vprintf(format, list);
    va_end(list);
    body = g_strdup_printf("VM '%s' (uuid: %s) %s", sim_object_text(vm, "name_label"),
                           sim_object_text(vm, "uuid"), what);
    sim_events_post(sim->events, name, 5, "VM", vm, body);
}

char *
sim_host_phrase(const SimObject *host)
{
    return g_strdup_printf("host: %s (uuid: %s)", sim_object_text(host, "name_label"),
                           sim_object_text(host, "uuid"));
}

guint
sim_domain_count_devices(const SimObject *vm)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vm, "VBDs");
    guint count = vbds->len + sim_value_size(sim_object_get(vm, "VIFs"));

    for (guint i = 0; i < vbds->len; i++) {
        const SimObject *vbd = g_ptr_array_index(vbds, i);

        count += strcmp(sim_object_text(vbd, "type"), "CD") == 0 && !is_empty_drive(vbd);
    }
    return count;
}

void
sim_domain_note_cancel_points(SimCall *call, guint points)
{
    SimObject *task = sim_call_task(call);
    g_autofree char *text = g_strdup_printf("%u", points);

    if (task != NULL)
        sim_object_map_set(task, "other_config", "debug_info:cancel_points_seen", text);
}
