#include "terminal.h"

#include "failure.h"
#include "interrupt.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

gboolean
terminal_is_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* ---- yes or no ---- */

static gboolean
on_readable(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    *(gboolean *) data = TRUE;
    return G_SOURCE_REMOVE;
}

/* Waits in the main context, so that signals and the connection go on. */
static gboolean
wait_for_line(GCancellable *cancellable)
{
    gboolean readable = FALSE;
    guint source = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, on_readable, &readable);

    while (!readable && !g_cancellable_is_cancelled(cancellable))
        g_main_context_iteration(NULL, TRUE);
    if (!readable)
        g_source_remove(source);
    return readable;
}

/* Also in the reader's own language: what stands in the question is taken, and so is the whole word. */
static gboolean
is_yes(const char *answer)
{
    const char *const words[] = {"y", "yes", C_("answer", "y"), C_("answer", "yes")};

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_ascii_strcasecmp(answer, words[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean
terminal_confirm(const char *question, GCancellable *cancellable, GError **error)
{
    char answer[64];
    gssize n;

    fprintf(stderr, "%s %s ", question, C_("answer", "[y/N]"));
    fflush(stderr);
    if (!wait_for_line(cancellable)) {
        fputc('\n', stderr);
        g_cancellable_set_error_if_cancelled(cancellable, error);
        return FALSE;
    }
    n = read(STDIN_FILENO, answer, sizeof answer - 1);
    answer[MAX(n, 0)] = '\0';
    g_strstrip(answer);
    if (is_yes(answer))
        return TRUE;
    failure_set(error, FAILURE_CANCELLED, NULL, "%s", _("not confirmed"));
    return FALSE;
}

/* ---- a secret ---- */

static const int enders[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void
on_signal(int signal_number G_GNUC_UNUSED)
{
}

/* From here on these signals arrive only inside ppoll(), and only wake it. */
static void
hold_signals(sigset_t *before, struct sigaction *handlers)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t held;

    sigemptyset(&held);
    for (gsize i = 0; i < G_N_ELEMENTS(enders); i++)
        sigaddset(&held, enders[i]);
    pthread_sigmask(SIG_BLOCK, &held, before);
    for (gsize i = 0; i < G_N_ELEMENTS(enders); i++)
        sigaction(enders[i], interrupt_is_ignored(enders[i]) ? NULL : &action, &handlers[i]);
}

static void
release_signals(const sigset_t *before, const struct sigaction *handlers)
{
    for (gsize i = 0; i < G_N_ELEMENTS(enders); i++)
        sigaction(enders[i], &handlers[i], NULL);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* The terminal hands a whole line over at once, of 4095 bytes at most. */
static gssize
read_line(char *buffer, gsize size, const sigset_t *wake, GError **error)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    gssize n;

    if (ppoll(&input, 1, NULL, wake) <= 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("no password was given"));
        return -1;
    }
    n = read(STDIN_FILENO, buffer, size);
    if (n > 0 && buffer[n - 1] == '\n')
        n--;
    if (n > 0)
        return n;
    failure_set(error, HVD_ERROR_SECRET, NULL, "%s", _("no password was given"));
    return -1;
}

gssize
terminal_read_secret(const char *prompt, char *buffer, gsize size, GError **error)
{
    struct sigaction handlers[G_N_ELEMENTS(enders)];
    struct termios before, silent;
    sigset_t mask;
    gssize n;

    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        failure_set(error, HVD_ERROR_SECRET, NULL, "%s", _("there is no terminal to ask at"));
        return -1;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t) (ECHO | ECHONL);
    silent.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stop here would leave the shell without echo */
    hold_signals(&mask, handlers);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    fputs(prompt, stderr);
    fflush(stderr);
    n = read_line(buffer, size, &mask, error);
    fputc('\n', stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    release_signals(&mask, handlers);
    return n;
}
