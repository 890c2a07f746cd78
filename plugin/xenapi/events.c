#include "xenapi/events.h"

#include "xenapi/batch.h"
#include "xenapi/call.h"
#include "xenapi/internal.h"
#include "xenapi/session.h"

#include <string.h>

#define POLL_MARGIN_MS 30000
#define FIRST_PAUSE_MS 100
#define LAST_PAUSE_MS  1000 /* after a poll that failed */
#define LAST_REST_MS   2000 /* after one that was answered for nothing */
#define REST_MS        500  /* a poll that lasted so long has waited for something */
#define MAX_RESTLESS   4
#define TOKEN_NUMBER   20 /* digits of each of the two in a token (protocol 4.1) */

struct _XdEvents {
    XdConnection *connection;
    XdBatch *batch;
    GCancellable *cancellable;
    GCancellable *polling; /* of the running poll, or the last one */
    GSource *pause;
    guint failures;              /* polls that failed one after the other */
    guint generation;            /* of the session that poll and token are of */
    guint restless;              /* polls in a row that were answered at once, for nothing */
    gint64 polled_ms;            /* when the running poll began */
    gint64 counts[XD_N_CLASSES]; /* of the last batch */
    guint n_counted;             /* classes that have been compared with it */
    const XdClass *refetched;    /* the class that is being fetched anew, or NULL */
    XdEventsFirst first;
    gpointer first_data;
};

static void events_poll(XdEvents *events);
static void events_connect(XdEvents *events);

XdEvents *
xd_events_new(XdConnection *connection)
{
    XdEvents *events = g_new0(XdEvents, 1);

    events->connection = connection;
    events->batch =
        xd_batch_new(xd_config_get_uint(connection->config, XD_CONFIG_MIRROR_MAX_RECORD));
    events->cancellable = g_cancellable_new();
    events->polling = g_cancellable_new();
    return events;
}

void
xd_events_free(XdEvents *events)
{
    xd_clear_source(&events->pause);
    g_object_unref(events->cancellable);
    g_object_unref(events->polling);
    xd_batch_free(events->batch);
    g_free(events);
}

static void
tell_first(XdEvents *events, const GError *error)
{
    XdEventsFirst first = events->first;

    events->first = NULL;
    if (first != NULL)
        first(events->connection, error, events->first_data);
}

/* ---- a broken poll ---- */

static gboolean
on_pause_over(gpointer data)
{
    XdEvents *events = data;

    xd_clear_source(&events->pause);
    events_connect(events);
    return G_SOURCE_REMOVE;
}

/* The first time is met at once: most often one connection was cut, and the pool is there. */
static void
events_pause(XdEvents *events, guint times, gint64 longest)
{
    XdConnection *connection = events->connection;
    gint64 pause = times <= 1 ? 0 : MIN((gint64) FIRST_PAUSE_MS << MIN(times, 10), longest);

    events->pause =
        xd_clock_add(connection->clock, connection->context, pause, on_pause_over, events);
}

static void
tell_session(XdEvents *events, const GError *error)
{
    XdSession *session = events->connection->session;
    const char *const *failure = xd_error_get_failure(error);
    const char *code = xd_error_get_failure_code(error);

    if (g_strcmp0(code, "SESSION_INVALID") == 0)
        xd_session_lost(session, events->generation);
    else if (g_strcmp0(code, "HOST_IS_SLAVE") == 0 && failure[1] != NULL)
        xd_session_moved(session, events->generation, failure[1], NULL);
    else
        xd_session_suspect(session, events->generation);
}

static void
events_failed(XdEvents *events, const GError *error)
{
    XdConnection *connection = events->connection;

    if (g_cancellable_is_cancelled(events->cancellable))
        return;
    if (!xd_mirror_is_complete(connection->mirror)) {
        tell_first(events, error);
        return;
    }
    if (events->failures++ == 0)
        xd_log(connection->log, G_LOG_LEVEL_WARNING, "xd-xenapi", NULL,
               "lost sight of the pool: %s", error->message);
    tell_session(events, error);
    xd_mirror_set_stale(connection->mirror, g_get_real_time() / G_USEC_PER_SEC, error->message);
    events_pause(events, events->failures, LAST_PAUSE_MS);
}

/* ---- another session: its coordinator's database may be behind the token that we have ---- */

void
xd_events_take_session(XdEvents *events)
{
    XdConnection *connection = events->connection;

    events->generation = xd_session_get_generation(connection->session);
    events->refetched = NULL; /* it was of the old one's picture */
    if (xd_mirror_is_fresh(connection->mirror))
        xd_mirror_set_stale(connection->mirror, g_get_real_time() / G_USEC_PER_SEC,
                            "the session is a new one");
    g_cancellable_cancel(events->polling);
}

static void
on_ready(XdConnection *connection, const GError *error, gpointer data)
{
    XdEvents *events = data;

    if (error != NULL)
        events_failed(events, error);
    else if (!g_cancellable_is_cancelled(events->cancellable))
        events_poll(events);
    xd_connection_leave_call(connection);
}

static void
events_connect(XdEvents *events)
{
    xd_connection_enter_call(events->connection);
    xd_session_when_ready(events->connection->session, events->cancellable, on_ready, events);
}

/* ---- a batch ---- */

static void
update_candidates(XdConnection *connection)
{
    g_autoptr(GPtrArray) addresses = g_ptr_array_new();
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, connection->mirror, &xd_class_host);
    while ((record = xd_mirror_iter_next(&iter)) != NULL)
        g_ptr_array_add(addresses, (gpointer) ((const XdHost *) record)->address);
    g_ptr_array_add(addresses, NULL);
    xd_session_set_candidates(connection->session, (const char *const *) addresses->pdata);
}

static void
learn_pool(XdConnection *connection)
{
    const XdPool *pool = xd_mirror_get_pool(connection->mirror);

    if (pool != NULL && xd_session_get_pool(connection->session) == NULL)
        xd_session_set_pool(connection->session, pool->uuid);
}

/* Nodes come, go and are given other addresses, by a deletion that was never told, too. */
static gboolean
touches_hosts(const XdEvents *events, gboolean complete)
{
    const GArray *changes = xd_batch_get_changes(events->batch);

    if (complete || events->refetched == &xd_class_host)
        return TRUE;
    for (guint i = 0; i < changes->len; i++) {
        if (g_array_index(changes, XdChange, i).klass == &xd_class_host)
            return TRUE;
    }
    return FALSE;
}

/* The server forgets old deletions; its counts tell (protocol 4.2). What goes in one piece, a VM with its
 * disks, is of several classes. */
static const XdClass *
next_miscounted(XdEvents *events)
{
    while (events->n_counted < XD_N_CLASSES) {
        const XdClass *klass = xd_classes[events->n_counted++];
        gint64 count = events->counts[klass->id];

        if (count >= 0 && count != xd_mirror_count(events->connection->mirror, klass))
            return klass;
    }
    return NULL;
}

static void
note_counts(XdEvents *events)
{
    for (guint i = 0; i < XD_N_CLASSES; i++)
        events->counts[xd_classes[i]->id] = xd_batch_get_count(events->batch, xd_classes[i]);
    events->n_counted = 0;
}

static void
events_apply(XdEvents *events)
{
    XdConnection *connection = events->connection;
    XdMirror *mirror = connection->mirror;
    gboolean complete = xd_mirror_get_token(mirror)[0] == '\0';
    gboolean at_once = xd_clock_now_ms(connection->clock) - events->polled_ms < REST_MS;
    GArray *changes = xd_batch_get_changes(events->batch);
    const char *token = xd_batch_get_token(events->batch);

    if (events->refetched != NULL)
        xd_mirror_apply(mirror, changes, NULL, TRUE, events->refetched);
    else
        xd_mirror_apply(mirror, changes, token, complete, NULL);
    if (touches_hosts(events, complete))
        update_candidates(connection);
    if (events->refetched != NULL) {
        events->refetched = next_miscounted(events);
        return;
    }
    if (complete) {
        learn_pool(connection);
        return;
    }
    note_counts(events);
    events->refetched = next_miscounted(events);
    events->restless =
        at_once && (changes->len == 0 || events->refetched != NULL) ? events->restless + 1 : 0;
}

static gboolean
is_number(const char *text)
{
    return strspn(text, "0123456789") == TOKEN_NUMBER;
}

/* Without a word, a database that was put back answers from an earlier point than where we are. What is no
 * token of today's form has no order. */
static gboolean
goes_back(const char *from, const char *to)
{
    return is_number(from) && is_number(to) && strncmp(to, from, TOKEN_NUMBER) < 0;
}

/* Whatever a complete picture does not show is gone: it has to be one of our pool. */
static gboolean
shows_another_pool(const XdEvents *events)
{
    const GArray *changes = xd_batch_get_changes(events->batch);
    const char *ours = xd_session_get_pool(events->connection->session);

    for (guint i = 0; ours != NULL && i < changes->len; i++) {
        const XdRecord *record = g_array_index(changes, XdChange, i).record;

        if (record != NULL && record->klass == &xd_class_pool)
            return g_strcmp0(((const XdPool *) record)->uuid, ours) != 0;
    }
    return ours != NULL;
}

/* Batch upon batch of objects that are new and never go. What it replaces counts twice: nobody's pool is
 * so near the bound. */
static gboolean
is_too_much(const XdEvents *events, gboolean complete)
{
    const XdConnection *connection = events->connection;
    const GArray *changes = xd_batch_get_changes(events->batch);
    gsize bytes = complete ? 0 : xd_mirror_get_bytes(connection->mirror);

    for (guint i = 0; i < changes->len; i++) {
        const XdRecord *record = g_array_index(changes, XdChange, i).record;

        bytes += record != NULL ? record->bytes : 0;
    }
    return bytes > xd_config_get_uint(connection->config, XD_CONFIG_MIRROR_MAX_BYTES);
}

/* (nullable): what is wrong with it, though it could be read */
static GError *
events_check(XdEvents *events)
{
    const char *token = xd_batch_get_token(events->batch);
    const char *from = xd_mirror_get_token(events->connection->mirror);

    if (token[0] == '\0')
        return xd_error_new(HVD_ERROR_PROTOCOL, "an event batch without a token");
    if (is_too_much(events, from[0] == '\0'))
        return xd_error_new(HVD_ERROR_PROTOCOL, "the pool shows more than mirror.max-bytes");
    if (from[0] == '\0' && shows_another_pool(events))
        return xd_error_new(HVD_ERROR_PROTOCOL, "the events are of another pool");
    if (events->refetched == NULL && goes_back(from, token))
        return xd_error_new(HVD_ERROR_PROTOCOL,
                            "the pool's events have gone back to an earlier point");
    return NULL;
}

/* The poll was one of a session that is over, or the last one. */
static void
events_renew(XdEvents *events)
{
    events->refetched = NULL;
    if (!g_cancellable_is_cancelled(events->cancellable))
        events_connect(events);
}

static void
on_polled(XdConnection *connection, const XdReply *reply G_GNUC_UNUSED, const GError *error,
          gpointer data)
{
    g_autoptr(GError) fault = NULL;
    XdEvents *events = data;

    if (g_cancellable_is_cancelled(events->polling)) {
        events_renew(events);
        return;
    }
    if (error == NULL)
        error = fault = events_check(events);
    if (error != NULL) {
        events->refetched = NULL;
        events_failed(events, error);
        return;
    }
    if (events->failures > 0)
        xd_log(connection->log, G_LOG_LEVEL_MESSAGE, "xd-xenapi", NULL, "the pool is back");
    events->failures = 0;
    events_apply(events);
    tell_first(events, NULL);
    if (g_cancellable_is_cancelled(events->cancellable))
        return;
    if (events->restless > MAX_RESTLESS && events->refetched == NULL)
        events_pause(events, events->restless - MAX_RESTLESS + 1, LAST_REST_MS);
    else if (xd_session_is_ready(connection->session))
        events_poll(events);
    else
        events_connect(events);
}

/* All classes from where we were, or one class from the start. */
static GVariant *
poll_parameters(XdEvents *events)
{
    const XdConfig *config = events->connection->config;
    g_auto(GVariantBuilder) classes = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_STRING_ARRAY);

    if (events->refetched != NULL) {
        g_variant_builder_add(&classes, "s", events->refetched->event_name);
        return g_variant_new("(assd)", &classes, "", 0.0);
    }
    for (guint i = 0; i < XD_N_CLASSES; i++)
        g_variant_builder_add(&classes, "s", xd_classes[i]->event_name);
    return g_variant_new("(assd)", &classes, xd_mirror_get_token(events->connection->mirror),
                         (double) xd_config_get_uint(config, XD_CONFIG_MIRROR_POLL_TIMEOUT));
}

static void
events_poll(XdEvents *events)
{
    XdConnection *connection = events->connection;
    guint timeout_s = xd_config_get_uint(connection->config, XD_CONFIG_MIRROR_POLL_TIMEOUT);
    XdCall call = {.method = "event.from",
                   .parameters = poll_parameters(events),
                   .sink = xd_batch_get_sink(events->batch),
                   .timeout_ms = timeout_s * 1000 + POLL_MARGIN_MS,
                   .max_bytes = xd_config_get_uint(connection->config, XD_CONFIG_MIRROR_MAX_BYTES),
                   .flags = XD_CALL_POLL | XD_CALL_ONCE};

    xd_batch_reset(events->batch);
    g_object_unref(events->polling);
    events->polling = g_cancellable_new();
    events->polled_ms = xd_clock_now_ms(connection->clock);
    xd_call(connection, &call, events->polling, on_polled, events);
}

void
xd_events_start(XdEvents *events, XdEventsFirst first, gpointer data)
{
    events->first = first;
    events->first_data = data;
    events_connect(events);
}

void
xd_events_stop(XdEvents *events)
{
    g_autoptr(GError) stopped = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "closed");

    xd_clear_source(&events->pause);
    g_cancellable_cancel(events->cancellable);
    g_cancellable_cancel(events->polling);
    tell_first(events, stopped);
}
