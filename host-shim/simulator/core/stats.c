#include "core/stats.h"

#include <string.h>

#define MAX_REQUESTS 20000
#define MAX_METHODS  4000

struct _SimStats {
    GHashTable *rpc; /* method -> count */
    GHashTable *transfer;
    GQueue requests; /* of SimValue */
    guint forgotten;
};

static GHashTable *
count_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

SimStats *
sim_stats_new(void)
{
    SimStats *stats = g_new0(SimStats, 1);

    stats->rpc = count_table();
    stats->transfer = count_table();
    g_queue_init(&stats->requests);
    return stats;
}

void
sim_stats_free(SimStats *stats)
{
    sim_stats_reset(stats);
    g_hash_table_unref(stats->rpc);
    g_hash_table_unref(stats->transfer);
    g_free(stats);
}

void
sim_stats_reset(SimStats *stats)
{
    g_hash_table_remove_all(stats->rpc);
    g_hash_table_remove_all(stats->transfer);
    g_queue_clear_full(&stats->requests, (GDestroyNotify) sim_value_unref);
    stats->forgotten = 0;
}

/* Method names are the client's words; a flood of different ones is not remembered. */
static void
count(GHashTable *table, const char *method)
{
    guint so_far = GPOINTER_TO_UINT(g_hash_table_lookup(table, method));

    if (strlen(method) <= 200 && (so_far > 0 || g_hash_table_size(table) < MAX_METHODS))
        g_hash_table_insert(table, g_strdup(method), GUINT_TO_POINTER(so_far + 1));
}

void
sim_stats_note(SimStats *stats, const char *method, const char *tag, gboolean transfer)
{
    g_autofree char *name = g_strndup(method, 200);

    count(transfer ? stats->transfer : stats->rpc, method);
    g_queue_push_tail(&stats->requests,
                      sim_string_map("method", name, "tag", tag != NULL ? tag : "", NULL));
    if (stats->requests.length > MAX_REQUESTS) {
        sim_value_unref(g_queue_pop_head(&stats->requests));
        stats->forgotten++;
    }
}

static SimValue *
describe_counts(GHashTable *table)
{
    g_autoptr(GList) methods = g_list_sort(g_hash_table_get_keys(table), (GCompareFunc) strcmp);
    SimValue *map = sim_map();

    for (GList *item = methods; item != NULL; item = item->next)
        sim_map_add(map, item->data,
                    sim_int(GPOINTER_TO_UINT(g_hash_table_lookup(table, item->data))));
    return map;
}

SimValue *
sim_stats_describe(const SimStats *stats)
{
    SimValue *map = sim_map();
    SimValue *calls = sim_array();

    for (GList *item = stats->requests.head; item != NULL; item = item->next)
        sim_array_add(calls, sim_value_ref(item->data));
    sim_map_add(map, "rpc", describe_counts(stats->rpc));
    sim_map_add(map, "transfer", describe_counts(stats->transfer));
    sim_map_add(map, "calls", calls);
    sim_map_add(map, "forgotten", sim_int(stats->forgotten));
    return map;
}
