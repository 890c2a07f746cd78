/* The one session of a connection: log-in, its loss, and finding the coordinator again. */
#pragma once

#include "wire/rpc.h"
#include "xenapi/connection.h"

G_BEGIN_DECLS

typedef void (*XdSessionReady)(XdConnection *connection, const GError *error, gpointer data);

/* @origin, @password: (transfer full) */
XdSession *xd_session_new(XdConnection *connection, XdOrigin *origin, XdSecret *password);
void xd_session_free(XdSession *session);

/**
 * xd_session_when_ready: calls @ready from the loop once there is a session, logging in where
 * there is none. @error: no log-in is possible (credentials, certificate), or @cancellable. A node that has
 * refused the password is not asked again for a while, up to a minute: where no other one is left, all are told
 * the same at once until then.
 * While the pool merely does not answer it goes on trying all of its nodes, with growing, jittered
 * pauses, and waits for none that keeps silent; only the first log-in of a connection gives up at once.
 */
void xd_session_when_ready(XdSession *session, GCancellable *cancellable, XdSessionReady ready,
                           gpointer data);
gboolean xd_session_is_ready(const XdSession *session);

/* Of the present session; a new log-in has a new generation. */
guint xd_session_get_generation(const XdSession *session);
const XdSecret *xd_session_get_ref(const XdSession *session);
const char *xd_session_get_uuid(const XdSession *session);
const XdOrigin *xd_session_get_origin(const XdSession *session);
const XdCodec *xd_session_get_codec(const XdSession *session);

/* What a call of @generation met. Ten calls that fail together lead to one log-in. */
void xd_session_lost(XdSession *session, guint generation);    /* SESSION_INVALID */
void xd_session_suspect(XdSession *session, guint generation); /* the pool did not answer */
gboolean xd_session_moved(XdSession *session, guint generation, const char *address,
                          GError **error); /* HOST_IS_SLAVE */

/* (nullable): the uuid of the pool, once it is known: of no other one a session is accepted any more. */
const char *xd_session_get_pool(const XdSession *session);
void xd_session_set_pool(XdSession *session, const char *uuid);

/* Where else the pool may be reached: the addresses of all nodes. */
void xd_session_set_candidates(XdSession *session, const char *const *addresses);

/* Logs out if it can, within a bounded time. */
void xd_session_close(XdSession *session, XdSessionReady done, gpointer data);

G_END_DECLS
