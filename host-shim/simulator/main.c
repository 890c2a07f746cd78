/* xapi-sim: options, start, ready line, end. */
#include "api/allowed.h"
#include "api/backend.h"
#include "api/families.h"
#include "api/placement.h"
#include "control/control.h"
#include "control/home.h"
#include "core/build.h"
#include "core/faults.h"
#include "core/state.h"
#include "data/console.h"
#include "data/disk.h"
#include "data/rrd.h"
#include "data/services.h"
#include "data/targets.h"
#include "data/transfer.h"
#include "http/server.h"
#include "wire/rpc.h"

#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE      2
#define MAX_HOSTS       64
#define MAX_SOCKET_PATH 107 /* of a sockaddr_un */
#define DEFAULT_SIZE    G_GINT64_CONSTANT(270553174016)

typedef struct {
    SimOptions options;
    SimHome *home;
    Sim *sim;
    GPtrArray *pins;
    GMainLoop *loop;
} Program;

#define FAULTS_EXAMPLE                                                                             \
    "[{\"method\":\"VDI.create\",\"action\":\"error\",\"error\":[\"SR_FULL\",\"2\",\"1\"],"        \
    "\"count\":0},\n"                                                                              \
    "   {\"method\":\"VM.start\",\"action\":\"drop\",\"when\":\"after\",\"nth\":2}]"

static const char description[] =
    "Examples:\n"
    "  xapi-sim                              three nodes, plain HTTP, nothing kept\n"
    "  xapi-sim --tls --state /tmp/pool      TLS; the pool is still there next time\n"
    "  xapi-sim --hosts 1 --port 8080        one node on a port of your choice\n"
    "  xapi-sim --faults faults.json         with faults from the start\n"
    "\n"
    "One line of JSON on standard output tells where the pool listens and how to log in.\n"
    "FILE of --faults is a JSON array of rules, each an object:\n"
    "  method  which request: \"VM.create\", \"/import_raw_vdi\", \"*\" for any call of an "
    "operation\n"
    "  nth     the first that goes wrong (1)      count  how many from there on (1); 0: all\n"
    "  when    \"before\" it is executed, or \"after\": done, and the answer is lost (before);\n"
    "          \"hold\" also in the \"middle\", before step number \"step\" (0) or, with fewer, "
    "the end\n"
    "  action  error, drop, hold, garbage, status, redirect, truncate, double, task-fail,\n"
    "          task-hang, task-vanish, stop-after\n"
    "  error   code and parameters of XenAPI      bytes  of a transfer: after how many\n"
    "  id      name for the control socket's \"wait\" and \"release\" of what is held\n"
    "For example, no disk can be made, and the second start loses its answer:\n"
    "  " FAULTS_EXAMPLE "\n"
    "\n"
    "A control socket in the state directory takes commands, one JSON object a line:\n"
    "  {\"cmd\":\"stats\"}  {\"cmd\":\"dump\"}  {\"cmd\":\"clock\",\"advance\":60}\n";

#define OPTION(name, kind, field, text, value)                                                     \
    {                                                                                              \
        name, 0, 0, G_OPTION_ARG_##kind, &options->field, text, value                              \
    }

static gboolean
parse_options(Program *program, int *argc, char ***argv, GError **error)
{
    SimOptions *options = &program->options;
    const GOptionEntry entries[] = {
        OPTION("hosts", INT, hosts, "Nodes of the pool, 1 to 64 (3)", "N"),
        OPTION("tls", NONE, tls, "Serve TLS with certificates of our own", NULL),
        OPTION("state", FILENAME, state, "Keep the pool in DIR (else in a temporary one)", "DIR"),
        OPTION("faults", FILENAME, faults, "Begin with the fault rules of FILE", "FILE"),
        OPTION("address", STRING, address, "Address of the first node (127.0.0.1)", "IP"),
        OPTION("port", INT, port, "Port of all nodes; 0: choose (0)", "P"),
        OPTION("pace", DOUBLE, pace_ms, "Time that an operation on a guest takes (0)", "MS"),
        OPTION("storage-pace", DOUBLE, storage_pace_ms, "Time that one on storage takes (0)", "MS"),
        OPTION("event-delay", DOUBLE, event_delay_ms, "Pause of a poll after it wakes (50)", "MS"),
        OPTION("time", INT64, time_s, "When the pool begins, since 1970 (now)", "SECONDS"),
        OPTION("stopped-clock", NONE, stopped_clock, "Time passes by command only", NULL),
        OPTION("local-size", INT64, local_size, "Size of each node's local storage", "BYTES"),
        OPTION("shared-size", INT64, shared_size, "Size of the shared storage", "BYTES"),
        OPTION("capture-profile", NONE, capture_profile, "Look like the recorded pool", NULL),
        OPTION("linger", INT, linger_s, "End this long after the last control client", "SECONDS"),
        OPTION("ready-fd", INT, ready_fd, "Where the ready line goes (1)", "FD"),
        OPTION("seed", INT64, seed, "The same references and uuids each time", "N"),
        OPTION("version", NONE, version, "Print the version and do nothing", NULL),
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- a strict simulated XenServer pool");

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(context, description);
    return g_option_context_parse(context, argc, argv, error);
}

static const char *
check_options(const SimOptions *options, int argc)
{
    g_autofree char *address = sim_build_address(options->address, 1);

    if (argc > 1)
        return "no arguments are taken";
    if (options->hosts < 1 || options->hosts > MAX_HOSTS)
        return "--hosts takes 1 to 64";
    if (address == NULL)
        return "--address takes an IPv4 address";
    if (options->port > 65535)
        return "--port takes 0 to 65535";
    if (options->pace_ms < 0 || options->storage_pace_ms < 0 || options->event_delay_ms < 0)
        return "a time cannot be negative";
    if (options->local_size <= 0 || options->shared_size <= 0)
        return "a size must be positive";
    if ((gint) options->linger_s < 0 || options->ready_fd < 0)
        return "--linger and --ready-fd take no negative number";
    return NULL;
}

static gboolean
read_faults(Sim *sim, GError **error)
{
    g_autofree char *problem = NULL;
    g_autoptr(SimValue) rules = NULL;

    if (sim->options.faults == NULL)
        return TRUE;
    rules = sim_json_read(sim->options.faults, error);
    if (rules == NULL)
        return FALSE;
    if (sim_value_kind(rules) != SIM_ARRAY)
        problem = g_strdup("a JSON array of rules is expected");
    for (guint i = 0; problem == NULL && i < sim_value_size(rules); i++)
        sim_faults_add(sim->faults, sim_value_at(rules, i), &problem);
    if (problem == NULL)
        return TRUE;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", sim->options.faults, problem);
    return FALSE;
}

/* The pool of last time, or a new one. */
static gboolean
load_pool(Program *program, GError **error)
{
    Sim *sim = program->sim;
    g_autofree char *path = sim_home_file(program->home, "pool.json");
    g_autofree char *disks = sim_home_file(program->home, "disks");
    g_autofree char *targets = sim_home_file(program->home, "targets.json");
    GError *problem = NULL;

    sim->state = sim_state_new(sim, program->home->temporary ? NULL : path);
    sim->disks = sim_disks_new(disks);
    sim->targets = sim_targets_new(targets);
    sim_state_add_part(sim->state, &sim_shelf_part);
    if (!sim_targets_load(sim->targets, error))
        return FALSE;
    if (sim_state_load(sim->state, &problem) && sim_build_nodes(sim))
        return TRUE;
    if (problem != NULL) {
        g_propagate_error(error, problem);
        return FALSE;
    }
    sim_build_pool(sim);
    sim_update_all_allowed(sim);
    sim_hosts_update_memory(sim);
    return sim_state_save(sim->state, error);
}

/* What the pool says of its certificates is true of those that it shows. */
static void
publish_certificate(const SimObject *host, GTlsCertificate *shown)
{
    g_autoptr(GPtrArray) records = sim_object_follow_all(host, "certificates");
    g_autoptr(GByteArray) der = NULL;
    g_autoptr(GBytes) bytes = NULL;

    g_object_get(shown, "certificate", &der, NULL);
    bytes = g_bytes_new(der->data, der->len);
    for (guint i = 0; i < records->len; i++) {
        if (strcmp(sim_object_text(g_ptr_array_index(records, i), "type"), "host") == 0)
            sim_certificate_set(g_ptr_array_index(records, i), bytes);
    }
}

static void
publish_certificates(Sim *sim, const GPtrArray *shown)
{
    for (guint i = 0; i < sim->nodes->len; i++)
        publish_certificate(sim_node_host(sim, g_ptr_array_index(sim->nodes, i)),
                            g_ptr_array_index(shown, i));
}

static gboolean
serve(Program *program, GError **error)
{
    Sim *sim = program->sim;
    GPtrArray *certificates;

    sim->server = sim_server_new(sim);
    sim_server_add_routes(sim->server, sim_transfer_routes);
    sim_server_add_routes(sim->server, sim_rrd_routes);
    sim_server_add_routes(sim->server, sim_console_routes);
    sim_server_add_routes(sim->server, sim_service_routes);
    if (sim->options.tls) {
        certificates = sim_home_read_certificates(program->home, sim, &program->pins, error);
        if (certificates == NULL)
            return FALSE;
        publish_certificates(sim, certificates);
        sim_server_set_certificates(sim->server, certificates);
    }
    return sim_server_listen(sim->server, error);
}

static SimValue *
describe_node(Program *program, guint index)
{
    const SimNode *node = g_ptr_array_index(program->sim->nodes, index);
    const SimObject *host = sim_node_host(program->sim, node);
    SimValue *value =
        sim_string_map("uuid", sim_object_text(host, "uuid"), "name",
                       sim_object_text(host, "name_label"), "address", node->address, NULL);

    if (program->pins != NULL)
        sim_map_set_string(value, "pin", g_ptr_array_index(program->pins, index));
    return value;
}

static SimValue *
describe_pool(Program *program, const char *control)
{
    Sim *sim = program->sim;
    g_autofree char *url = sim_node_url(sim, sim_coordinator(sim));
    g_autofree char *password_file = sim_home_file(program->home, "password");
    g_autofree char *ca = sim_home_file(program->home, "ca.pem");
    SimValue *ready =
        sim_string_map("url", url, "coordinator", sim_coordinator(sim)->address, NULL);
    SimValue *nodes = sim_array();

    sim_map_add(ready, "port", sim_int(sim->port));
    if (sim->options.tls)
        sim_map_set_string(ready, "ca", ca);
    sim_map_set_string(ready, "user", "root");
    sim_map_set_string(ready, "password_file", password_file);
    sim_map_set_string(ready, "control", control);
    for (guint i = 0; i < sim->nodes->len; i++)
        sim_array_add(nodes, describe_node(program, i));
    sim_map_add(ready, "nodes", nodes);
    return ready;
}

static gboolean
write_ready(const Program *program, const SimValue *ready, GError **error)
{
    g_autoptr(GString) line = g_string_new(NULL);
    int fd = program->options.ready_fd;
    gsize done = 0;

    sim_json_print(line, ready);
    g_string_append_c(line, '\n');
    while (done < line->len) {
        gssize written = write(fd, line->str + done, line->len - done);

        if (written <= 0) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot write the ready line");
            return FALSE;
        }
        done += (gsize) written;
    }
    /* Whoever waits for the end of the line's pipe need not wait for ours. */
    if (fd != STDOUT_FILENO)
        close(fd);
    return TRUE;
}

static void
end(gpointer data)
{
    Program *program = data;

    g_main_loop_quit(program->loop);
}

static gboolean
on_signal(gpointer data)
{
    end(data);
    return G_SOURCE_CONTINUE;
}

static gboolean
begin(Program *program, GError **error)
{
    Sim *sim;
    g_autofree char *control = NULL;
    g_autoptr(SimValue) ready = NULL;

    program->home = sim_home_open(program->options.state, error);
    if (program->home == NULL)
        return FALSE;
    control = sim_home_file(program->home, "control.sock");
    if (strlen(control) > MAX_SOCKET_PATH) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
                    "%s is too long for the name of a socket", control);
        return FALSE;
    }
    sim = program->sim = sim_new(&program->options);
    sim_families_register(sim);
    if (!sim_home_read_passwords(program->home, sim, error) || !load_pool(program, error) ||
        !read_faults(sim, error) || !serve(program, error))
        return FALSE;
    ready = describe_pool(program, control);
    sim->control = sim_control_new(sim, control, ready, error);
    if (sim->control == NULL)
        return FALSE;
    sim_control_set_end(sim->control, end, program);
    return write_ready(program, ready, error);
}

/* What was closed ends in the turns of the loop that follow. */
static void
finish(Program *program)
{
    Sim *sim = program->sim;
    g_autoptr(GError) error = NULL;

    if (sim != NULL) {
        g_clear_pointer(&sim->control, sim_control_free);
        g_clear_pointer(&sim->server, sim_server_free);
        if (sim->state != NULL && sim->nodes->len > 0 && !sim_state_save(sim->state, &error))
            g_printerr("xapi-sim: cannot save the pool: %s\n", error->message);
        /* no thread is to be in the middle of anything when we end */
        while (g_main_context_iteration(NULL, sim->streaming > 0))
            ;
        g_clear_pointer(&sim->disks, sim_disks_free);
        g_clear_pointer(&sim->targets, sim_targets_free);
        sim_free(sim);
    }
    g_clear_pointer(&program->pins, g_ptr_array_unref);
    g_clear_pointer(&program->home, sim_home_close);
    g_free(program->options.address);
    g_free(program->options.state);
    g_free(program->options.faults);
}

static int
run(Program *program)
{
    g_autoptr(GError) error = NULL;
    gboolean begun;

    program->loop = g_main_loop_new(NULL, FALSE);
    g_unix_signal_add(SIGTERM, on_signal, program);
    g_unix_signal_add(SIGINT, on_signal, program);
    begun = begin(program, &error);
    if (begun)
        g_main_loop_run(program->loop);
    else /* a parser has lines of its own */
        g_printerr("xapi-sim: %s\n", g_strdelimit(error->message, "\n", ' '));
    finish(program);
    g_main_loop_unref(program->loop);
    return begun ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    Program program = {0};
    g_autoptr(GError) error = NULL;
    const char *problem;

    setlocale(LC_ALL, "");
    umask(077); /* whoever writes for us, openssl too: nothing here is for others */
    program.options.hosts = 3;
    program.options.event_delay_ms = 50;
    program.options.local_size = program.options.shared_size = DEFAULT_SIZE;
    program.options.ready_fd = STDOUT_FILENO;
    program.options.seed = -1;
    if (!parse_options(&program, &argc, &argv, &error)) {
        g_printerr("xapi-sim: %s\n", error->message);
        return EXIT_USAGE;
    }
    if (program.options.version) {
        g_print("xapi-sim %s\n", HVD_VERSION);
        return EXIT_SUCCESS;
    }
    if (program.options.address == NULL)
        program.options.address = g_strdup("127.0.0.1");
    problem = check_options(&program.options, argc);
    if (problem != NULL) {
        g_printerr("xapi-sim: %s\n", problem);
        return EXIT_USAGE;
    }
    return run(&program);
}
