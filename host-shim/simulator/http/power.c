#include "http/power.h"

#include "core/call.h"
#include "core/events.h"
#include "core/sessions.h"
#include "core/state.h"
#include "http/server.h"

/* Sessions, tasks and what runs for them end with the toolstack; guests do not. */
static void
forget_clients(Sim *sim)
{
    sim_server_close(sim->server, NULL);
    sim_calls_abandon(sim->calls);
    sim_sessions_logout_all(sim->sessions);
}

void
sim_power_stop(Sim *sim)
{
    g_autoptr(SimValue) snapshot = NULL;

    if (sim->stopped)
        return;
    sim->stopped = TRUE;
    forget_clients(sim);
    /* A graceful end writes the database; tasks and sessions are not in it. */
    snapshot = sim_state_capture(sim->state);
    sim_state_apply(sim->state, snapshot, SIM_STATE_REPLACE);
}

gboolean
sim_power_start(Sim *sim, GError **error)
{
    if (!sim_server_listen(sim->server, error))
        return FALSE;
    sim->stopped = FALSE;
    return TRUE;
}

gboolean
sim_power_is_running(const Sim *sim)
{
    return !sim->stopped;
}

void
sim_power_crash(Sim *sim, const SimValue *back_to)
{
    g_autoptr(SimValue) snapshot = NULL;

    sim->stopped = TRUE;
    forget_clients(sim);
    snapshot = back_to != NULL ? sim_value_ref(back_to) : sim_state_capture(sim->state);
    sim_state_apply(sim->state, snapshot, SIM_STATE_REPLACE);
}

void
sim_power_node_crash(Sim *sim, SimNode *node)
{
    SimObject *host = sim_node_host(sim, node);
    SimObject *metrics = host != NULL ? sim_object_follow(host, "metrics") : NULL;

    node->crashed = TRUE;
    sim_server_close(sim->server, node);
    if (node == sim_coordinator(sim)) {
        sim_calls_abandon(sim->calls);
        sim_sessions_logout_all(sim->sessions);
    }
    if (metrics != NULL)
        sim_object_set_bool(metrics, "live", FALSE);
}

gboolean
sim_power_node_boot(Sim *sim, SimNode *node, GError **error)
{
    SimObject *host = sim_node_host(sim, node);
    SimObject *metrics = host != NULL ? sim_object_follow(host, "metrics") : NULL;

    node->crashed = FALSE;
    if (metrics != NULL)
        sim_object_set_bool(metrics, "live", TRUE);
    return sim->stopped || sim_server_listen(sim->server, error);
}

void
sim_power_set_coordinator(Sim *sim, SimNode *node)
{
    if (node == sim_coordinator(sim))
        return;
    sim_power_stop(sim);
    sim->coordinator = node->number - 1;
    sim_object_set_ref(sim_pool(sim), "master", sim_node_host(sim, node));
    sim_power_start(sim, NULL);
}
