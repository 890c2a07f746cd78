#include "keyring.h"

#include "failure.h"

#include <glib/gi18n.h>
#include <string.h>

static gboolean
take_pair(GHashTable *attributes, const char *pair)
{
    const char *equals = strchr(pair, '=');
    g_autofree char *name = equals != NULL ? g_strndup(pair, (gsize) (equals - pair)) : NULL;

    if (name == NULL || name[0] == '\0' || !g_utf8_validate(pair, -1, NULL) ||
        g_hash_table_contains(attributes, name))
        return FALSE;
    g_hash_table_insert(attributes, g_steal_pointer(&name), g_strdup(equals + 1));
    return TRUE;
}

GHashTable *
keyring_parse(const char *text, GError **error)
{
    g_autoptr(GHashTable) attributes =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) pairs = g_strsplit(text, ",", -1);
    gboolean is_good = pairs[0] != NULL;

    for (guint i = 0; is_good && pairs[i] != NULL; i++)
        is_good = take_pair(attributes, pairs[i]);
    if (is_good)
        return g_steal_pointer(&attributes);
    failure_set(error, HVD_ERROR_SECRET,
                _("write secret-service:ATTRIBUTE=VALUE[,ATTRIBUTE=VALUE...], each attribute once"),
                "%s", _("secret-service: takes the attributes of an item"));
    return NULL;
}

static int
compare_names(gconstpointer one, gconstpointer other)
{
    return strcmp(*(const char *const *) one, *(const char *const *) other);
}

char *
keyring_print_names(GHashTable *attributes)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, attributes);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(names, name);
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(", ", (char **) names->pdata);
}
