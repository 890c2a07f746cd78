#include "simulated.h"

#include "hvd-driver.h"

#include <gio/gunixsocketaddress.h>
#include <json-glib/json-glib.h>
#include <string.h>

/* How long the pool waits for the next command before it ends. */
#define LINGER_S "2"
/* What an operation on a simulated guest takes: enough to see its progress. */
#define PACE_MS "100"

struct _Simulated {
    char *directory;
    GSocketConnection *control; /* while it is open the pool stays */
    JsonParser *parser;
    JsonObject *ready;
};

void
simulated_free(Simulated *simulated)
{
    if (simulated->control != NULL)
        g_io_stream_close(G_IO_STREAM(simulated->control), NULL, NULL);
    g_clear_object(&simulated->control);
    g_clear_object(&simulated->parser);
    g_free(simulated->directory);
    g_free(simulated);
}

/* ---- finding the program ---- */

static char *
find_program(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *directory = g_path_get_dirname(self != NULL ? self : ".");
    g_autofree char *built = g_build_filename(directory, "simulator", "xapi-sim", NULL);
    g_autofree char *installed = g_build_filename(directory, "xapi-sim", NULL);

    if (g_file_test(built, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer(&built);
    if (g_file_test(installed, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer(&installed);
    return g_find_program_in_path("xapi-sim");
}

static gboolean
start(const char *directory, GError **error)
{
    g_autofree char *program = find_program();
    g_autoptr(GSubprocess) process = NULL;
    g_autoptr(GDataInputStream) output = NULL;
    g_autofree char *line = NULL;

    if (program == NULL) {
        g_set_error_literal(error, HVD_ERROR, HVD_ERROR_NOT_FOUND,
                            "the simulated pool needs the program xapi-sim, which is not there");
        return FALSE;
    }
    process = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, error, program, "--tls", "--state",
                               directory, "--linger", LINGER_S, "--pace", PACE_MS, NULL);
    if (process == NULL)
        return FALSE;
    output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(process));
    line = g_data_input_stream_read_line(output, NULL, NULL, NULL);
    if (line != NULL)
        return TRUE;
    g_set_error_literal(error, HVD_ERROR, HVD_ERROR_NOT_REACHABLE,
                        "the simulated pool did not start");
    return FALSE;
}

/* ---- joining it ---- */

static gboolean
join(Simulated *simulated, GError **error)
{
    g_autofree char *path = g_build_filename(simulated->directory, "control.sock", NULL);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GDataInputStream) input = NULL;
    g_autofree char *line = NULL;
    static const char hello[] = "{\"cmd\":\"hello\"}\n";

    simulated->control =
        g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, error);
    if (simulated->control == NULL)
        return FALSE;
    if (!g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(simulated->control)),
                                   hello, strlen(hello), NULL, NULL, error))
        return FALSE;
    input = g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(simulated->control)));
    g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(input), FALSE);
    line = g_data_input_stream_read_line(input, NULL, NULL, error);
    simulated->parser = json_parser_new();
    if (line == NULL || !json_parser_load_from_data(simulated->parser, line, -1, error) ||
        !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(simulated->parser)))
        return FALSE;
    simulated->ready = json_node_get_object(json_parser_get_root(simulated->parser));
    return TRUE;
}

static gboolean
make_directory(const char *directory, GError **error)
{
    if (g_mkdir_with_parents(directory, 0700) == 0)
        return TRUE;
    g_set_error(error, HVD_ERROR, HVD_ERROR_FAILED, "the directory %s cannot be made", directory);
    return FALSE;
}

Simulated *
simulated_open(const char *directory, GError **error)
{
    g_autoptr(Simulated) simulated = g_new0(Simulated, 1);

    simulated->directory = directory != NULL
                               ? g_canonicalize_filename(directory, NULL)
                               : g_build_filename(g_get_user_state_dir(), "hvd", "simulated", NULL);
    if (!make_directory(simulated->directory, error))
        return NULL;
    if (join(simulated, NULL))
        return g_steal_pointer(&simulated);
    g_clear_object(&simulated->control);
    g_clear_object(&simulated->parser);
    if (!start(simulated->directory, error) || !join(simulated, error)) {
        if (error != NULL && *error == NULL)
            g_set_error_literal(error, HVD_ERROR, HVD_ERROR_PROTOCOL,
                                "the simulated pool does not introduce itself");
        return NULL;
    }
    return g_steal_pointer(&simulated);
}

GStrv
simulated_get_settings(const Simulated *simulated)
{
    g_autoptr(GStrvBuilder) settings = g_strv_builder_new();
    JsonObject *ready = simulated->ready;
    g_autofree char *url =
        g_strconcat("pool.url=", json_object_get_string_member(ready, "url"), NULL);
    g_autofree char *user =
        g_strconcat("pool.username=", json_object_get_string_member(ready, "user"), NULL);
    g_autofree char *password = g_strconcat(
        "pool.password=file:", json_object_get_string_member(ready, "password_file"), NULL);

    g_strv_builder_add_many(settings, url, user, password, NULL);
    if (json_object_has_member(ready, "ca")) {
        g_autofree char *ca =
            g_strconcat("tls.ca-file=", json_object_get_string_member(ready, "ca"), NULL);

        g_strv_builder_add(settings, ca);
    }
    return g_strv_builder_end(settings);
}

const char *
simulated_get_directory(const Simulated *simulated)
{
    return simulated->directory;
}
