/* The virtual clock: real time plus an offset that a test can advance, or a time that stands still
 * until it is advanced. Every pause and deadline of the simulator is a timer of it, so that a test
 * never has to wait for one. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SimClock SimClock;
typedef void (*SimTimerFunc)(gpointer data);

/* @start_s: when it begins, 0: now. @stopped: time passes only by sim_clock_advance() */
SimClock *sim_clock_new(gint64 start_s, gboolean stopped);
void sim_clock_free(SimClock *clock);

gint64 sim_clock_now(const SimClock *clock);    /* seconds since 1970 */
gint64 sim_clock_now_us(const SimClock *clock); /* microseconds since 1970 */
/* What is due within @seconds happens in the turns of the loop that follow. A stopped clock stands
 * at each timer's own time when that is called, and @arrived is told when the last one was; else it
 * is told at once. */
void sim_clock_advance(SimClock *clock, double seconds, SimTimerFunc arrived, gpointer data);
/* @data is not told of its arrival any more. */
void sim_clock_forget(SimClock *clock, gconstpointer data);

/* Calls @func once, never before the next turn of the loop. Returns an id, never 0. */
guint sim_clock_after_ms(SimClock *clock, double milliseconds, SimTimerFunc func, gpointer data);
/* Also of one that has fired, or 0: then nothing happens. */
void sim_clock_cancel(SimClock *clock, guint id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimClock, sim_clock_free)

G_END_DECLS
