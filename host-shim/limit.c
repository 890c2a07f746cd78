#include "limit.h"

struct _Limit {
    GCancellable *cancellable;
    guint timer;
    gboolean fired;
};

static gboolean
on_limit(gpointer data)
{
    Limit *limit = data;

    limit->timer = 0;
    limit->fired = TRUE;
    g_cancellable_cancel(limit->cancellable);
    return G_SOURCE_REMOVE;
}

Limit *
limit_new(guint seconds, GCancellable *cancellable)
{
    Limit *limit = g_new0(Limit, 1);

    limit->cancellable = g_object_ref(cancellable);
    limit->timer = seconds > 0 ? g_timeout_add_seconds(seconds, on_limit, limit) : 0;
    return limit;
}

gboolean
limit_free(Limit *limit)
{
    gboolean fired = limit->fired;

    g_clear_handle_id(&limit->timer, g_source_remove);
    g_object_unref(limit->cancellable);
    g_free(limit);
    return fired;
}
