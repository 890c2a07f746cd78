/* Who waits for the session: each is told once, from the loop, or gives up. */
#pragma once

#include "xenapi/session.h"

G_BEGIN_DECLS

typedef struct {
    GQueue *queue; /* (element-type XdWaiter): where it stands */
    XdConnection *connection;
    XdSessionReady ready;
    gpointer data;
    GCancellable *cancellable; /* (nullable) */
    GSource *watch;
} XdWaiter;

/* Stands at the end of @queue then. */
XdWaiter *xd_waiter_new(GQueue *queue, XdConnection *connection, GCancellable *cancellable,
                        XdSessionReady ready, gpointer data);
/* Gives up when it is cancelled. */
void xd_waiter_wait(XdWaiter *waiter);
/* Calls @func with it, from the loop. */
void xd_waiter_defer(XdWaiter *waiter, GSourceFunc func);
/* Tells it, and frees it. */
void xd_waiter_end(XdWaiter *waiter, const GError *error);
/* Tells all that stand there now: an answer may make new ones. */
void xd_waiters_end(GQueue *queue, const GError *error);

G_END_DECLS
