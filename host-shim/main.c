/* hvd: from the command line to an exit status. */
#include "failure.h"
#include "help.h"
#include "names.h"
#include "place.h"
#include "shim.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* What is opened later must not become the stdout that we were started without. Opened the wrong way
 * round these fail as closed ones do; each gets its own number, the lowest that is free. */
static void
fill_gaps(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

/* What is in our memory may be a password: no core file, no other process that looks in. Under
 * AddressSanitizer its leak check has to look in. Returns the limit of core files that was there before. */
static guint64
close_shutters(void)
{
    static const struct rlimit none = {0, 0};
    struct rlimit before = {0, 0};

    getrlimit(RLIMIT_CORE, &before);
    setrlimit(RLIMIT_CORE, &none);
    if (!HVD_SANITIZED)
        prctl(PR_SET_DUMPABLE, 0);
    /* a reader that goes away is an error of a write, also inside TLS */
    signal(SIGPIPE, SIG_IGN);
    return before.rlim_cur;
}

static void
choose_language(void)
{
    g_autofree char *beside = place_find(HVD_LOCALE_FROM_PROGRAM);

    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, beside != NULL ? beside : HVD_LOCALE_DIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
}

static gboolean
run_command(Shim *shim, const Command *command, GError **error)
{
    shim->credential = credential_take();
    if (!shim_run(shim, command, error) || !output_flush(error))
        return FALSE;
    names_remember(shim);
    return TRUE;
}

static gboolean
run(Output *output, const Arguments *arguments, guint64 core_limit, GError **error)
{
    const Command *command = arguments_get_command(arguments);
    g_auto(Shim) shim = {.arguments = arguments, .output = output, .core_limit = core_limit};

    if (arguments_has(arguments, "help"))
        return help_print(output, command, arguments_get_family(arguments)) && output_flush(error);
    if (arguments_has(arguments, "version"))
        command = commands_find("version");
    if (command == NULL) {
        failure_set(error, FAILURE_USAGE, _("see \"hvd help\""), "%s", _("there is no command"));
        return FALSE;
    }
    return run_command(&shim, command, error);
}

int
main(int argc G_GNUC_UNUSED, char **argv)
{
    g_autoptr(Arguments) arguments = NULL;
    g_autoptr(GError) error = NULL;
    guint64 core_limit = close_shutters();
    Output output;

    fill_gaps();
    choose_language();
    output_init(&output);
    if (g_strv_contains((const char *const *) argv + 1, "--json"))
        output_set_json(&output);
    arguments = arguments_parse(argv + 1, &error);
    if (arguments != NULL && arguments_is_empty(arguments) && !output.json) {
        help_print_usage(&output);
        return EXIT_USAGE;
    }
    if (arguments != NULL && run(&output, arguments, core_limit, &error))
        return EXIT_SUCCESS;
    output_error(&output, error);
    return failure_get_exit_status(error);
}
