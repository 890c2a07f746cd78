#include "interrupt.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

struct _Interrupt {
    Output *output;
    GCancellable *cancellable;
    gboolean expected;
    gboolean has_come;
    guint sources[G_N_ELEMENTS(signals)]; /* 0: of one that is ignored */
};

gboolean
interrupt_is_ignored(int signal_number)
{
    struct sigaction action = {0};

    return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* In signal context. */
static void
leave(int signal_number G_GNUC_UNUSED)
{
    _exit(INTERRUPT_EXIT);
}

static void
leave_at_next(const Interrupt *interrupt)
{
    struct sigaction action = {.sa_handler = leave};

    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++) {
        if (interrupt->sources[i] != 0)
            sigaction(signals[i], &action, NULL);
    }
}

static gboolean
on_signal(gpointer data)
{
    Interrupt *interrupt = data;

    if (interrupt->has_come)
        return G_SOURCE_CONTINUE;
    interrupt->has_come = TRUE;
    leave_at_next(interrupt);
    output_live(interrupt->output, NULL);
    if (!interrupt->expected)
        output_note(interrupt->output, "%s",
                    _("cancelling: what was done is being undone; once more ends hvd at once and "
                      "leaves the rest to \"hvd reconcile\""));
    g_cancellable_cancel(interrupt->cancellable);
    return G_SOURCE_CONTINUE;
}

void
interrupt_expect(Interrupt *interrupt, gboolean expected)
{
    interrupt->expected = expected;
}

gboolean
interrupt_has_come(const Interrupt *interrupt)
{
    return interrupt->has_come;
}

Interrupt *
interrupt_new(Output *output, GCancellable *cancellable)
{
    Interrupt *interrupt = g_new0(Interrupt, 1);

    interrupt->output = output;
    interrupt->cancellable = g_object_ref(cancellable);
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++) {
        if (!interrupt_is_ignored(signals[i]))
            interrupt->sources[i] = g_unix_signal_add(signals[i], on_signal, interrupt);
    }
    return interrupt;
}

void
interrupt_free(Interrupt *interrupt)
{
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
        g_clear_handle_id(&interrupt->sources[i], g_source_remove);
    g_object_unref(interrupt->cancellable);
    g_free(interrupt);
}
