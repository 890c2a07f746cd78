#include "image/raw.h"

#include <string.h>

/* What comes is collected in one buffer while the other is written. */
typedef struct {
    XdDrain parent;
    GOutputStream *stream;
    GCancellable *cancellable;
    gsize buffer_bytes;
    GByteArray *filling;
    GByteArray *writing;
    gboolean pending;
    gboolean finishing;
    gboolean freed;
    GSource *given_up; /* (nullable): while what is left is waited for */
    GError *error;
    GChecksum *checksum; /* (nullable) */
} RawDrain;

static void drain_flush(RawDrain *self);

static void
drain_release(RawDrain *self)
{
    g_byte_array_unref(self->filling);
    g_byte_array_unref(self->writing);
    g_object_unref(self->stream);
    g_object_unref(self->cancellable);
    g_clear_pointer(&self->checksum, g_checksum_free);
    g_clear_error(&self->error);
    g_free(self);
}

static void
drain_finished(RawDrain *self)
{
    GError *error = self->error != NULL ? g_error_copy(self->error) : NULL;

    self->finishing = FALSE;
    xd_clear_source(&self->given_up);
    self->parent.finished(self->parent.wake_data, error);
}

static void
on_written(GObject *stream, GAsyncResult *result, gpointer data)
{
    RawDrain *self = data;
    g_autoptr(GError) error = NULL;

    self->pending = FALSE;
    if (!g_output_stream_write_all_finish(G_OUTPUT_STREAM(stream), result, NULL, &error) &&
        self->error == NULL)
        self->error =
            xd_error_new(HVD_ERROR_FAILED, "the copy cannot be written: %s", error->message);
    g_byte_array_set_size(self->writing, 0);
    if (self->freed) {
        drain_release(self);
        return;
    }
    drain_flush(self);
    if (self->finishing && !self->pending)
        drain_finished(self);
    else if (self->parent.wake != NULL)
        self->parent.wake(self->parent.wake_data);
}

static void
drain_flush(RawDrain *self)
{
    GByteArray *full = self->filling;

    if (self->pending || self->error != NULL || full->len == 0)
        return;
    self->filling = self->writing;
    self->writing = full;
    self->pending = TRUE;
    g_output_stream_write_all_async(self->stream, full->data, full->len, G_PRIORITY_DEFAULT,
                                    self->cancellable, on_written, self);
}

static XdFlow
raw_write(XdDrain *drain, const char *bytes, gsize length, GError **error)
{
    RawDrain *self = (RawDrain *) drain;

    if (self->error != NULL) {
        g_propagate_error(error, g_error_copy(self->error));
        return XD_FLOW_STOP;
    }
    if (self->filling->len > 0 && self->filling->len + length > self->buffer_bytes) {
        drain_flush(self);
        if (self->filling->len > 0)
            return XD_FLOW_PAUSE; /* the other one is still being written */
    }
    g_byte_array_append(self->filling, (const guint8 *) bytes, (guint) length);
    if (self->checksum != NULL)
        g_checksum_update(self->checksum, (const guchar *) bytes, (gssize) length);
    drain->position += length;
    if (self->filling->len >= self->buffer_bytes / 2)
        drain_flush(self);
    return XD_FLOW_GO;
}

static gboolean
on_nothing_left(gpointer data)
{
    RawDrain *self = data;

    if (self->freed)
        drain_release(self);
    else
        drain_finished(self);
    return G_SOURCE_REMOVE;
}

/* Who reads the stream may have stopped for good, and its write may not care for our asking. */
static gboolean
on_given_up(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    RawDrain *self = data;

    if (self->error == NULL)
        self->error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
    g_cancellable_cancel(self->cancellable);
    drain_finished(self);
    return G_SOURCE_REMOVE;
}

static void
raw_finish(XdDrain *drain, GCancellable *cancellable)
{
    RawDrain *self = (RawDrain *) drain;
    g_autoptr(GSource) source = NULL;

    self->finishing = TRUE;
    drain_flush(self);
    if (self->pending) {
        self->given_up = g_cancellable_source_new(cancellable);
        g_source_set_callback(self->given_up, G_SOURCE_FUNC(on_given_up), self, NULL);
        g_source_attach(self->given_up, g_main_context_get_thread_default());
        return;
    }
    source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, on_nothing_left, self, NULL);
    g_source_attach(source, g_main_context_get_thread_default());
}

static void
raw_free(XdDrain *drain)
{
    RawDrain *self = (RawDrain *) drain;

    self->freed = TRUE;
    xd_clear_source(&self->given_up);
    g_cancellable_cancel(self->cancellable);
    if (!self->pending && !self->finishing)
        drain_release(self);
}

static const XdDrainClass raw_drain_class = {raw_write, raw_finish, raw_free};

XdDrain *
xd_raw_drain_new(GOutputStream *stream, gboolean digest, gsize buffer_bytes)
{
    RawDrain *self = g_new0(RawDrain, 1);

    self->parent.klass = &raw_drain_class;
    self->stream = g_object_ref(stream);
    self->cancellable = g_cancellable_new();
    self->buffer_bytes = buffer_bytes;
    self->filling = g_byte_array_sized_new((guint) buffer_bytes);
    self->writing = g_byte_array_sized_new((guint) buffer_bytes);
    self->checksum = digest ? g_checksum_new(G_CHECKSUM_SHA256) : NULL;
    return &self->parent;
}

const char *
xd_raw_drain_get_sha256(XdDrain *drain)
{
    GChecksum *checksum = ((RawDrain *) drain)->checksum;

    return checksum != NULL ? g_checksum_get_string(checksum) : NULL;
}
