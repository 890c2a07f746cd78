/* The one path of every request to the toolstack. */
#pragma once

#include "xenapi/connection.h"

#include "wire/sink.h"

G_BEGIN_DECLS

typedef enum {
    XD_CALL_ASYNC = 1 << 0,      /* send it as Async.: the result is a task */
    XD_CALL_NO_SESSION = 1 << 1, /* log-in and log-out: does not wait for a session */
    XD_CALL_ONCE = 1 << 2,       /* no second try of any kind: the caller decides */
    XD_CALL_POLL = 1 << 3,       /* the event poll: a connection of its own, never queued */
} XdCallFlags;

/**
 * XdCall: one request. Borrowed until xd_call() has returned.
 * @method: of schemas/xenapi.json, without "Async."
 * @parameters: (nullable): a tuple, without the session; a floating reference is taken
 * @secrets: (nullable) (array): what the handles (h) in @parameters stand for
 * @tag: (nullable): goes with the request as X-Http-Other-Config-hvd, and stands in the
 * other_config of the task that the server makes for it
 * @session: (nullable): instead of the connection's own: log-in and log-out
 * @origin: (nullable): where to send it; NULL: the coordinator
 * @sink: (nullable): takes the result, with %XD_CALL_ONCE only; NULL: it comes with the reply
 * @timeout_ms: 0: the method's own limit
 */
typedef struct {
    const char *method;
    GVariant *parameters;
    XdSecret *const *secrets;
    guint n_secrets;
    const char *tag;
    const XdSecret *session;
    const XdOrigin *origin;
    XdSink *sink;
    guint timeout_ms;
    guint64 max_bytes;
    XdCallFlags flags;
} XdCall;

/**
 * XdReply:
 * @value: (nullable): the result, of the type that schemas/xenapi.json gives
 * @secret: (nullable): the result of calls whose result is a secret
 * @secrets: (nullable) (element-type utf8 XdSecret): of those whose result is a map of secrets
 * @unknown: it failed, and may have been executed all the same
 * @sent: it failed, and left us: one that is repeatable and therefore not @unknown may have been executed
 * @cause: (nullable): why it failed, where it was @sent
 * @generation: of the session that it was sent with
 */
typedef struct {
    GVariant *value;
    XdSecret *secret;
    GHashTable *secrets;
    gboolean unknown;
    gboolean sent;
    const GError *cause;
    guint generation;
} XdReply;

typedef void (*XdCallDone)(XdConnection *connection, const XdReply *reply, const GError *error,
                           gpointer data);

/**
 * xd_call: sends @call and tells @done how it ended, once and from the loop.
 *
 * What certainly did not run is sent again, when there is a session: after SESSION_INVALID,
 * after HOST_IS_SLAVE (followed once), and when no connection could be made. What may
 * have run is sent again only if the method is repeatable; otherwise the error says
 * UNKNOWN_OUTCOME and the reply is marked, so that the caller can look.
 */
void xd_call(XdConnection *connection, const XdCall *call, GCancellable *cancellable,
             XdCallDone done, gpointer data);

G_END_DECLS
