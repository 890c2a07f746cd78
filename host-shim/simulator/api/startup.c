/* Sessions and tasks are gone by now, and current_operations with them: those are never stored (toolstack,
 * dbsync_master.ml: release_locks). */
#include "api/startup.h"

#include "api/allowed.h"
#include "api/backend.h"
#include "api/domain.h"
#include "api/pbd.h"
#include "api/placement.h"

#include <string.h>

/* ---- the pool (toolstack, dbsync_master.ml) ---- */

/* reset_vms_running_on_missing_hosts; it looks at those that run alone. */
static void
reset_homeless(Sim *sim, SimObject *vm)
{
    if (sim_vm_is(vm, "Running") && sim_object_follow(vm, "resident_on") == NULL)
        sim_vm_reset(sim, vm);
}

/* xapi_vm_lifecycle.ml, force_state_reset: what a start had prepared is taken back, unless the domain is there. */
static void
release_halted(SimObject *vm)
{
    if (!sim_vm_is(vm, "Halted"))
        return;
    sim_vm_unplug_all(vm);
    sim_object_set_ref(vm, "resident_on", NULL);
    sim_object_set_int(vm, "domid", -1);
}

static void
look_after_machines(Sim *sim)
{
    for (SimObject *vm = sim_db_first(sim->db, "VM"); vm != NULL; vm = sim_object_next(vm)) {
        reset_homeless(sim, vm);
        release_halted(vm);
        sim_object_set_ref(vm, "scheduled_to_be_resident_on", NULL);
    }
}

/* ---- the node ---- */

static const SimObject *
find_pbd(const SimObject *sr, const SimObject *host)
{
    g_autoptr(GPtrArray) pbds = sim_object_follow_all(sr, "PBDs");

    for (guint i = 0; i < pbds->len; i++) {
        if (sim_object_follow(g_ptr_array_index(pbds, i), "host") == host)
            return g_ptr_array_index(pbds, i);
    }
    return NULL;
}

/* Shared storage that the coordinator has is every node's (create_storage.ml: initialise_storage). */
static void
share_storage(Sim *sim, SimObject *host)
{
    const SimObject *coordinator = sim_coordinator_host(sim);

    for (SimObject *sr = sim_db_first(sim->db, "SR"); sr != NULL; sr = sim_object_next(sr)) {
        const SimObject *model = coordinator != NULL ? find_pbd(sr, coordinator) : NULL;
        const char *bad = NULL;

        if (model != NULL && sim_object_bool(sr, "shared") && find_pbd(sr, host) == NULL)
            sim_pbd_new(sim, sr, host, sim_object_get(model, "device_config"), &bad);
    }
}

/* create_storage.ml, plug_all_pbds: those too that somebody has unplugged, and those that were being plugged
 * when the toolstack went. */
static void
plug_storage(Sim *sim, const SimObject *host)
{
    g_autoptr(GPtrArray) pbds = sim_object_follow_all(host, "PBDs");

    for (guint i = 0; i < pbds->len; i++) {
        SimObject *pbd = g_ptr_array_index(pbds, i);
        g_autoptr(SimValue) error = NULL;

        if (!sim_object_bool(pbd, "currently_attached") && sim_object_follow(pbd, "SR") != NULL)
            error = sim_pbd_attach(sim, pbd);
    }
}

/* dbsync_slave.ml, refresh_localhost_info */
static void
note_start(Sim *sim, SimObject *host)
{
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT ".", sim_clock_now(sim->clock));

    sim_object_map_set(host, "other_config", "agent_start_time", now);
}

void
sim_startup(Sim *sim, const SimNode *node)
{
    SimObject *host = sim_node_host(sim, node);

    if (host == NULL)
        return;
    if (node == sim_coordinator(sim))
        look_after_machines(sim);
    else
        share_storage(sim, host);
    note_start(sim, host);
    plug_storage(sim, host);
    /* cancel_tasks.ml, update_all_allowed_operations */
    if (node == sim_coordinator(sim))
        sim_update_all_allowed(sim);
}
