#include "expect.h"

#include "document.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

#define NAME_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define WIDEST     60 /* of a value in a message */

/* ---- variables ---- */

gboolean
expect_is_name(const char *text)
{
    return text[0] != '\0' && !g_ascii_isdigit(text[0]) && text[strspn(text, NAME_BYTES)] == '\0';
}

/* Appends what stands for "${...}" at @*text, and goes behind it. */
static gboolean
expand_one(GString *out, const char **text, GHashTable *values, char **missing)
{
    const char *name = *text + strlen("${");
    gsize length = strcspn(name, "}");
    g_autofree char *key = g_strndup(name, length);
    const char *value = name[length] == '}' ? g_hash_table_lookup(values, key) : NULL;

    if (value == NULL) {
        *missing = g_steal_pointer(&key);
        return FALSE;
    }
    g_string_append(out, value);
    *text = name + length + 1;
    return TRUE;
}

char *
expect_expand(const char *text, GHashTable *values, char **missing)
{
    g_autoptr(GString) out = g_string_new(NULL);

    while (*text != '\0') {
        if (g_str_has_prefix(text, "$${")) {
            g_string_append(out, "${");
            text += strlen("$${");
        } else if (g_str_has_prefix(text, "${")) {
            if (!expand_one(out, &text, values, missing))
                return NULL;
        } else {
            g_string_append_c(out, *text++);
        }
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* ---- pointers (RFC 6901) ---- */

gboolean
expect_is_pointer(const char *text)
{
    if (text[0] != '\0' && text[0] != '/')
        return FALSE;
    while ((text = strchr(text, '~')) != NULL) {
        if (*++text != '0' && *text != '1')
            return FALSE;
    }
    return TRUE;
}

static JsonNode *
find_element(JsonArray *array, const char *key)
{
    guint64 index = 0;
    gboolean is_index = g_ascii_string_to_unsigned(key, 10, 0, G_MAXUINT, &index, NULL);

    return is_index && index < json_array_get_length(array)
               ? json_array_get_element(array, (guint) index)
               : NULL;
}

JsonNode *
expect_find(JsonNode *root, const char *pointer)
{
    g_auto(GStrv) keys = g_strsplit(pointer, "/", -1);
    JsonNode *node = root;

    /* what stands in front of the first "/" is nothing */
    for (guint i = 1; node != NULL && keys[0] != NULL && keys[i] != NULL; i++) {
        g_autoptr(GString) key = g_string_new(keys[i]);

        g_string_replace(key, "~1", "/", 0);
        g_string_replace(key, "~0", "~", 0);
        if (JSON_NODE_HOLDS_OBJECT(node))
            node = json_object_get_member(json_node_get_object(node), key->str);
        else
            node = JSON_NODE_HOLDS_ARRAY(node) ? find_element(json_node_get_array(node), key->str)
                                               : NULL;
    }
    return node;
}

void
expect_append_pointer(GString *pointer, const char *member)
{
    g_autoptr(GString) key = g_string_new(member);

    g_string_replace(key, "~", "~0", 0);
    g_string_replace(key, "/", "~1", 0);
    g_string_append_c(pointer, '/');
    g_string_append(pointer, key->str);
}

/* ---- JSON against JSON ---- */

static char *
show(JsonNode *node)
{
    g_autofree char *text = document_print(node);
    g_autofree char *safe = text_escape(text);

    return text_fit(safe, WIDEST);
}

static char *
differs(const char *where, JsonNode *wanted, JsonNode *is)
{
    g_autofree char *wanted_text = show(wanted);
    g_autofree char *is_text = is != NULL ? show(is) : NULL;

    if (is_text == NULL)
        return g_strdup_printf(_("%s: expected %s, there is nothing"), where, wanted_text);
    return g_strdup_printf(_("%s: expected %s, not %s"), where, wanted_text, is_text);
}

static gboolean
is_number(JsonNode *node)
{
    GType type = json_node_get_value_type(node);

    return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
}

static gboolean
is_text(JsonNode *node)
{
    return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
}

static gboolean
is_same_text(const char *wanted, const char *is, GHashTable *values)
{
    g_autofree char *missing = NULL;
    g_autofree char *text = expect_expand(wanted, values, &missing);

    return g_strcmp0(text, is) == 0;
}

static gboolean
is_same_value(JsonNode *wanted, JsonNode *is, GHashTable *values)
{
    if (JSON_NODE_HOLDS_NULL(wanted) || JSON_NODE_HOLDS_NULL(is))
        return JSON_NODE_HOLDS_NULL(wanted) && JSON_NODE_HOLDS_NULL(is);
    if (!JSON_NODE_HOLDS_VALUE(is))
        return FALSE;
    if (is_text(wanted))
        return is_text(is) &&
               is_same_text(json_node_get_string(wanted), json_node_get_string(is), values);
    if (is_number(wanted) && is_number(is) && json_node_get_value_type(wanted) == G_TYPE_INT64 &&
        json_node_get_value_type(is) == G_TYPE_INT64)
        return json_node_get_int(wanted) == json_node_get_int(is);
    return json_node_equal(wanted, is);
}

static char *compare(JsonNode *wanted, JsonNode *is, GHashTable *values, const char *where);

static char *
compare_objects(JsonNode *wanted, JsonNode *is, GHashTable *values, const char *where)
{
    g_autoptr(GList) names = json_object_get_members(json_node_get_object(wanted));
    char *problem = NULL;

    for (GList *name = names; name != NULL && problem == NULL; name = name->next) {
        g_autoptr(GString) below = g_string_new(where);

        expect_append_pointer(below, name->data);
        problem = compare(json_object_get_member(json_node_get_object(wanted), name->data),
                          json_object_get_member(json_node_get_object(is), name->data), values,
                          below->str);
    }
    return problem;
}

static char *
compare_arrays(JsonNode *wanted, JsonNode *is, GHashTable *values, const char *where)
{
    JsonArray *array = json_node_get_array(wanted);
    guint n = json_array_get_length(array);
    guint n_is = json_array_get_length(json_node_get_array(is));
    char *problem = NULL;

    if (n != n_is)
        return g_strdup_printf(
            ngettext("%s: expected %u element, not %u", "%s: expected %u elements, not %u", n),
            where, n, n_is);
    for (guint i = 0; i < n && problem == NULL; i++) {
        g_autofree char *below = g_strdup_printf("%s/%u", where, i);

        problem = compare(json_array_get_element(array, i),
                          json_array_get_element(json_node_get_array(is), i), values, below);
    }
    return problem;
}

static char *
compare(JsonNode *wanted, JsonNode *is, GHashTable *values, const char *where)
{
    if (is == NULL)
        return differs(where, wanted, is);
    if (JSON_NODE_HOLDS_OBJECT(wanted) && JSON_NODE_HOLDS_OBJECT(is))
        return compare_objects(wanted, is, values, where);
    if (JSON_NODE_HOLDS_ARRAY(wanted) && JSON_NODE_HOLDS_ARRAY(is))
        return compare_arrays(wanted, is, values, where);
    if (JSON_NODE_HOLDS_OBJECT(wanted) || JSON_NODE_HOLDS_ARRAY(wanted) ||
        !is_same_value(wanted, is, values))
        return differs(where, wanted, is);
    return NULL;
}

char *
expect_compare(JsonNode *wanted, JsonNode *is, GHashTable *values)
{
    g_autofree char *problem = compare(wanted, is, values, "");

    if (problem == NULL)
        return NULL;
    return g_strconcat("json", problem, NULL);
}
