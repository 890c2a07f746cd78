#include "http/internal.h"

#include <string.h>

#define IDLE_HANDLES 8
#define MAX_READY    64

static void http_start_waiting(XdHttp *http);
static void http_destroy(XdHttp *http);

/* An owner's callback may free the client: then the last one to leave does it. */
static void
http_leave(XdHttp *http)
{
    if (--http->depth > 0)
        return;
    if (http->freed)
        http_destroy(http);
    else
        http_start_waiting(http);
}

/* ---- the end of an exchange ---- */

static gboolean
is_queued(const XdExchange *x)
{
    return x->lane == XD_LANE_SHORT || x->lane == XD_LANE_LONG;
}

static void
busy_add(const XdExchange *x, int change)
{
    XdHttp *http = x->http;

    if (is_queued(x))
        http->running = (guint) ((int) http->running + change);
    if (x->lane == XD_LANE_LONG)
        http->longs = (guint) ((int) http->longs + change);
    if (x->lane == XD_LANE_SHORT)
        x->slot->busy = (guint) ((int) x->slot->busy + change);
}

static void
handle_release(XdExchange *x, CURL *easy)
{
    XdHttp *http = x->http;

    if (x->target != NULL && x->target->warm->len < http->options.short_per_origin) {
        xd_exchange_strip(easy);
        g_ptr_array_add(x->target->warm, easy);
        return;
    }
    curl_easy_reset(easy); /* drops our strings; the connection stays with the multi handle */
    if (g_queue_get_length(&http->idle) >= IDLE_HANDLES)
        curl_easy_cleanup(easy);
    else
        g_queue_push_tail(&http->idle, easy);
}

/* (nullable): ready but for what is the exchange's own */
static CURL *
handle_take(XdExchange *x, GError **error)
{
    GPtrArray *warm = x->target != NULL ? x->target->warm : NULL;
    CURL *easy;

    if (warm != NULL && warm->len > 0)
        return g_ptr_array_steal_index_fast(warm, warm->len - 1);
    easy = g_queue_pop_head(&x->http->idle);
    if (easy == NULL)
        easy = curl_easy_init();
    if (xd_exchange_prepare(x, easy, error))
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

/* Every exchange ends here, whether by success, failure, time-out or cancellation. */
static void
exchange_end(XdExchange *x)
{
    XdHttp *http = x->http;
    g_autoptr(GError) error = xd_exchange_verdict(x);

    xd_clear_source(&x->cancelled);
    xd_clear_source(&x->deferred);
    if (x->easy != NULL) {
        curl_multi_remove_handle(http->multi, x->easy);
        handle_release(x, g_steal_pointer(&x->easy));
        busy_add(x, -1);
    } else {
        g_queue_remove(&http->waiting, x);
    }
    g_queue_unlink(&http->exchanges, &x->link);
    http->depth++;
    x->klass->done(x, error, x->data);
    xd_exchange_free(x);
    http_leave(http);
}

/* Ends it from outside a libcurl callback and never inside the caller's own call. A callback of ours that
 * turns the loop gets no end, and a loop that is not kept busy by one: see leave_curl(). */
static gboolean
deferred_dispatch(GSource *source, GSourceFunc callback G_GNUC_UNUSED, gpointer data)
{
    XdExchange *x = data;

    if (!x->http->in_curl) {
        exchange_end(x);
        return G_SOURCE_REMOVE;
    }
    g_source_set_ready_time(source, -1);
    x->http->put_off = TRUE;
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs deferred_funcs = {.dispatch = deferred_dispatch};

static void
exchange_defer(XdExchange *x, GError *error)
{
    if (x->over) { /* what it has come to is worth more */
        g_error_free(error);
        return;
    }
    xd_exchange_blame(x, error);
    if (x->deferred != NULL)
        return;
    x->deferred = g_source_new(&deferred_funcs, sizeof(GSource));
    g_source_set_ready_time(x->deferred, 0);
    g_source_set_callback(x->deferred, NULL, x, NULL);
    g_source_attach(x->deferred, x->http->context);
}

void
xd_exchange_cancel(XdExchange *x)
{
    exchange_defer(x, g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled"));
}

static gboolean
on_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    xd_exchange_cancel(data);
    return G_SOURCE_REMOVE;
}

/* ---- what libcurl calls ---- */

static int
on_socket(CURL *easy G_GNUC_UNUSED, curl_socket_t fd, int what, void *user, void *known)
{
    XdHttp *http = user;

    xd_sockets_watch(&http->sockets, fd, GPOINTER_TO_INT(known), what);
    curl_multi_assign(http->multi, fd, what == CURL_POLL_REMOVE ? NULL : GINT_TO_POINTER(what));
    return 0;
}

static int
on_timer(CURLM *multi G_GNUC_UNUSED, long ms, void *user)
{
    XdHttp *http = user;

    if (ms <= 0) /* at once, or never */
        http->due = ms;
    else
        http->due = g_get_monotonic_time() + ms * 1000;
    return 0;
}

/* ---- the source: whatever GLib offers to change a source makes its loop turn once more for nothing, so
 * it sees one descriptor that never changes and asks for the time itself ---- */

typedef struct {
    GSource source;
    XdHttp *http;
    gpointer tag; /* of the sockets */
} MultiSource;

/* What was put off while a callback of ours turned the loop has its turn now. */
static void
leave_curl(XdHttp *http, gboolean before)
{
    http->in_curl = before;
    if (before || !http->put_off)
        return;
    http->put_off = FALSE;
    g_source_modify_unix_fd(http->source, ((MultiSource *) http->source)->tag, G_IO_IN);
    for (GList *link = http->exchanges.head; link != NULL; link = link->next) {
        XdExchange *x = link->data;

        if (x->deferred != NULL)
            g_source_set_ready_time(x->deferred, 0);
    }
}

static gboolean
is_due(const XdHttp *http, gint64 now)
{
    return http->due >= 0 && http->due <= now;
}

static gboolean
multi_prepare(GSource *source, int *timeout)
{
    const XdHttp *http = ((MultiSource *) source)->http;
    gint64 now = http->due >= 0 ? g_source_get_time(source) : 0;

    *timeout = -1;
    if (http->in_curl)
        return FALSE;
    if (http->due >= 0)
        *timeout = (int) CLAMP((http->due - now + 999) / 1000, 0, G_MAXINT);
    return is_due(http, now);
}

static gboolean
multi_check(GSource *source)
{
    const MultiSource *self = (MultiSource *) source;
    XdHttp *http = self->http;
    gboolean ready = g_source_query_unix_fd(source, self->tag) != 0;

    if (!http->in_curl)
        return ready || is_due(http, g_source_get_time(source));
    if (ready) {
        g_source_modify_unix_fd(source, self->tag, 0);
        http->put_off = TRUE;
    }
    return FALSE;
}

static void
multi_feed(XdHttp *http)
{
    struct epoll_event ready[MAX_READY]; /* what finds no room is told of again */
    guint n = xd_sockets_ready(&http->sockets, ready, MAX_READY);
    int running;

    http->in_curl = TRUE;
    if (is_due(http, g_get_monotonic_time())) {
        http->due = -1;
        curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (guint i = 0; i < n; i++) {
        int got = (ready[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                  (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                  (ready[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

        curl_multi_socket_action(http->multi, ready[i].data.fd, got, &running);
    }
    leave_curl(http, FALSE);
}

static void
collect_done(XdHttp *http, GPtrArray *done)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        XdExchange *x = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &x);
        x->code = message->data.result;
        x->over = TRUE;
        x->paused = 0; /* there is nothing to resume */
        xd_clear_source(&x->cancelled);
        xd_clear_source(&x->deferred);
        if (x->code == CURLE_OK && x->error == NULL && !xd_exchange_tell_head(x))
            g_assert(x->error != NULL);
        g_ptr_array_add(done, x);
    }
}

/* Feeds libcurl first and answers owners afterwards: their callbacks start new exchanges, or free
 * the client. What they start goes out in the second round, without a turn of the loop. */
static gboolean
multi_dispatch(GSource *source, GSourceFunc callback G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED)
{
    XdHttp *http = ((MultiSource *) source)->http;

    if (http->in_curl) /* a callback of ours turns the loop */
        return G_SOURCE_CONTINUE;
    http->depth++;
    for (guint round = 0; round < 2; round++) {
        g_autoptr(GPtrArray) done = g_ptr_array_new();

        if (round > 0 && (http->freed || !is_due(http, g_get_monotonic_time())))
            break;
        multi_feed(http);
        collect_done(http, done);
        for (guint i = 0; i < done->len; i++)
            exchange_end(g_ptr_array_index(done, i));
        if (!http->freed)
            http_start_waiting(http);
    }
    http_leave(http);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs multi_funcs = {
    .prepare = multi_prepare, .check = multi_check, .dispatch = multi_dispatch};

/* ---- starting ---- */

static void
exchange_start(XdExchange *x)
{
    XdHttp *http = x->http;
    GError *error = NULL;
    CURL *easy = handle_take(x, &error);

    if (easy == NULL) {
        g_queue_push_tail(&http->waiting, x); /* where exchange_end() looks for it */
        exchange_defer(x, error);
        return;
    }
    xd_exchange_apply(x, easy);
    x->easy = easy;
    busy_add(x, +1);
    if (curl_multi_add_handle(http->multi, easy) != CURLM_OK)
        exchange_defer(x, xd_error_new(HVD_ERROR_FAILED, "the request could not be started"));
}

/* Transfers last for hours: without room beside them no call would leave in that time. */
static guint
room_for_longs(const XdHttpOptions *options)
{
    return options->total > options->short_per_origin ? options->total - options->short_per_origin
                                                      : 1;
}

static gboolean
may_start(const XdExchange *x)
{
    const XdHttp *http = x->http;

    if (http->in_curl || x->deferred != NULL)
        return FALSE;
    if (!is_queued(x))
        return TRUE;
    if (http->running >= http->options.total)
        return FALSE;
    if (x->lane == XD_LANE_LONG)
        return http->longs < room_for_longs(&http->options);
    return x->slot->busy < http->options.short_per_origin;
}

static void
http_start_waiting(XdHttp *http)
{
    GList *link = http->waiting.head;

    while (link != NULL) {
        GList *next = link->next;
        XdExchange *x = link->data;

        if (may_start(x)) {
            g_queue_delete_link(&http->waiting, link);
            exchange_start(x);
        }
        link = next;
    }
}

static void
handles_free(GQueue *handles)
{
    CURL *easy;

    while ((easy = g_queue_pop_head(handles)) != NULL)
        curl_easy_cleanup(easy);
}

XdExchange *
xd_http_send(XdHttp *http, const XdHttpRequest *request, const XdExchangeClass *klass,
             gpointer data, GCancellable *cancellable)
{
    XdExchange *x = xd_exchange_new(http, xd_slot_of(http->slots, request->origin), request);

    x->klass = klass;
    x->data = data;
    x->link.data = x;
    x->serial = ++http->serials;
    g_queue_push_tail_link(&http->exchanges, &x->link);
    if (cancellable != NULL) {
        x->cancelled = g_cancellable_source_new(cancellable);
        g_source_set_callback(x->cancelled, G_SOURCE_FUNC(on_cancelled), x, NULL);
        g_source_attach(x->cancelled, http->context);
    }
    if (g_cancellable_is_cancelled(cancellable)) {
        g_queue_push_tail(&http->waiting, x);
        on_cancelled(cancellable, x); /* nothing is sent */
    } else if (may_start(x)) {
        exchange_start(x);
    } else {
        g_queue_push_tail(&http->waiting, x);
    }
    return x;
}

void
xd_exchange_resume(XdExchange *x)
{
    XdHttp *http = x->http;
    gboolean before = http->in_curl;

    if (x->easy == NULL || x->paused == 0 || x->in_callback || x->error != NULL)
        return;
    x->paused = 0;
    xd_exchange_watch_speed(x);
    http->depth++;
    http->in_curl = TRUE; /* which gives what it has held back from within this call */
    if (curl_easy_pause(x->easy, CURLPAUSE_CONT) != CURLE_OK)
        exchange_defer(x, xd_error_new(HVD_ERROR_FAILED, "the transfer could not go on"));
    leave_curl(http, before);
    http_leave(http);
}

gboolean
xd_exchange_was_sent(const XdExchange *x)
{
    return x->sent;
}

guint
xd_exchange_get_status(const XdExchange *x)
{
    return x->status;
}

/* ---- the client ---- */

static gboolean
check_curl(GError **error)
{
    const curl_version_info_data *info;

    /* Counted by libcurl and safe from any thread; the matching clean-up is the host's affair. */
    curl_global_init(CURL_GLOBAL_DEFAULT);
    info = curl_version_info(CURLVERSION_NOW);
    if ((info->features & CURL_VERSION_SSL) != 0 && (info->features & CURL_VERSION_ASYNCHDNS) != 0)
        return TRUE;
    xd_set_error(error, HVD_ERROR_UNSUPPORTED,
                 "this libcurl has no TLS or no asynchronous resolver: look-ups would block");
    return FALSE;
}

XdHttp *
xd_http_new(const XdHttpOptions *options, GError **error)
{
    XdSockets sockets;
    XdHttp *http;

    if (!check_curl(error) || !xd_trust_check_pins(options->pins, error) ||
        !xd_sockets_init(&sockets, error))
        return NULL;
    http = g_new0(XdHttp, 1);
    http->options = *options;
    xd_arena_ref(http->options.arena);
    http->options.user_agent = http->user_agent = g_strdup(options->user_agent);
    http->options.ca_file = http->ca_file = g_strdup(options->ca_file);
    http->pins = g_strdupv((char **) options->pins);
    http->options.pins = (const char *const *) http->pins;
    http->context = g_main_context_ref_thread_default();
    http->sockets = sockets;
    http->due = -1;
    http->slots = xd_slots_new();
    http->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                          (GDestroyNotify) curl_slist_free_all);
    http->source = g_source_new(&multi_funcs, sizeof(MultiSource));
    ((MultiSource *) http->source)->http = http;
    ((MultiSource *) http->source)->tag =
        g_source_add_unix_fd(http->source, sockets.epoll, G_IO_IN);
    g_source_set_can_recurse(http->source, TRUE);
    g_source_set_static_name(http->source, "xd-http");
    g_source_attach(http->source, http->context);
    http->multi = curl_multi_init();
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long) options->total + 2);
    return http;
}

static void
http_destroy(XdHttp *http)
{
    handles_free(&http->idle);
    g_hash_table_unref(http->slots);
    /* libcurl would call back into what is being torn down */
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, NULL);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, NULL);
    curl_multi_cleanup(http->multi);
    xd_clear_source(&http->source);
    xd_sockets_clear(&http->sockets);
    g_hash_table_unref(http->headers);
    g_main_context_unref(http->context);
    xd_arena_unref(http->options.arena);
    g_strfreev(http->pins);
    g_free(http->ca_file);
    g_free(http->user_agent);
    g_free(http);
}

void
xd_http_free(XdHttp *http)
{
    g_return_if_fail(g_queue_is_empty(&http->exchanges));
    http->freed = TRUE;
    http->depth++;
    http_leave(http);
}

guint
xd_http_get_busy(const XdHttp *http)
{
    return g_queue_get_length((GQueue *) &http->exchanges);
}

guint64
xd_http_get_serial(const XdHttp *http)
{
    return http->serials;
}

guint64
xd_http_get_oldest(const XdHttp *http)
{
    for (const GList *link = http->exchanges.head; link != NULL; link = link->next) {
        const XdExchange *x = link->data;

        if (x->lane != XD_LANE_POLL)
            return x->serial;
    }
    return 0;
}
