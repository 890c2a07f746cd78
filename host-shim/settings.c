#include "settings.h"

#include "document.h"

#include <glib/gi18n.h>
#include <string.h>

#define SECRET_TYPE "secret reference"

/* ---- what a key takes ---- */

gboolean
settings_is_secret(JsonObject *key)
{
    return g_strcmp0(document_text(key, "type"), SECRET_TYPE) == 0;
}

static gboolean
is_limited(JsonObject *key)
{
    return json_object_has_member(key, "minimum") && json_object_has_member(key, "maximum");
}

static char *
print_number(JsonObject *key, const char *member)
{
    return g_strdup_printf("%" G_GINT64_FORMAT, document_number(key, member, 0));
}

char *
settings_describe_values(JsonObject *key)
{
    g_autoptr(GPtrArray) choices = document_texts(key, "choices");
    g_autofree char *least = print_number(key, "minimum");
    g_autofree char *most = print_number(key, "maximum");

    if (is_limited(key))
        return g_strdup_printf(_("%s to %s"), least, most);
    if (choices->len == 0)
        return NULL;
    g_ptr_array_add(choices, NULL);
    return g_strjoinv(", ", (char **) choices->pdata);
}

static gboolean
takes(JsonObject *key, const char *text)
{
    g_autoptr(GPtrArray) choices = document_texts(key, "choices");

    if (is_limited(key))
        return g_ascii_string_to_signed(text, 10, document_number(key, "minimum", 0),
                                        document_number(key, "maximum", 0), NULL, NULL);
    return choices->len == 0 || g_ptr_array_find_with_equal_func(choices, text, g_str_equal, NULL);
}

/* ---- what is given ---- */

/* (nullable) */
static JsonObject *
find_key(const GPtrArray *keys, const char *group, const char *name)
{
    for (guint i = 0; i < keys->len; i++) {
        JsonObject *key = g_ptr_array_index(keys, i);

        if (g_strcmp0(document_text(key, "group"), group) == 0 &&
            g_strcmp0(document_text(key, "key"), name) == 0)
            return key;
    }
    return NULL;
}

/* (nullable) (transfer full) */
static char *
find_fault(const GPtrArray *keys, GKeyFile *values, const char *group, const char *name)
{
    JsonObject *key = find_key(keys, group, name);
    g_autofree char *value = g_key_file_get_value(values, group, name, NULL);
    g_autofree char *wanted = NULL;

    if (key == NULL)
        return g_strdup_printf(_("there is no key %s.%s"), group, name);
    if (value == NULL || takes(key, g_strstrip(value)))
        return NULL;
    wanted = settings_describe_values(key);
    return g_strdup_printf(_("%s.%s takes %s, not \"%s\""), group, name, wanted, value);
}

GPtrArray *
settings_find_faults(const GPtrArray *keys, GKeyFile *values)
{
    GPtrArray *faults = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) groups = g_key_file_get_groups(values, NULL);

    for (guint i = 0; groups[i] != NULL; i++) {
        g_auto(GStrv) names = g_key_file_get_keys(values, groups[i], NULL, NULL);

        for (guint k = 0; names != NULL && names[k] != NULL; k++) {
            char *fault = find_fault(keys, values, groups[i], names[k]);

            if (fault != NULL)
                g_ptr_array_add(faults, fault);
        }
    }
    return faults;
}
