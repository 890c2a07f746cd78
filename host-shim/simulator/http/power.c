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

/* Tasks and sessions are not in the database that a toolstack starts from. */
static void
reload(Sim *sim)
{
    g_autoptr(SimValue) snapshot = sim_state_capture(sim->state);

    sim_state_apply(sim->state, snapshot, SIM_STATE_REPLACE);
}

void
sim_power_stop(Sim *sim)
{
    if (sim->stopped)
        return;
    sim->stopped = TRUE;
    forget_clients(sim);
    reload(sim); /* a graceful end writes the database */
}

static gboolean
is_up(const SimNode *node)
{
    return !node->crashed && !node->killed;
}

gboolean
sim_power_start(Sim *sim, GError **error)
{
    if (sim->stopped && sim->on_start != NULL && is_up(sim_coordinator(sim)))
        sim->on_start(sim, sim_coordinator(sim));
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

/* Without a coordinator there is nobody who knows anything; members go on naming it. */
static void
lose_node(Sim *sim, SimNode *node)
{
    if (node != sim_coordinator(sim)) {
        sim_server_close(sim->server, node);
        return;
    }
    forget_clients(sim);
    reload(sim);
    if (!sim->stopped)
        sim_server_listen(sim->server, NULL);
}

static SimObject *
metrics_of(Sim *sim, const SimNode *node)
{
    SimObject *host = sim_node_host(sim, node);

    return host != NULL ? sim_object_follow(host, "metrics") : NULL;
}

void
sim_power_node_crash(Sim *sim, SimNode *node)
{
    SimObject *metrics;

    node->crashed = TRUE;
    lose_node(sim, node);
    metrics = metrics_of(sim, node);
    if (metrics != NULL)
        sim_object_set_bool(metrics, "live", FALSE);
}

gboolean
sim_power_node_boot(Sim *sim, SimNode *node, GError **error)
{
    SimObject *metrics = metrics_of(sim, node);

    node->crashed = node->killed = FALSE;
    if (metrics != NULL)
        sim_object_set_bool(metrics, "live", TRUE);
    return sim->stopped || sim_server_listen(sim->server, error);
}

void
sim_power_node_kill(Sim *sim, SimNode *node)
{
    if (!is_up(node))
        return;
    node->killed = TRUE;
    lose_node(sim, node);
}

gboolean
sim_power_node_revive(Sim *sim, SimNode *node, GError **error)
{
    if (!node->killed)
        return TRUE;
    node->killed = FALSE;
    if (sim->on_start != NULL)
        sim->on_start(sim, node);
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
