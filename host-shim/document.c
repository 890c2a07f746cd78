#include "document.h"

#include <string.h>

/* json-glib parses recursively and has been seen to overrun its stack at 100,000 levels. */
#define MAX_DEPTH 64

static gboolean
is_shallow(const char *text)
{
    gboolean in_string = FALSE;
    guint depth = 0;

    for (; *text != '\0'; text++) {
        if (in_string) {
            in_string = *text != '"';
            if (*text == '\\' && text[1] != '\0')
                text++;
        } else if (*text == '"') {
            in_string = TRUE;
        } else if (*text == '[' || *text == '{') {
            if (++depth > MAX_DEPTH)
                return FALSE;
        } else if ((*text == ']' || *text == '}') && depth > 0) {
            depth--;
        }
    }
    return TRUE;
}

JsonNode *
document_parse(const char *text)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();

    if (!g_utf8_validate(text, -1, NULL) || !is_shallow(text) ||
        !json_parser_load_from_data(parser, text, -1, NULL))
        return NULL;
    return json_parser_get_root(parser) != NULL ? json_parser_steal_root(parser) : NULL;
}

char *
document_print(JsonNode *node)
{
    return json_to_string(node, FALSE);
}

/* An iterator of json-glib would turn the order about. */
JsonObject *
document_copy(JsonObject *object)
{
    JsonObject *copy = json_object_new();
    g_autoptr(GList) names = json_object_get_members(object);

    for (GList *name = names; name != NULL; name = name->next)
        json_object_set_member(copy, name->data,
                               json_node_copy(json_object_get_member(object, name->data)));
    return copy;
}

char *
document_print_object(JsonObject *object)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

    json_node_set_object(node, object);
    return document_print(node);
}

JsonObject *
document_object(JsonNode *node)
{
    return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static JsonNode *
member(JsonObject *object, const char *name)
{
    return object != NULL ? json_object_get_member(object, name) : NULL;
}

/* (nullable): a node that holds a value of @type */
static JsonNode *
member_value(JsonObject *object, const char *name, GType type)
{
    JsonNode *node = member(object, name);

    return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type
               ? node
               : NULL;
}

const char *
document_text(JsonObject *object, const char *name)
{
    JsonNode *node = member_value(object, name, G_TYPE_STRING);

    return node != NULL ? json_node_get_string(node) : NULL;
}

JsonObject *
document_member(JsonObject *object, const char *name)
{
    return document_object(member(object, name));
}

gint64
document_number(JsonObject *object, const char *name, gint64 otherwise)
{
    JsonNode *node = member_value(object, name, G_TYPE_INT64);

    return node != NULL ? json_node_get_int(node) : otherwise;
}

gboolean
document_flag(JsonObject *object, const char *name)
{
    JsonNode *node = member_value(object, name, G_TYPE_BOOLEAN);

    return node != NULL && json_node_get_boolean(node);
}

/* The elements of @node for which @read gives something. */
static GPtrArray *
collect(JsonNode *node, gpointer (*read)(JsonNode *element))
{
    GPtrArray *found = g_ptr_array_new();
    JsonArray *array =
        node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

    for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
        gpointer element = read(json_array_get_element(array, i));

        if (element != NULL)
            g_ptr_array_add(found, element);
    }
    return found;
}

static gpointer
read_object(JsonNode *element)
{
    return document_object(element);
}

static gpointer
read_text(JsonNode *element)
{
    return JSON_NODE_HOLDS_VALUE(element) && json_node_get_value_type(element) == G_TYPE_STRING
               ? (gpointer) json_node_get_string(element)
               : NULL;
}

GPtrArray *
document_elements(JsonNode *array)
{
    return collect(array, read_object);
}

GPtrArray *
document_objects(JsonObject *object, const char *name)
{
    return collect(member(object, name), read_object);
}

GPtrArray *
document_texts(JsonObject *object, const char *name)
{
    return collect(member(object, name), read_text);
}
