/* Signals that ask us to end: the first cancels what runs, the second ends at once. */
#pragma once

#include "output.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define INTERRUPT_EXIT 130

typedef struct _Interrupt Interrupt;

/* From now on SIGINT, SIGTERM and SIGHUP cancel @cancellable. */
Interrupt *interrupt_new(Output *output, GCancellable *cancellable);
/* From now on a signal is how it is meant to end: nothing is said about it. */
void interrupt_expect(Interrupt *interrupt);
void interrupt_free(Interrupt *interrupt);

G_END_DECLS
