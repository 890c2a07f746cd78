/* Origins, and where each of them takes small requests: what requests have in common. */
#include "http/internal.h"

#define MAX_TARGETS 4 /* of one origin */

static void
target_free(gpointer data)
{
    XdTarget *target = data;

    g_ptr_array_unref(target->warm);
    curl_url_cleanup(target->url);
    g_free(target);
}

XdTarget *
xd_slot_target(XdSlot *slot, const char *path)
{
    XdTarget *target = g_hash_table_lookup(slot->targets, path);
    g_autofree char *whole = NULL;

    if (target != NULL || g_hash_table_size(slot->targets) == MAX_TARGETS)
        return target;
    whole = g_strconcat(slot->text, path, NULL);
    target = g_new0(XdTarget, 1);
    target->warm = g_ptr_array_new_with_free_func(curl_easy_cleanup);
    target->url = curl_url();
    if (curl_url_set(target->url, CURLUPART_URL, whole, 0) != CURLUE_OK) {
        target_free(target);
        return NULL;
    }
    g_hash_table_insert(slot->targets, g_strdup(path), target);
    return target;
}

static void
slot_free(gpointer data)
{
    XdSlot *slot = data;

    g_hash_table_unref(slot->targets);
    xd_origin_free(slot->origin);
    g_free(slot->text);
    g_free(slot);
}

static guint
origin_hash(gconstpointer key)
{
    const XdOrigin *origin = key;

    return g_str_hash(origin->host) ^ origin->port;
}

static gboolean
origin_equal(gconstpointer a, gconstpointer b)
{
    return xd_origin_equal(a, b);
}

GHashTable *
xd_slots_new(void)
{
    return g_hash_table_new_full(origin_hash, origin_equal, NULL, slot_free);
}

XdSlot *
xd_slot_of(GHashTable *slots, const XdOrigin *origin)
{
    XdSlot *slot = g_hash_table_lookup(slots, origin);

    if (slot != NULL)
        return slot;
    slot = g_new0(XdSlot, 1);
    slot->origin = xd_origin_copy(origin);
    slot->text = xd_origin_to_string(origin);
    slot->targets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, target_free);
    g_hash_table_insert(slots, slot->origin, slot);
    return slot;
}
