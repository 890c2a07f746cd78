/* Many spawns at once on a simulated pool, and how long the main loop is held up by one dispatch.
 *
 * bench-spawns POOL-DIRECTORY COUNT
 *
 * Prints how many succeeded, the seconds, the dispatches, the longest of them in milliseconds of thread CPU
 * time, and how many took more than 10 ms. */
#include "figure.h"
#include "ops/spawn.h"
#include "pool.h"

#include <string.h>

#define LIMIT_MS    10
#define IMAGE_BYTES 65536

typedef struct {
    guint left;
    guint succeeded;
    char *complaint; /* the first one */
} Crowd;

static void
on_spawned(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Crowd *crowd = data;
    g_autoptr(GError) error = NULL;
    g_autofree char *instance = g_task_propagate_pointer(G_TASK(result), &error);

    crowd->left--;
    crowd->succeeded += instance != NULL;
    if (instance == NULL && crowd->complaint == NULL)
        crowd->complaint = g_strdup(error->message);
}

static void
spawn(XdConnection *connection, guint number, Crowd *crowd)
{
    static const guint8 image[IMAGE_BYTES] = {0};
    g_autoptr(GInputStream) stream = g_memory_input_stream_new_from_data(image, IMAGE_BYTES, NULL);
    g_autofree char *document = g_strdup_printf(
        "{\"uuid\":\"6f1ed0b4-9a34-4a5c-8a51-%012x\",\"name\":\"web-%u\",\"memory_bytes\":16777216,"
        "\"vcpus\":1,\"image\":{\"source\":\"stream\",\"format\":\"raw\",\"size_bytes\":%u},"
        "\"networks\":[{\"mac\":\"fa:16:3e:00:%02x:%02x\",\"network\":\"xenbr0\"}]}",
        number, number, (guint) IMAGE_BYTES, number >> 8, number & 0xff);

    xd_spawn_async(connection, document, stream, NULL, NULL, on_spawned, crowd);
}

/* Of the caller's own loop over its documents, which is no dispatch of ours. */
static void
spawn_all(XdConnection *connection, guint count, Crowd *crowd)
{
    crowd->left = count;
    for (guint i = 0; i < count; i++)
        spawn(connection, i, crowd);
}

static void
run(const char *directory, guint count)
{
    g_autoptr(TestPool) pool = test_pool_join(directory, NULL);
    g_auto(GStrv) settings = test_pool_settings(pool, NULL);
    XdConnection *connection = figure_open(settings);
    FigureLoop loop = {.limit_ns = LIMIT_MS * G_GINT64_CONSTANT(1000000)};
    Crowd crowd = {0};
    gint64 start = g_get_monotonic_time();

    spawn_all(connection, count, &crowd);
    while (crowd.left > 0)
        figure_loop_turn(&loop);
    g_print("%u %.3f %u %.3f %u\n", crowd.succeeded,
            (double) (g_get_monotonic_time() - start) / G_USEC_PER_SEC, loop.dispatches,
            (double) loop.longest_ns / 1e6, loop.over);
    if (crowd.complaint != NULL)
        g_printerr("a spawn failed: %s\n", crowd.complaint);
    figure_close(connection);
    figure_loop_clear(&loop);
    g_free(crowd.complaint);
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        g_printerr("usage: bench-spawns POOL-DIRECTORY COUNT\n");
        return 2;
    }
    run(argv[1], (guint) g_ascii_strtoull(argv[2], NULL, 10));
    return 0;
}
