#include "core/model.h"

#include <string.h>

struct _SimModel {
    SimValue *json; /* names point into it */
    SimTypes *types;
    GPtrArray *classes;
    GPtrArray *messages;
    GHashTable *class_by_name;
    GHashTable *message_by_name;
};

static const char *const role_names[SIM_N_ROLES] = {
    "read-only", "vm-operator", "vm-admin", "vm-power-admin", "pool-operator", "pool-admin",
};

const char *
sim_role_name(SimRole role)
{
    return role_names[role];
}

static SimRole
role_from_name(const char *name)
{
    for (guint i = 0; name != NULL && i < SIM_N_ROLES; i++) {
        if (strcmp(role_names[i], name) == 0)
            return (SimRole) i;
    }
    return SIM_ROLE_READ_ONLY;
}

static void
class_free(SimClass *class)
{
    for (guint i = 0; i < class->fields->len; i++)
        sim_value_unref(g_array_index(class->fields, SimField, i).initial);
    g_array_unref(class->fields);
    g_hash_table_unref(class->by_name);
    g_free(class->event_name);
    g_free(class);
}

static void
message_free(SimMessage *message)
{
    g_free(message->full_name);
    g_free(message->params);
    g_free(message);
}

static SimValue *
initial_value(const SimType *type, const SimValue *json)
{
    SimValue *initial = json != NULL ? sim_type_read(type, json) : NULL;

    return initial != NULL ? initial : sim_string("");
}

static void
read_fields(SimModel *model, SimClass *class, const SimValue *fields)
{
    class->fields = g_array_new(FALSE, TRUE, sizeof(SimField));
    class->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    g_array_set_size(class->fields, sim_value_size(fields));
    for (guint i = 0; i < class->fields->len; i++) {
        SimField *field = &g_array_index(class->fields, SimField, i);
        const SimValue *json = sim_value_at(fields, i);
        const char *qualifier = sim_map_get_text(json, "qualifier");

        field->name = sim_value_text(sim_map_get(json, "name"));
        field->type = sim_types_get(model->types, sim_value_text(sim_map_get(json, "type")));
        field->initial = initial_value(field->type, sim_map_get(json, "default"));
        field->constructed = g_strcmp0(qualifier, "RO/runtime") != 0;
        field->index = i;
        g_hash_table_insert(class->by_name, (gpointer) field->name, field);
    }
}

/* Those that carry a field's name come last: the longest prefix decides. */
static const struct {
    const char *name;
    SimMessageKind kind;
    gboolean prefix;
} generated_kinds[] = {
    {"get_record", SIM_MESSAGE_GET_RECORD, FALSE},
    {"get_all", SIM_MESSAGE_GET_ALL, FALSE},
    {"get_all_records", SIM_MESSAGE_GET_ALL_RECORDS, FALSE},
    {"get_all_records_where", SIM_MESSAGE_GET_ALL_RECORDS_WHERE, FALSE},
    {"get_by_uuid", SIM_MESSAGE_GET_BY_UUID, FALSE},
    {"get_by_name_label", SIM_MESSAGE_GET_BY_NAME_LABEL, FALSE},
    {"create", SIM_MESSAGE_CREATE, FALSE},
    {"destroy", SIM_MESSAGE_DESTROY, FALSE},
    {"get_", SIM_MESSAGE_GET, TRUE},
    {"set_", SIM_MESSAGE_SET, TRUE},
    {"add_to_", SIM_MESSAGE_ADD_TO_MAP, TRUE},
    {"remove_from_", SIM_MESSAGE_REMOVE_FROM_MAP, TRUE},
    {"add_", SIM_MESSAGE_ADD_TO_SET, TRUE},
    {"remove_", SIM_MESSAGE_REMOVE_FROM_SET, TRUE},
};

static void
classify_generated(SimMessage *message, const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(generated_kinds); i++) {
        gsize length = strlen(generated_kinds[i].name);

        if (!generated_kinds[i].prefix) {
            if (strcmp(name, generated_kinds[i].name) != 0)
                continue;
            message->kind = generated_kinds[i].kind;
            return;
        }
        if (strncmp(name, generated_kinds[i].name, length) != 0)
            continue;
        message->field = sim_class_find_field(message->class, name + length);
        if (message->field != NULL) {
            message->kind = generated_kinds[i].kind;
            return;
        }
    }
}

static void
read_params(SimModel *model, SimMessage *message, const SimValue *params)
{
    message->n_params = sim_value_size(params);
    message->params = g_new0(SimParam, message->n_params);
    for (guint i = 0; i < message->n_params; i++) {
        const SimValue *json = sim_value_at(params, i);

        message->params[i].name = sim_value_text(sim_value_at(json, 0));
        message->params[i].type =
            sim_types_get(model->types, sim_value_text(sim_value_at(json, 1)));
        message->params[i].optional = sim_value_size(json) > 2;
        if (!message->params[i].optional)
            message->n_required++;
    }
}

static void
read_message(SimModel *model, const SimClass *class, const SimValue *json)
{
    SimMessage *message = g_new0(SimMessage, 1);
    const char *name = sim_value_text(sim_map_get(json, "name"));
    const SimValue *session = sim_map_get(json, "session");

    message->full_name = g_strdup_printf("%s.%s", class->name, name);
    message->class = class;
    message->role = role_from_name(sim_map_get_text(json, "role"));
    message->needs_session = session == NULL || sim_value_bool(session);
    message->has_async = sim_value_bool(sim_map_get(json, "async"));
    message->removed = sim_value_bool(sim_map_get(json, "removed"));
    read_params(model, message, sim_map_get(json, "params"));
    if (sim_value_bool(sim_map_get(json, "generated")))
        classify_generated(message, name);
    g_ptr_array_add(model->messages, message);
    g_hash_table_insert(model->message_by_name, message->full_name, message);
}

static void
read_hidden(SimModel *model, const SimClass *class, const char *name)
{
    SimMessage *message = g_new0(SimMessage, 1);

    message->full_name = g_strdup_printf("%s.%s", class->name, name);
    message->class = class;
    message->role = SIM_ROLE_POOL_ADMIN;
    message->needs_session = TRUE;
    message->has_async = TRUE;
    message->hidden = TRUE;
    g_ptr_array_add(model->messages, message);
    g_hash_table_insert(model->message_by_name, message->full_name, message);
}

static void
read_class(SimModel *model, const SimValue *json)
{
    SimClass *class = g_new0(SimClass, 1);
    const SimValue *messages = sim_map_get(json, "messages");
    const SimValue *hidden = sim_map_get(json, "hidden");

    class->name = sim_value_text(sim_map_get(json, "name"));
    class->event_name = g_ascii_strdown(class->name, -1);
    class->index = model->classes->len;
    class->required = sim_map_get(json, "required");
    read_fields(model, class, sim_map_get(json, "fields"));
    g_ptr_array_add(model->classes, class);
    g_hash_table_insert(model->class_by_name, (gpointer) class->name, class);
    for (guint i = 0; i < sim_value_size(messages); i++)
        read_message(model, class, sim_value_at(messages, i));
    for (guint i = 0; i < sim_value_size(hidden); i++)
        read_hidden(model, class, sim_value_text(sim_value_at(hidden, i)));
}

SimModel *
sim_model_new(SimValue *json, char **problem)
{
    SimModel *model;
    const SimValue *enums = sim_map_get(json, "enums");
    const SimValue *classes = sim_map_get(json, "classes");

    if (sim_value_size(enums) == 0 || sim_value_size(classes) == 0) {
        *problem = g_strdup("the data model has no classes");
        return NULL;
    }
    model = g_new0(SimModel, 1);
    model->json = sim_value_ref(json);
    model->types = sim_types_new();
    model->classes = g_ptr_array_new_with_free_func((GDestroyNotify) class_free);
    model->messages = g_ptr_array_new_with_free_func((GDestroyNotify) message_free);
    model->class_by_name = g_hash_table_new(g_str_hash, g_str_equal);
    model->message_by_name = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < sim_value_size(enums); i++)
        sim_types_add_enum(model->types, sim_map_key(enums, i),
                           sim_value_ref(sim_value_at(enums, i)));
    for (guint i = 0; i < sim_value_size(classes); i++)
        read_class(model, sim_value_at(classes, i));
    return model;
}

void
sim_model_free(SimModel *model)
{
    g_hash_table_unref(model->class_by_name);
    g_hash_table_unref(model->message_by_name);
    g_ptr_array_unref(model->messages);
    g_ptr_array_unref(model->classes);
    sim_types_free(model->types);
    sim_value_unref(model->json);
    g_free(model);
}

guint
sim_model_n_classes(const SimModel *model)
{
    return model->classes->len;
}

const SimClass *
sim_model_class_at(const SimModel *model, guint index)
{
    return g_ptr_array_index(model->classes, index);
}

const SimClass *
sim_model_find_class(const SimModel *model, const char *name)
{
    return g_hash_table_lookup(model->class_by_name, name);
}

const SimField *
sim_class_find_field(const SimClass *class, const char *name)
{
    return g_hash_table_lookup(class->by_name, name);
}

const SimMessage *
sim_model_find_message(const SimModel *model, const char *full_name)
{
    return g_hash_table_lookup(model->message_by_name, full_name);
}

guint
sim_model_n_messages(const SimModel *model)
{
    return model->messages->len;
}

const SimMessage *
sim_model_message_at(const SimModel *model, guint index)
{
    return g_ptr_array_index(model->messages, index);
}
