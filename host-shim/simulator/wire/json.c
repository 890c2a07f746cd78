#include "wire/rpc.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

static SimValue *value_from_node(JsonNode *node);

static void
add_member(JsonObject *object, const char *key, JsonNode *node, gpointer map)
{
    (void) object;
    sim_map_add(map, key, value_from_node(node));
}

static SimValue *
value_from_object(JsonObject *object)
{
    SimValue *map = sim_map();

    json_object_foreach_member(object, add_member, map);
    return map;
}

static SimValue *
value_from_array(JsonArray *array)
{
    SimValue *value = sim_array();

    for (guint i = 0; i < json_array_get_length(array); i++)
        sim_array_add(value, value_from_node(json_array_get_element(array, i)));
    return value;
}

static SimValue *
value_from_node(JsonNode *node)
{
    switch (json_node_get_node_type(node)) {
    case JSON_NODE_OBJECT: return value_from_object(json_node_get_object(node));
    case JSON_NODE_ARRAY: return value_from_array(json_node_get_array(node));
    case JSON_NODE_NULL: return sim_nil();
    case JSON_NODE_VALUE: break;
    }
    switch (json_node_get_value_type(node)) {
    case G_TYPE_STRING: return sim_string(json_node_get_string(node));
    case G_TYPE_BOOLEAN: return sim_bool(json_node_get_boolean(node));
    case G_TYPE_DOUBLE: return sim_float(json_node_get_double(node));
    default: return sim_int(json_node_get_int(node));
    }
}

SimValue *
sim_json_parse(const char *text, gsize length, char **problem)
{
    g_autoptr(JsonParser) parser = NULL;
    g_autoptr(GError) error = NULL;

    *problem = sim_json_check(text, length);
    if (*problem != NULL)
        return NULL;
    parser = json_parser_new_immutable();
    if (!json_parser_load_from_data(parser, text, (gssize) length, &error) ||
        json_parser_get_root(parser) == NULL) {
        *problem = g_strdup(error != NULL ? error->message : "no value");
        return NULL;
    }
    return value_from_node(json_parser_get_root(parser));
}

static void
print_string(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '"': g_string_append(out, "\\\""); break;
        case '\\': g_string_append(out, "\\\\"); break;
        case '\n': g_string_append(out, "\\n"); break;
        case '\r': g_string_append(out, "\\r"); break;
        case '\t': g_string_append(out, "\\t"); break;
        case '\b': g_string_append(out, "\\b"); break;
        case '\f': g_string_append(out, "\\f"); break;
        default:
            if ((guchar) *c < 0x20 || *c == 0x7f)
                g_string_append_printf(out, "\\u%04x", (guint) *c);
            else
                g_string_append_c(out, *c);
        }
    }
    g_string_append_c(out, '"');
}

/* The toolstack writes the tokens NaN and Infinity, which no strict parser takes. */
static void
print_float(GString *out, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (isnan(number) || isinf(number)) {
        g_string_append(out, isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity");
        return;
    }
    g_ascii_formatd(text, sizeof(text), "%.16g", number);
    if (memcmp(&(double){g_ascii_strtod(text, NULL)}, &number, sizeof(number)) != 0)
        g_ascii_formatd(text, sizeof(text), "%.17g", number);
    g_string_append(out, text);
    if (strpbrk(text, ".e") == NULL)
        g_string_append(out, ".0");
}

static void
print_members(GString *out, const SimValue *value, gboolean map)
{
    g_string_append_c(out, map ? '{' : '[');
    for (guint i = 0; i < sim_value_size(value); i++) {
        if (i > 0)
            g_string_append_c(out, ',');
        if (map) {
            print_string(out, sim_map_key(value, i));
            g_string_append_c(out, ':');
        }
        sim_json_print(out, sim_value_at(value, i));
    }
    g_string_append_c(out, map ? '}' : ']');
}

void
sim_json_print(GString *out, const SimValue *value)
{
    g_autofree char *date = NULL;

    switch (sim_value_kind(value)) {
    case SIM_STRING: print_string(out, sim_value_text(value)); break;
    case SIM_INT:
    case SIM_I4: g_string_append_printf(out, "%" G_GINT64_FORMAT, sim_value_int(value)); break;
    case SIM_FLOAT: print_float(out, sim_value_float(value)); break;
    case SIM_BOOL: g_string_append(out, sim_value_bool(value) ? "true" : "false"); break;
    case SIM_DATE:
        date = sim_date_format(sim_value_int(value));
        print_string(out, date);
        break;
    case SIM_ARRAY: print_members(out, value, FALSE); break;
    case SIM_MAP: print_members(out, value, TRUE); break;
    case SIM_NIL: g_string_append(out, "null"); break;
    }
}

SimValue *
sim_json_read(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *problem = NULL;
    SimValue *value;
    gsize length;

    if (!g_file_get_contents(path, &text, &length, error))
        return NULL;
    value = sim_json_parse(text, length, &problem);
    if (value == NULL)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", path, problem);
    return value;
}
