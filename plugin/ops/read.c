#include "ops/read.h"

typedef struct {
    XdConnection *connection;
    XdReadFunc read;
    char *key;
    XdWatch *watch;
    GSource *timer;
    GSource *cancelled;    /* by the caller */
    GCancellable *closing; /* cancelled when the connection is closed */
    GSource *closed;
} Reading;

static void
reading_free(gpointer data)
{
    Reading *reading = data;

    xd_connection_unref(reading->connection);
    g_free(reading->key);
    g_free(reading);
}

/* Takes @task, @answer and @error. Whoever keeps the task keeps its data, too: what could end the waiting a
 * second time must be gone by then. */
static void
reading_end(GTask *task, gpointer answer, GError *error)
{
    Reading *reading = g_task_get_task_data(task);

    if (reading->watch != NULL)
        xd_mirror_unwatch(reading->connection->mirror, g_steal_pointer(&reading->watch));
    xd_clear_source(&reading->timer);
    xd_clear_source(&reading->cancelled);
    xd_clear_source(&reading->closed);
    if (error != NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, answer, g_free);
    if (reading->closing != NULL)
        xd_connection_leave(reading->connection, reading->closing);
    g_clear_object(&reading->closing);
    g_object_unref(task);
}

static void
reading_answer(GTask *task)
{
    Reading *reading = g_task_get_task_data(task);
    GError *error = NULL;
    gpointer answer = reading->read(reading->connection, reading->key, &error);

    reading_end(task, answer, error);
}

static void
on_changed(gpointer data)
{
    GTask *task = data;
    Reading *reading = g_task_get_task_data(task);

    if (xd_mirror_is_fresh(reading->connection->mirror))
        reading_answer(task);
}

static gboolean
on_too_old(gpointer data)
{
    GTask *task = data;
    Reading *reading = g_task_get_task_data(task);
    const XdMirror *mirror = reading->connection->mirror;

    reading_end(task, NULL,
                xd_error_new(HVD_ERROR_NOT_REACHABLE,
                             "the pool has been out of sight for %" G_GINT64_FORMAT " s: %s",
                             xd_mirror_get_age_ms(mirror) / 1000,
                             xd_mirror_get_stale_reason(mirror)));
    return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer data)
{
    GTask *task = data;
    GError *error = NULL;

    g_cancellable_set_error_if_cancelled(cancellable, &error);
    reading_end(task, NULL, error);
    return G_SOURCE_REMOVE;
}

static GSource *
watch_cancellable(GTask *task, GCancellable *cancellable)
{
    GSource *source = g_cancellable_source_new(cancellable);

    g_source_set_callback(source, G_SOURCE_FUNC(on_cancelled), task, NULL);
    g_source_attach(source, g_task_get_context(task));
    return source;
}

/* @timeout_ms: 0: the caller waits as long as is configured */
static void
reading_wait(GTask *task, guint timeout_ms, GCancellable *cancellable)
{
    Reading *reading = g_task_get_task_data(task);
    XdConnection *connection = reading->connection;
    gint64 limit_ms =
        (gint64) xd_config_get_uint(connection->config, XD_CONFIG_MIRROR_STALE_LIMIT) * 1000;
    gint64 left_ms = MAX(limit_ms - xd_mirror_get_age_ms(connection->mirror), 0);

    if (timeout_ms > 0)
        left_ms = MIN(left_ms, (gint64) timeout_ms);
    reading->watch = xd_mirror_watch(connection->mirror, NULL, on_changed, task);
    reading->timer =
        xd_clock_add(connection->clock, connection->context, left_ms, on_too_old, task);
    reading->closing = g_cancellable_new();
    xd_connection_enter(connection, reading->closing);
    reading->closed = watch_cancellable(task, reading->closing);
    if (cancellable != NULL)
        reading->cancelled = watch_cancellable(task, cancellable);
}

void
xd_read(XdConnection *connection, XdReadFunc read, const char *key, const HvdCall *call,
        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, cancellable, callback, user_data);
    Reading *reading = g_new0(Reading, 1);
    HvdCall options;

    xd_call_options(call, &options);
    reading->connection = xd_connection_ref(connection);
    reading->read = read;
    reading->key = g_strdup(key);
    g_task_set_task_data(task, reading, reading_free);
    if (xd_mirror_is_fresh(connection->mirror) || (options.flags & HVD_CALL_ALLOW_STALE) != 0)
        reading_answer(task);
    else
        reading_wait(task, options.timeout_ms, cancellable);
}
