#include "base/value.h"

#include <stdarg.h>
#include <string.h>

struct _SimValue {
    guint references;
    SimKind kind;
    union {
        char *text;
        gint64 number;
        double real;
        GPtrArray *members;
    };
    GPtrArray *keys; /* of maps: one for each member */
};

static SimValue *
value_new(SimKind kind)
{
    SimValue *value = g_new0(SimValue, 1);

    value->references = 1;
    value->kind = kind;
    return value;
}

static SimValue *
number_new(SimKind kind, gint64 number)
{
    SimValue *value = value_new(kind);

    value->number = number;
    return value;
}

SimValue *
sim_string_take(char *text)
{
    SimValue *value = value_new(SIM_STRING);

    value->text = text;
    return value;
}

SimValue *
sim_string(const char *text)
{
    return sim_string_take(g_strdup(text != NULL ? text : ""));
}

SimValue *
sim_int(gint64 number)
{
    return number_new(SIM_INT, number);
}

SimValue *
sim_i4(gint64 number)
{
    return number_new(SIM_I4, number);
}

SimValue *
sim_bool(gboolean truth)
{
    return number_new(SIM_BOOL, truth != FALSE);
}

SimValue *
sim_date(gint64 seconds)
{
    return number_new(SIM_DATE, seconds);
}

SimValue *
sim_nil(void)
{
    return value_new(SIM_NIL);
}

SimValue *
sim_float(double number)
{
    SimValue *value = value_new(SIM_FLOAT);

    value->real = number;
    return value;
}

SimValue *
sim_array(void)
{
    SimValue *value = value_new(SIM_ARRAY);

    value->members = g_ptr_array_new_with_free_func((GDestroyNotify) sim_value_unref);
    return value;
}

SimValue *
sim_map(void)
{
    SimValue *value = sim_array();

    value->kind = SIM_MAP;
    value->keys = g_ptr_array_new_with_free_func(g_free);
    return value;
}

SimValue *
sim_strings(const char *first, ...)
{
    SimValue *array = sim_array();
    va_list list;

    va_start(list, first);
    for (const char *text = first; text != NULL; text = va_arg(list, const char *))
        sim_array_add(array, sim_string(text));
    va_end(list);
    return array;
}

SimValue *
sim_string_map(const char *key, ...)
{
    SimValue *map = sim_map();
    va_list list;

    va_start(list, key);
    for (; key != NULL; key = va_arg(list, const char *))
        sim_map_set_string(map, key, va_arg(list, const char *));
    va_end(list);
    return map;
}

SimValue *
sim_value_ref(const SimValue *value)
{
    SimValue *shared = (SimValue *) value; /* counting is not changing */

    shared->references++;
    return shared;
}

void
sim_value_unref(SimValue *value)
{
    if (--value->references > 0)
        return;
    if (value->kind == SIM_STRING)
        g_free(value->text);
    else if (value->kind == SIM_ARRAY || value->kind == SIM_MAP)
        g_ptr_array_unref(value->members);
    if (value->keys != NULL)
        g_ptr_array_unref(value->keys);
    g_free(value);
}

SimKind
sim_value_kind(const SimValue *value)
{
    return value->kind;
}

static gboolean
has_members(const SimValue *value)
{
    return value != NULL && (value->kind == SIM_ARRAY || value->kind == SIM_MAP);
}

static gboolean
members_equal(const SimValue *a, const SimValue *b)
{
    if (a->members->len != b->members->len)
        return FALSE;
    for (guint i = 0; i < a->members->len; i++) {
        const SimValue *other =
            a->kind == SIM_MAP ? sim_map_get(b, sim_map_key(a, i)) : sim_value_at(b, i);

        if (other == NULL || !sim_value_equal(sim_value_at(a, i), other))
            return FALSE;
    }
    return TRUE;
}

gboolean
sim_value_equal(const SimValue *a, const SimValue *b)
{
    if (a == b)
        return TRUE;
    if (a->kind != b->kind)
        return FALSE;
    if (has_members(a))
        return members_equal(a, b);
    if (a->kind == SIM_STRING)
        return strcmp(a->text, b->text) == 0;
    if (a->kind == SIM_FLOAT)
        return memcmp(&a->real, &b->real, sizeof(a->real)) == 0;
    return a->number == b->number;
}

const char *
sim_value_text(const SimValue *value)
{
    return value != NULL && value->kind == SIM_STRING ? value->text : "";
}

gint64
sim_value_int(const SimValue *value)
{
    if (value == NULL || has_members(value) || value->kind == SIM_STRING)
        return 0;
    return value->kind == SIM_FLOAT ? (gint64) value->real : value->number;
}

double
sim_value_float(const SimValue *value)
{
    if (value != NULL && value->kind == SIM_FLOAT)
        return value->real;
    return (double) sim_value_int(value);
}

gboolean
sim_value_bool(const SimValue *value)
{
    return value != NULL && value->kind == SIM_BOOL && value->number != 0;
}

void
sim_array_add(SimValue *array, SimValue *member)
{
    g_ptr_array_add(array->members, member);
}

static gint
map_find(const SimValue *map, const char *key)
{
    for (guint i = 0; i < map->keys->len; i++) {
        if (strcmp(g_ptr_array_index(map->keys, i), key) == 0)
            return (gint) i;
    }
    return -1;
}

void
sim_map_add(SimValue *map, const char *key, SimValue *member)
{
    g_ptr_array_add(map->keys, g_strdup(key));
    g_ptr_array_add(map->members, member);
}

void
sim_map_set(SimValue *map, const char *key, SimValue *member)
{
    gint at = map_find(map, key);

    if (at < 0) {
        sim_map_add(map, key, member);
        return;
    }
    sim_value_unref(g_ptr_array_index(map->members, at));
    g_ptr_array_index(map->members, at) = member;
}

void
sim_map_set_string(SimValue *map, const char *key, const char *text)
{
    sim_map_set(map, key, sim_string(text));
}

guint
sim_value_size(const SimValue *value)
{
    return has_members(value) ? value->members->len : 0;
}

const SimValue *
sim_value_at(const SimValue *value, guint index)
{
    return g_ptr_array_index(value->members, index);
}

const char *
sim_map_key(const SimValue *map, guint index)
{
    return g_ptr_array_index(map->keys, index);
}

const SimValue *
sim_map_get(const SimValue *map, const char *key)
{
    gint at;

    if (map == NULL || map->kind != SIM_MAP)
        return NULL;
    at = map_find(map, key);
    return at < 0 ? NULL : sim_value_at(map, (guint) at);
}

const char *
sim_map_get_text(const SimValue *map, const char *key)
{
    const SimValue *member = sim_map_get(map, key);

    return member != NULL && member->kind == SIM_STRING ? member->text : NULL;
}

gboolean
sim_array_has(const SimValue *array, const char *text)
{
    for (guint i = 0; i < sim_value_size(array); i++) {
        if (strcmp(sim_value_text(sim_value_at(array, i)), text) == 0)
            return TRUE;
    }
    return FALSE;
}

static void
map_append_others(SimValue *copy, const SimValue *map, const char *key)
{
    for (guint i = 0; i < sim_value_size(map); i++) {
        if (strcmp(sim_map_key(map, i), key) != 0)
            sim_map_add(copy, sim_map_key(map, i), sim_value_ref(sim_value_at(map, i)));
    }
}

SimValue *
sim_map_with(const SimValue *map, const char *key, SimValue *member)
{
    SimValue *copy = sim_map();

    sim_map_add(copy, key, member);
    map_append_others(copy, map, key);
    return copy;
}

SimValue *
sim_map_without(const SimValue *map, const char *key)
{
    SimValue *copy = sim_map();

    map_append_others(copy, map, key);
    return copy;
}

SimValue *
sim_array_without(const SimValue *array, const char *text)
{
    SimValue *copy = sim_array();

    for (guint i = 0; i < sim_value_size(array); i++) {
        const SimValue *member = sim_value_at(array, i);

        if (strcmp(sim_value_text(member), text) != 0)
            sim_array_add(copy, sim_value_ref(member));
    }
    return copy;
}

SimValue *
sim_array_with(const SimValue *array, const char *text)
{
    SimValue *copy = sim_array();

    sim_array_add(copy, sim_string(text));
    for (guint i = 0; i < sim_value_size(array); i++)
        sim_array_add(copy, sim_value_ref(sim_value_at(array, i)));
    return copy;
}

char *
sim_date_format(gint64 seconds)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(seconds);
    g_autofree char *rest = NULL;

    if (date == NULL)
        return g_strdup("19700101T00:00:00Z");
    rest = g_date_time_format(date, "%m%dT%H:%M:%SZ"); /* %Y has no leading zeros */
    return g_strdup_printf("%04d%s", g_date_time_get_year(date), rest);
}

gboolean
sim_date_parse(const char *text, gint64 *seconds)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) date = NULL;

    if (strlen(text) > 40)
        return FALSE;
    date = g_date_time_new_from_iso8601(text, utc);
    if (date == NULL && strlen(text) >= 17 && text[8] == 'T' && text[11] == ':') {
        /* GLib wants both halves with separators or both without. */
        g_autofree char *dashed = g_strdup_printf("%.4s-%.2s-%s", text, text + 4, text + 6);

        date = g_date_time_new_from_iso8601(dashed, utc);
    }
    if (date == NULL)
        return FALSE;
    *seconds = g_date_time_to_unix(date);
    return TRUE;
}

static void describe(GString *out, const SimValue *value);

static void
describe_members(GString *out, const SimValue *value)
{
    gboolean map = value->kind == SIM_MAP;

    g_string_append_c(out, map ? '{' : '[');
    for (guint i = 0; i < value->members->len; i++) {
        if (i > 0)
            g_string_append_c(out, ';');
        if (map)
            g_string_append_printf(out, "%s:", sim_map_key(value, i));
        describe(out, sim_value_at(value, i));
    }
    g_string_append_c(out, map ? '}' : ']');
}

static void
describe(GString *out, const SimValue *value)
{
    g_autofree char *date = NULL;

    switch (value->kind) {
    case SIM_STRING: g_string_append_printf(out, "S(%s)", value->text); break;
    case SIM_INT: g_string_append_printf(out, "I(%" G_GINT64_FORMAT ")", value->number); break;
    case SIM_I4: g_string_append_printf(out, "I32(%" G_GINT64_FORMAT ")", value->number); break;
    case SIM_FLOAT: g_string_append_printf(out, "F(%g)", value->real); break;
    case SIM_BOOL: g_string_append_printf(out, "B(%s)", value->number ? "true" : "false"); break;
    case SIM_DATE:
        date = sim_date_format(value->number);
        g_string_append_printf(out, "D(%s)", date);
        break;
    case SIM_ARRAY:
    case SIM_MAP: describe_members(out, value); break;
    case SIM_NIL: g_string_append_c(out, 'N'); break;
    }
}

char *
sim_value_describe(const SimValue *value)
{
    GString *out = g_string_new(NULL);

    describe(out, value);
    return g_string_free(out, FALSE);
}
