#include "api/allowed.h"
#include "api/families.h"
#include "api/placement.h"

#include <string.h>

static void
host_get_servertime(SimCall *call)
{
    if (sim_call_object(call, 0) != NULL)
        sim_call_return(call, sim_date(sim_clock_now(sim_call_sim(call)->clock)));
}

static void
set_enabled(SimCall *call, gboolean enabled)
{
    SimObject *host = sim_call_object(call, 0);

    if (host == NULL)
        return;
    sim_object_set_bool(host, "enabled", enabled);
    sim_host_update_allowed(host);
    sim_call_return(call, NULL);
}

static void
host_enable(SimCall *call)
{
    set_enabled(call, TRUE);
}

static void
host_disable(SimCall *call)
{
    set_enabled(call, FALSE);
}

static void
host_compute_free_memory(SimCall *call)
{
    SimObject *host = sim_call_object(call, 0);

    if (host != NULL)
        sim_call_return(call, sim_int(sim_host_free_memory(host)));
}

static void
host_compute_memory_overhead(SimCall *call)
{
    SimObject *host = sim_call_object(call, 0);

    if (host != NULL)
        sim_call_return(call, sim_value_ref(sim_object_get(host, "memory_overhead")));
}

static void
host_is_in_emergency_mode(SimCall *call)
{
    sim_call_return(call, sim_bool(FALSE));
}

static void
host_local_assert_healthy(SimCall *call)
{
    sim_call_return(call, NULL);
}

static void
host_list_methods(SimCall *call)
{
    const SimModel *model = sim_call_sim(call)->model;
    SimValue *names = sim_array();

    for (guint i = 0; i < sim_model_n_messages(model); i++)
        sim_array_add(names, sim_string(sim_model_message_at(model, i)->full_name));
    sim_call_return(call, names);
}

const SimHandlerEntry sim_host_handlers[] = {
    {"host.get_servertime", host_get_servertime},
    {"host.get_server_localtime", host_get_servertime},
    {"host.enable", host_enable},
    {"host.disable", host_disable},
    {"host.compute_free_memory", host_compute_free_memory},
    {"host.compute_memory_overhead", host_compute_memory_overhead},
    {"host.is_in_emergency_mode", host_is_in_emergency_mode},
    {"host.local_assert_healthy", host_local_assert_healthy},
    {"host.list_methods", host_list_methods},
    {NULL, NULL},
};
