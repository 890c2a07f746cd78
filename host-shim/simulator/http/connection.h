/* One client's connection: requests one after the other, bodies whole or as a stream, answers in
 * order. Nothing here blocks, and no buffer grows beyond its bound. */
#pragma once

#include "core/sim.h"
#include "http/head.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SimConnection SimConnection;
typedef void (*SimConnectionFunc)(SimConnection *connection, gpointer data);
typedef void (*SimBodyFunc)(SimConnection *connection, const char *bytes, gsize length,
                            gpointer data);

/* Who gets a request once its head is there. */
typedef void (*SimRouter)(SimConnection *connection, gpointer data);
/* The connection has ended; it is freed with the last reference. */
typedef void (*SimConnectionClosed)(SimConnection *connection, gpointer data);

/* @stream: what is read and written: @socket itself, or TLS upon it */
SimConnection *
sim_connection_new(Sim *sim, const SimNode *node, GSocketConnection *socket, GIOStream *stream,
                   SimRouter router, SimConnectionClosed closed, gpointer data);
SimConnection *sim_connection_ref(SimConnection *connection);
void sim_connection_unref(SimConnection *connection);
Sim *sim_connection_sim(const SimConnection *connection);
const SimNode *sim_connection_node(const SimConnection *connection);
const SimHead *sim_connection_head(const SimConnection *connection); /* of the present request */
gboolean sim_connection_is_closed(const SimConnection *connection);

/* All of the body, once it is there; a body that ends early closes the connection. */
void sim_connection_read_body(SimConnection *connection, SimBodyFunc func, gpointer data);
/* Piece by piece from here on, at most @length bytes; @on_end when that many have come, or none
 * will come any more. */
void sim_connection_stream_body(SimConnection *connection, gint64 length, SimBodyFunc on_data,
                                SimConnectionFunc on_end, gpointer data);
void sim_connection_stop_stream(SimConnection *connection);

void sim_connection_write(SimConnection *connection, const char *bytes, gsize length);
/* Once all that was written has left. */
void sim_connection_when_written(SimConnection *connection, SimConnectionFunc func, gpointer data);
/* The answer is complete: the next request, or the end. */
void sim_connection_finish(SimConnection *connection, gboolean keep);
/* At once, whatever is still to be written. */
void sim_connection_drop(SimConnection *connection);
/* The client has closed its side while its request was at work. NULL: nobody asks any more. */
void sim_connection_set_gone_func(SimConnection *connection, SimConnectionFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimConnection, sim_connection_unref)

G_END_DECLS
