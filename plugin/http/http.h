/* HTTP exchanges in a main context: bounded, cancellable, never resent behind our back. */
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "http/origin.h"

G_BEGIN_DECLS

/**
 * XdHttp: one libcurl multi handle as one GSource of the thread-default context of its creation.
 * Plain HTTP/1.1, no Expect, no redirects, no proxies. Freed by xd_http_free() when no exchange is
 * left.
 */
typedef struct _XdHttp XdHttp;

/**
 * XdHttpOptions: copied.
 * @arena: for what is secret on the way to libcurl
 * @ca_file: (nullable): PEM of the authorities to trust; NULL: the system's
 * @pins: (nullable): "HOST=sha256//BASE64"; for a host with pins they replace chain and name
 * @plaintext_on_loopback: allow http:// to an address of this machine
 * @short_per_origin: short calls under way at one origin
 * @total: exchanges under way in all, polls aside; of these, @short_per_origin are kept from long ones
 */
typedef struct {
    XdArena *arena;
    const char *user_agent;
    const char *ca_file;
    const char *const *pins;
    gboolean plaintext_on_loopback;
    guint connect_timeout_s;
    guint short_per_origin;
    guint total;
} XdHttpOptions;

/* Errors: CONFIG (malformed pin), UNSUPPORTED (a libcurl without TLS or asynchronous resolver) */
XdHttp *xd_http_new(const XdHttpOptions *options, GError **error);
void xd_http_free(XdHttp *http);
guint xd_http_get_busy(const XdHttp *http); /* exchanges queued or under way */
/* Exchanges are numbered from 1: the latest, and the oldest that has not ended yet, polls aside (0: none). */
guint64 xd_http_get_serial(const XdHttp *http);
guint64 xd_http_get_oldest(const XdHttp *http);

typedef enum {
    XD_LANE_SHORT, /* a call that is answered at once: shares the kept connections of its origin */
    XD_LANE_LONG,  /* one that may block, or moves bulk data: a connection of its own */
    XD_LANE_SESSION, /* what all others wait for: never queued */
    XD_LANE_POLL,    /* the event poll: never queued */
} XdLane;

typedef struct _XdExchange XdExchange;

typedef enum {
    XD_FLOW_GO,
    XD_FLOW_PAUSE, /* nothing to give, or no room now: xd_exchange_resume() when there is */
    XD_FLOW_STOP,  /* @error is set */
} XdFlow;

/**
 * XdExchangeClass: what an exchange asks and tells its owner; all from the loop.
 * @read_body: gives the next bytes of a streamed body of exactly XdHttpRequest.body_size bytes
 * @head: (nullable): the status line and the content type have arrived
 * @data: the next bytes of the answer's body, of which there are at most max_body
 * @done: the one end: success with a complete answer, or an error. Called exactly once, never before
 *   xd_http_send() has returned. The exchange is freed afterwards.
 *
 * Errors are XD_ERROR: NOT_REACHABLE, TIMED_OUT, PROTOCOL, REDIRECTED, PLAINTEXT, TLS...; the owner's
 * own; or G_IO_ERROR_CANCELLED.
 */
typedef struct {
    XdFlow (*read_body)(XdExchange *exchange, char *buffer, gsize size, gsize *length,
                        gpointer data, GError **error);
    gboolean (*head)(XdExchange *exchange, guint status, const char *content_type, gpointer data,
                     GError **error);
    XdFlow (*data)(XdExchange *exchange, const char *bytes, gsize length, gpointer data,
                   GError **error);
    void (*done)(XdExchange *exchange, const GError *error, gpointer data);
} XdExchangeClass;

/**
 * XdHttpRequest: copied as far as needed.
 * @path: with its query; never a secret in it
 * @headers: (nullable): further "Name: value" lines
 * @session: (nullable): sent as the cookie session_id, which keeps it out of URLs
 * @body: (nullable): taken over and wiped at the end; or NULL and a streamed body
 * @secret_body: libcurl gets it piecewise, and never has it in memory that it frees unwiped
 * @body_size: of a streamed body; -1: no body
 * @timeout_ms: from the sending to the last byte; 0: none
 * @low_speed_limit: bytes a second that come or go at least
 * @low_speed_s: give up when it was fewer for so long; 0: never
 * @max_body: of the answer, in bytes
 */
typedef struct {
    const XdOrigin *origin;
    const char *method;
    const char *path;
    const char *content_type;
    const char *const *headers;
    const XdSecret *session;
    XdVault *body;
    gboolean secret_body;
    gint64 body_size;
    XdLane lane;
    guint timeout_ms;
    guint low_speed_limit;
    guint low_speed_s;
    guint64 max_body;
    gboolean bulk; /* large buffers */
} XdHttpRequest;

XdExchange *xd_http_send(XdHttp *http, const XdHttpRequest *request, const XdExchangeClass *klass,
                         gpointer data, GCancellable *cancellable);
void xd_exchange_resume(XdExchange *exchange);
/* Ends it from the loop; nothing more of the request leaves. */
void xd_exchange_cancel(XdExchange *exchange);
/* FALSE: the error came before a byte of the request left, so nothing can have happened. */
gboolean xd_exchange_was_sent(const XdExchange *exchange);
guint xd_exchange_get_status(const XdExchange *exchange);

G_END_DECLS
