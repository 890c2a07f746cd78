#include "core/sim.h"

#include "core/call.h"
#include "core/events.h"
#include "core/faults.h"
#include "core/sessions.h"
#include "core/state.h"
#include "core/stats.h"
#include "wire/rpc.h"

#include <gio/gio.h>
#include <string.h>

#define MODEL_PATH "/org/hvd/simulator/model.json"

static void
on_change(gpointer data)
{
    Sim *sim = data;

    sim_events_note_change(sim->events);
    if (sim->state != NULL)
        sim_state_note_change(sim->state);
}

void
sim_use_database(Sim *sim, SimDatabase *db)
{
    g_clear_pointer(&sim->db, sim_db_free);
    sim->db = db;
    sim_db_set_listener(db, on_change, sim);
}

static SimModel *
load_model(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_resources_lookup_data(MODEL_PATH, 0, &error);
    g_autofree char *problem = NULL;
    g_autoptr(SimValue) json = NULL;
    SimModel *model = NULL;
    gsize length;
    const char *text;

    if (bytes == NULL)
        g_error("no data model: %s", error->message);
    text = g_bytes_get_data(bytes, &length);
    json = sim_json_parse(text, length, &problem);
    if (json != NULL)
        model = sim_model_new(json, &problem);
    if (model == NULL)
        g_error("the data model: %s", problem);
    return model;
}

static void
node_free(gpointer data)
{
    SimNode *node = data;

    sim_clock_cancel(node->sim->clock, node->timer);
    g_free(node->shutdown);
    g_free(node->host);
    g_free(node->address);
    g_free(node);
}

Sim *
sim_new(const SimOptions *options)
{
    Sim *sim = g_new0(Sim, 1);

    sim->options = *options;
    sim->clock = sim_clock_new(options->time_s, options->stopped_clock);
    sim->ids = options->seed >= 0 ? sim_ids_new_with_seed((guint32) options->seed) : sim_ids_new();
    sim->shelf = sim_map();
    sim->model = load_model();
    sim->nodes = g_ptr_array_new_with_free_func(node_free);
    sim->events = sim_events_new(sim);
    sim_use_database(sim, sim_db_new(sim->model, sim->ids));
    sim->sessions = sim_sessions_new(sim);
    sim->calls = sim_calls_new(sim);
    sim->faults = sim_faults_new(sim);
    sim->stats = sim_stats_new();
    return sim;
}

void
sim_free(Sim *sim)
{
    sim_calls_free(sim->calls);
    g_clear_pointer(&sim->state, sim_state_free);
    sim_db_set_listener(sim->db, NULL, NULL);
    sim_sessions_free(sim->sessions);
    sim_faults_free(sim->faults);
    sim_stats_free(sim->stats);
    sim_events_free(sim->events);
    sim_db_free(sim->db);
    g_ptr_array_unref(sim->nodes);
    g_clear_pointer(&sim->seed, sim_value_unref);
    g_clear_pointer(&sim->shelf, sim_value_unref);
    sim_model_free(sim->model);
    sim_ids_free(sim->ids);
    sim_clock_free(sim->clock);
    g_free(sim);
}

SimObject *
sim_pool(Sim *sim)
{
    return sim_db_first(sim->db, "pool");
}

SimObject *
sim_node_host(Sim *sim, const SimNode *node)
{
    return sim_db_find(sim->db, "host", node->host);
}

SimNode *
sim_node_of_host(Sim *sim, const SimObject *host)
{
    for (guint i = 0; i < sim->nodes->len; i++) {
        SimNode *node = g_ptr_array_index(sim->nodes, i);

        if (strcmp(node->host, sim_object_get_ref(host)) == 0)
            return node;
    }
    return NULL;
}

SimNode *
sim_coordinator(Sim *sim)
{
    return g_ptr_array_index(sim->nodes, sim->coordinator);
}

SimObject *
sim_coordinator_host(Sim *sim)
{
    return sim_node_host(sim, sim_coordinator(sim));
}

char *
sim_node_url(const Sim *sim, const SimNode *node)
{
    return g_strdup_printf("%s://%s:%u", sim->options.tls ? "https" : "http", node->address,
                           sim->port);
}
