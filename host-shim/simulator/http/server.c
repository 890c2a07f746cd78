#include "http/server.h"

#include "http/pages.h"
#include "http/rpc.h"

#include <string.h>

#define MAX_CONNECTIONS 1000
#define PORT_TRIES      50

typedef struct {
    SimServer *server;
    const SimNode *node;
    GSocketService *service; /* NULL: refuses connections */
    GPtrArray *connections;  /* of SimConnection */
} Listener;

struct _SimServer {
    Sim *sim;
    GPtrArray *listeners;    /* of Listener */
    GPtrArray *routes;       /* of SimRoute */
    GPtrArray *certificates; /* of GTlsCertificate; NULL: plain */
    guint port;
};

static const SimRoute own_routes[] = {
    {"POST", "/jsonrpc", sim_rpc_post_json},
    {"POST", "/", sim_rpc_post_xml},
    {"OPTIONS", "/", sim_rpc_options},
    {"GET", "/", sim_page_moved},
    {NULL, NULL, NULL},
};

static void
listener_free(gpointer data)
{
    Listener *listener = data;

    g_clear_object(&listener->service);
    g_ptr_array_unref(listener->connections);
    g_free(listener);
}

SimServer *
sim_server_new(Sim *sim)
{
    SimServer *server = g_new0(SimServer, 1);

    server->sim = sim;
    server->port = sim->options.port;
    server->listeners = g_ptr_array_new_with_free_func(listener_free);
    server->routes = g_ptr_array_new();
    sim_server_add_routes(server, own_routes);
    return server;
}

void
sim_server_free(SimServer *server)
{
    sim_server_close(server, NULL);
    g_ptr_array_unref(server->listeners);
    g_ptr_array_unref(server->routes);
    g_clear_pointer(&server->certificates, g_ptr_array_unref);
    g_free(server);
}

void
sim_server_add_routes(SimServer *server, const SimRoute *routes)
{
    for (; routes->method != NULL; routes++)
        g_ptr_array_add(server->routes, (gpointer) routes);
}

void
sim_server_set_certificates(SimServer *server, GPtrArray *certificates)
{
    g_clear_pointer(&server->certificates, g_ptr_array_unref);
    server->certificates = certificates;
}

static gboolean
is_known_method(const char *method)
{
    static const char *const known[] = {"GET", "POST", "PUT", "CONNECT", "OPTIONS", NULL};

    return g_strv_contains(known, method);
}

static const SimRoute *
find_route(const SimServer *server, const SimHead *head)
{
    const SimRoute *best = NULL;

    for (guint i = 0; i < server->routes->len; i++) {
        const SimRoute *route = g_ptr_array_index(server->routes, i);

        if (strcmp(route->method, head->method) == 0 &&
            g_str_has_prefix(head->path, route->prefix) &&
            (best == NULL || strlen(route->prefix) > strlen(best->prefix)))
            best = route;
    }
    return best;
}

static void
route(SimConnection *connection, gpointer data)
{
    Listener *listener = data;
    const SimHead *head = sim_connection_head(connection);
    const SimRoute *found = find_route(listener->server, head);

    if (!is_known_method(head->method))
        sim_page_send(connection, SIM_PAGE_NOT_IMPLEMENTED, head->method);
    else if (found == NULL)
        sim_page_send(connection, SIM_PAGE_FORBIDDEN, NULL);
    else
        found->handler(connection);
}

static void
on_connection_closed(SimConnection *connection, gpointer data)
{
    Listener *listener = data;

    if (g_ptr_array_remove_fast(listener->connections, connection))
        sim_connection_unref(connection);
}

/* (transfer full) (nullable): the stream to talk through */
static GIOStream *
wrap_stream(Listener *listener, GSocketConnection *socket)
{
    SimServer *server = listener->server;
    GIOStream *tls;

    if (server->certificates == NULL)
        return G_IO_STREAM(g_object_ref(socket));
    tls = g_tls_server_connection_new(
        G_IO_STREAM(socket), g_ptr_array_index(server->certificates, listener->node->number - 1),
        NULL);
    if (tls != NULL)
        g_object_set(tls, "require-close-notify", FALSE, NULL);
    return tls;
}

static gboolean
on_incoming(GSocketService *service, GSocketConnection *socket, GObject *source, gpointer data)
{
    Listener *listener = data;
    g_autoptr(GIOStream) stream = NULL;

    (void) service;
    (void) source;
    if (listener->connections->len >= MAX_CONNECTIONS)
        return TRUE;
    g_socket_set_option(g_socket_connection_get_socket(socket), 6 /* IPPROTO_TCP */,
                        1 /* TCP_NODELAY */, 1, NULL);
    stream = wrap_stream(listener, socket);
    if (stream == NULL)
        return TRUE;
    g_ptr_array_add(listener->connections,
                    sim_connection_new(listener->server->sim, listener->node, socket, stream, route,
                                       on_connection_closed, listener));
    return TRUE;
}

static gboolean
open_listener(Listener *listener, guint port, guint *chosen, GError **error)
{
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(listener->node->address);
    g_autoptr(GSocketAddress) wanted = g_inet_socket_address_new(address, (guint16) port);
    g_autoptr(GSocketAddress) got = NULL;
    g_autoptr(GSocketService) service = g_socket_service_new();

    g_socket_listener_set_backlog(G_SOCKET_LISTENER(service), 128);
    if (!g_socket_listener_add_address(G_SOCKET_LISTENER(service), wanted, G_SOCKET_TYPE_STREAM,
                                       G_SOCKET_PROTOCOL_TCP, NULL, &got, error))
        return FALSE;
    *chosen = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(got));
    g_signal_connect(service, "incoming", G_CALLBACK(on_incoming), listener);
    g_socket_service_start(service);
    listener->service = g_steal_pointer(&service);
    return TRUE;
}

static void
close_listener(Listener *listener)
{
    if (listener->service != NULL) {
        g_signal_handlers_disconnect_by_data(listener->service, listener);
        g_socket_service_stop(listener->service);
        g_socket_listener_close(G_SOCKET_LISTENER(listener->service));
        g_clear_object(&listener->service);
    }
    while (listener->connections->len > 0)
        sim_connection_drop(g_ptr_array_index(listener->connections, 0));
}

static void
make_listeners(SimServer *server)
{
    for (guint i = server->listeners->len; i < server->sim->nodes->len; i++) {
        Listener *listener = g_new0(Listener, 1);

        listener->server = server;
        listener->node = g_ptr_array_index(server->sim->nodes, i);
        listener->connections = g_ptr_array_new();
        g_ptr_array_add(server->listeners, listener);
    }
}

static gboolean
open_all(SimServer *server, guint *port, GError **error)
{
    for (guint i = 0; i < server->listeners->len; i++) {
        Listener *listener = g_ptr_array_index(server->listeners, i);

        if (listener->service != NULL || listener->node->crashed || listener->node->killed)
            continue;
        if (!open_listener(listener, *port, port, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
sim_server_listen(SimServer *server, GError **error)
{
    guint tries = server->port == 0 ? PORT_TRIES : 1;

    make_listeners(server);
    /* A port that is free on one address may be taken on the next. */
    for (guint i = 0; i < tries; i++) {
        guint port = server->port;

        g_clear_error(error);
        if (open_all(server, &port, error)) {
            server->port = port;
            server->sim->port = port;
            return TRUE;
        }
        sim_server_close(server, NULL);
    }
    return FALSE;
}

void
sim_server_close(SimServer *server, const SimNode *node)
{
    for (guint i = 0; i < server->listeners->len; i++) {
        Listener *listener = g_ptr_array_index(server->listeners, i);

        if (node == NULL || listener->node == node)
            close_listener(listener);
    }
}

guint
sim_server_count_connections(const SimServer *server)
{
    guint n = 0;

    for (guint i = 0; i < server->listeners->len; i++)
        n += ((const Listener *) g_ptr_array_index(server->listeners, i))->connections->len;
    return n;
}
