#include "http/connection.h"

#include "http/pages.h"

#include <string.h>

#define CHUNK            (64 * 1024)
#define MAX_BUFFERED     (384 * 1024) /* the largest RPC body and its head */
#define HEAD_TIMEOUT_MS  10000        /* toolstack, xapi_globs.ml: header_read_timeout_tcp */
#define DRAIN_TIMEOUT_MS 2000

typedef enum {
    STATE_HEAD,
    STATE_BODY,
    STATE_STREAM,
    STATE_BUSY,    /* somebody works on the request */
    STATE_CLOSING, /* the answer leaves; what still comes in is read and forgotten */
    STATE_CLOSED,
} State;

struct _SimConnection {
    guint references;
    Sim *sim;
    const SimNode *node;
    GIOStream *stream;         /* plain or TLS */
    GSocketConnection *socket; /* beneath it */
    GCancellable *cancellable;
    SimRouter router;
    SimConnectionClosed closed;
    gpointer data;

    State state;
    SimHead *head;
    GByteArray *in;
    char *chunk;
    gboolean reading;
    gboolean ended; /* the client sends no more */
    gboolean first_request;
    guint timer;

    GByteArray *out;
    GByteArray *leaving; /* what is being written */
    SimConnectionFunc on_written;
    gpointer written_data;

    SimBodyFunc on_data;
    SimConnectionFunc on_end;
    gint64 stream_left;
    gpointer body_data;
    SimConnectionFunc on_gone;
    gpointer gone_data;
};

static void advance(SimConnection *connection);
static void fill(SimConnection *connection);

SimConnection *
sim_connection_ref(SimConnection *connection)
{
    connection->references++;
    return connection;
}

void
sim_connection_unref(SimConnection *connection)
{
    if (--connection->references > 0)
        return;
    g_clear_pointer(&connection->head, sim_head_free);
    g_byte_array_unref(connection->in);
    g_byte_array_unref(connection->out);
    g_clear_pointer(&connection->leaving, g_byte_array_unref);
    g_object_unref(connection->stream);
    g_object_unref(connection->socket);
    g_object_unref(connection->cancellable);
    g_free(connection->chunk);
    g_free(connection);
}

Sim *
sim_connection_sim(const SimConnection *connection)
{
    return connection->sim;
}

const SimNode *
sim_connection_node(const SimConnection *connection)
{
    return connection->node;
}

const SimHead *
sim_connection_head(const SimConnection *connection)
{
    return connection->head;
}

gboolean
sim_connection_is_closed(const SimConnection *connection)
{
    return connection->state == STATE_CLOSED;
}

static void
stop_timer(SimConnection *connection)
{
    sim_clock_cancel(connection->sim->clock, connection->timer);
    connection->timer = 0;
}

/* Only once no operation is under way: the number of a closed socket may be another's at once. */
static void
close_socket(SimConnection *connection)
{
    if (connection->state == STATE_CLOSED && !connection->reading && connection->leaving == NULL)
        g_socket_close(g_socket_connection_get_socket(connection->socket), NULL);
}

static void
tell_gone(SimConnection *connection)
{
    SimConnectionFunc func = connection->on_gone;

    connection->on_gone = NULL;
    if (func != NULL)
        func(connection, connection->gone_data);
}

void
sim_connection_drop(SimConnection *connection)
{
    g_autoptr(SimConnection) hold G_GNUC_UNUSED = sim_connection_ref(connection);
    SimConnectionFunc on_end = connection->on_end;

    if (connection->state == STATE_CLOSED)
        return;
    connection->state = STATE_CLOSED;
    stop_timer(connection);
    g_cancellable_cancel(connection->cancellable);
    close_socket(connection);
    connection->on_end = NULL;
    if (on_end != NULL)
        on_end(connection, connection->body_data);
    tell_gone(connection);
    connection->closed(connection, connection->data);
}

static void
on_timeout(gpointer data)
{
    SimConnection *connection = data;

    connection->timer = 0;
    if (connection->state != STATE_HEAD) {
        sim_connection_drop(connection);
        return;
    }
    connection->state = STATE_BUSY;
    sim_page_send(connection, SIM_PAGE_TIMEOUT, NULL);
}

/* (transfer full): for what is started on the stream */
static SimConnection *
begin_streaming(SimConnection *connection)
{
    connection->sim->streaming++;
    return sim_connection_ref(connection);
}

static void
begin_draining(SimConnection *connection)
{
    g_socket_shutdown(g_socket_connection_get_socket(connection->socket), FALSE, TRUE, NULL);
    stop_timer(connection);
    connection->timer =
        sim_clock_after_ms(connection->sim->clock, DRAIN_TIMEOUT_MS, on_timeout, connection);
    advance(connection);
}

static void
on_output_closed(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(SimConnection) connection = data;

    connection->sim->streaming--;
    g_output_stream_close_finish(G_OUTPUT_STREAM(source), result, NULL);
    if (connection->state == STATE_CLOSING)
        begin_draining(connection);
}

/* A close with bytes unread resets the connection and may take the answer with it; so the client
 * is given a moment to read it. TLS says its own goodbye first. */
static void
begin_closing(SimConnection *connection)
{
    connection->state = STATE_CLOSING;
    if (connection->stream == G_IO_STREAM(connection->socket))
        begin_draining(connection);
    else
        g_output_stream_close_async(g_io_stream_get_output_stream(connection->stream),
                                    G_PRIORITY_DEFAULT, connection->cancellable, on_output_closed,
                                    begin_streaming(connection));
}

static void flush(SimConnection *connection);

static void
on_flushed(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(SimConnection) connection = data;
    SimConnectionFunc func = connection->on_written;
    gboolean sent = g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, NULL);

    connection->sim->streaming--;
    g_clear_pointer(&connection->leaving, g_byte_array_unref);
    if (connection->state == STATE_CLOSED) {
        close_socket(connection);
        return;
    }
    if (!sent) {
        sim_connection_drop(connection);
        return;
    }
    if (connection->out->len > 0) {
        flush(connection);
        return;
    }
    connection->on_written = NULL;
    if (func != NULL)
        func(connection, connection->written_data);
}

static void
flush(SimConnection *connection)
{
    GOutputStream *output = g_io_stream_get_output_stream(connection->stream);

    if (connection->leaving != NULL || connection->out->len == 0)
        return;
    connection->leaving = g_steal_pointer(&connection->out);
    connection->out = g_byte_array_new();
    g_output_stream_write_all_async(output, connection->leaving->data, connection->leaving->len,
                                    G_PRIORITY_DEFAULT, connection->cancellable, on_flushed,
                                    begin_streaming(connection));
}

void
sim_connection_write(SimConnection *connection, const char *bytes, gsize length)
{
    if (connection->state == STATE_CLOSED)
        return;
    g_byte_array_append(connection->out, (const guint8 *) bytes, (guint) length);
    flush(connection);
}

void
sim_connection_when_written(SimConnection *connection, SimConnectionFunc func, gpointer data)
{
    if (connection->state == STATE_CLOSED)
        return;
    connection->on_written = func;
    connection->written_data = data;
    if (connection->leaving != NULL || connection->out->len > 0)
        return;
    connection->on_written = NULL;
    func(connection, data);
}

static void
close_when_written(SimConnection *connection, gpointer data)
{
    (void) data;
    begin_closing(connection);
}

static void
next_request(SimConnection *connection, gpointer data)
{
    (void) data;
    g_clear_pointer(&connection->head, sim_head_free);
    connection->state = STATE_HEAD;
    connection->first_request = FALSE;
    advance(connection);
}

void
sim_connection_finish(SimConnection *connection, gboolean keep)
{
    if (connection->state == STATE_CLOSED)
        return;
    connection->on_gone = NULL;
    connection->on_end = NULL;
    connection->state = STATE_BUSY;
    sim_connection_when_written(connection, keep ? next_request : close_when_written, NULL);
}

void
sim_connection_set_gone_func(SimConnection *connection, SimConnectionFunc func, gpointer data)
{
    connection->on_gone = func;
    connection->gone_data = data;
}

static void
take_head(SimConnection *connection)
{
    const char *bytes = (const char *) connection->in->data;
    gsize length = sim_head_measure(bytes, MIN(connection->in->len, SIM_MAX_HEAD + 4));

    if (length > SIM_MAX_HEAD || (length == 0 && connection->in->len > SIM_MAX_HEAD)) {
        stop_timer(connection);
        connection->state = STATE_BUSY;
        sim_page_send(connection, SIM_PAGE_TOO_LARGE, NULL);
        return;
    }
    if (length == 0) {
        if (connection->ended)
            sim_connection_drop(connection);
        return;
    }
    stop_timer(connection);
    connection->head = sim_head_parse(bytes, length);
    if (connection->head == NULL) {
        /* captures: http_garbage: closed without a word */
        sim_connection_drop(connection);
        return;
    }
    g_byte_array_remove_range(connection->in, 0, (guint) length);
    connection->state = STATE_BUSY;
    connection->router(connection, connection->data);
}

static void
take_body(SimConnection *connection)
{
    gsize length = (gsize) connection->head->content_length;
    g_autoptr(GByteArray) body = NULL;
    SimBodyFunc func = connection->on_data;

    if (connection->in->len < length) {
        if (connection->ended)
            sim_connection_drop(connection);
        return;
    }
    body = g_byte_array_sized_new((guint) length + 1);
    g_byte_array_append(body, connection->in->data, (guint) length);
    g_byte_array_remove_range(connection->in, 0, (guint) length);
    g_byte_array_append(body, (const guint8 *) "", 1);
    connection->state = STATE_BUSY;
    connection->on_data = NULL;
    func(connection, (const char *) body->data, length, connection->body_data);
}

static void
end_stream(SimConnection *connection)
{
    SimConnectionFunc on_end = connection->on_end;

    connection->state = STATE_BUSY;
    connection->on_end = NULL;
    connection->on_data = NULL;
    if (on_end != NULL)
        on_end(connection, connection->body_data);
}

static void
take_stream(SimConnection *connection)
{
    gsize length = (gsize) MIN((gint64) connection->in->len, connection->stream_left);

    if (length > 0) {
        g_autoptr(GByteArray) piece = g_steal_pointer(&connection->in);

        connection->in = g_byte_array_new();
        g_byte_array_append(connection->in, piece->data + length, piece->len - (guint) length);
        connection->stream_left -= (gint64) length;
        connection->on_data(connection, (const char *) piece->data, length, connection->body_data);
    }
    if (connection->state == STATE_STREAM && (connection->stream_left == 0 || connection->ended))
        end_stream(connection);
}

/* Does what can be done with what has come in. */
static void
advance(SimConnection *connection)
{
    g_autoptr(SimConnection) hold G_GNUC_UNUSED = sim_connection_ref(connection);
    State before;

    do {
        before = connection->state;
        switch (connection->state) {
        case STATE_HEAD: take_head(connection); break;
        case STATE_BODY: take_body(connection); break;
        case STATE_STREAM: take_stream(connection); break;
        case STATE_CLOSING:
            g_byte_array_set_size(connection->in, 0);
            if (connection->ended)
                sim_connection_drop(connection);
            break;
        case STATE_BUSY:
            if (connection->ended)
                tell_gone(connection);
            break;
        case STATE_CLOSED: return;
        }
    } while (connection->state != before && connection->state != STATE_BUSY);
    fill(connection);
}

static void
on_filled(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(SimConnection) connection = data;
    gssize length = g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);

    connection->sim->streaming--;
    connection->reading = FALSE;
    if (connection->state == STATE_CLOSED) {
        close_socket(connection);
        return;
    }
    if (length > 0)
        g_byte_array_append(connection->in, (const guint8 *) connection->chunk, (guint) length);
    else
        connection->ended = TRUE;
    advance(connection);
}

/* A read is always under way, so that the client's end is noticed, unless the buffer is full. */
static void
fill(SimConnection *connection)
{
    GInputStream *input = g_io_stream_get_input_stream(connection->stream);

    if (connection->reading || connection->ended || connection->state == STATE_CLOSED ||
        connection->in->len >= MAX_BUFFERED)
        return;
    connection->reading = TRUE;
    g_input_stream_read_async(input, connection->chunk, CHUNK, G_PRIORITY_DEFAULT,
                              connection->cancellable, on_filled, begin_streaming(connection));
}

void
sim_connection_read_body(SimConnection *connection, SimBodyFunc func, gpointer data)
{
    connection->state = STATE_BODY;
    connection->on_data = func;
    connection->body_data = data;
}

void
sim_connection_stream_body(SimConnection *connection, gint64 length, SimBodyFunc on_data,
                           SimConnectionFunc on_end, gpointer data)
{
    if (connection->state == STATE_CLOSED)
        return;
    connection->state = STATE_STREAM;
    connection->stream_left = length;
    connection->on_data = on_data;
    connection->on_end = on_end;
    connection->body_data = data;
    advance(connection);
}

void
sim_connection_stop_stream(SimConnection *connection)
{
    if (connection->state == STATE_STREAM)
        connection->state = STATE_BUSY;
    connection->on_data = NULL;
    connection->on_end = NULL;
}

SimConnection *
sim_connection_new(Sim *sim, const SimNode *node, GSocketConnection *socket, GIOStream *stream,
                   SimRouter router, SimConnectionClosed closed, gpointer data)
{
    SimConnection *connection = g_new0(SimConnection, 1);

    connection->references = 1;
    connection->sim = sim;
    connection->node = node;
    connection->socket = g_object_ref(socket);
    connection->stream = g_object_ref(stream);
    connection->cancellable = g_cancellable_new();
    connection->router = router;
    connection->closed = closed;
    connection->data = data;
    connection->in = g_byte_array_new();
    connection->out = g_byte_array_new();
    connection->chunk = g_malloc(CHUNK);
    connection->first_request = TRUE;
    connection->timer = sim_clock_after_ms(sim->clock, HEAD_TIMEOUT_MS, on_timeout, connection);
    fill(connection);
    return connection;
}
