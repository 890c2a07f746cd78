/* The virtual clock: real time plus an offset that a test can advance. Every pause and deadline
 * of the simulator is a timer of it, so that a test never has to wait for one. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SimClock SimClock;
typedef void (*SimTimerFunc)(gpointer data);

SimClock *sim_clock_new(void);
void sim_clock_free(SimClock *clock);

gint64 sim_clock_now(const SimClock *clock);    /* seconds since 1970 */
gint64 sim_clock_now_us(const SimClock *clock); /* microseconds since 1970 */
/* What is due within @seconds happens in the turns of the loop that follow. */
void sim_clock_advance(SimClock *clock, double seconds);

/* Calls @func once, never before the next turn of the loop. Returns an id, never 0. */
guint sim_clock_after_ms(SimClock *clock, double milliseconds, SimTimerFunc func, gpointer data);
/* Also of one that has fired, or 0: then nothing happens. */
void sim_clock_cancel(SimClock *clock, guint id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimClock, sim_clock_free)

G_END_DECLS
