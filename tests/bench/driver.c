/* The plugin's side of the figures: each command measures itself and prints seconds.
 *
 *   driver URL mirror json|xml      from nothing to the first whole picture of the pool
 *   driver URL calls COUNT WIDTH    small calls, so many at a time
 */
#include "xenapi/call.h"
#include "xenapi/connection.h"
#include "xenapi/mirror.h"

#include <stdio.h>
#include <string.h>

#define RECORDS 10000
#define VM      "OpaqueRef:00000000-686e-d341-cab2-bddec9842254"

typedef struct {
    XdConnection *connection;
    GError *error;
    gboolean ended;
} Opening;

static gssize
read_secret(const char *name G_GNUC_UNUSED, char *buffer, gsize size G_GNUC_UNUSED,
            gpointer data G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    memcpy(buffer, "bench", 5);
    return 5;
}

static void
on_log(GLogLevelFlags level, const char *domain, const char *message,
       const char *const *fields G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
    if (level <= G_LOG_LEVEL_WARNING)
        g_printerr("%s: %s\n", domain, message);
}

static double
now(void)
{
    return (double) g_get_monotonic_time() / G_USEC_PER_SEC;
}

static void
on_opened(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Opening *opening = data;

    opening->connection = xd_connection_open_finish(result, &opening->error);
    opening->ended = TRUE;
}

static XdConnection *
open_pool(const char *url, const char *encoding)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks,
                                  .log = on_log,
                                  .read_secret = read_secret,
                                  .log_levels = G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL};
    g_autofree char *where = g_strconcat("pool.url=", url, NULL);
    g_autofree char *how = g_strconcat("pool.encoding=", encoding, NULL);
    const char *settings[] = {where,
                              how,
                              "pool.password=host:x",
                              "pool.owner=bench",
                              "http.allow-plaintext=loopback",
                              "http.connections-short=64",
                              "http.connections-total=80",
                              NULL};
    XdConnectionOptions options = {.callbacks = &callbacks, .settings = settings};
    Opening opening = {0};

    xd_connection_open_async(&options, NULL, on_opened, &opening);
    while (!opening.ended)
        g_main_context_iteration(NULL, TRUE);
    if (opening.error != NULL)
        g_error("%s", opening.error->message);
    return opening.connection;
}

static void
on_closed(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    xd_connection_close_finish(result);
    *(gboolean *) data = TRUE;
}

static void
close_pool(XdConnection *connection)
{
    gboolean ended = FALSE;

    xd_connection_close_async(connection, on_closed, &ended);
    while (!ended)
        g_main_context_iteration(NULL, TRUE);
}

static void
measure_mirror(const char *url, const char *encoding)
{
    double started = now();
    XdConnection *connection = open_pool(url, encoding);

    printf("%.6f\n", now() - started);
    g_assert_cmpuint(xd_mirror_count(connection->mirror, &xd_class_vm), ==, RECORDS);
    close_pool(connection);
}

/* ---- calls ---- */

typedef struct {
    guint to_send;
    guint to_come;
} Calls;

static void send_call(XdConnection *connection, Calls *calls);

static void
on_answered(XdConnection *connection, const XdReply *reply G_GNUC_UNUSED, const GError *error,
            gpointer data)
{
    Calls *calls = data;

    if (error != NULL)
        g_error("%s", error->message);
    calls->to_come--;
    if (calls->to_send > 0)
        send_call(connection, calls);
}

static void
send_call(XdConnection *connection, Calls *calls)
{
    XdCall call = {.method = "VM.set_name_label", .parameters = g_variant_new("(ss)", VM, "name")};

    calls->to_send--;
    xd_call(connection, &call, NULL, on_answered, calls);
}

static void
measure_calls(const char *url, guint count, guint width)
{
    XdConnection *connection = open_pool(url, "json");
    Calls calls = {count, count};
    double started = now();

    for (guint i = 0; i < width; i++)
        send_call(connection, &calls);
    while (calls.to_come > 0)
        g_main_context_iteration(NULL, TRUE);
    printf("%.6f\n", now() - started);
    close_pool(connection);
}

int
main(int argc, char **argv)
{
    if (argc == 4 && g_str_equal(argv[2], "mirror"))
        measure_mirror(argv[1], argv[3]);
    else if (argc == 5 && g_str_equal(argv[2], "calls"))
        measure_calls(argv[1], (guint) g_ascii_strtoull(argv[3], NULL, 10),
                      (guint) g_ascii_strtoull(argv[4], NULL, 10));
    else
        g_error("usage: driver URL mirror json|xml, or driver URL calls COUNT WIDTH");
    return 0;
}
