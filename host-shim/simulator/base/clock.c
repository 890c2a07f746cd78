#include "base/clock.h"

typedef struct {
    guint id;
    gint64 due_us;
    SimTimerFunc func;
    gpointer data;
} Timer;

typedef struct {
    SimTimerFunc func;
    gpointer data;
} Arrival;

struct _SimClock {
    gint64 offset_us;
    gboolean stopped;
    gint64 stands_us;  /* where a stopped clock stands, */
    gint64 target_us;  /* and up to where it was advanced */
    GQueue arrivals;   /* of Arrival: those who wait for the target */
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
    return clock->stopped ? clock->stands_us : g_get_real_time() + clock->offset_us;
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

static gboolean
is_on_its_way(const SimClock *clock)
{
    return clock->stands_us < clock->target_us || clock->arrivals.length > 0;
}

static void
arm_stopped(SimClock *clock)
{
    const Timer *timer = first_timer(clock);
    gboolean due = timer != NULL && timer->due_us <= clock->target_us;

    g_source_set_ready_time(clock->source, due || is_on_its_way(clock) ? 0 : -1);
}

/* The source counts in monotonic time; a clock that is set does not move what is pending. */
static void
arm(SimClock *clock)
{
    const Timer *timer = first_timer(clock);
    gint64 wait_us;

    if (clock->stopped) {
        arm_stopped(clock);
        return;
    }
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

/* Those that they make are of the next turn. */
static void
tell_arrivals(SimClock *clock)
{
    for (guint n = clock->arrivals.length; n > 0 && clock->arrivals.length > 0; n--) {
        g_autofree Arrival *arrival = g_queue_pop_head(&clock->arrivals);

        arrival->func(arrival->data);
    }
}

/* To the next timer, or to the target where none is before it. */
static void
step(SimClock *clock)
{
    const Timer *timer = first_timer(clock);

    if (timer != NULL && timer->due_us <= clock->target_us) {
        clock->stands_us = MAX(clock->stands_us, timer->due_us);
        return;
    }
    clock->stands_us = MAX(clock->stands_us, clock->target_us);
    tell_arrivals(clock);
}

/* What a timer starts waits for the next turn, even if it is due at once. */
static gboolean
on_due(GSource *source, GSourceFunc callback, gpointer data)
{
    SimClock *clock = ((ClockSource *) source)->clock;
    guint newest = clock->last_id;
    gint64 now_us;
    Timer *timer;

    (void) callback;
    (void) data;
    if (clock->stopped)
        step(clock);
    now_us = sim_clock_now_us(clock);
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
sim_clock_new(gint64 start_s, gboolean stopped)
{
    SimClock *clock = g_new0(SimClock, 1);
    gint64 start_us = start_s > 0 ? start_s * G_USEC_PER_SEC : g_get_real_time();

    clock->stopped = stopped;
    clock->stands_us = clock->target_us = start_us;
    clock->offset_us = start_us - g_get_real_time();
    g_queue_init(&clock->arrivals);
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
    g_queue_clear_full(&clock->arrivals, g_free);
    g_free(clock);
}

void
sim_clock_advance(SimClock *clock, double seconds, SimTimerFunc arrived, gpointer data)
{
    gint64 by_us = (gint64) (seconds * G_USEC_PER_SEC);
    Arrival *arrival;

    if (!clock->stopped) {
        clock->offset_us += by_us;
        arm(clock);
        arrived(data);
        return;
    }
    arrival = g_new0(Arrival, 1);
    arrival->func = arrived;
    arrival->data = data;
    g_queue_push_tail(&clock->arrivals, arrival);
    clock->target_us += MAX(by_us, 0);
    arm(clock);
}

void
sim_clock_forget(SimClock *clock, gconstpointer data)
{
    GList *item = clock->arrivals.head;

    while (item != NULL) {
        GList *next = item->next;
        Arrival *arrival = item->data;

        if (arrival->data == data) {
            g_free(arrival);
            g_queue_delete_link(&clock->arrivals, item);
        }
        item = next;
    }
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
