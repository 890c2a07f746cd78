#include "data/console.h"

#include "data/rfb.h"
#include "data/transfer.h"
#include "http/pages.h"

#include <string.h>

#define MAX_TYPED 65536

typedef struct {
    SimConnection *connection;
    SimRfb *rfb; /* NULL: a serial line */
    gboolean sending;
    GByteArray *typed; /* of a serial line: what came in meanwhile, to be echoed */
} Console;

static void
console_free(Console *console)
{
    g_clear_pointer(&console->rfb, sim_rfb_free);
    g_byte_array_unref(console->typed);
    sim_connection_unref(console->connection);
    g_free(console);
}

static void wait_until_sent(Console *console);

static void
send_bytes(const char *bytes, gsize length, gpointer data)
{
    Console *console = data;

    console->sending = TRUE;
    sim_connection_write(console->connection, bytes, length);
}

static void
echo(Console *console)
{
    if (console->sending || console->typed->len == 0)
        return;
    send_bytes((const char *) console->typed->data, console->typed->len, console);
    g_byte_array_set_size(console->typed, 0);
}

static void
on_written(SimConnection *connection, gpointer data)
{
    Console *console = data;

    (void) connection;
    console->sending = FALSE;
    if (console->rfb != NULL)
        sim_rfb_sent(console->rfb);
    else
        echo(console);
    wait_until_sent(console);
}

static void
wait_until_sent(Console *console)
{
    if (console->sending)
        sim_connection_when_written(console->connection, on_written, console);
}

static void
on_data(SimConnection *connection, const char *bytes, gsize length, gpointer data)
{
    Console *console = data;

    if (console->rfb != NULL && !sim_rfb_take(console->rfb, bytes, length)) {
        sim_connection_drop(connection);
        return;
    }
    if (console->rfb == NULL && console->typed->len + length <= MAX_TYPED)
        g_byte_array_append(console->typed, (const guint8 *) bytes, (guint) length);
    if (console->rfb == NULL)
        echo(console);
    wait_until_sent(console);
}

static void
on_end(SimConnection *connection, gpointer data)
{
    sim_connection_drop(connection);
    console_free(data);
}

static void
start(SimConnection *connection, const SimObject *record)
{
    const char *head = "Connection: close\r\nCache-Control: no-cache, no-store\r\n\r\n";
    const SimObject *vm = sim_object_follow(record, "VM");
    const char *name = sim_object_text(vm, "name_label");
    g_autofree char *greeting = g_strdup_printf("\r\n%s login: ", name);
    Console *console = g_new0(Console, 1);

    console->connection = sim_connection_ref(connection);
    console->typed = g_byte_array_new();
    sim_page_status_line(connection, "200 OK");
    sim_connection_write(connection, head, strlen(head));
    if (strcmp(sim_object_text(record, "protocol"), "rfb") == 0)
        console->rfb = sim_rfb_new(name, send_bytes, console);
    else
        send_bytes(greeting, strlen(greeting), console);
    wait_until_sent(console);
    sim_connection_stream_body(connection, G_MAXINT64, on_data, on_end, console);
}

/* ---- which one ---- */

static const SimObject *
find_screen(const SimObject *vm)
{
    g_autoptr(GPtrArray) consoles = sim_object_follow_all(vm, "consoles");

    for (guint i = 0; i < consoles->len; i++) {
        const SimObject *console = g_ptr_array_index(consoles, i);

        if (strcmp(sim_object_text(console, "protocol"), "rfb") == 0)
            return console;
    }
    return NULL;
}

/* "ref" and "uuid" name a console or a machine. */
static const SimObject *
find_named(const SimDatabase *db, const SimHead *head, const char *class_name)
{
    const char *ref = sim_head_parameter(head, "ref");
    const char *uuid = sim_head_parameter(head, "uuid");

    if (ref != NULL)
        return sim_db_find(db, class_name, ref);
    return uuid != NULL ? sim_db_find_uuid(db, class_name, uuid) : NULL;
}

static void
send_not_found(SimConnection *connection)
{
    const char *page = "HTTP/1.0 404 Not Found\r\nConnection: close\r\n"
                       "Cache-Control: no-cache, no-store\r\n\r\n";

    sim_connection_write(connection, page, strlen(page));
    sim_connection_finish(connection, FALSE);
}

static gboolean
is_here(SimConnection *connection, const SimObject *vm)
{
    Sim *sim = sim_connection_sim(connection);
    const char *state = sim_object_text(vm, "power_state");

    return (strcmp(state, "Running") == 0 || strcmp(state, "Paused") == 0) &&
           sim_object_follow(vm, "resident_on") ==
               sim_node_host(sim, sim_connection_node(connection));
}

/* xenapi-protocol 5.5: no redirect to the host that runs it. */
static void
connect_console(SimConnection *connection)
{
    Sim *sim = sim_connection_sim(connection);
    const SimHead *head = sim_connection_head(connection);
    const SimObject *console;
    const SimObject *vm;

    if (sim_transfer_authenticate(connection, "connect_console", SIM_ROLE_VM_OPERATOR) == NULL)
        return;
    console = find_named(sim->db, head, "console");
    vm = console != NULL ? sim_object_follow(console, "VM") : find_named(sim->db, head, "VM");
    if (vm == NULL) {
        send_not_found(connection);
    } else if (sim_object_bool(vm, "is_control_domain") &&
               !sim_transfer_may(connection, SIM_ROLE_POOL_ADMIN)) {
        sim_page_send(connection, SIM_PAGE_FORBIDDEN, NULL);
    } else if (!is_here(connection, vm)) {
        sim_page_send(connection, SIM_PAGE_INTERNAL, "VM_BAD_POWER_STATE");
    } else {
        console = console != NULL ? console : find_screen(vm);
        if (console != NULL)
            start(connection, console);
        else
            send_not_found(connection);
    }
}

const SimRoute sim_console_routes[] = {
    {"CONNECT", "/console", connect_console},
    {NULL, NULL, NULL},
};
