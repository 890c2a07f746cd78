#include "xenapi/session.h"

#include "xd-xenapi.h"
#include "xenapi/call.h"
#include "xenapi/internal.h"

#include <string.h>

#define FIRST_PAUSE_MS    250
#define LOGIN_TIMEOUT_MS  30000 /* the server sleeps for seconds before it refuses a password */
#define PROBE_TIMEOUT_MS  5000
#define LOGOUT_TIMEOUT_MS 3000
#define MAX_HOPS          1
#define MAX_REFERENCE     512

typedef enum {
    OUT,     /* nobody has asked yet, or the last attempt ended for good */
    TRYING,  /* a request is under way */
    PAUSING, /* the pool does not answer; the next attempt is due later */
    READY,
    CLOSED,
} State;

typedef enum { ENCODING_AUTO, ENCODING_JSON, ENCODING_XML } Encoding;

struct _XdSession {
    XdConnection *connection;
    XdSecret *password;
    const XdCodec *codec;
    XdOrigin *first;       /* as configured */
    XdOrigin *origin;      /* of the coordinator, as far as is known */
    GPtrArray *candidates; /* (element-type XdOrigin): where else to try */
    guint next_candidate;
    State state;
    gboolean ever_ready;
    XdSecret *ref;
    char *uuid;
    XdOrigin *ref_origin; /* where @ref is from: a session lives in one coordinator */
    guint generation;
    guint hops;
    guint attempts; /* since the session was last ready */
    GQueue waiters; /* (element-type Waiter) */
    GSource *pause;
    gboolean asking; /* a request of the session's own is under way */
    GCancellable *cancellable;
    XdSessionReady closed; /* whom to tell that it is over */
    gpointer closed_data;
};

typedef struct {
    XdSession *session;
    XdSessionReady ready;
    gpointer data;
    GSource *watch;
} Waiter;

static void session_try(XdSession *session);
static void session_log_in(XdSession *session);
static void session_log_out(XdSession *session);

/* ---- waiters ---- */

static void
waiter_end(Waiter *waiter, const GError *error)
{
    XdSession *session = waiter->session;

    g_queue_remove(&session->waiters, waiter);
    xd_clear_source(&waiter->watch);
    waiter->ready(session->connection, error, waiter->data);
    g_free(waiter);
}

static gboolean
on_waiter_cancelled(GCancellable *cancellable, gpointer data)
{
    g_autoptr(GError) error = NULL;

    g_cancellable_set_error_if_cancelled(cancellable, &error);
    waiter_end(data, error);
    return G_SOURCE_REMOVE;
}

/* Only those that wait now: an answer may make new ones. */
static void
wake_waiters(XdSession *session, const GError *error)
{
    for (guint n = g_queue_get_length(&session->waiters); n > 0; n--) {
        Waiter *waiter = g_queue_peek_head(&session->waiters);

        if (waiter == NULL)
            return;
        waiter_end(waiter, error);
    }
}

/* ---- how an attempt ends ---- */

static void
session_ready(XdSession *session)
{
    session->state = READY;
    session->ever_ready = TRUE;
    session->attempts = session->hops = session->next_candidate = 0;
    wake_waiters(session, NULL);
}

static gboolean
on_pause_over(gpointer data)
{
    XdSession *session = data;

    xd_clear_source(&session->pause);
    session_try(session);
    return G_SOURCE_REMOVE;
}

/* Growing, and scattered, so that a thousand drivers do not come back in the same moment. */
static gint64
next_pause_ms(XdSession *session)
{
    gint64 most =
        (gint64) xd_config_get_uint(session->connection->config, XD_CONFIG_SESSION_RECONNECT_MAX);
    gint64 pause = (gint64) FIRST_PAUSE_MS << MIN(session->attempts, 8);

    return (gint64) ((double) MIN(pause, most * 1000) * g_random_double_range(0.5, 1.0));
}

static void
session_pause(XdSession *session)
{
    XdConnection *connection = session->connection;

    session->state = PAUSING;
    session->pause = xd_clock_add(connection->clock, connection->context, next_pause_ms(session),
                                  on_pause_over, session);
    session->attempts++;
}

/* The next place to look for the coordinator; FALSE after a whole round. */
static gboolean
next_origin(XdSession *session)
{
    const XdOrigin *next;

    if (session->next_candidate >= session->candidates->len) {
        session->next_candidate = 0;
        return FALSE;
    }
    next = g_ptr_array_index(session->candidates, session->next_candidate++);
    xd_origin_free(session->origin);
    session->origin = xd_origin_copy(next);
    return TRUE;
}

/* Nodes may point at each other for a moment, while one takes over. */
static gboolean
is_passing(const GError *error)
{
    return xd_error_is(error, HVD_ERROR_NOT_REACHABLE) || xd_error_is(error, HVD_ERROR_TIMED_OUT) ||
           xd_error_is(error, HVD_ERROR_BUSY) || xd_error_is(error, HVD_ERROR_PROTOCOL) ||
           xd_error_is(error, HVD_ERROR_REDIRECTED);
}

/* It says something of one node; another one may be what we look for, and trusted. */
static gboolean
is_distrust(const GError *error)
{
    return xd_error_is(error, HVD_ERROR_TLS) || xd_error_is(error, HVD_ERROR_TLS_UNTRUSTED) ||
           xd_error_is(error, HVD_ERROR_TLS_EXPIRED) || xd_error_is(error, HVD_ERROR_TLS_NAME) ||
           xd_error_is(error, HVD_ERROR_TLS_PIN);
}

static void
session_failed(XdSession *session, const GError *error)
{
    gboolean passing = is_passing(error);

    if (session->ever_ready && (passing || is_distrust(error)) && next_origin(session)) {
        session_try(session);
        return;
    }
    if (session->ever_ready && passing) {
        session_pause(session);
        return;
    }
    session->state = OUT;
    wake_waiters(session, error);
}

/* ---- log-in ---- */

static void
session_drop_ref(XdSession *session)
{
    g_clear_pointer(&session->ref, xd_secret_unref);
    g_clear_pointer(&session->uuid, g_free);
    g_clear_pointer(&session->ref_origin, xd_origin_free);
}

/* TRUE: the session was closed while we waited for the answer. */
static gboolean
answered(XdSession *session)
{
    session->asking = FALSE;
    if (session->state != CLOSED)
        return FALSE;
    session_log_out(session);
    return TRUE;
}

/* What the server gives is not believed: a reference goes into a cookie, a uuid into marks. */
static gboolean
is_reference(const XdSecret *secret)
{
    gsize length;
    const char *text = xd_secret_reveal(secret, &length);

    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isgraph(text[i]) || strchr("\";,\\", text[i]) != NULL)
            return FALSE;
    }
    return length > 0 && length <= MAX_REFERENCE;
}

static void
on_uuid(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply, const GError *error,
        gpointer data)
{
    XdSession *session = data;
    g_autoptr(GError) nonsense = NULL;

    if (answered(session))
        return;
    if (error == NULL && !g_uuid_string_is_valid(g_variant_get_string(reply->value, NULL)))
        error = nonsense = xd_error_new(HVD_ERROR_PROTOCOL, "the session's uuid is none");
    if (error != NULL) {
        session_failed(session, error);
        return;
    }
    session->uuid = g_variant_dup_string(reply->value, NULL);
    session->generation++;
    session_ready(session);
}

static void
fetch_uuid(XdSession *session, guint timeout_ms, XdCallDone done)
{
    XdCall call = {.method = "session.get_uuid",
                   .parameters = g_variant_new("(h)", 0),
                   .secrets = &session->ref,
                   .n_secrets = 1,
                   .session = session->ref,
                   .origin = session->origin,
                   .timeout_ms = timeout_ms,
                   .flags = XD_CALL_NO_SESSION | XD_CALL_ONCE};

    session->asking = TRUE;
    xd_call(session->connection, &call, session->cancellable, done, session);
}

/* HOST_IS_SLAVE: the answer names the coordinator. */
static gboolean
follow(XdSession *session, const GError *error)
{
    const char *const *failure = xd_error_get_failure(error);
    g_autoptr(GError) refused = NULL;
    XdOrigin *there;

    if (g_strcmp0(xd_error_get_failure_code(error), "HOST_IS_SLAVE") != 0 || failure[1] == NULL)
        return FALSE;
    if (session->hops++ >= MAX_HOPS) {
        refused = xd_error_new(HVD_ERROR_REDIRECTED,
                               "the nodes of the pool point at each other as coordinator");
        session_failed(session, refused);
        return TRUE;
    }
    there = xd_origin_at(session->origin, failure[1], &refused);
    if (there == NULL) {
        session_failed(session, refused);
        return TRUE;
    }
    xd_origin_free(session->origin);
    session->origin = there;
    session_log_in(session);
    return TRUE;
}

/* A host without JSON-RPC lets its XML handler answer (protocol 1.5). */
static gboolean
fall_back(XdSession *session, const GError *error)
{
    guint encoding = xd_config_get_choice(session->connection->config, XD_CONFIG_POOL_ENCODING);

    if (encoding != ENCODING_AUTO || session->ever_ready || session->codec == &xd_codec_xml ||
        !xd_error_is(error, HVD_ERROR_PROTOCOL))
        return FALSE;
    session->codec = &xd_codec_xml;
    session_log_in(session);
    return TRUE;
}

static void
log_in_failed(XdSession *session, const GError *error)
{
    const XdConfig *config = session->connection->config;
    g_autoptr(GError) told = g_error_copy(error);
    g_autofree char *user =
        xd_escape(xd_config_get_string(config, XD_CONFIG_POOL_USERNAME), -1, 100);

    g_prefix_error(&told, "log in to %s as \"%s\": ", session->origin->host, user);
    session_failed(session, told);
}

static void
on_logged_in(XdConnection *connection, const XdReply *reply, const GError *error, gpointer data)
{
    XdSession *session = data;
    g_autoptr(GError) nonsense = NULL;

    if (error == NULL && !is_reference(reply->secret))
        error = nonsense = xd_error_new(HVD_ERROR_PROTOCOL, "the session's reference is none");
    if (error == NULL) {
        session_drop_ref(session);
        session->ref = xd_secret_ref(reply->secret);
        session->ref_origin = xd_origin_copy(session->origin);
    }
    if (answered(session))
        return;
    if (error != NULL) {
        if (!follow(session, error) && !fall_back(session, error))
            log_in_failed(session, error);
        return;
    }
    xd_log(connection->log, G_LOG_LEVEL_INFO, "xd-xenapi",
           &(XdLogFields){.host = session->origin->host}, "logged in at %s", session->origin->host);
    fetch_uuid(session, LOGIN_TIMEOUT_MS, on_uuid);
}

static void
session_log_in(XdSession *session)
{
    const XdConfig *config = session->connection->config;
    const char *originator = xd_config_get_string(config, XD_CONFIG_POOL_ORIGINATOR);
    g_autofree char *own = g_strconcat("hvd-xenapi/", session->connection->owner, NULL);
    XdCall call = {.method = "session.login_with_password",
                   .secrets = &session->password,
                   .n_secrets = 1,
                   .origin = session->origin,
                   .timeout_ms = LOGIN_TIMEOUT_MS,
                   .flags = XD_CALL_NO_SESSION | XD_CALL_ONCE};

    /* always with an originator of our own: root's sessions without one share a pot of 400
     * (db_gc_util.ml), and a busy stranger could push ours out */
    call.parameters = g_variant_new("(shss)", xd_config_get_string(config, XD_CONFIG_POOL_USERNAME),
                                    0, "1.0", originator[0] != '\0' ? originator : own);
    session->state = TRYING;
    session->asking = TRUE;
    xd_call(session->connection, &call, session->cancellable, on_logged_in, session);
}

static void
on_probed(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply G_GNUC_UNUSED,
          const GError *error, gpointer data)
{
    XdSession *session = data;

    if (answered(session))
        return;
    if (error == NULL)
        session_ready(session); /* it was the network; the session lives */
    else if (g_strcmp0(xd_error_get_failure_code(error), "SESSION_INVALID") == 0)
        session_log_in(session);
    else if (!follow(session, error))
        session_failed(session, error);
}

/* One attempt: is the old session still good, else log in. */
static void
session_try(XdSession *session)
{
    session->state = TRYING;
    if (session->ref != NULL && xd_origin_equal(session->ref_origin, session->origin))
        fetch_uuid(session, PROBE_TIMEOUT_MS, on_probed);
    else
        session_log_in(session);
}

/* ---- the face ---- */

XdSession *
xd_session_new(XdConnection *connection, XdOrigin *origin, XdSecret *password)
{
    XdSession *session = g_new0(XdSession, 1);
    guint encoding = xd_config_get_choice(connection->config, XD_CONFIG_POOL_ENCODING);

    session->connection = connection;
    session->password = password;
    session->codec = encoding == ENCODING_XML ? &xd_codec_xml : &xd_codec_json;
    session->first = origin;
    session->origin = xd_origin_copy(origin);
    session->candidates = g_ptr_array_new_with_free_func((GDestroyNotify) xd_origin_free);
    g_ptr_array_add(session->candidates, xd_origin_copy(origin));
    session->cancellable = g_cancellable_new();
    return session;
}

void
xd_session_free(XdSession *session)
{
    g_assert(g_queue_is_empty(&session->waiters));
    xd_clear_source(&session->pause);
    session_drop_ref(session);
    xd_secret_unref(session->password);
    xd_origin_free(session->first);
    xd_origin_free(session->origin);
    g_ptr_array_unref(session->candidates);
    g_object_unref(session->cancellable);
    g_free(session);
}

static gboolean
on_known(gpointer data)
{
    g_autoptr(GError) closed = NULL;
    Waiter *waiter = data;

    if (waiter->session->state == CLOSED)
        closed = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "closed");
    waiter_end(waiter, closed);
    return G_SOURCE_REMOVE;
}

static void
waiter_watch(Waiter *waiter, GSource *source, GSourceFunc func)
{
    waiter->watch = source;
    g_source_set_callback(source, func, waiter, NULL);
    g_source_attach(source, waiter->session->connection->context);
}

void
xd_session_when_ready(XdSession *session, GCancellable *cancellable, XdSessionReady ready,
                      gpointer data)
{
    Waiter *waiter = g_new0(Waiter, 1);

    waiter->session = session;
    waiter->ready = ready;
    waiter->data = data;
    g_queue_push_tail(&session->waiters, waiter);
    if (session->state == READY || session->state == CLOSED)
        waiter_watch(waiter, g_idle_source_new(), on_known);
    else if (cancellable != NULL)
        waiter_watch(waiter, g_cancellable_source_new(cancellable),
                     G_SOURCE_FUNC(on_waiter_cancelled));
    if (session->state == OUT)
        session_try(session);
}

gboolean
xd_session_is_ready(const XdSession *session)
{
    return session->state == READY;
}

guint
xd_session_get_generation(const XdSession *session)
{
    return session->generation;
}

const XdSecret *
xd_session_get_ref(const XdSession *session)
{
    return session->ref;
}

const char *
xd_session_get_uuid(const XdSession *session)
{
    return session->uuid != NULL ? session->uuid : "";
}

const XdOrigin *
xd_session_get_origin(const XdSession *session)
{
    return session->origin;
}

const XdCodec *
xd_session_get_codec(const XdSession *session)
{
    return session->codec;
}

void
xd_session_lost(XdSession *session, guint generation)
{
    if (generation != session->generation || session->state != READY)
        return;
    session_drop_ref(session);
    session->state = OUT;
}

void
xd_session_suspect(XdSession *session, guint generation)
{
    if (generation != session->generation || session->state != READY)
        return;
    session->state = OUT; /* whoever waits next looks whether it still lives */
}

gboolean
xd_session_moved(XdSession *session, guint generation, const char *address, GError **error)
{
    XdOrigin *there;

    if (generation != session->generation || session->state != READY)
        return TRUE; /* somebody else was told before */
    there = xd_origin_at(session->origin, address, error);
    if (there == NULL)
        return FALSE;
    xd_origin_free(session->origin);
    session->origin = there;
    session_drop_ref(session);
    session->state = OUT;
    return TRUE;
}

void
xd_session_set_candidates(XdSession *session, const char *const *addresses)
{
    g_ptr_array_set_size(session->candidates, 0);
    g_ptr_array_add(session->candidates, xd_origin_copy(session->first));
    for (guint i = 0; addresses[i] != NULL; i++) {
        XdOrigin *origin = xd_origin_at(session->first, addresses[i], NULL);

        if (origin != NULL && !xd_origin_equal(origin, session->first))
            g_ptr_array_add(session->candidates, origin);
        else
            g_clear_pointer(&origin, xd_origin_free);
    }
}

/* ---- log-out ---- */

static gboolean
on_closed(gpointer data)
{
    XdSession *session = data;

    session->closed(session->connection, NULL, session->closed_data);
    return G_SOURCE_REMOVE;
}

static void
on_logged_out(XdConnection *connection, const XdReply *reply G_GNUC_UNUSED, const GError *error,
              gpointer data)
{
    XdSession *session = data;

    if (error != NULL)
        xd_log(connection->log, G_LOG_LEVEL_INFO, "xd-xenapi", NULL, "not logged out: %s",
               error->message);
    xd_connection_defer(connection, on_closed, session);
}

static void
session_log_out(XdSession *session)
{
    XdCall call = {.method = "session.logout",
                   .session = session->ref,
                   .origin = session->ref_origin,
                   .timeout_ms = LOGOUT_TIMEOUT_MS,
                   .flags = XD_CALL_NO_SESSION | XD_CALL_ONCE};

    xd_clear_source(&session->pause);
    if (session->ref != NULL)
        xd_call(session->connection, &call, NULL, on_logged_out, session);
    else
        xd_connection_defer(session->connection, on_closed, session);
}

static gboolean
on_close_deadline(gpointer data)
{
    XdSession *session = data;

    xd_clear_source(&session->pause);
    g_cancellable_cancel(session->cancellable);
    return G_SOURCE_REMOVE;
}

void
xd_session_close(XdSession *session, XdSessionReady done, gpointer data)
{
    XdConnection *connection = session->connection;
    g_autoptr(GError) closed = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "closed");

    session->state = CLOSED;
    session->closed = done;
    session->closed_data = data;
    xd_clear_source(&session->pause);
    wake_waiters(session, closed);
    if (!session->asking) {
        session_log_out(session);
        return;
    }
    /* a log-in that is under way may leave a session behind: wait for it, but not for long */
    session->pause = xd_clock_add(connection->clock, connection->context, LOGOUT_TIMEOUT_MS,
                                  on_close_deadline, session);
}
