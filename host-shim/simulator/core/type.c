#include "core/type.h"

#include <string.h>

struct _SimTypes {
    GHashTable *by_text; /* text -> SimType */
    GHashTable *enums;   /* name -> SimValue */
};

static void
type_free(SimType *type)
{
    g_free(type->name);
    g_free(type);
}

SimTypes *
sim_types_new(void)
{
    SimTypes *types = g_new0(SimTypes, 1);

    types->by_text =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) type_free);
    types->enums =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) sim_value_unref);
    return types;
}

void
sim_types_free(SimTypes *types)
{
    g_hash_table_unref(types->by_text);
    g_hash_table_unref(types->enums);
    g_free(types);
}

void
sim_types_add_enum(SimTypes *types, const char *name, SimValue *spellings)
{
    g_hash_table_insert(types->enums, g_strdup(name), spellings);
}

static const struct {
    const char *text;
    SimTypeKind kind;
} simple_types[] = {
    {"string", SIM_TYPE_STRING}, {"int", SIM_TYPE_INT},       {"float", SIM_TYPE_FLOAT},
    {"bool", SIM_TYPE_BOOL},     {"datetime", SIM_TYPE_DATE}, {"void", SIM_TYPE_VOID},
};

/* "(a -> b) map"; the arrow is the first one outside of inner brackets. */
static gboolean
parse_map(SimTypes *types, SimType *type, const char *text, gsize length)
{
    g_autofree char *inner = g_strndup(text + 1, length - strlen("() map"));
    char *arrow = strstr(inner, " -> ");

    if (arrow == NULL)
        return FALSE;
    *arrow = '\0';
    type->kind = SIM_TYPE_MAP;
    type->key = sim_types_get(types, inner);
    type->item = sim_types_get(types, arrow + strlen(" -> "));
    return TRUE;
}

static gboolean
parse_named(SimType *type, const char *text, const char *suffix, SimTypeKind kind)
{
    gsize length = strlen(text) - strlen(suffix);

    if (!g_str_has_suffix(text, suffix) || memchr(text, ' ', length) != NULL || text[0] == '<')
        return FALSE;
    type->kind = kind;
    type->name = g_strndup(text, length);
    return TRUE;
}

static void
parse_type(SimTypes *types, SimType *type, const char *text)
{
    gsize length = strlen(text);

    for (guint i = 0; i < G_N_ELEMENTS(simple_types); i++) {
        if (strcmp(text, simple_types[i].text) == 0) {
            type->kind = simple_types[i].kind;
            return;
        }
    }
    if (text[0] == '(' && g_str_has_suffix(text, ") map") && parse_map(types, type, text, length))
        return;
    if (g_str_has_suffix(text, " set")) {
        g_autofree char *item = g_strndup(text, length - strlen(" set"));

        type->kind = SIM_TYPE_SET;
        type->item = sim_types_get(types, item);
        return;
    }
    if (parse_named(type, text, " ref", SIM_TYPE_REF) ||
        parse_named(type, text, " record", SIM_TYPE_RECORD))
        return;
    if (g_str_has_prefix(text, "enum ")) {
        type->kind = SIM_TYPE_ENUM;
        type->name = g_strdup(text + strlen("enum "));
        type->spellings = g_hash_table_lookup(types->enums, type->name);
    }
}

const SimType *
sim_types_get(SimTypes *types, const char *text)
{
    SimType *type = g_hash_table_lookup(types->by_text, text);

    if (type != NULL)
        return type;
    type = g_new0(SimType, 1);
    type->kind = SIM_TYPE_ANY;
    parse_type(types, type, text);
    g_hash_table_insert(types->by_text, g_strdup(text), type);
    return type;
}

static SimValue *
refuse(const char *wanted, const SimValue *value, char **problem)
{
    g_autofree char *seen = sim_value_describe(value);

    *problem = g_strdup_printf("Expected %s, got '%s'", wanted, seen);
    return NULL;
}

static SimValue *
accept_string(const SimType *type, const SimValue *value, char **problem)
{
    (void) type;
    if (sim_value_kind(value) != SIM_STRING)
        return refuse("string", value, problem);
    return sim_value_ref(value);
}

static SimValue *
accept_int(const SimType *type, const SimValue *value, char **problem)
{
    gint64 number;

    (void) type;
    switch ((int) sim_value_kind(value)) {
    case SIM_INT: return sim_value_ref(value);
    case SIM_I4: return sim_int(sim_value_int(value));
    case SIM_STRING:
        if (g_ascii_string_to_signed(sim_value_text(value), 10, G_MININT64, G_MAXINT64, &number,
                                     NULL))
            return sim_int(number);
        *problem = g_strdup("Int64.of_string");
        return NULL;
    default: return refuse("int", value, problem);
    }
}

static SimValue *
accept_float(const SimType *type, const SimValue *value, char **problem)
{
    char *end = NULL;
    double number;

    (void) type;
    switch ((int) sim_value_kind(value)) {
    case SIM_FLOAT: return sim_value_ref(value);
    case SIM_INT:
    case SIM_I4: return sim_float((double) sim_value_int(value));
    case SIM_STRING:
        number = g_ascii_strtod(sim_value_text(value), &end);
        if (sim_value_text(value)[0] != '\0' && *end == '\0')
            return sim_float(number);
        *problem = g_strdup("float_of_string");
        return NULL;
    default: return refuse("float", value, problem);
    }
}

static SimValue *
accept_bool(const SimType *type, const SimValue *value, char **problem)
{
    (void) type;
    if (sim_value_kind(value) != SIM_BOOL)
        return refuse("bool", value, problem);
    return sim_value_ref(value);
}

static SimValue *
accept_date(const SimType *type, const SimValue *value, char **problem)
{
    gint64 seconds;

    (void) type;
    if (sim_value_kind(value) == SIM_DATE)
        return sim_value_ref(value);
    if (sim_value_kind(value) == SIM_STRING && sim_date_parse(sim_value_text(value), &seconds))
        return sim_date(seconds);
    *problem = g_strdup("Date.t_of_rpc");
    return NULL;
}

static SimValue *
accept_enum(const SimType *type, const SimValue *value, char **problem)
{
    if (sim_value_kind(value) != SIM_STRING)
        return refuse("string", value, problem);
    for (guint i = 0; i < sim_value_size(type->spellings); i++) {
        const SimValue *spelling = sim_value_at(type->spellings, i);

        if (g_ascii_strcasecmp(sim_value_text(spelling), sim_value_text(value)) == 0)
            return sim_value_ref(spelling);
    }
    return refuse(type->name, value, problem);
}

static SimValue *
accept_set(const SimType *type, const SimValue *value, char **problem)
{
    g_autoptr(SimValue) set = sim_array();

    if (sim_value_kind(value) != SIM_ARRAY)
        return refuse("list", value, problem);
    for (guint i = 0; i < sim_value_size(value); i++) {
        SimValue *item = sim_type_accept(type->item, sim_value_at(value, i), problem);

        if (item == NULL)
            return NULL;
        sim_array_add(set, item);
    }
    return g_steal_pointer(&set);
}

/* Keys are strings on the wire; where they are numbers or enums they must read as such. */
static gboolean
is_key(const SimType *type, const char *key, char **problem)
{
    g_autoptr(SimValue) text = sim_string(key);
    g_autoptr(SimValue) accepted = sim_type_accept(type, text, problem);

    return accepted != NULL;
}

static SimValue *
accept_map(const SimType *type, const SimValue *value, char **problem)
{
    g_autoptr(SimValue) map = sim_map();

    if (sim_value_kind(value) != SIM_MAP)
        return refuse("dictionary", value, problem);
    for (guint i = 0; i < sim_value_size(value); i++) {
        SimValue *item;

        if (!is_key(type->key, sim_map_key(value, i), problem))
            return NULL;
        item = sim_type_accept(type->item, sim_value_at(value, i), problem);
        if (item == NULL)
            return NULL;
        sim_map_add(map, sim_map_key(value, i), item);
    }
    return g_steal_pointer(&map);
}

/* A record is checked member by member by whoever knows its class. */
static SimValue *
accept_record(const SimType *type, const SimValue *value, char **problem)
{
    (void) type;
    if (sim_value_kind(value) != SIM_MAP)
        return refuse("dictionary", value, problem);
    return sim_value_ref(value);
}

static SimValue *
accept_any(const SimType *type, const SimValue *value, char **problem)
{
    (void) type;
    (void) problem;
    return sim_value_ref(value);
}

static SimValue *(*const acceptors[])(const SimType *, const SimValue *, char **) = {
    [SIM_TYPE_STRING] = accept_string, [SIM_TYPE_INT] = accept_int,
    [SIM_TYPE_FLOAT] = accept_float,   [SIM_TYPE_BOOL] = accept_bool,
    [SIM_TYPE_DATE] = accept_date,     [SIM_TYPE_VOID] = accept_any,
    [SIM_TYPE_REF] = accept_string,    [SIM_TYPE_RECORD] = accept_record,
    [SIM_TYPE_ENUM] = accept_enum,     [SIM_TYPE_SET] = accept_set,
    [SIM_TYPE_MAP] = accept_map,       [SIM_TYPE_ANY] = accept_any,
};

SimValue *
sim_type_accept(const SimType *type, const SimValue *value, char **problem)
{
    return acceptors[type->kind](type, value, problem);
}

SimValue *
sim_type_read(const SimType *type, const SimValue *value)
{
    g_autofree char *problem = NULL;

    return sim_type_accept(type, value, &problem);
}
