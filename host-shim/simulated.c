#include "simulated.h"

#include "document.h"
#include "failure.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* How long the pool waits for the next command before it ends. */
#define LINGER_S "2"
/* What an operation on a simulated guest takes: enough to see its progress. */
#define PACE_MS "100"

struct _Simulated {
    char *directory;
    char *config_file;
    GSocketConnection *control; /* while it is open the pool stays */
};

void
simulated_free(Simulated *simulated)
{
    if (simulated->control != NULL)
        g_io_stream_close(G_IO_STREAM(simulated->control), NULL, NULL);
    g_clear_object(&simulated->control);
    g_free(simulated->config_file);
    g_free(simulated->directory);
    g_free(simulated);
}

/* ---- its directory ---- */

static void
set_unusable(GError **error, const char *path, int system_error)
{
    g_autoptr(GError) cause = NULL;

    failure_set_file(&cause, path, system_error);
    failure_set(
        error, cause->code,
        _("name another place with --simulate=DIR or XDG_STATE_HOME, or a pool with --pool"),
        _("the simulated pool has no place: %s"), cause->message);
}

static gboolean
make_directory(const char *directory, GError **error)
{
    if (g_mkdir_with_parents(directory, 0700) == 0)
        return TRUE;
    set_unusable(error, directory, errno);
    return FALSE;
}

static char *
name_log(const char *directory)
{
    return g_build_filename(directory, "xapi-sim.log", NULL);
}

static int
open_log(const char *directory, GError **error)
{
    g_autofree char *log = name_log(directory);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        set_unusable(error, log, errno);
    return fd;
}

/* ---- starting it ---- */

static char *
find_program(void)
{
    char *program = place_find("simulator/xapi-sim");

    if (program == NULL)
        program = place_find("xapi-sim");
    return program != NULL ? program : g_find_program_in_path("xapi-sim");
}

/* A session of its own: what is typed at our terminal, Ctrl-C above all, is not for the pool. */
static void
leave_terminal(gpointer data G_GNUC_UNUSED)
{
    setsid();
}

static void
set_not_started(GError **error, const char *cause)
{
    failure_set(error, HVD_ERROR_NOT_REACHABLE, NULL, _("the simulated pool did not start: %s"),
                cause);
}

/* Its complaints go to a file: whoever reads our stderr to its end would else wait for the pool. */
static GSubprocess *
launch(const char *program, const char *directory, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    g_autoptr(GError) cause = NULL;
    int fd = open_log(directory, error);
    GSubprocess *process;

    if (fd < 0)
        return NULL;
    g_subprocess_launcher_take_stderr_fd(launcher, fd);
    g_subprocess_launcher_set_child_setup(launcher, leave_terminal, NULL, NULL);
    process = g_subprocess_launcher_spawn(launcher, &cause, program, "--tls", "--state", directory,
                                          "--linger", LINGER_S, "--pace", PACE_MS, NULL);
    if (process == NULL)
        set_not_started(error, cause->message);
    return process;
}

/* Its last words, or where they would be. */
static char *
find_complaint(const char *directory)
{
    g_autofree char *log = name_log(directory);
    g_autofree char *text = NULL;
    const char *end;

    if (!g_file_get_contents(log, &text, NULL, NULL) || g_strchomp(text)[0] == '\0')
        return g_strdup_printf(_("see %s"), log);
    end = strrchr(text, '\n');
    return g_strdup(end != NULL ? end + 1 : text);
}

static gboolean
start(const char *directory, GError **error)
{
    g_autofree char *program = find_program();
    g_autoptr(GSubprocess) process = NULL;
    g_autoptr(GDataInputStream) output = NULL;
    g_autofree char *line = NULL;
    g_autofree char *complaint = NULL;

    if (program == NULL) {
        failure_set(error, HVD_ERROR_NOT_FOUND, NULL, "%s",
                    _("the simulated pool needs the program xapi-sim, which is not there"));
        return FALSE;
    }
    process = launch(program, directory, error);
    if (process == NULL)
        return FALSE;
    output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(process));
    line = g_data_input_stream_read_line(output, NULL, NULL, NULL);
    if (line != NULL)
        return TRUE;
    complaint = find_complaint(directory);
    set_not_started(error, complaint);
    return FALSE;
}

/* ---- joining it ---- */

static GSocketConnection *
connect_control(const char *directory)
{
    g_autofree char *path = g_build_filename(directory, "control.sock", NULL);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GSocketClient) client = g_socket_client_new();

    g_socket_client_set_enable_proxy(client, FALSE);

    return g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, NULL);
}

/* (nullable): what it says of itself */
static JsonNode *
say_hello(GSocketConnection *control)
{
    static const char hello[] = "{\"cmd\":\"hello\"}\n";
    GIOStream *stream = G_IO_STREAM(control);
    g_autoptr(GDataInputStream) input = NULL;
    g_autofree char *line = NULL;

    if (!g_output_stream_write_all(g_io_stream_get_output_stream(stream), hello, strlen(hello),
                                   NULL, NULL, NULL))
        return NULL;
    input = g_data_input_stream_new(g_io_stream_get_input_stream(stream));
    g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(input), FALSE);
    line = g_data_input_stream_read_line(input, NULL, NULL, NULL);
    return line != NULL ? document_parse(line) : NULL;
}

/* (nullable): NULL where none runs, or one that is just ending */
static JsonNode *
join(Simulated *simulated)
{
    JsonNode *ready;

    simulated->control = connect_control(simulated->directory);
    if (simulated->control == NULL)
        return NULL;
    ready = say_hello(simulated->control);
    if (document_object(ready) == NULL)
        g_clear_object(&simulated->control);
    return ready;
}

/* Two of us at once must not both start one. The lock ends with the descriptor. */
static int
lock_start(const char *directory)
{
    g_autofree char *path = g_build_filename(directory, "start.lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd >= 0)
        flock(fd, LOCK_EX);
    return fd;
}

static JsonNode *
join_or_start(Simulated *simulated, GError **error)
{
    int lock = lock_start(simulated->directory);
    JsonNode *ready = join(simulated);

    if (ready == NULL && start(simulated->directory, error)) {
        ready = join(simulated);
        if (ready == NULL)
            failure_set(error, HVD_ERROR_PROTOCOL, NULL, "%s",
                        _("the simulated pool does not introduce itself"));
    }
    if (lock >= 0)
        close(lock);
    return ready;
}

/* ---- what a driver has to know of it ---- */

static void
set_value(GKeyFile *file, const char *group, const char *key, const char *prefix, const char *value)
{
    g_autofree char *text = g_strconcat(prefix, value, NULL);

    if (value != NULL)
        g_key_file_set_value(file, group, key, text);
}

static gboolean
write_config(Simulated *simulated, JsonObject *ready, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) cause = NULL;
    g_autofree char *text = NULL;

    set_value(file, "pool", "url", "", document_text(ready, "url"));
    set_value(file, "pool", "username", "", document_text(ready, "user"));
    set_value(file, "pool", "password", "file:", document_text(ready, "password_file"));
    set_value(file, "tls", "ca-file", "", document_text(ready, "ca"));
    text = g_key_file_to_data(file, NULL, NULL);
    simulated->config_file = g_build_filename(simulated->directory, "xenapi.conf", NULL);
    if (g_file_set_contents_full(simulated->config_file, text, -1, G_FILE_SET_CONTENTS_CONSISTENT,
                                 0600, &cause))
        return TRUE;
    failure_set(error, HVD_ERROR_FAILED, NULL, "%s", cause->message);
    return FALSE;
}

/* ---- the face ---- */

char *
simulated_find_directory(const char *directory)
{
    return directory != NULL && directory[0] != '\0'
               ? g_canonicalize_filename(directory, NULL)
               : g_build_filename(g_get_user_state_dir(), "hvd", "simulated", NULL);
}

Simulated *
simulated_open(const char *directory, GError **error)
{
    g_autoptr(Simulated) simulated = g_new0(Simulated, 1);
    g_autoptr(JsonNode) ready = NULL;

    simulated->directory = simulated_find_directory(directory);
    if (!make_directory(simulated->directory, error))
        return NULL;
    ready = join_or_start(simulated, error);
    if (ready == NULL || !write_config(simulated, document_object(ready), error))
        return NULL;
    return g_steal_pointer(&simulated);
}

const char *
simulated_get_config_file(const Simulated *simulated)
{
    return simulated->config_file;
}

const char *
simulated_get_directory(const Simulated *simulated)
{
    return simulated->directory;
}
