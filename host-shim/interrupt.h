/* Signals that ask us to end: the first cancels what runs, the second ends at once. */
#pragma once

#include "output.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define INTERRUPT_EXIT 130

typedef struct _Interrupt Interrupt;

/* Whoever started us wants it so: nohup, or a shell's "&". It stays so. */
gboolean interrupt_is_ignored(int signal_number);
/* From now on SIGINT, SIGTERM and SIGHUP cancel @cancellable, but for those that are ignored. */
Interrupt *interrupt_new(Output *output, GCancellable *cancellable);
/* While it is expected a signal is how it is meant to end: nothing is said about it. */
void interrupt_expect(Interrupt *interrupt, gboolean expected);
/* There was a signal: @cancellable is not to be used for anything else. */
gboolean interrupt_has_come(const Interrupt *interrupt);
void interrupt_free(Interrupt *interrupt);

G_END_DECLS
