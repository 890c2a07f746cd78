#include "server.h"

#include <string.h>

struct _TestServer {
    GSocketService *service;
    GTlsCertificate *certificate;
    TestHandler handler;
    gpointer data;
    guint16 port;
    guint requests;
    guint connections;
    gsize bytes;
    guint64 flooded;
    gboolean impatient;
    GPtrArray *open; /* (element-type Connection) */
};

typedef struct {
    TestServer *server; /* NULL: freed */
    GIOStream *stream;
    GCancellable *stop;
    guint number;
    guint pending; /* reads and writes under way */
    GString *input;
    GBytes *flood;
    char buffer[65536];
} Connection;

static void connection_read(Connection *connection);

/* The last of what is under way ends it. */
static void
connection_leave(Connection *connection)
{
    if (--connection->pending > 0)
        return;
    if (connection->server != NULL)
        g_ptr_array_remove(connection->server->open, connection);
    g_io_stream_close(connection->stream, NULL, NULL);
    g_object_unref(connection->stream);
    g_object_unref(connection->stop);
    g_string_free(connection->input, TRUE);
    g_clear_pointer(&connection->flood, g_bytes_unref);
    g_free(connection);
}

static gsize
content_length(const char *head)
{
    g_autofree char *lower = g_ascii_strdown(head, -1);
    const char *field = strstr(lower, "\r\ncontent-length:");

    return field != NULL ? (gsize) g_ascii_strtoull(field + 17, NULL, 10) : 0;
}

/* Hands over every complete request that has been read. */
static void
connection_parse(Connection *connection)
{
    TestServer *server = connection->server;
    char *end;

    while ((end = strstr(connection->input->str, "\r\n\r\n")) != NULL) {
        gsize head = (gsize) (end - connection->input->str) + 4;
        g_autofree char *text = g_strndup(connection->input->str, head);
        gsize body = content_length(text);
        TestRequest request = {
            server, connection->stream, server->requests, connection->number, text,
            NULL,   connection};

        if (connection->input->len < head + body)
            return;
        request.body = g_string_new_len(connection->input->str + head, (gssize) body);
        g_string_erase(connection->input, 0, (gssize) (head + body));
        server->requests++;
        server->handler(&request, server->data);
        g_string_free(request.body, TRUE);
    }
}

static void
on_read(GObject *source, GAsyncResult *result, gpointer data)
{
    Connection *connection = data;
    gssize n = g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);

    if (n <= 0 || connection->server == NULL || connection->server->impatient) {
        g_cancellable_cancel(connection->stop); /* a flood ends with it */
        connection_leave(connection);
        return;
    }
    connection->server->bytes += (gsize) n;
    g_string_append_len(connection->input, connection->buffer, n);
    connection_parse(connection);
    connection_read(connection);
    connection_leave(connection);
}

static void
connection_read(Connection *connection)
{
    connection->pending++;
    g_input_stream_read_async(g_io_stream_get_input_stream(connection->stream), connection->buffer,
                              sizeof connection->buffer, G_PRIORITY_DEFAULT, connection->stop,
                              on_read, connection);
}

static gboolean
on_incoming(GSocketService *service G_GNUC_UNUSED, GSocketConnection *plain,
            GObject *source G_GNUC_UNUSED, gpointer data)
{
    TestServer *server = data;
    Connection *connection = g_new0(Connection, 1);

    connection->server = server;
    connection->number = server->connections++;
    connection->stop = g_cancellable_new();
    connection->input = g_string_new(NULL);
    connection->stream =
        server->certificate == NULL
            ? g_object_ref(G_IO_STREAM(plain))
            : g_tls_server_connection_new(G_IO_STREAM(plain), server->certificate, NULL);
    g_ptr_array_add(server->open, connection);
    connection_read(connection);
    return TRUE;
}

TestServer *
test_server_new(GTlsCertificate *certificate, TestHandler handler, gpointer data)
{
    return test_server_new_at("127.0.0.1", 0, certificate, handler, data);
}

TestServer *
test_server_new_at(const char *host, guint16 port, GTlsCertificate *certificate,
                   TestHandler handler, gpointer data)
{
    TestServer *server = g_new0(TestServer, 1);
    g_autoptr(GSocketAddress) address = g_inet_socket_address_new_from_string(host, port);
    g_autoptr(GSocketAddress) effective = NULL;
    g_autoptr(GError) error = NULL;

    server->handler = handler;
    server->data = data;
    server->certificate = certificate != NULL ? g_object_ref(certificate) : NULL;
    server->open = g_ptr_array_new();
    server->service = g_socket_service_new();
    g_socket_listener_add_address(G_SOCKET_LISTENER(server->service), address, G_SOCKET_TYPE_STREAM,
                                  G_SOCKET_PROTOCOL_TCP, NULL, &effective, &error);
    g_assert_no_error(error);
    server->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(effective));
    g_signal_connect(server->service, "incoming", G_CALLBACK(on_incoming), server);
    g_socket_service_start(server->service);
    return server;
}

void
test_server_free(TestServer *server)
{
    g_socket_service_stop(server->service);
    g_socket_listener_close(G_SOCKET_LISTENER(server->service));
    while (server->open->len > 0) {
        Connection *connection = g_ptr_array_steal_index_fast(server->open, 0);

        connection->server = NULL;
        g_cancellable_cancel(connection->stop); /* on_read() frees it */
    }
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_ptr_array_unref(server->open);
    g_clear_object(&server->certificate);
    g_object_unref(server->service);
    g_free(server);
}

guint16
test_server_get_port(TestServer *server)
{
    return server->port;
}

guint
test_server_get_requests(TestServer *server)
{
    return server->requests;
}

guint
test_server_get_connections(TestServer *server)
{
    return server->connections;
}

gsize
test_server_get_bytes(TestServer *server)
{
    return server->bytes;
}

void
test_server_set_certificate(TestServer *server, GTlsCertificate *certificate)
{
    g_set_object(&server->certificate, certificate);
}

void
test_server_drop_all(TestServer *server)
{
    for (guint i = 0; i < server->open->len; i++)
        g_cancellable_cancel(((Connection *) g_ptr_array_index(server->open, i))->stop);
    while (server->open->len > 0)
        g_main_context_iteration(NULL, TRUE);
}

void
test_server_lose_patience(TestServer *server)
{
    server->impatient = TRUE;
}

void
test_server_find_patience(TestServer *server)
{
    server->impatient = FALSE;
}

guint64
test_server_get_flooded(TestServer *server)
{
    return server->flooded;
}

void
test_request_send(TestRequest *request, const char *bytes, gssize length)
{
    GOutputStream *out = g_io_stream_get_output_stream(request->stream);

    g_output_stream_write_all(out, bytes, length < 0 ? strlen(bytes) : (gsize) length, NULL, NULL,
                              NULL);
}

void
test_request_reply(TestRequest *request, const char *body)
{
    g_autofree char *answer =
        g_strdup_printf("HTTP/1.1 200 OK\r\ncontent-length: %zu\r\ncontent-type: "
                        "application/json\r\nconnection: keep-alive\r\n\r\n%s",
                        strlen(body), body);

    test_request_send(request, answer, -1);
}

void
test_request_hang_up(TestRequest *request)
{
    if (G_IS_TLS_CONNECTION(request->stream)) {
        g_io_stream_close(request->stream, NULL, NULL);
        return;
    }
    g_socket_shutdown(g_socket_connection_get_socket(G_SOCKET_CONNECTION(request->stream)), TRUE,
                      TRUE, NULL);
}

/* ---- floods ---- */

static void flood(Connection *connection);

static void
on_flooded(GObject *stream, GAsyncResult *result, gpointer data)
{
    Connection *connection = data;
    gsize n = 0;
    gboolean done = g_output_stream_write_all_finish(G_OUTPUT_STREAM(stream), result, &n, NULL);

    if (connection->server != NULL) {
        connection->server->flooded += n;
        if (done)
            flood(connection);
    }
    connection_leave(connection);
}

static void
flood(Connection *connection)
{
    gsize length;
    gconstpointer bytes = g_bytes_get_data(connection->flood, &length);

    connection->pending++;
    g_output_stream_write_all_async(g_io_stream_get_output_stream(connection->stream), bytes,
                                    length, G_PRIORITY_DEFAULT, connection->stop, on_flooded,
                                    connection);
}

void
test_request_flood(TestRequest *request, const char *piece, gsize length)
{
    Connection *connection = request->source;

    g_clear_pointer(&connection->flood, g_bytes_unref);
    connection->flood = g_bytes_new(piece, length);
    flood(connection);
}
