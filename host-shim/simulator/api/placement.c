#include "api/placement.h"

#include <string.h>

#define MIB           G_GINT64_CONSTANT(1048576)
#define PAGES_PER_MIB 256

/* toolstack, memory.ml: pages for vCPUs, physical map and shadows, and two MiB beside; the captures
 * have 5 MiB for 256 MiB and one vCPU, 6 for two, 8 for 512 MiB and two. */
gint64
sim_vm_memory_overhead(const SimObject *vm)
{
    gint64 memory_mib = (sim_object_int(vm, "memory_static_max") + MIB - 1) / MIB;
    gint64 pages = PAGES_PER_MIB * sim_object_int(vm, "VCPUs_max") + 2 * memory_mib;

    return ((pages + PAGES_PER_MIB - 1) / PAGES_PER_MIB + 2) * MIB;
}

gint64
sim_vm_memory_needed(const SimObject *vm)
{
    return sim_object_int(vm, "memory_static_max") + sim_object_int(vm, "memory_overhead");
}

static gboolean
counts_on(const SimObject *vm, const SimObject *host)
{
    return sim_object_follow(vm, "resident_on") == host ||
           sim_object_follow(vm, "scheduled_to_be_resident_on") == host;
}

gint64
sim_host_free_memory(const SimObject *host)
{
    const SimObject *metrics = sim_object_follow(host, "metrics");
    gint64 left = metrics != NULL ? sim_object_int(metrics, "memory_total") : 0;

    left -= sim_object_int(host, "memory_overhead");
    for (SimObject *vm = sim_db_first(sim_object_db(host), "VM"); vm != NULL;
         vm = sim_object_next(vm)) {
        if (counts_on(vm, host))
            left -= sim_vm_memory_needed(vm);
    }
    return MAX(left, 0);
}

/* In the captures the monitor was a stand-in that never wrote but once. */
#define CAPTURED_FREE G_GINT64_CONSTANT(49152000000)

void
sim_hosts_update_memory(Sim *sim)
{
    for (SimObject *host = sim_db_first(sim->db, "host"); host != NULL;
         host = sim_object_next(host)) {
        SimObject *metrics = sim_object_follow(host, "metrics");

        if (metrics != NULL)
            sim_object_set_int(metrics, "memory_free",
                               sim->options.capture_profile ? CAPTURED_FREE
                                                            : sim_host_free_memory(host));
    }
}

gboolean
sim_host_is_live(const SimObject *host)
{
    const SimObject *metrics = sim_object_follow(host, "metrics");

    return metrics != NULL && sim_object_bool(metrics, "live");
}

/* toolstack, message_forwarding.ml: do_op_on */
SimValue *
sim_host_check_contact(Sim *sim, const SimObject *host)
{
    const SimNode *node = sim_node_of_host(sim, host);

    if (!sim_host_is_live(host))
        return sim_strings("HOST_OFFLINE", sim_object_get_ref(host), NULL);
    if (node != NULL && node->killed)
        return sim_strings("CANNOT_CONTACT_HOST", sim_object_get_ref(host), NULL);
    return NULL;
}

gboolean
sim_host_sees_sr(const SimObject *host, const SimObject *sr)
{
    g_autoptr(GPtrArray) pbds = sim_object_follow_all(sr, "PBDs");

    for (guint i = 0; i < pbds->len; i++) {
        const SimObject *pbd = g_ptr_array_index(pbds, i);

        if (sim_object_follow(pbd, "host") == host && sim_object_bool(pbd, "currently_attached"))
            return TRUE;
    }
    return FALSE;
}

SimObject *
sim_sr_find_host(Sim *sim, const SimObject *sr)
{
    SimObject *coordinator = sim_coordinator_host(sim);

    if (coordinator != NULL && sim_host_sees_sr(coordinator, sr))
        return coordinator;
    for (SimObject *host = sim_db_first(sim->db, "host"); host != NULL;
         host = sim_object_next(host)) {
        if (sim_host_is_live(host) && sim_host_sees_sr(host, sr))
            return host;
    }
    return NULL;
}

/* (nullable) (transfer full): VM_REQUIRES_SR for the first disk that @host cannot reach */
static SimValue *
find_missing_sr(const SimObject *vm, const SimObject *host)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vm, "VBDs");

    for (guint i = 0; i < vbds->len; i++) {
        const SimObject *vdi = sim_object_follow(g_ptr_array_index(vbds, i), "VDI");
        const SimObject *sr = vdi != NULL ? sim_object_follow(vdi, "SR") : NULL;

        if (sr != NULL && !sim_host_sees_sr(host, sr))
            return sim_strings("VM_REQUIRES_SR", sim_object_get_ref(vm), sim_object_get_ref(sr),
                               NULL);
    }
    return NULL;
}

/* toolstack, xapi_network_attach_helpers.ml: what no host's interface carries is where a running machine has it
 * already, unless somebody else makes it one (other_config, or not managed by the toolstack). */
static gboolean
is_pinned_elsewhere(const SimObject *network, const SimObject *host)
{
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(network, "VIFs");
    gboolean pinned = FALSE;

    if (!sim_object_bool(network, "managed") ||
        g_strcmp0(sim_object_map_text(network, "other_config", "assume_network_is_shared"),
                  "true") == 0)
        return FALSE;
    for (guint i = 0; i < vifs->len; i++) {
        const SimObject *vm = sim_object_follow(g_ptr_array_index(vifs, i), "VM");

        if (vm == NULL || strcmp(sim_object_text(vm, "power_state"), "Running") != 0)
            continue;
        if (sim_object_follow(vm, "resident_on") == host)
            return FALSE;
        pinned = TRUE;
    }
    return pinned;
}

static gboolean
has_network(const SimObject *host, const SimObject *network)
{
    g_autoptr(GPtrArray) pifs = sim_object_follow_all(network, "PIFs");

    for (guint i = 0; i < pifs->len; i++) {
        if (sim_object_follow(g_ptr_array_index(pifs, i), "host") == host)
            return TRUE;
    }
    return pifs->len == 0 && !is_pinned_elsewhere(network, host);
}

static SimValue *
find_missing_network(const SimObject *vm, const SimObject *host)
{
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(vm, "VIFs");

    for (guint i = 0; i < vifs->len; i++) {
        const SimObject *network = sim_object_follow(g_ptr_array_index(vifs, i), "network");

        if (network != NULL && !has_network(host, network))
            return sim_strings("VM_REQUIRES_NETWORK", sim_object_get_ref(vm),
                               sim_object_get_ref(network), NULL);
    }
    return NULL;
}

static SimValue *
find_missing_suspend_sr(const SimObject *vm, const SimObject *host)
{
    const SimObject *image = sim_object_follow(vm, "suspend_VDI");
    const SimObject *sr = image != NULL ? sim_object_follow(image, "SR") : NULL;

    if (sr == NULL || sim_host_sees_sr(host, sr))
        return NULL;
    return sim_strings("VM_REQUIRES_SR", sim_object_get_ref(vm), sim_object_get_ref(sr), NULL);
}

static SimValue *
find_missing_memory(const SimObject *vm, const SimObject *host)
{
    gint64 needed = sim_vm_memory_needed(vm);
    gint64 left = sim_host_free_memory(host);
    g_autofree char *needed_text = g_strdup_printf("%" G_GINT64_FORMAT, needed);
    g_autofree char *left_text = g_strdup_printf("%" G_GINT64_FORMAT, left);

    /* What is already promised to this very machine counts as its own. */
    if (sim_object_follow(vm, "scheduled_to_be_resident_on") == host)
        left += needed;
    if (needed <= left)
        return NULL;
    return sim_strings("HOST_NOT_ENOUGH_FREE_MEMORY", needed_text, left_text, NULL);
}

/* toolstack, xapi_vm_helpers.ml: assert_enough_pcpus, whoever else runs there */
static SimValue *
find_missing_pcpus(const SimObject *vm, const SimObject *host)
{
    const char *pcpus = sim_object_map_text(host, "cpu_info", "cpu_count");
    gint64 vcpus = sim_object_int(vm, "VCPUs_max");
    g_autofree char *vcpus_text = g_strdup_printf("%" G_GINT64_FORMAT, vcpus);

    if (pcpus == NULL || vcpus <= g_ascii_strtoll(pcpus, NULL, 10))
        return NULL;
    return sim_strings("HOST_NOT_ENOUGH_PCPUS", vcpus_text, pcpus, NULL);
}

SimValue *
sim_vm_cannot_run_on(Sim *sim, const SimObject *vm, const SimObject *host, gboolean with_memory)
{
    SimValue *error = NULL;

    if (!sim_host_is_live(host))
        return sim_strings("HOST_NOT_LIVE", NULL);
    error = sim_host_check_contact(sim, host);
    if (error != NULL)
        return error;
    if (with_memory && !sim_object_bool(host, "enabled"))
        return sim_strings("HOST_DISABLED", sim_object_get_ref(host), NULL);
    error = find_missing_sr(vm, host);
    if (error == NULL)
        error = find_missing_suspend_sr(vm, host);
    if (error == NULL)
        error = find_missing_network(vm, host);
    if (error == NULL && with_memory)
        error = find_missing_memory(vm, host);
    if (error == NULL)
        error = find_missing_pcpus(vm, host);
    return error;
}

/* The one with the most room; of equals the oldest, whatever order the database is in. */
static gboolean
is_better(const SimObject *host, const SimObject *best)
{
    gint64 room = sim_host_free_memory(host);
    gint64 best_room = best != NULL ? sim_host_free_memory(best) : -1;

    return room > best_room ||
           (room == best_room && sim_object_created(host) < sim_object_created(best));
}

SimObject *
sim_vm_choose_host(Sim *sim, const SimObject *vm)
{
    const SimObject *affinity = sim_object_follow(vm, "affinity");
    SimObject *best = NULL;

    for (SimObject *host = sim_db_first(sim->db, "host"); host != NULL;
         host = sim_object_next(host)) {
        g_autoptr(SimValue) error = sim_vm_cannot_run_on(sim, vm, host, TRUE);

        if (error != NULL)
            continue;
        if (host == affinity)
            return host;
        if (is_better(host, best))
            best = host;
    }
    return best;
}
