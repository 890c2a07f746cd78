#include "xenapi/waiter.h"

#include "xenapi/internal.h"

XdWaiter *
xd_waiter_new(GQueue *queue, XdConnection *connection, GCancellable *cancellable,
              XdSessionReady ready, gpointer data)
{
    XdWaiter *waiter = g_new0(XdWaiter, 1);

    waiter->queue = queue;
    waiter->connection = connection;
    waiter->ready = ready;
    waiter->data = data;
    waiter->cancellable = cancellable != NULL ? g_object_ref(cancellable) : NULL;
    g_queue_push_tail(queue, waiter);
    return waiter;
}

static void
waiter_watch(XdWaiter *waiter, GSource *source, GSourceFunc func)
{
    xd_clear_source(&waiter->watch);
    waiter->watch = source;
    g_source_set_callback(source, func, waiter, NULL);
    g_source_attach(source, waiter->connection->context);
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer data)
{
    g_autoptr(GError) error = NULL;

    g_cancellable_set_error_if_cancelled(cancellable, &error);
    xd_waiter_end(data, error);
    return G_SOURCE_REMOVE;
}

void
xd_waiter_wait(XdWaiter *waiter)
{
    xd_clear_source(&waiter->watch);
    if (waiter->cancellable != NULL)
        waiter_watch(waiter, g_cancellable_source_new(waiter->cancellable),
                     G_SOURCE_FUNC(on_cancelled));
}

void
xd_waiter_defer(XdWaiter *waiter, GSourceFunc func)
{
    GSource *source = g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT); /* a loop that is busy comes to it all the same */
    waiter_watch(waiter, source, func);
}

void
xd_waiter_end(XdWaiter *waiter, const GError *error)
{
    g_queue_remove(waiter->queue, waiter);
    xd_clear_source(&waiter->watch);
    waiter->ready(waiter->connection, error, waiter->data);
    g_clear_object(&waiter->cancellable);
    g_free(waiter);
}

void
xd_waiters_end(GQueue *queue, const GError *error)
{
    for (guint n = g_queue_get_length(queue); n > 0; n--) {
        XdWaiter *waiter = g_queue_peek_head(queue);

        if (waiter == NULL)
            return;
        xd_waiter_end(waiter, error);
    }
}
