#include "api/node.h"

#include "api/allowed.h"
#include "api/domain.h"
#include "api/families.h"
#include "api/network.h"
#include "api/placement.h"
#include "core/build.h"
#include "core/task.h"
#include "http/power.h"

#include <string.h>

/* ---- up and down ---- */

void
sim_node_note_boot(Sim *sim, const SimNode *node)
{
    SimObject *host = sim_node_host(sim, node);
    g_autoptr(GPtrArray) vms = NULL;
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT ".", sim_clock_now(sim->clock));

    if (host == NULL)
        return;
    vms = sim_object_follow_all(host, "resident_VMs");
    for (guint i = 0; i < vms->len; i++) {
        SimObject *vm = g_ptr_array_index(vms, i);

        if (!sim_object_bool(vm, "is_control_domain"))
            sim_vm_reset(sim, vm);
    }
    /* It counts its processors anew (captures: host_get_record_back). */
    sim_domain_destroy_all(host, "host_CPUs");
    sim_build_cpus(sim, host);
    sim_host_copy_vlans(sim, host);
    sim_object_map_set(host, "other_config", "agent_start_time", now);
    sim_object_map_set(host, "other_config", "boot_time", now);
    sim_object_set_bool(host, "enabled", TRUE);
    sim_host_update_allowed(host);
}

/* The mark of a shutdown outlives the call that asked for it (captures:
 * host_get_record_rebooting). */
static void
end_shutdown(Sim *sim, SimNode *node)
{
    SimObject *host = sim_node_host(sim, node);
    SimObject *task = sim_db_find(sim->db, "task", node->shutdown);

    if (task != NULL)
        sim_db_destroy(task);
    if (host != NULL) {
        sim_object_map_remove(host, "current_operations", node->shutdown);
        sim_host_update_allowed(host);
    }
    g_clear_pointer(&node->shutdown, g_free);
}

static void
on_boot(gpointer data)
{
    SimNode *node = data;
    g_autoptr(GError) error = NULL;

    node->timer = 0;
    end_shutdown(node->sim, node);
    if (!sim_power_node_boot(node->sim, node, &error)) {
        g_printerr("xapi-sim: %s does not come back: %s\n", node->address, error->message);
        return;
    }
    sim_node_note_boot(node->sim, node);
}

static void
on_down(gpointer data)
{
    SimNode *node = data;
    Sim *sim = node->sim;

    node->timer = 0;
    sim_power_node_crash(sim, node);
    if (node->comes_back)
        node->timer = sim_clock_after_ms(sim->clock, sim->options.pace_ms, on_boot, node);
    else
        end_shutdown(sim, node);
}

/* The call ends before its host does. */
static void
go_down(SimCall *call, const char *operation, const char *label)
{
    Sim *sim = sim_call_sim(call);
    SimObject *host = sim_call_object(call, 0);
    SimNode *node = host != NULL ? sim_node_of_host(sim, host) : NULL;
    SimObject *task;

    if (host == NULL)
        return;
    if (sim_object_bool(host, "enabled")) {
        sim_call_fail(call, "HOST_NOT_DISABLED", NULL);
        return;
    }
    if (node == NULL || !sim_host_is_live(host)) {
        sim_call_fail(call, "HOST_OFFLINE", sim_object_get_ref(host), NULL);
        return;
    }
    if (!sim_call_lock(call, host, operation) || node->shutdown != NULL)
        return;
    task = sim_task_new(sim, label, label, sim_call_session(call));
    node->comes_back = strcmp(operation, "reboot") == 0;
    node->shutdown = g_strdup(sim_object_get_ref(task));
    sim_object_map_set(host, "current_operations", node->shutdown, "shutdown");
    node->timer = sim_clock_after_ms(sim->clock, sim->options.pace_ms, on_down, node);
    sim_call_return(call, NULL);
}

static void
host_reboot(SimCall *call)
{
    go_down(call, "reboot", "Host is rebooting");
}

static void
host_shutdown(SimCall *call)
{
    go_down(call, "shutdown", "Host is shutting down");
}

/* ---- hosts that are gone for good ---- */

static gboolean
require_dead(SimCall *call, const SimObject *host)
{
    if (!sim_host_is_live(host))
        return TRUE;
    sim_call_fail(call, "HOST_IS_LIVE", sim_object_get_ref(host), NULL);
    return FALSE;
}

static void
host_declare_dead(SimCall *call)
{
    SimObject *host = sim_call_object(call, 0);
    g_autoptr(GPtrArray) vms = NULL;

    if (host == NULL || !require_dead(call, host))
        return;
    vms = sim_object_follow_all(host, "resident_VMs");
    for (guint i = 0; i < vms->len; i++) {
        if (!sim_object_bool(g_ptr_array_index(vms, i), "is_control_domain"))
            sim_vm_reset(sim_call_sim(call), g_ptr_array_index(vms, i));
    }
    sim_object_set_bool(host, "enabled", FALSE);
    sim_host_update_allowed(host);
    sim_call_return(call, NULL);
}

static void
destroy_with(const SimObject *object, const char *field)
{
    SimObject *other = sim_object_follow(object, field);

    if (other != NULL)
        sim_db_destroy(other);
}

static void
host_destroy(SimCall *call)
{
    static const char *const sets[] = {"PBDs", "PIFs", "host_CPUs", "PCIs", "certificates"};
    SimObject *host = sim_call_object(call, 0);
    const SimObject *dom0;

    if (host == NULL || !require_dead(call, host))
        return;
    dom0 = sim_object_follow(host, "control_domain");
    if (sim_value_size(sim_object_get(host, "resident_VMs")) > (dom0 != NULL ? 1 : 0)) {
        sim_call_fail(call, "HOST_HAS_RESIDENT_VMS", sim_object_get_ref(host), NULL);
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(sets); i++)
        sim_domain_destroy_all(host, sets[i]);
    if (dom0 != NULL) {
        sim_domain_destroy_all(dom0, "consoles");
        destroy_with(dom0, "metrics");
    }
    destroy_with(host, "control_domain");
    destroy_with(host, "metrics");
    sim_db_destroy(host);
    sim_call_return(call, NULL);
}

const SimHandlerEntry sim_node_handlers[] = {
    {"host.reboot", host_reboot},
    {"host.shutdown", host_shutdown},
    {"host.declare_dead", host_declare_dead},
    {"host.destroy", host_destroy},
    {NULL, NULL},
};
