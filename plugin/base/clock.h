/* Time as the driver sees it: the real one, or one that a test moves by hand. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * XdClock: where deadlines and ages come from. Every timer of ours is made here, so that no test
 * has to wait: with a manual clock nothing fires but what xd_clock_advance() makes due.
 */
typedef struct _XdClock XdClock;

XdClock *xd_clock_new(void);
XdClock *xd_clock_new_manual(void);
XdClock *xd_clock_ref(XdClock *clock);
void xd_clock_unref(XdClock *clock);

/* milliseconds, monotonic */
gint64 xd_clock_now_ms(const XdClock *clock);

/**
 * xd_clock_add: calls @func once in @context after @delay_ms. (transfer full): destroy with
 * xd_clear_source().
 */
GSource *xd_clock_add(XdClock *clock, GMainContext *context, gint64 delay_ms, GSourceFunc func,
                      gpointer data);

/* manual clocks only: what has become due is dispatched by the next turns of the loop */
void xd_clock_advance(XdClock *clock, gint64 ms);

void xd_clear_source(GSource **source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdClock, xd_clock_unref)

G_END_DECLS
