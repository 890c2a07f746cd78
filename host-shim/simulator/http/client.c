#include "http/client.h"

#include <gio/gio.h>
#include <string.h>

#define MAX_ANSWER   (1024 * 1024)
#define READ_AT_ONCE 16384

struct _SimClient {
    GCancellable *cancellable;
    GIOStream *stream;
    GString *request;
    GByteArray *answer;
    SimClientFunc func;
    gpointer data;
};

static void
client_free(SimClient *client)
{
    if (client->stream != NULL)
        g_io_stream_close(client->stream, NULL, NULL);
    g_clear_object(&client->stream);
    g_object_unref(client->cancellable);
    g_string_free(client->request, TRUE);
    g_byte_array_unref(client->answer);
    g_free(client);
}

static void
end(SimClient *client, guint status, const char *body, gsize length)
{
    SimClientFunc func = client->func;

    client->func = NULL;
    if (func != NULL)
        func(status, body, length, client->data);
    client_free(client);
}

/* "HTTP/1.1 200 OK", and the body after the empty line */
static void
end_with_answer(SimClient *client)
{
    const char *text = (const char *) client->answer->data;
    gsize length = client->answer->len;
    const char *blank = length > 0 ? g_strstr_len(text, (gssize) length, "\r\n\r\n") : NULL;
    g_autofree char *head = NULL;
    guint status;

    if (blank == NULL || !g_str_has_prefix(text, "HTTP/1.")) {
        end(client, 0, "", 0);
        return;
    }
    head = g_strndup(text, (gsize) (blank - text));
    status = (guint) g_ascii_strtoull(head + MIN(strlen("HTTP/1.1 "), strlen(head)), NULL, 10);
    blank += strlen("\r\n\r\n");
    end(client, status, blank, length - (gsize) (blank - text));
}

static void read_on(SimClient *client);

static void
on_read(GObject *source, GAsyncResult *result, gpointer data)
{
    SimClient *client = data;
    g_autoptr(GBytes) bytes =
        g_input_stream_read_bytes_finish(G_INPUT_STREAM(source), result, NULL);
    gsize length = bytes != NULL ? g_bytes_get_size(bytes) : 0;

    if (client->func == NULL || client->answer->len + length > MAX_ANSWER)
        end(client, 0, "", 0);
    else if (length == 0)
        end_with_answer(client);
    else {
        g_byte_array_append(client->answer, g_bytes_get_data(bytes, NULL), (guint) length);
        read_on(client);
    }
}

static void
read_on(SimClient *client)
{
    g_input_stream_read_bytes_async(g_io_stream_get_input_stream(client->stream), READ_AT_ONCE,
                                    G_PRIORITY_DEFAULT, client->cancellable, on_read, client);
}

static void
on_written(GObject *source, GAsyncResult *result, gpointer data)
{
    SimClient *client = data;

    if (g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, NULL) &&
        client->func != NULL)
        read_on(client);
    else
        end(client, 0, "", 0);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
    SimClient *client = data;
    GSocketConnection *connection =
        g_socket_client_connect_to_uri_finish(G_SOCKET_CLIENT(source), result, NULL);

    if (connection == NULL || client->func == NULL) {
        g_clear_object(&connection);
        end(client, 0, "", 0);
        return;
    }
    client->stream = G_IO_STREAM(connection);
    g_output_stream_write_all_async(g_io_stream_get_output_stream(client->stream),
                                    client->request->str, client->request->len, G_PRIORITY_DEFAULT,
                                    client->cancellable, on_written, client);
}

static gboolean
accept_any(GTlsConnection *connection, GTlsCertificate *certificate, GTlsCertificateFlags errors,
           gpointer data)
{
    (void) connection;
    (void) certificate;
    (void) errors;
    (void) data;
    return TRUE;
}

static void
on_event(GSocketClient *socket_client, GSocketClientEvent event, GSocketConnectable *connectable,
         GIOStream *stream, gpointer data)
{
    (void) socket_client;
    (void) connectable;
    (void) data;
    if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
        g_signal_connect(stream, "accept-certificate", G_CALLBACK(accept_any), NULL);
}

gboolean
sim_client_knows_url(const char *url)
{
    return g_str_has_prefix(url, "http://") || g_str_has_prefix(url, "https://");
}

SimClient *
sim_client_send(const char *url, const char *method, const char *target, const char *body,
                gsize length, SimClientFunc func, gpointer data)
{
    SimClient *client = g_new0(SimClient, 1);
    g_autoptr(GSocketClient) socket_client = g_socket_client_new();
    gboolean secure = g_str_has_prefix(url, "https:");

    client->cancellable = g_cancellable_new();
    client->answer = g_byte_array_new();
    client->func = func;
    client->data = data;
    client->request = g_string_new(NULL);
    g_string_append_printf(client->request,
                           "%s %s HTTP/1.1\r\nContent-Length: %" G_GSIZE_FORMAT
                           "\r\nConnection: close\r\n\r\n",
                           method, target, length);
    g_string_append_len(client->request, body, (gssize) length);
    g_socket_client_set_enable_proxy(socket_client, FALSE);
    g_socket_client_set_tls(socket_client, secure);
    g_signal_connect(socket_client, "event", G_CALLBACK(on_event), NULL);
    g_socket_client_connect_to_uri_async(socket_client, url, secure ? 443 : 80, client->cancellable,
                                         on_connected, client);
    return client;
}

void
sim_client_forget(SimClient *client)
{
    client->func = NULL;
    g_cancellable_cancel(client->cancellable);
}
