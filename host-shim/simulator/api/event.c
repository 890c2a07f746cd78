#include "api/families.h"
#include "core/events.h"

#include <string.h>

static SimEvents *
events_of(const SimCall *call)
{
    return sim_call_sim(call)->events;
}

static void
event_from(SimCall *call)
{
    sim_events_from(events_of(call), call, sim_call_arg(call, 0), sim_call_text(call, 1),
                    sim_value_float(sim_call_arg(call, 2)));
}

static void
event_register(SimCall *call)
{
    sim_events_register(events_of(call), call, sim_call_arg(call, 0));
}

static void
event_unregister(SimCall *call)
{
    sim_events_unregister(events_of(call), call, sim_call_arg(call, 0));
}

static void
event_next(SimCall *call)
{
    sim_events_next(events_of(call), call);
}

/* The class as calls spell it: "vm" is a dead handle here (verified-sequences 1.1). */
static void
event_inject(SimCall *call)
{
    SimObject *object = sim_call_find(call, sim_call_text(call, 0), sim_call_text(call, 1));

    if (object == NULL)
        return;
    sim_object_touch(object);
    sim_call_return(call, sim_string_take(sim_events_token(sim_object_modified(object), 0)));
}

static void
event_get_current_id(SimCall *call)
{
    sim_call_return(call, sim_int(sim_events_next_id(events_of(call))));
}

const SimHandlerEntry sim_event_handlers[] = {
    {"event.from", event_from},
    {"event.register", event_register},
    {"event.unregister", event_unregister},
    {"event.next", event_next},
    {"event.inject", event_inject},
    {"event.get_current_id", event_get_current_id},
    {NULL, NULL},
};

static void
message_get_all_records(SimCall *call)
{
    sim_call_return(call, sim_events_messages(events_of(call), G_MININT64));
}

static void
message_get_since(SimCall *call)
{
    gint64 since = sim_value_int(sim_call_arg(call, 0));

    sim_call_return(call, sim_events_messages(events_of(call), since));
}

static void
message_get_all(SimCall *call)
{
    g_autoptr(SimValue) records = sim_events_messages(events_of(call), G_MININT64);
    SimValue *refs = sim_array();

    for (guint i = 0; i < sim_value_size(records); i++)
        sim_array_add(refs, sim_string(sim_map_key(records, i)));
    sim_call_return(call, refs);
}

static void
message_get_record(SimCall *call)
{
    const SimValue *record = sim_events_find_message(events_of(call), sim_call_text(call, 0));

    if (record != NULL)
        sim_call_return(call, sim_value_ref(record));
    else
        sim_call_fail(call, "HANDLE_INVALID", "message", sim_call_text(call, 0), NULL);
}

static void
message_destroy(SimCall *call)
{
    if (sim_events_destroy_message(events_of(call), sim_call_text(call, 0)))
        sim_call_return(call, NULL);
    else
        sim_call_fail(call, "HANDLE_INVALID", "message", sim_call_text(call, 0), NULL);
}

const SimHandlerEntry sim_message_handlers[] = {
    {"message.get_all", message_get_all},     {"message.get_all_records", message_get_all_records},
    {"message.get_since", message_get_since}, {"message.get_record", message_get_record},
    {"message.destroy", message_destroy},     {NULL, NULL},
};
