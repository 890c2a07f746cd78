/* Measurements through calls; the bulk of them goes through the handlers of data/rrd.c. */
#include "api/families.h"
#include "data/metrics.h"

#include <math.h>
#include <string.h>

static void
get_data_sources(SimCall *call)
{
    SimObject *object = sim_call_object(call, 0);
    g_autoptr(GPtrArray) metrics = NULL;
    SimValue *sources;

    if (object == NULL)
        return;
    sources = sim_array();
    metrics = sim_metrics_of(sim_call_sim(call), object);
    for (guint i = 0; i < metrics->len; i++)
        sim_array_add(sources, sim_metric_describe(g_ptr_array_index(metrics, i)));
    sim_call_return(call, sources);
}

static void
query_data_source(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    SimObject *object = sim_call_object(call, 0);
    gint64 now = sim_clock_now(sim->clock);
    g_autoptr(GPtrArray) metrics = NULL;

    if (object == NULL)
        return;
    metrics = sim_metrics_of(sim, object);
    for (guint i = 0; i < metrics->len; i++) {
        const SimMetric *metric = g_ptr_array_index(metrics, i);

        if (strcmp(metric->name, sim_call_text(call, 1)) == 0) {
            sim_call_return(call, sim_float(sim_metric_value(object, metric, now)));
            return;
        }
    }
    sim_call_fail_internal(call, "Rrd_interface.Rrdd_error");
}

static void
accept_data_source(SimCall *call)
{
    if (sim_call_object(call, 0) != NULL)
        sim_call_return(call, NULL);
}

const SimHandlerEntry sim_data_source_handlers[] = {
    {"VM.get_data_sources", get_data_sources},
    {"VM.query_data_source", query_data_source},
    {"VM.record_data_source", accept_data_source},
    {"VM.forget_data_source_archives", accept_data_source},
    {"host.get_data_sources", get_data_sources},
    {"host.query_data_source", query_data_source},
    {"host.record_data_source", accept_data_source},
    {"host.forget_data_source_archives", accept_data_source},
    {NULL, NULL},
};
