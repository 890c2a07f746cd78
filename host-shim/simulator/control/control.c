#include "control/control.h"

#include "core/call.h"
#include "core/faults.h"
#include "wire/rpc.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_LINE (4 * 1024 * 1024)
#define CHUNK    (64 * 1024)

struct _SimControlClient {
    guint references;
    SimControl *control; /* NULL: gone */
    GSocketConnection *connection;
    GCancellable *cancellable;
    GByteArray *in;
    GByteArray *out;
    GByteArray *leaving;
    char *chunk;
    gboolean busy;   /* with a command: the next one waits */
    gboolean taking; /* lines: an answer that comes meanwhile leaves the next one to the loop */
};

struct _SimControl {
    Sim *sim;
    char *path;
    SimValue *ready;
    GSocketService *service;
    GPtrArray *clients;
    guint linger_timer;
    void (*on_end)(gpointer data);
    gpointer end_data;
};

static void take_lines(SimControlClient *client);
static void fill(SimControlClient *client);

static void
client_unref(SimControlClient *client)
{
    if (--client->references > 0)
        return;
    g_object_unref(client->connection);
    g_object_unref(client->cancellable);
    g_byte_array_unref(client->in);
    g_byte_array_unref(client->out);
    g_clear_pointer(&client->leaving, g_byte_array_unref);
    g_free(client->chunk);
    g_free(client);
}

static SimControlClient *
client_ref(SimControlClient *client)
{
    client->references++;
    return client;
}

static gboolean
on_linger(gpointer data)
{
    SimControl *control = data;

    control->linger_timer = 0;
    control->on_end(control->end_data);
    return G_SOURCE_REMOVE;
}

/* Real time: it is about processes, not about the pool. */
static void
watch_linger(SimControl *control)
{
    guint seconds = control->sim->options.linger_s;

    g_clear_handle_id(&control->linger_timer, g_source_remove);
    if (seconds > 0 && control->clients->len == 0 && control->on_end != NULL)
        control->linger_timer = g_timeout_add_seconds(seconds, on_linger, control);
}

static void
client_close(SimControlClient *client)
{
    SimControl *control = client->control;

    if (control == NULL)
        return;
    client->control = NULL;
    sim_faults_forget_waiter(control->sim->faults, client);
    sim_clock_forget(control->sim->clock, client);
    sim_calls_forget(control->sim->calls, client);
    g_cancellable_cancel(client->cancellable);
    g_ptr_array_remove(control->clients, client);
    watch_linger(control);
    client_unref(client);
}

Sim *
sim_control_client_sim(SimControlClient *client)
{
    return client->control->sim;
}

const SimValue *
sim_control_client_ready(SimControlClient *client)
{
    return client->control->ready;
}

static void flush(SimControlClient *client);

static void
on_flushed(GObject *source, GAsyncResult *result, gpointer data)
{
    SimControlClient *client = data;
    gboolean sent = g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, NULL);

    g_clear_pointer(&client->leaving, g_byte_array_unref);
    if (client->control != NULL && !sent)
        client_close(client);
    else if (client->control != NULL)
        flush(client);
    client_unref(client);
}

static void
flush(SimControlClient *client)
{
    if (client->leaving != NULL || client->out->len == 0)
        return;
    client->leaving = g_steal_pointer(&client->out);
    client->out = g_byte_array_new();
    g_output_stream_write_all_async(g_io_stream_get_output_stream(G_IO_STREAM(client->connection)),
                                    client->leaving->data, client->leaving->len, G_PRIORITY_DEFAULT,
                                    client->cancellable, on_flushed, client_ref(client));
}

void
sim_control_answer(SimControlClient *client, SimValue *answer)
{
    g_autoptr(SimValue) taken = answer;
    g_autoptr(GString) text = g_string_new(NULL);

    if (client->control == NULL)
        return;
    sim_json_print(text, taken);
    g_string_append_c(text, '\n');
    g_byte_array_append(client->out, (const guint8 *) text->str, (guint) text->len);
    client->busy = FALSE;
    flush(client);
    if (!client->taking)
        take_lines(client);
}

void
sim_control_answer_ok(SimControlClient *client)
{
    SimValue *answer = sim_map();

    sim_map_add(answer, "ok", sim_bool(TRUE));
    sim_control_answer(client, answer);
}

void
sim_control_answer_problem(SimControlClient *client, const char *problem)
{
    SimValue *answer = sim_map();

    sim_map_add(answer, "ok", sim_bool(FALSE));
    sim_map_add(answer, "problem", sim_string(problem));
    sim_control_answer(client, answer);
}

void
sim_control_end(SimControlClient *client)
{
    SimControl *control = client->control;

    sim_control_answer_ok(client);
    if (control->on_end != NULL)
        control->on_end(control->end_data);
}

static void
run_command(SimControlClient *client, const SimValue *command)
{
    const char *name = sim_map_get_text(command, "cmd");
    g_autofree char *problem = NULL;

    for (const SimCommand *known = sim_commands; name != NULL && known->name != NULL; known++) {
        if (strcmp(known->name, name) == 0) {
            known->run(client, command);
            return;
        }
    }
    problem = g_strdup_printf("no command \"%s\"", name != NULL ? name : "");
    sim_control_answer_problem(client, problem);
}

static void
take_line(SimControlClient *client, const char *line, gsize length)
{
    g_autofree char *problem = NULL;
    g_autoptr(SimValue) command = sim_json_parse(line, length, &problem);

    client->busy = TRUE;
    if (command == NULL)
        sim_control_answer_problem(client, problem);
    else
        run_command(client, command);
}

static void
take_lines(SimControlClient *client)
{
    client_ref(client);
    client->taking = TRUE;
    while (client->control != NULL && !client->busy) {
        guint8 *end = client->in->len > 0 ? memchr(client->in->data, '\n', client->in->len) : NULL;
        gsize length;
        g_autofree char *line = NULL;

        if (end == NULL)
            break;
        length = (gsize) (end - client->in->data);
        line = g_strndup((const char *) client->in->data, length);
        g_byte_array_remove_range(client->in, 0, (guint) length + 1);
        take_line(client, line, length);
    }
    client->taking = FALSE;
    client_unref(client);
}

static void
on_filled(GObject *source, GAsyncResult *result, gpointer data)
{
    SimControlClient *client = data;
    gssize length = g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);

    if (client->control != NULL && (length <= 0 || client->in->len > MAX_LINE)) {
        client_close(client);
    } else if (client->control != NULL) {
        g_byte_array_append(client->in, (const guint8 *) client->chunk, (guint) length);
        take_lines(client);
        if (client->control != NULL)
            fill(client);
    }
    client_unref(client);
}

static void
fill(SimControlClient *client)
{
    g_input_stream_read_async(g_io_stream_get_input_stream(G_IO_STREAM(client->connection)),
                              client->chunk, CHUNK, G_PRIORITY_DEFAULT, client->cancellable,
                              on_filled, client_ref(client));
}

static gboolean
on_incoming(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
    SimControl *control = data;
    SimControlClient *client = g_new0(SimControlClient, 1);

    (void) service;
    (void) source;
    client->references = 1;
    client->control = control;
    client->connection = g_object_ref(connection);
    client->cancellable = g_cancellable_new();
    client->in = g_byte_array_new();
    client->out = g_byte_array_new();
    client->chunk = g_malloc(CHUNK);
    g_ptr_array_add(control->clients, client);
    watch_linger(control);
    fill(client);
    return TRUE;
}

SimControl *
sim_control_new(Sim *sim, const char *path, const SimValue *ready, GError **error)
{
    SimControl *control;
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GSocketService) service = g_socket_service_new();
    mode_t mask;
    gboolean bound;

    g_unlink(path); /* we hold the directory's lock: a socket that is there is a dead one's */
    mask = umask(0177);
    bound = g_socket_listener_add_address(G_SOCKET_LISTENER(service), address, G_SOCKET_TYPE_STREAM,
                                          G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error);
    umask(mask);
    if (!bound)
        return NULL;
    control = g_new0(SimControl, 1);
    control->sim = sim;
    control->path = g_strdup(path);
    control->ready = sim_value_ref(ready);
    control->service = g_steal_pointer(&service);
    control->clients = g_ptr_array_new();
    g_signal_connect(control->service, "incoming", G_CALLBACK(on_incoming), control);
    g_socket_service_start(control->service);
    return control;
}

void
sim_control_set_end(SimControl *control, void (*func)(gpointer data), gpointer data)
{
    control->on_end = func;
    control->end_data = data;
}

void
sim_control_free(SimControl *control)
{
    control->on_end = NULL;
    while (control->clients->len > 0)
        client_close(g_ptr_array_index(control->clients, 0));
    g_clear_handle_id(&control->linger_timer, g_source_remove);
    g_signal_handlers_disconnect_by_data(control->service, control);
    g_socket_service_stop(control->service);
    g_socket_listener_close(G_SOCKET_LISTENER(control->service));
    g_object_unref(control->service);
    g_ptr_array_unref(control->clients);
    g_unlink(control->path);
    sim_value_unref(control->ready);
    g_free(control->path);
    g_free(control);
}
