#include "base/clock.h"

typedef struct {
    guint id;
    gint64 due_us;
    SimTimerFunc func;
    gpointer data;
} Timer;

struct _SimClock {
    gint64 offset_us;
    GSequence *timers; /* of Timer, by due time, then by age */
    GHashTable *by_id; /* id -> GSequenceIter */
    GSource *source;
    guint last_id;
};

typedef struct {
    GSource source;
    SimClock *clock;
} ClockSource;

gint64
sim_clock_now_us(const SimClock *clock)
{
    return g_get_real_time() + clock->offset_us;
}

gint64
sim_clock_now(const SimClock *clock)
{
    return sim_clock_now_us(clock) / G_USEC_PER_SEC;
}

static gint
compare_timers(gconstpointer a, gconstpointer b, gpointer data)
{
    const Timer *first = a;
    const Timer *second = b;

    (void) data;
    if (first->due_us != second->due_us)
        return first->due_us < second->due_us ? -1 : 1;
    return first->id < second->id ? -1 : first->id > second->id;
}

static Timer *
first_timer(SimClock *clock)
{
    GSequenceIter *first = g_sequence_get_begin_iter(clock->timers);

    return g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
}

/* The source counts in monotonic time; a clock that is set does not move what is pending. */
static void
arm(SimClock *clock)
{
    Timer *timer = first_timer(clock);
    gint64 wait_us;

    if (timer == NULL) {
        g_source_set_ready_time(clock->source, -1);
        return;
    }
    wait_us = MAX(timer->due_us - sim_clock_now_us(clock), 0);
    g_source_set_ready_time(clock->source, g_get_monotonic_time() + wait_us);
}

void
sim_clock_cancel(SimClock *clock, guint id)
{
    GSequenceIter *iter = g_hash_table_lookup(clock->by_id, GUINT_TO_POINTER(id));

    if (iter == NULL)
        return;
    g_hash_table_remove(clock->by_id, GUINT_TO_POINTER(id));
    g_sequence_remove(iter);
    arm(clock);
}

/* What a timer starts waits for the next turn, even if it is due at once. */
static gboolean
on_due(GSource *source, GSourceFunc callback, gpointer data)
{
    SimClock *clock = ((ClockSource *) source)->clock;
    gint64 now_us = sim_clock_now_us(clock);
    guint newest = clock->last_id;
    Timer *timer;

    (void) callback;
    (void) data;
    while ((timer = first_timer(clock)) != NULL && timer->due_us <= now_us && timer->id <= newest) {
        Timer due = *timer;

        sim_clock_cancel(clock, due.id);
        due.func(due.data);
    }
    arm(clock);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs clock_funcs = {NULL, NULL, on_due, NULL, NULL, NULL};

SimClock *
sim_clock_new(void)
{
    SimClock *clock = g_new0(SimClock, 1);

    clock->timers = g_sequence_new(g_free);
    clock->by_id = g_hash_table_new(NULL, NULL);
    clock->source = g_source_new(&clock_funcs, sizeof(ClockSource));
    ((ClockSource *) clock->source)->clock = clock;
    g_source_set_ready_time(clock->source, -1);
    g_source_attach(clock->source, NULL);
    return clock;
}

void
sim_clock_free(SimClock *clock)
{
    g_source_destroy(clock->source);
    g_source_unref(clock->source);
    g_hash_table_unref(clock->by_id);
    g_sequence_free(clock->timers);
    g_free(clock);
}

void
sim_clock_advance(SimClock *clock, double seconds)
{
    clock->offset_us += (gint64) (seconds * G_USEC_PER_SEC);
    arm(clock);
}

guint
sim_clock_after_ms(SimClock *clock, double milliseconds, SimTimerFunc func, gpointer data)
{
    Timer *timer = g_new0(Timer, 1);
    GSequenceIter *iter;

    timer->id = ++clock->last_id;
    timer->due_us = sim_clock_now_us(clock) + (gint64) (milliseconds * 1000);
    timer->func = func;
    timer->data = data;
    iter = g_sequence_insert_sorted(clock->timers, timer, compare_timers, NULL);
    g_hash_table_insert(clock->by_id, GUINT_TO_POINTER(timer->id), iter);
    arm(clock);
    return timer->id;
}
