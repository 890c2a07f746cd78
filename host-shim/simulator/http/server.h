/* Every node's listening socket, and which handler a request goes to. */
#pragma once

#include "http/connection.h"

G_BEGIN_DECLS

typedef void (*SimRouteHandler)(SimConnection *connection);

typedef struct {
    const char *method;
    const char *prefix; /* the longest one that fits decides */
    SimRouteHandler handler;
} SimRoute;

SimServer *sim_server_new(Sim *sim);
void sim_server_free(SimServer *server);
/* @routes: ended by a NULL method */
void sim_server_add_routes(SimServer *server, const SimRoute *routes);
/* TLS from now on: one certificate for each node. (transfer full) */
void sim_server_set_certificates(SimServer *server, GPtrArray *certificates);

/* Listens for every node that has not crashed. The first time the port may be chosen; it is
 * kept. */
gboolean sim_server_listen(SimServer *server, GError **error);
/* Closes the sockets of @node, or of all where it is NULL, and drops their connections. */
void sim_server_close(SimServer *server, const SimNode *node);
/* How many connections are open, those included whose client has gone and whose last request runs. */
guint sim_server_count_connections(const SimServer *server);

G_END_DECLS
