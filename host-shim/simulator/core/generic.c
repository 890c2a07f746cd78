/* The messages that every class has, from the model alone. */
#include "core/call-private.h"
#include "core/query.h"

#include <string.h>

static const char *
class_name(const SimCall *call)
{
    return call->message->class->name;
}

static void
get_record(SimCall *call)
{
    SimObject *object = sim_call_object(call, 0);

    if (object != NULL)
        sim_call_return(call, sim_object_record(object));
}

static void
get_all(SimCall *call)
{
    SimValue *refs = sim_array();

    for (SimObject *object = sim_db_first(sim_call_db(call), class_name(call)); object != NULL;
         object = sim_object_next(object))
        sim_array_add(refs, sim_string(sim_object_get_ref(object)));
    sim_call_return(call, refs);
}

static void
get_all_records(SimCall *call)
{
    SimValue *records = sim_map();

    for (SimObject *object = sim_db_first(sim_call_db(call), class_name(call)); object != NULL;
         object = sim_object_next(object))
        sim_map_add(records, sim_object_get_ref(object), sim_object_record(object));
    sim_call_return(call, records);
}

static void
get_all_records_where(SimCall *call)
{
    g_autoptr(SimQuery) query = sim_query_parse(sim_call_text(call, 0));
    g_autoptr(SimValue) records = sim_map();

    if (query == NULL) {
        sim_call_fail(call, "INVALID_VALUE", sim_call_text(call, 0), "Stdlib.Parsing.Parse_error",
                      NULL);
        return;
    }
    for (SimObject *object = sim_db_first(sim_call_db(call), class_name(call)); object != NULL;
         object = sim_object_next(object)) {
        const char *missing = NULL;
        gboolean matches = sim_query_match(query, object, &missing);

        if (missing != NULL) {
            sim_call_fail(call, "INTERNAL_ERROR", "missing field", missing, "", NULL);
            return;
        }
        if (matches)
            sim_map_add(records, sim_object_get_ref(object), sim_object_record(object));
    }
    sim_call_return(call, g_steal_pointer(&records));
}

static void
get_by_uuid(SimCall *call)
{
    SimObject *object =
        sim_db_find_uuid(sim_call_db(call), class_name(call), sim_call_text(call, 0));

    if (object != NULL)
        sim_call_return(call, sim_string(sim_object_get_ref(object)));
    else
        sim_call_fail(call, "UUID_INVALID", class_name(call), sim_call_text(call, 0), NULL);
}

static void
get_by_name_label(SimCall *call)
{
    SimValue *refs = sim_array();

    for (SimObject *object = sim_db_first(sim_call_db(call), class_name(call)); object != NULL;
         object = sim_object_next(object)) {
        if (strcmp(sim_object_text(object, "name_label"), sim_call_text(call, 0)) == 0)
            sim_array_add(refs, sim_string(sim_object_get_ref(object)));
    }
    sim_call_return(call, refs);
}

static void
get_field(SimCall *call)
{
    SimObject *object = sim_call_object(call, 0);

    if (object != NULL)
        sim_call_return(call,
                        sim_value_ref(sim_object_get_at(object, call->message->field->index)));
}

void
sim_call_set_field(SimCall *call, const char *field)
{
    SimObject *object = sim_call_object(call, 0);

    if (object == NULL)
        return;
    sim_object_set(object, field, sim_value_ref(sim_call_arg(call, 1)));
    sim_call_return(call, NULL);
}

/* A key that is there is refused even with the same value (xenapi-protocol 1.7). */
void
sim_call_add_to_field(SimCall *call, const char *field)
{
    const char *key = sim_call_text(call, 1);
    SimObject *object = sim_call_object(call, 0);
    const SimValue *map;

    if (object == NULL)
        return;
    map = sim_object_get(object, field);
    if (key[0] == '\0') {
        sim_call_fail(call, "INTERNAL_ERROR", "Xapi_database.Db_exn.Empty_key_in_map", NULL);
    } else if (sim_map_get(map, key) != NULL) {
        sim_call_fail(call, "MAP_DUPLICATE_KEY", class_name(call), field,
                      sim_object_get_ref(object), key, NULL);
    } else {
        sim_object_set(object, field, sim_map_with(map, key, sim_value_ref(sim_call_arg(call, 2))));
        sim_call_return(call, NULL);
    }
}

void
sim_call_remove_from_field(SimCall *call, const char *field)
{
    SimObject *object = sim_call_object(call, 0);

    if (object == NULL)
        return;
    sim_object_map_remove(object, field, sim_call_text(call, 1));
    sim_call_return(call, NULL);
}

static void
set_field(SimCall *call)
{
    sim_call_set_field(call, call->message->field->name);
}

static void
add_to_map(SimCall *call)
{
    sim_call_add_to_field(call, call->message->field->name);
}

static void
remove_from_map(SimCall *call)
{
    sim_call_remove_from_field(call, call->message->field->name);
}

static void
change_set(SimCall *call, gboolean add)
{
    const char *field = call->message->field->name;
    SimObject *object = sim_call_object(call, 0);
    const SimValue *set;

    if (object == NULL)
        return;
    set = sim_object_get(object, field);
    if (!add)
        sim_object_set(object, field, sim_array_without(set, sim_call_text(call, 1)));
    else if (!sim_array_has(set, sim_call_text(call, 1)))
        sim_object_set(object, field, sim_array_with(set, sim_call_text(call, 1)));
    sim_call_return(call, NULL);
}

static void
add_to_set(SimCall *call)
{
    change_set(call, TRUE);
}

static void
remove_from_set(SimCall *call)
{
    change_set(call, FALSE);
}

static const SimHandler generic_handlers[] = {
    [SIM_MESSAGE_GET_RECORD] = get_record,
    [SIM_MESSAGE_GET_ALL] = get_all,
    [SIM_MESSAGE_GET_ALL_RECORDS] = get_all_records,
    [SIM_MESSAGE_GET_ALL_RECORDS_WHERE] = get_all_records_where,
    [SIM_MESSAGE_GET_BY_UUID] = get_by_uuid,
    [SIM_MESSAGE_GET_BY_NAME_LABEL] = get_by_name_label,
    [SIM_MESSAGE_GET] = get_field,
    [SIM_MESSAGE_SET] = set_field,
    [SIM_MESSAGE_ADD_TO_MAP] = add_to_map,
    [SIM_MESSAGE_REMOVE_FROM_MAP] = remove_from_map,
    [SIM_MESSAGE_ADD_TO_SET] = add_to_set,
    [SIM_MESSAGE_REMOVE_FROM_SET] = remove_from_set,
};

void
sim_generic_run(SimCall *call)
{
    SimMessageKind kind = call->message->kind;
    SimHandler handler = kind < G_N_ELEMENTS(generic_handlers) ? generic_handlers[kind] : NULL;

    if (handler != NULL)
        handler(call);
    else
        sim_call_fail(call, "NOT_IMPLEMENTED", call->message->full_name, NULL);
}
