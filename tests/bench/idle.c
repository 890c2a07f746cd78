/* A connection that has nothing to do for a while.
 *
 * bench-idle POOL-DIRECTORY SECONDS
 *
 * Prints the requests that the pool has counted in that time: a JSON object, by method. */
#include "figure.h"
#include "pool.h"

static gboolean
on_over(gpointer data)
{
    *(gboolean *) data = TRUE;
    return G_SOURCE_REMOVE;
}

static void
run(const char *directory, guint seconds)
{
    g_autoptr(TestPool) pool = test_pool_join(directory, NULL);
    g_auto(GStrv) settings = test_pool_settings(pool, NULL);
    XdConnection *connection = figure_open(settings);
    gboolean over = FALSE;
    JsonObject *stats;
    g_autofree char *counts = NULL;

    test_pool_reset_stats(pool);
    g_timeout_add_seconds(seconds, on_over, &over);
    while (!over)
        g_main_context_iteration(NULL, TRUE);
    stats = test_pool_control(pool, "{\"cmd\":\"stats\"}");
    counts = json_to_string(json_object_get_member(stats, "rpc"), FALSE);
    g_print("%s\n", counts);
    figure_close(connection);
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        g_printerr("usage: bench-idle POOL-DIRECTORY SECONDS\n");
        return 2;
    }
    run(argv[1], (guint) g_ascii_strtoull(argv[2], NULL, 10));
    return 0;
}
