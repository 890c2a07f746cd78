#include "base/clock.h"

struct _XdClock {
    guint references;
    gboolean manual;
    gint64 now_ms;     /* of a manual clock */
    GPtrArray *timers; /* (element-type ManualSource): of a manual clock, borrowed */
};

typedef struct {
    GSource source;
    XdClock *clock;
    gint64 due_ms;
} ManualSource;

XdClock *
xd_clock_new(void)
{
    XdClock *clock = g_new0(XdClock, 1);

    clock->references = 1;
    return clock;
}

XdClock *
xd_clock_new_manual(void)
{
    XdClock *clock = xd_clock_new();

    clock->manual = TRUE;
    clock->timers = g_ptr_array_new();
    return clock;
}

XdClock *
xd_clock_ref(XdClock *clock)
{
    clock->references++;
    return clock;
}

void
xd_clock_unref(XdClock *clock)
{
    if (--clock->references > 0)
        return;
    g_clear_pointer(&clock->timers, g_ptr_array_unref);
    g_free(clock);
}

gint64
xd_clock_now_ms(const XdClock *clock)
{
    return clock->manual ? clock->now_ms : g_get_monotonic_time() / 1000;
}

static gboolean
manual_dispatch(GSource *source G_GNUC_UNUSED, GSourceFunc callback, gpointer data)
{
    return callback(data);
}

static void
manual_finalize(GSource *source)
{
    ManualSource *self = (ManualSource *) source;

    g_ptr_array_remove_fast(self->clock->timers, self);
    xd_clock_unref(self->clock);
}

static GSourceFuncs manual_funcs = {
    .dispatch = manual_dispatch,
    .finalize = manual_finalize,
};

static GSource *
manual_source_new(XdClock *clock, gint64 delay_ms)
{
    GSource *source = g_source_new(&manual_funcs, sizeof(ManualSource));
    ManualSource *self = (ManualSource *) source;

    self->clock = xd_clock_ref(clock);
    self->due_ms = clock->now_ms + delay_ms;
    g_ptr_array_add(clock->timers, self);
    if (delay_ms <= 0)
        g_source_set_ready_time(source, 0);
    return source;
}

GSource *
xd_clock_add(XdClock *clock, GMainContext *context, gint64 delay_ms, GSourceFunc func,
             gpointer data)
{
    GSource *source = clock->manual ? manual_source_new(clock, delay_ms)
                                    : g_timeout_source_new((guint) CLAMP(delay_ms, 0, G_MAXINT));

    g_source_set_callback(source, func, data, NULL);
    g_source_attach(source, context);
    return source;
}

void
xd_clock_advance(XdClock *clock, gint64 ms)
{
    g_return_if_fail(clock->manual);
    clock->now_ms += ms;
    for (guint i = 0; i < clock->timers->len; i++) {
        ManualSource *timer = g_ptr_array_index(clock->timers, i);

        if (timer->due_ms <= clock->now_ms && !g_source_is_destroyed(&timer->source))
            g_source_set_ready_time(&timer->source, 0);
    }
}

void
xd_clear_source(GSource **source)
{
    if (*source == NULL)
        return;
    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}
