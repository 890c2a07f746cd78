/* The one long poll that keeps the mirror. */
#pragma once

#include "xenapi/mirror.h"

G_BEGIN_DECLS

/* @first: told once: the first complete picture is there, or why there is none */
typedef void (*XdEventsFirst)(XdConnection *connection, const GError *error, gpointer data);

XdEvents *xd_events_new(XdConnection *connection);
void xd_events_free(XdEvents *events);
void xd_events_start(XdEvents *events, XdEventsFirst first, gpointer data);
/* The session is another one: what was seen is old, and the poll begins anew. */
void xd_events_take_session(XdEvents *events);
/* Its last call ends through the loop; xd_connection_leave_call() tells. */
void xd_events_stop(XdEvents *events);

G_END_DECLS
