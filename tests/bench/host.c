/* A host on the driver's table: each command measures itself and prints microseconds.
 *
 *   host MODULE URL reads COUNT     get_state, one after the other: the mean
 *   host MODULE URL events COUNT    from the server's telling to the host's callback: the median
 */
#include <dlfcn.h>
#include <gio/gio.h>
#include <hvd-driver.h>
#include <stdio.h>
#include <string.h>

#define INSTANCE "00000000-0000-4000-8000-000000000001"
#define TRIGGER  "{\"jsonrpc\":\"2.0\",\"method\":\"pool.set_name_label\",\"params\":[],\"id\":1}"

typedef struct {
    const HvdDriver *driver;
    HvdConnection *connection;
    GAsyncResult *result;
    GArray *latencies; /* (element-type gint64) */
} Host;

static gssize
read_secret(const char *name, char *buffer, gsize size, gpointer data, GError **error)
{
    (void) name, (void) size, (void) data, (void) error;
    memcpy(buffer, "bench", 5);
    return 5;
}

static void
on_log(GLogLevelFlags level, const char *domain, const char *message, const char *const *fields,
       gpointer data)
{
    (void) fields, (void) data;
    if (level <= G_LOG_LEVEL_WARNING)
        g_printerr("%s: %s\n", domain, message);
}

static void
on_lifecycle(const HvdLifecycle *event, gpointer data)
{
    Host *host = data;
    gint64 latency = g_get_monotonic_time() - g_ascii_strtoll(event->name, NULL, 10);

    g_array_append_val(host->latencies, latency);
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
    (void) source;
    ((Host *) data)->result = g_object_ref(result);
}

static GAsyncResult *
wait_for(Host *host)
{
    while (host->result == NULL)
        g_main_context_iteration(NULL, TRUE);
    return g_steal_pointer(&host->result);
}

static const HvdDriver *
load(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = module != NULL ? dlsym(module, HVD_QUERY_SYMBOL) : NULL;
    HvdQuery query;

    if (symbol == NULL)
        g_error("%s", dlerror());
    memcpy(&query, &symbol, sizeof query); /* ISO C has no other way from one to the other */
    return query(HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR, NULL);
}

static void
open_pool(Host *host, const char *url)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks,
                                  .user_data = host,
                                  .log = on_log,
                                  .lifecycle = on_lifecycle,
                                  .read_secret = read_secret};
    g_autofree char *where = g_strconcat("pool.url=", url, NULL);
    const char *settings[] = {where, "pool.password=host:x", "http.allow-plaintext=loopback", NULL};
    HvdOpen open = {.struct_size = sizeof open, .settings = settings, .callbacks = &callbacks};
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;

    host->driver->open_async(&open, NULL, on_answer, host);
    result = wait_for(host);
    host->connection = host->driver->open_finish(result, &error);
    if (host->connection == NULL)
        g_error("%s", error->message);
}

static void
close_pool(Host *host)
{
    g_autoptr(GAsyncResult) result = NULL;

    host->driver->close_async(host->connection, on_answer, host);
    result = wait_for(host);
    host->driver->close_finish(result);
}

static void
read_once(Host *host)
{
    HvdCall call = {.struct_size = sizeof call};
    HvdInstanceState state = {.struct_size = sizeof state};
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;

    host->driver->get_state_async(host->connection, INSTANCE, &call, NULL, on_answer, host);
    result = wait_for(host);
    if (!host->driver->get_state_finish(host->connection, result, &state, &error))
        g_error("%s", error->message);
    g_assert_cmpstr(state.uuid, ==, INSTANCE);
}

static double
measure_reads(Host *host, guint count)
{
    gint64 started = g_get_monotonic_time();

    for (guint i = 0; i < count; i++)
        read_once(host);
    return (double) (g_get_monotonic_time() - started) / count;
}

/* ---- events ---- */

static GSocketConnection *
connect_to(const char *url)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GError) error = NULL;
    GSocketConnection *connection = g_socket_client_connect_to_uri(client, url, 80, NULL, &error);

    if (connection == NULL)
        g_error("%s", error->message);
    return connection;
}

/* Its answer is left in the socket: it is small, and nobody needs it. */
static void
trigger(GSocketConnection *connection)
{
    GOutputStream *stream = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    g_autofree char *text = g_strdup_printf(
        "POST /jsonrpc HTTP/1.1\r\ncontent-length: %zu\r\n\r\n%s", strlen(TRIGGER), TRIGGER);

    if (!g_output_stream_write_all(stream, text, strlen(text), NULL, NULL, NULL))
        g_error("the server does not listen");
}

static int
compare(gconstpointer a, gconstpointer b)
{
    gint64 first = *(const gint64 *) a, second = *(const gint64 *) b;

    return (first > second) - (first < second);
}

static double
measure_events(Host *host, const char *url, guint count)
{
    g_autoptr(GSocketConnection) connection = connect_to(url);

    for (guint i = 1; i <= count; i++) {
        trigger(connection);
        while (host->latencies->len < i)
            g_main_context_iteration(NULL, TRUE);
    }
    g_array_sort(host->latencies, compare);
    return (double) g_array_index(host->latencies, gint64, count / 2);
}

int
main(int argc, char **argv)
{
    Host host = {0};
    guint count = argc == 5 ? (guint) g_ascii_strtoull(argv[4], NULL, 10) : 0;
    gboolean events = argc == 5 && g_str_equal(argv[3], "events");

    if (count == 0 || (!events && !g_str_equal(argv[3], "reads")))
        g_error("usage: host MODULE URL reads|events COUNT");
    host.latencies = g_array_new(FALSE, FALSE, sizeof(gint64));
    host.driver = load(argv[1]);
    open_pool(&host, argv[2]);
    printf("%.3f\n", events ? measure_events(&host, argv[2], count) : measure_reads(&host, count));
    close_pool(&host);
    g_array_unref(host.latencies);
    return 0;
}
