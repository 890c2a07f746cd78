#include "fetch.h"

#include "fetch-source.h"

#define HEAD_BYTES 64 /* enough to see what it is */

const FetchLimits fetch_limits = {.tries = 7, .pause_ms = 250, .stall_ms = 60 * 1000};

struct _Fetch {
    GInputStream parent;
    FetchSource *source;
    GTask *reading; /* (nullable) */
    void *to;
    gsize count;
    GSource *cancelled;
};

G_DEFINE_FINAL_TYPE(Fetch, fetch, G_TYPE_INPUT_STREAM)

/* Bytes are given before the error that came after them. */
static void
answer(Fetch *self)
{
    g_autoptr(GTask) task = g_steal_pointer(&self->reading);
    gsize n;

    g_source_destroy(self->cancelled);
    g_clear_pointer(&self->cancelled, g_source_unref);
    if (g_task_return_error_if_cancelled(task))
        return;
    n = fetch_source_take(self->source, self->to, self->count);
    if (n == 0 && fetch_source_get_error(self->source) != NULL)
        g_task_return_error(task, g_error_copy(fetch_source_get_error(self->source)));
    else
        g_task_return_int(task, (gssize) n);
}

static void
on_changed(gpointer data)
{
    Fetch *self = data;

    if (self->reading != NULL && fetch_source_is_ready(self->source, 1))
        answer(self);
}

static gboolean
on_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    answer(data);
    return G_SOURCE_REMOVE;
}

static void
fetch_read_async(GInputStream *stream, void *buffer, gsize count, int priority,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
    Fetch *self = FETCH_STREAM(stream);

    self->reading = g_task_new(stream, cancellable, callback, data);
    g_task_set_priority(self->reading, priority);
    self->to = buffer;
    self->count = count;
    self->cancelled = g_cancellable_source_new(cancellable);
    g_source_set_callback(self->cancelled, G_SOURCE_FUNC(on_cancelled), self, NULL);
    g_source_attach(self->cancelled, g_main_context_get_thread_default());
    on_changed(self);
}

static gssize
fetch_read_finish(GInputStream *stream G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
    return g_task_propagate_int(G_TASK(result), error);
}

static void
fetch_finalize(GObject *object)
{
    g_clear_pointer(&FETCH_STREAM(object)->source, fetch_source_free);
    G_OBJECT_CLASS(fetch_parent_class)->finalize(object);
}

static void
fetch_class_init(FetchClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = fetch_finalize;
    G_INPUT_STREAM_CLASS(klass)->read_async = fetch_read_async;
    G_INPUT_STREAM_CLASS(klass)->read_finish = fetch_read_finish;
}

static void
fetch_init(Fetch *self G_GNUC_UNUSED)
{
}

Fetch *
fetch_open(const FetchUrl *url, const char *ca_file, const FetchLimits *limits,
           GCancellable *cancellable, GError **error)
{
    g_autoptr(Fetch) self = g_object_new(FETCH_TYPE, NULL);

    self->source = fetch_source_new(url, ca_file, limits, on_changed, self);
    while (!fetch_source_is_ready(self->source, HEAD_BYTES) &&
           !g_cancellable_is_cancelled(cancellable))
        g_main_context_iteration(g_main_context_get_thread_default(), TRUE);
    if (g_cancellable_set_error_if_cancelled(cancellable, error))
        return NULL;
    if (fetch_get_problem(self) == NULL)
        return g_steal_pointer(&self);
    g_propagate_error(error, g_error_copy(fetch_get_problem(self)));
    return NULL;
}

gint64
fetch_get_size(const Fetch *self)
{
    return fetch_source_get_size(self->source);
}

gsize
fetch_peek(const Fetch *self, char *to, gsize size)
{
    return fetch_source_peek(self->source, to, size);
}

const GError *
fetch_get_problem(const Fetch *self)
{
    return fetch_source_get_error(self->source);
}
