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
    guint sources[G_N_ELEMENTS(signals)];
};

/* In signal context. */
static void
leave(int signal_number G_GNUC_UNUSED)
{
    _exit(INTERRUPT_EXIT);
}

static void
leave_at_next(void)
{
    struct sigaction action = {.sa_handler = leave};

    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
        sigaction(signals[i], &action, NULL);
}

static gboolean
on_signal(gpointer data)
{
    Interrupt *interrupt = data;

    if (g_cancellable_is_cancelled(interrupt->cancellable))
        return G_SOURCE_CONTINUE;
    output_live(interrupt->output, NULL);
    if (!interrupt->expected)
        output_note(interrupt->output, "%s",
                    _("cancelling: what was done is being undone; once more ends hvd at once and "
                      "leaves the rest to \"hvd reconcile\""));
    leave_at_next();
    g_cancellable_cancel(interrupt->cancellable);
    return G_SOURCE_CONTINUE;
}

void
interrupt_expect(Interrupt *interrupt)
{
    interrupt->expected = TRUE;
}

Interrupt *
interrupt_new(Output *output, GCancellable *cancellable)
{
    Interrupt *interrupt = g_new0(Interrupt, 1);

    interrupt->output = output;
    interrupt->cancellable = g_object_ref(cancellable);
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
        interrupt->sources[i] = g_unix_signal_add(signals[i], on_signal, interrupt);
    return interrupt;
}

void
interrupt_free(Interrupt *interrupt)
{
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
        g_source_remove(interrupt->sources[i]);
    g_object_unref(interrupt->cancellable);
    g_free(interrupt);
}
