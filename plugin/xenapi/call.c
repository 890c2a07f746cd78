#include "xenapi/call.h"

#include "wire/rpc.h"
#include "wire/value.h"
#include "xd-xenapi.h"
#include "xenapi/failure.h"
#include "xenapi/internal.h"
#include "xenapi/session.h"

#include <string.h>

#define MAX_ATTEMPTS 3
#define MAX_HOPS     1
#define MAX_ANSWER   (16 * 1024 * 1024) /* of one call; the event poll has a bound of its own */
#define MAX_STRING   (1024 * 1024)

typedef struct {
    XdConnection *connection;
    const XdMethod *method;
    const char *name; /* with "Async.", then in a copy */
    char *async_name;
    GVariant *parameters;
    GPtrArray *secrets; /* (nullable) (element-type XdSecret) */
    char *tag;
    XdSecret *session;
    XdOrigin *origin;
    XdSink *sink;
    guint timeout_ms;
    guint64 max_bytes;
    XdCallFlags flags;
    GCancellable *cancellable;
    XdExchange *exchange; /* under way */
    GSource *stop;
    GSource *patience;
    XdCallDone done;
    gpointer data;

    guint attempts;
    guint hops;
    gboolean was_sent; /* by an attempt before this one */
    guint generation;  /* of the session that the running attempt uses */
    guint id;
    gint64 started_ms;
    guint64 received;
    const XdCodec *codec;
    XdDecoder *decoder;
    XdValueSink *value;
    XdSecretSink *secret;
} Pending;

static void pending_send(Pending *p);

static void
pending_drop_answer(Pending *p)
{
    g_clear_pointer(&p->decoder, xd_decoder_free);
    g_clear_pointer(&p->value, xd_value_sink_free);
    g_clear_pointer(&p->secret, xd_secret_sink_free);
}

static void
pending_free(Pending *p)
{
    pending_drop_answer(p);
    g_clear_pointer(&p->parameters, g_variant_unref);
    g_clear_pointer(&p->secrets, g_ptr_array_unref);
    g_clear_pointer(&p->session, xd_secret_unref);
    g_clear_pointer(&p->origin, xd_origin_free);
    g_clear_object(&p->cancellable);
    xd_connection_unref(p->connection);
    g_free(p->async_name);
    g_free(p->tag);
    g_free(p);
}

static XdSecret *const *
pending_secrets(const Pending *p)
{
    return p->secrets != NULL ? (XdSecret *const *) p->secrets->pdata : NULL;
}

static gboolean
is_repeatable(const Pending *p)
{
    return (p->method->flags & XD_METHOD_REPEATABLE) != 0;
}

static void
pending_log(Pending *p, const char *outcome)
{
    XdConnection *connection = p->connection;
    XdLogFields fields = {.method = p->name,
                          .ms = xd_clock_now_ms(connection->clock) - p->started_ms};

    xd_log(connection->log, G_LOG_LEVEL_DEBUG, "xd-xenapi", &fields,
           "%s: %s, %" G_GUINT64_FORMAT " bytes in %" G_GINT64_FORMAT " ms", p->name, outcome,
           p->received, fields.ms);
}

/* ---- ends ---- */

static void
pending_fail(Pending *p, GError *error, gboolean sent)
{
    gboolean cancelled = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    /* a log-in whose reply was lost has changed nothing that anybody would miss */
    gboolean unknown = sent && !is_repeatable(p) && (p->flags & XD_CALL_NO_SESSION) == 0;
    XdReply reply = {.unknown = unknown,
                     .sent = sent,
                     .cause = sent ? error : NULL,
                     .generation = p->generation};
    g_autoptr(GError) cause = error;
    g_autoptr(GError) told = NULL;

    pending_log(p, cause->message);
    if (unknown && !cancelled) {
        told = xd_error_new(HVD_ERROR_UNKNOWN_OUTCOME, "%s: its reply was lost: %s", p->name,
                            cause->message);
    } else {
        told = g_error_copy(cause);
        if (!cancelled)
            g_prefix_error(&told, "%s: ", p->name);
    }
    p->done(p->connection, &reply, told, p->data);
    xd_connection_leave_call(p->connection);
    pending_free(p);
}

static void
pending_succeed(Pending *p)
{
    g_autoptr(GVariant) value = p->value != NULL ? xd_value_sink_steal(p->value) : NULL;
    g_autoptr(XdSecret) secret = p->secret != NULL ? xd_secret_sink_steal(p->secret) : NULL;
    g_autoptr(GHashTable) secrets = p->secret != NULL ? xd_secret_sink_steal_map(p->secret) : NULL;
    XdReply reply = {
        .value = value, .secret = secret, .secrets = secrets, .generation = p->generation};

    pending_log(p, "done");
    p->done(p->connection, &reply, NULL, p->data);
    xd_connection_leave_call(p->connection);
    pending_free(p);
}

/* ---- second tries ---- */

static void
on_ready(XdConnection *connection G_GNUC_UNUSED, const GError *error, gpointer data)
{
    Pending *p = data;

    if (error != NULL)
        pending_fail(p, g_error_copy(error), p->was_sent);
    else
        pending_send(p);
}

/* FALSE: this was the last try. */
static gboolean
pending_again(Pending *p)
{
    if ((p->flags & (XD_CALL_ONCE | XD_CALL_NO_SESSION)) != 0 || p->attempts >= MAX_ATTEMPTS)
        return FALSE;
    pending_drop_answer(p);
    xd_session_when_ready(p->connection->session, p->cancellable, on_ready, p);
    return TRUE;
}

/* A failure that says that the call did not run, and what can be done about it. */
static gboolean
pending_mend(Pending *p, const char *const *failure, GError **error)
{
    XdSession *session = p->connection->session;

    if ((p->flags & XD_CALL_NO_SESSION) != 0 || p->session != NULL) /* it says nothing of ours */
        return FALSE;
    if (g_strcmp0(failure[0], "SESSION_INVALID") == 0) {
        xd_session_lost(session, p->generation);
        return pending_again(p);
    }
    if (g_strcmp0(failure[0], "HOST_IS_SLAVE") == 0 && failure[1] != NULL) {
        if (p->hops++ >= MAX_HOPS || !xd_session_moved(session, p->generation, failure[1], error))
            return FALSE;
        return pending_again(p);
    }
    return FALSE;
}

static void
pending_answered(Pending *p)
{
    g_auto(GStrv) failure = NULL;
    GError *error = NULL;

    if (!xd_decoder_end(p->decoder, &failure, &error)) {
        pending_fail(p, error, TRUE);
        return;
    }
    if (failure == NULL) {
        pending_succeed(p);
        return;
    }
    if (pending_mend(p, (const char *const *) failure, &error))
        return;
    if (error == NULL)
        error = xd_failure_to_error((const char *const *) failure, p->connection->arena);
    pending_fail(p, error, FALSE);
}

static void
pending_broken(Pending *p, const GError *error, gboolean sent)
{
    gboolean unreachable = xd_error_is(error, HVD_ERROR_NOT_REACHABLE);

    if (unreachable && (p->flags & XD_CALL_NO_SESSION) == 0)
        xd_session_suspect(p->connection->session, p->generation);
    p->was_sent |= sent;
    if (unreachable && (!sent || is_repeatable(p)) && pending_again(p))
        return;
    pending_fail(p, g_error_copy(error), p->was_sent);
}

/* ---- the exchange ---- */

static gboolean
on_head(XdExchange *exchange G_GNUC_UNUSED, guint status, const char *content_type, gpointer data,
        GError **error)
{
    Pending *p = data;
    g_autofree char *shown = NULL;

    if (status == 200 && g_ascii_strncasecmp(content_type, p->codec->content_type,
                                             strlen(p->codec->content_type)) == 0)
        return TRUE;
    if (status >= 300 && status < 400) /* the exchange has a better word for it */
        return TRUE;
    shown = xd_escape(content_type, -1, 60);
    /* the body of such an answer is HTML that may repeat what was sent: it is not looked at */
    xd_set_error(error, HVD_ERROR_PROTOCOL, "no answer of a toolstack: HTTP status %u, %s", status,
                 shown[0] != '\0' ? shown : "without a type");
    return FALSE;
}

static XdFlow
on_data(XdExchange *exchange G_GNUC_UNUSED, const char *bytes, gsize length, gpointer data,
        GError **error)
{
    Pending *p = data;

    p->received += length;
    return xd_decoder_feed(p->decoder, bytes, length, error) ? XD_FLOW_GO : XD_FLOW_STOP;
}

static void
on_done(XdExchange *exchange, const GError *error, gpointer data)
{
    Pending *p = data;

    xd_clear_source(&p->stop);
    xd_clear_source(&p->patience);
    p->exchange = NULL;
    if (error == NULL)
        pending_answered(p);
    else
        pending_broken(p, error, xd_exchange_was_sent(exchange));
}

static const XdExchangeClass exchange_class = {.head = on_head, .data = on_data, .done = on_done};

/* ---- cancelling: what has been sent is done all the same, so its answer is waited for a while ---- */

static gboolean
on_patience_over(gpointer data)
{
    Pending *p = data;

    xd_clear_source(&p->patience);
    xd_exchange_cancel(p->exchange);
    return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    Pending *p = data;
    XdConnection *connection = p->connection;
    guint grace_s = xd_config_get_uint(connection->config, XD_CONFIG_TASK_CANCEL_GRACE);

    xd_clear_source(&p->stop);
    if (xd_exchange_was_sent(p->exchange))
        p->patience = xd_clock_add(connection->clock, connection->context, (gint64) grace_s * 1000,
                                   on_patience_over, p);
    else
        xd_exchange_cancel(p->exchange);
    return G_SOURCE_REMOVE;
}

static void
pending_exchange(Pending *p, const XdHttpRequest *request)
{
    XdConnection *connection = p->connection;

    if (p->cancellable == NULL || p->tag == NULL || /* without a mark: it changes nothing */
        g_cancellable_is_cancelled(p->cancellable)) {
        xd_http_send(connection->http, request, &exchange_class, p, p->cancellable);
        return;
    }
    p->exchange = xd_http_send(connection->http, request, &exchange_class, p, NULL);
    p->stop = g_cancellable_source_new(p->cancellable);
    g_source_set_callback(p->stop, G_SOURCE_FUNC(on_cancelled), p, NULL);
    g_source_attach(p->stop, connection->context);
}

/* Where the result goes: the caller's sink, or one of the declared type. */
static XdSink *
pending_sink(Pending *p)
{
    if (p->sink != NULL)
        return p->sink;
    if ((p->method->flags & XD_METHOD_SECRET_RESULT) != 0) {
        p->secret = xd_secret_sink_new(p->connection->arena, p->method->result[0] == 'a');
        return xd_secret_sink_get_sink(p->secret);
    }
    p->value = xd_value_sink_new(
        G_VARIANT_TYPE((p->flags & XD_CALL_ASYNC) != 0 ? "s" : p->method->result));
    return xd_value_sink_get_sink(p->value);
}

static XdLane
lane_of(const Pending *p)
{
    if ((p->flags & XD_CALL_POLL) != 0)
        return XD_LANE_POLL;
    if ((p->flags & XD_CALL_NO_SESSION) != 0)
        return XD_LANE_SESSION;
    if (p->method->timeout_s > XD_SHORT_CALL_S && (p->flags & XD_CALL_ASYNC) == 0)
        return XD_LANE_LONG;
    return XD_LANE_SHORT;
}

static void
pending_send(Pending *p)
{
    XdConnection *connection = p->connection;
    XdSession *session = connection->session;
    const XdSecret *ref = p->session != NULL                     ? p->session
                          : (p->flags & XD_CALL_NO_SESSION) != 0 ? NULL
                                                                 : xd_session_get_ref(session);
    XdRequest request = {p->name, ref, p->parameters, pending_secrets(p), 0};
    XdDecoderLimits limits = {p->max_bytes, MAX_STRING};
    g_autofree char *header = NULL;
    const char *headers[] = {NULL, NULL};
    g_auto(XdVault) body = {0};
    XdHttpRequest http = {.method = "POST", .headers = headers, .body = &body};

    p->attempts++;
    p->generation = xd_session_get_generation(session);
    p->codec = xd_session_get_codec(session);
    p->id = request.id = ++connection->next_request;
    p->received = 0;
    xd_vault_init(&body, connection->arena);
    p->codec->encode(&request, &body);
    p->decoder = p->codec->decoder_new(pending_sink(p), p->id, &limits, connection->arena);
    if (p->tag != NULL)
        headers[0] = header = g_strconcat("X-Http-Other-Config-hvd: ", p->tag, NULL);
    http.origin = p->origin != NULL ? p->origin : xd_session_get_origin(session);
    http.path = p->codec->path;
    http.content_type = p->codec->content_type;
    http.lane = lane_of(p);
    http.timeout_ms = p->timeout_ms;
    http.max_body = p->max_bytes;
    http.secret_body = p->secrets != NULL;
    http.bulk = (p->flags & XD_CALL_POLL) != 0;
    pending_exchange(p, &http);
}

static guint
default_timeout_ms(const Pending *p)
{
    if ((p->flags & XD_CALL_ASYNC) != 0) /* answered as soon as the task exists */
        return xd_config_get_uint(p->connection->config, XD_CONFIG_HTTP_CALL_TIMEOUT) * 1000;
    return p->method->timeout_s * 1000;
}

static gboolean
on_malformed(gpointer data)
{
    Pending *p = data;

    pending_fail(p,
                 xd_error_new(HVD_ERROR_INVALID, "a value has characters that XenAPI cannot carry"),
                 FALSE);
    return G_SOURCE_REMOVE;
}

void
xd_call(XdConnection *connection, const XdCall *call, GCancellable *cancellable, XdCallDone done,
        gpointer data)
{
    Pending *p = g_new0(Pending, 1);
    gboolean async = (call->flags & XD_CALL_ASYNC) != 0;
    XdRequest request = {0};

    p->connection = xd_connection_ref(connection);
    p->method = xd_method_lookup(call->method);
    g_assert(p->method != NULL); /* a test holds all names of the code against the table */
    p->async_name = async ? g_strconcat("Async.", call->method, NULL) : NULL;
    p->name = async ? p->async_name : p->method->name;
    p->parameters = call->parameters != NULL ? g_variant_ref_sink(call->parameters) : NULL;
    if (call->n_secrets > 0)
        p->secrets = g_ptr_array_new_with_free_func((GDestroyNotify) xd_secret_unref);
    for (guint i = 0; i < call->n_secrets; i++)
        g_ptr_array_add(p->secrets, xd_secret_ref(call->secrets[i]));
    p->tag = g_strdup(call->tag);
    p->session = call->session != NULL ? xd_secret_ref((XdSecret *) call->session) : NULL;
    p->origin = call->origin != NULL ? xd_origin_copy(call->origin) : NULL;
    p->sink = call->sink;
    p->flags = call->flags;
    p->max_bytes = call->max_bytes > 0 ? call->max_bytes : MAX_ANSWER;
    p->timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : default_timeout_ms(p);
    p->cancellable = cancellable != NULL ? g_object_ref(cancellable) : NULL;
    p->done = done;
    p->data = data;
    p->started_ms = xd_clock_now_ms(connection->clock);
    xd_connection_enter_call(connection);
    request.method = p->name;
    request.parameters = p->parameters;
    request.secrets = pending_secrets(p);
    if (!xd_request_check(&request, NULL))
        xd_connection_defer(connection, on_malformed, p);
    else if ((p->flags & XD_CALL_NO_SESSION) != 0 || xd_session_is_ready(connection->session))
        pending_send(p);
    else
        xd_session_when_ready(connection->session, p->cancellable, on_ready, p);
}
