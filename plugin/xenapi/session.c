#include "xenapi/session.h"

#include "xd-xenapi.h"
#include "xenapi/call.h"
#include "xenapi/events.h"
#include "xenapi/internal.h"
#include "xenapi/login.h"
#include "xenapi/refusal.h"
#include "xenapi/waiter.h"

#define FIRST_PAUSE_MS    250
#define PATIENCE_MS       250 /* with a node that keeps silent, before another one is asked, too */
#define ALL_ASKED_MS      750 /* with all of them together */
#define LOGOUT_TIMEOUT_MS 3000
#define MAX_HOPS          1
#define MAX_CANDIDATES    65 /* the nodes of the largest pool, and pool.url, which may be a name */

typedef enum {
    OUT,     /* nobody has asked yet, or the last search ended for good */
    TRYING,  /* one node after the other is asked */
    PAUSING, /* all have been asked, and some may yet answer; the next search is due later */
    READY,
    CLOSED,
} State;

typedef enum { ENCODING_AUTO, ENCODING_JSON, ENCODING_XML } Encoding;

struct _XdSession {
    XdConnection *connection;
    XdSecret *password;
    const XdCodec *codec;
    char *pool;            /* (nullable): its uuid, since the first picture of it */
    XdOrigin *first;       /* as configured */
    XdOrigin *origin;      /* of the coordinator, as far as is known */
    GPtrArray *candidates; /* (element-type XdOrigin): where else to look for it */
    guint next_candidate;
    GPtrArray *logins; /* (element-type XdLogin): under way, at most one at each node */
    gboolean hope;     /* this search has met somebody who may yet be what we look for */
    State state;
    gboolean ever_ready;
    XdSecret *ref;
    char *uuid;
    XdOrigin *ref_origin; /* where @ref is from: a session lives in one coordinator */
    guint generation;
    guint searches; /* since the session was last ready */
    XdRefusal refusal;
    GQueue waiters; /* (element-type XdWaiter) */
    GSource *timer; /* for what, the state says: see on_timer() */
    guint logging_out;
    GCancellable *cancellable;
    XdSessionReady closed; /* whom to tell that it is over */
    gpointer closed_data;
};

static void session_search(XdSession *session);
static void session_go_on(XdSession *session, const GError *error);
static void on_login_done(XdLogin *login, const GError *error, gpointer data);

/* ---- the one timer ---- */

static gboolean
on_timer(gpointer data)
{
    XdSession *session = data;

    xd_clear_source(&session->timer);
    if (session->state == TRYING)
        session_go_on(session, NULL);
    else if (session->state == PAUSING)
        session_search(session);
    else
        g_cancellable_cancel(session->cancellable);
    return G_SOURCE_REMOVE;
}

static void
session_set_timer(XdSession *session, gint64 ms)
{
    XdConnection *connection = session->connection;

    xd_clear_source(&session->timer);
    session->timer = xd_clock_add(connection->clock, connection->context, ms, on_timer, session);
}

/* ---- log-out ---- */

static gboolean
on_closed(gpointer data)
{
    XdSession *session = data;

    session->closed(session->connection, NULL, session->closed_data);
    return G_SOURCE_REMOVE;
}

/* Whatever may leave a session behind is waited for. */
static void
session_check_closed(XdSession *session)
{
    if (session->state != CLOSED || session->logins->len > 0 || session->logging_out > 0)
        return;
    xd_clear_source(&session->timer);
    xd_connection_defer(session->connection, on_closed, session);
}

static void
on_logged_out(XdConnection *connection, const XdReply *reply G_GNUC_UNUSED, const GError *error,
              gpointer data)
{
    XdSession *session = data;

    if (error != NULL)
        xd_log(connection->log, G_LOG_LEVEL_INFO, "xd-xenapi", NULL, "not logged out: %s",
               error->message);
    session->logging_out--;
    session_check_closed(session);
}

static void
session_log_out(XdSession *session, const XdSecret *ref, const XdOrigin *origin)
{
    XdCall call = {.method = "session.logout",
                   .session = ref,
                   .origin = origin,
                   .timeout_ms = LOGOUT_TIMEOUT_MS,
                   .flags = XD_CALL_NO_SESSION | XD_CALL_ONCE};

    session->logging_out++;
    xd_call(session->connection, &call, NULL, on_logged_out, session);
}

/* ---- how a search ends ---- */

static void
stop_logins(XdSession *session, gboolean stop)
{
    for (guint i = 0; i < session->logins->len; i++)
        ((XdLogin *) g_ptr_array_index(session->logins, i))->is_stopped = stop;
}

static void
session_drop_ref(XdSession *session)
{
    g_clear_pointer(&session->ref, xd_secret_unref);
    g_clear_pointer(&session->uuid, g_free);
    g_clear_pointer(&session->ref_origin, xd_origin_free);
}

static void
session_end_search(XdSession *session, State state, const GError *error)
{
    xd_clear_source(&session->timer);
    session->state = state;
    stop_logins(session, TRUE);
    xd_waiters_end(&session->waiters, error);
}

static gboolean
is_refused(const XdSession *session)
{
    return session->state == OUT && xd_refusal_lasts(&session->refusal);
}

/* The former one may live on, at a node that was slow, or is called by another name now. A new one at the same
 * node is there because the former one was not known any more. What is under way has it in its marks: they say
 * to others that somebody looks after it. */
static void
session_give_back(XdSession *session, const XdLogin *next)
{
    if (session->ref != NULL && !xd_origin_equal(session->ref_origin, next->origin) &&
        g_hash_table_size(session->connection->operations) == 0)
        session_log_out(session, session->ref, session->ref_origin);
}

static void
session_adopt(XdSession *session, const XdLogin *login)
{
    XdConnection *connection = session->connection;

    if (login->is_new)
        xd_log(connection->log, G_LOG_LEVEL_INFO, "xd-xenapi",
               &(XdLogFields){.host = login->origin->host}, "logged in at %s", login->origin->host);
    if (login->ref != session->ref) {
        session_give_back(session, login);
        session_drop_ref(session);
        session->ref = xd_secret_ref(login->ref);
        session->uuid = g_strdup(login->uuid);
        session->ref_origin = xd_origin_copy(login->origin);
        session->generation++;
        xd_events_take_session(connection->events); /* before anybody goes on */
    }
    xd_origin_free(session->origin);
    session->origin = xd_origin_copy(login->origin);
    session->ever_ready = TRUE;
    session->searches = 0;
    xd_refusal_forget(&session->refusal);
    session_end_search(session, READY, NULL);
}

/* Growing, and scattered, so that a thousand drivers do not come back in the same moment. */
static gint64
next_pause_ms(XdSession *session)
{
    gint64 most =
        (gint64) xd_config_get_uint(session->connection->config, XD_CONFIG_SESSION_RECONNECT_MAX);
    gint64 pause = (gint64) FIRST_PAUSE_MS << MIN(session->searches, 8);

    return (gint64) ((double) MIN(pause, most * 1000) * g_random_double_range(0.5, 1.0));
}

static void
session_pause(XdSession *session)
{
    session->state = PAUSING;
    session_set_timer(session, next_pause_ms(session));
    session->searches++;
}

/* ---- a search: the coordinator that we know is asked first, and beside it the other nodes, one after the
 * other, as soon as one has failed or kept silent for a moment. Whoever gives a session first is it. ---- */

static gboolean
is_at(gconstpointer login, gconstpointer origin)
{
    return xd_origin_equal(((const XdLogin *) login)->origin, origin);
}

/* FALSE: it is being asked already, has refused the password, or too many are asked: each holds a socket. */
static gboolean
session_ask(XdSession *session, const XdOrigin *origin, guint hops)
{
    XdLogin *login;

    if (session->logins->len >= MAX_CANDIDATES || xd_refusal_is_of(&session->refusal, origin) ||
        g_ptr_array_find_with_equal_func(session->logins, origin, is_at, NULL))
        return FALSE;
    login = g_new0(XdLogin, 1);
    login->connection = session->connection;
    login->origin = xd_origin_copy(origin);
    login->hops = hops;
    if (session->ref != NULL && xd_origin_equal(session->ref_origin, origin))
        login->ref = xd_secret_ref(session->ref);
    login->pool = session->pool;
    login->password = xd_secret_ref(session->password);
    login->cancellable = g_object_ref(session->cancellable);
    login->done = on_login_done;
    login->data = session;
    g_ptr_array_add(session->logins, login);
    xd_login_start(login);
    return TRUE;
}

static gboolean
session_ask_next(XdSession *session)
{
    while (session->next_candidate <= session->candidates->len) {
        guint n = session->next_candidate++;
        const XdOrigin *next =
            n == 0 ? session->origin : g_ptr_array_index(session->candidates, n - 1);

        if (n > 0 && xd_origin_equal(next, session->origin))
            continue;
        if (session_ask(session, next, 0))
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_hope(const XdSession *session)
{
    return session->hope || session->logins->len > 0;
}

/* @error: (nullable): of the last one that failed: nobody was asked, for all have refused the password */
static void
session_give_up(XdSession *session, const GError *error)
{
    gboolean refused = error == NULL || xd_refusal_lasts(&session->refusal);

    session_end_search(session, OUT, refused ? session->refusal.error : error);
}

/* @error: (nullable): of the last one that failed */
static void
session_go_on(XdSession *session, const GError *error)
{
    if (!session_ask_next(session)) {
        if (has_hope(session))
            session_pause(session);
        else
            session_give_up(session, error);
        return;
    }
    if (session->ever_ready) /* before, nobody knows of other nodes */
        session_set_timer(session, MIN(PATIENCE_MS, ALL_ASKED_MS / session->candidates->len));
}

static void
session_search(XdSession *session)
{
    session->state = TRYING;
    session->next_candidate = 0;
    session->hope = FALSE;
    stop_logins(session, FALSE);
    session_go_on(session, NULL);
}

/* ---- who is asked and is not what we look for ---- */

static void
session_failed(XdSession *session, const GError *error)
{
    gboolean passing = xd_login_is_passing(error);

    if (!session->ever_ready || (!passing && !xd_login_is_distrust(error))) {
        session_end_search(session, OUT, error);
        return;
    }
    session->hope |= passing;
    if (session->state == TRYING)
        session_go_on(session, error);
    else if (!has_hope(session))
        session_give_up(session, error);
}

/* HOST_IS_SLAVE: the answer names the coordinator. (nullable): why that leads nowhere */
static GError *
session_follow(XdSession *session, const XdLogin *login, const GError *error)
{
    GError *refused = NULL;
    g_autoptr(XdOrigin) there = NULL;

    if (login->hops >= MAX_HOPS)
        return xd_error_new(HVD_ERROR_REDIRECTED,
                            "the nodes of the pool point at each other as coordinator");
    there = xd_origin_at(login->origin, xd_error_get_failure(error)[1], &refused);
    if (there == NULL)
        return refused;
    if (xd_refusal_is_of(&session->refusal, there))
        return g_error_copy(session->refusal.error);
    if (!session_ask(session, there, login->hops + 1))
        return g_error_copy(error); /* that one has not answered yet */
    return NULL;
}

/* A host without JSON-RPC lets its XML handler answer (protocol 1.5). */
static gboolean
session_fall_back(XdSession *session, const XdLogin *login, const GError *error)
{
    guint encoding = xd_config_get_choice(session->connection->config, XD_CONFIG_POOL_ENCODING);

    if (encoding != ENCODING_AUTO || session->ever_ready || session->codec == &xd_codec_xml ||
        !xd_error_is(error, HVD_ERROR_PROTOCOL))
        return FALSE;
    session->codec = &xd_codec_xml;
    return session_ask(session, login->origin, login->hops);
}

static void
session_not_there(XdSession *session, const XdLogin *login, const GError *error)
{
    g_autoptr(GError) refused = NULL;

    if (xd_error_is(error, HVD_ERROR_AUTH))
        xd_refusal_note(&session->refusal, login->origin, error);
    if (xd_login_names_coordinator(error)) {
        refused = session_follow(session, login, error);
        if (refused != NULL)
            session_failed(session, refused);
    } else if (!session_fall_back(session, login, error)) {
        session_failed(session, error);
    }
}

static void
on_login_done(XdLogin *login, const GError *error, gpointer data)
{
    XdSession *session = data;
    gboolean searching = session->state == TRYING || session->state == PAUSING;
    gboolean closed = session->state == CLOSED;

    g_ptr_array_remove_fast(session->logins, login);
    if (login->is_new && (error != NULL || !searching)) /* another one was first */
        session_log_out(session, login->ref, login->origin);
    if (searching && error == NULL)
        session_adopt(session, login);
    else if (searching)
        session_not_there(session, login, error);
    xd_login_free(login);
    if (closed)
        session_check_closed(session);
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
    session->logins = g_ptr_array_new();
    xd_refusal_init(&session->refusal, connection->clock);
    session->cancellable = g_cancellable_new();
    return session;
}

void
xd_session_free(XdSession *session)
{
    g_assert(g_queue_is_empty(&session->waiters) && session->logins->len == 0);
    xd_clear_source(&session->timer);
    session_drop_ref(session);
    xd_refusal_clear(&session->refusal);
    g_free(session->pool);
    xd_secret_unref(session->password);
    xd_origin_free(session->first);
    xd_origin_free(session->origin);
    g_ptr_array_unref(session->candidates);
    g_ptr_array_unref(session->logins);
    g_object_unref(session->cancellable);
    g_free(session);
}

static gboolean
is_known(const XdSession *session)
{
    return session->state == READY || session->state == CLOSED || is_refused(session);
}

static void
session_let_wait(XdSession *session, XdWaiter *waiter)
{
    xd_waiter_wait(waiter);
    if (session->state == OUT)
        session_search(session);
}

static gboolean
on_known(gpointer data)
{
    g_autoptr(GError) error = NULL;
    XdWaiter *waiter = data;
    XdSession *session = waiter->connection->session;

    if (!is_known(session)) { /* it was, a moment ago */
        session_let_wait(session, waiter);
        return G_SOURCE_REMOVE;
    }
    if (session->state == CLOSED)
        error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "closed");
    else if (session->state != READY)
        error = g_error_copy(session->refusal.error);
    xd_waiter_end(waiter, error);
    return G_SOURCE_REMOVE;
}

void
xd_session_when_ready(XdSession *session, GCancellable *cancellable, XdSessionReady ready,
                      gpointer data)
{
    XdWaiter *waiter =
        xd_waiter_new(&session->waiters, session->connection, cancellable, ready, data);

    if (is_known(session))
        xd_waiter_defer(waiter, on_known);
    else
        session_let_wait(session, waiter);
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

const char *
xd_session_get_pool(const XdSession *session)
{
    return session->pool;
}

void
xd_session_set_pool(XdSession *session, const char *uuid)
{
    g_assert(session->pool == NULL); /* log-ins that are under way hold on to it */
    session->pool = g_strdup(uuid);
}

void
xd_session_set_candidates(XdSession *session, const char *const *addresses)
{
    g_ptr_array_set_size(session->candidates, 0);
    g_ptr_array_add(session->candidates, xd_origin_copy(session->first));
    for (guint i = 0; addresses[i] != NULL && session->candidates->len < MAX_CANDIDATES; i++) {
        XdOrigin *origin = xd_origin_at(session->first, addresses[i], NULL);

        if (origin != NULL && !xd_origin_equal(origin, session->first))
            g_ptr_array_add(session->candidates, origin);
        else
            g_clear_pointer(&origin, xd_origin_free);
    }
}

void
xd_session_close(XdSession *session, XdSessionReady done, gpointer data)
{
    g_autoptr(GError) closed = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "closed");

    session->closed = done;
    session->closed_data = data;
    session_end_search(session, CLOSED, closed);
    if (session->ref != NULL)
        session_log_out(session, session->ref, session->ref_origin);
    /* a log-in that is under way may leave a session behind: wait for it, but not for long */
    if (session->logins->len > 0)
        session_set_timer(session, LOGOUT_TIMEOUT_MS);
    session_check_closed(session);
}
