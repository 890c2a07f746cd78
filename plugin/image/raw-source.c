#include "image/raw.h"

#include <gio/gfiledescriptorbased.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* Two buffers: while libcurl empties one, the stream fills the other. */
typedef struct {
    char *bytes;
    gsize length; /* filled */
    gsize taken;
} Buffer;

typedef struct {
    XdSource parent;
    GInputStream *stream;
    int file; /* the stream's, or -1 */
    GCancellable *cancellable;
    gsize buffer_bytes;
    Buffer buffers[2];
    guint reading; /* which is being filled */
    gboolean pending;
    gboolean ended; /* the stream has given all */
    guint64 received;
    GError *error;
    GChecksum *checksum;
    char *sha256;
    gboolean freed;
} RawSource;

static void source_fill(RawSource *self);

static void
source_release(RawSource *self)
{
    g_free(self->buffers[0].bytes);
    g_free(self->buffers[1].bytes);
    g_object_unref(self->stream);
    g_object_unref(self->cancellable);
    g_clear_error(&self->error);
    g_clear_pointer(&self->checksum, g_checksum_free);
    g_free(self->sha256);
    g_free(self);
}

static void
on_read(GObject *stream, GAsyncResult *result, gpointer data)
{
    RawSource *self = data;
    Buffer *buffer = &self->buffers[self->reading];
    g_autoptr(GError) error = NULL;
    gssize n = g_input_stream_read_finish(G_INPUT_STREAM(stream), result, &error);

    self->pending = FALSE;
    if (self->freed) {
        source_release(self);
        return;
    }
    if (n < 0)
        self->error =
            xd_error_new(HVD_ERROR_INTEGRITY, "the image cannot be read: %s", error->message);
    else if (n == 0)
        self->ended = TRUE;
    buffer->length = n > 0 ? (gsize) n : 0;
    self->received += buffer->length;
    source_fill(self);
    if (self->parent.wake != NULL)
        self->parent.wake(self->parent.wake_data);
}

/* Starts the next read where a buffer is free. */
static void
source_fill(RawSource *self)
{
    Buffer *other = &self->buffers[1 - self->reading];

    if (self->pending || self->ended || self->error != NULL)
        return;
    if (self->buffers[self->reading].length > 0) {
        if (other->length > 0)
            return; /* both are full */
        self->reading = 1 - self->reading;
    }
    self->pending = TRUE;
    self->file = -1; /* from now on GIO's thread reads ahead */
    g_input_stream_read_async(self->stream, self->buffers[self->reading].bytes, self->buffer_bytes,
                              G_PRIORITY_DEFAULT, self->cancellable, on_read, self);
}

/* What the kernel has at hand of a file needs neither a thread nor a second copy. 0: there is no file, or
 * the kernel would have to wait. */
static gsize
read_at_hand(RawSource *self, char *to, gsize size)
{
    struct iovec piece = {to, size};
    gssize n = self->file >= 0 && size > 0 ? preadv2(self->file, &piece, 1, -1, RWF_NOWAIT) : 0;

    if (n <= 0)
        return 0;
    self->received += (gsize) n;
    return (gsize) n;
}

/* (nullable): the buffer whose bytes come next: the older one of those that are full */
static Buffer *
source_ready(RawSource *self)
{
    Buffer *older = &self->buffers[1 - self->reading];
    Buffer *newer = &self->buffers[self->reading];

    if (older->length > 0)
        return older;
    return newer->length > 0 && !self->pending ? newer : NULL;
}

static XdFlow
fault_or_pending(RawSource *self, GError **error)
{
    source_fill(self);
    if (self->error != NULL) {
        g_propagate_error(error, g_error_copy(self->error));
        return XD_FLOW_STOP;
    }
    if (!self->ended)
        return XD_FLOW_PAUSE;
    xd_set_error(error, HVD_ERROR_INTEGRITY, "the image ends too early");
    return XD_FLOW_STOP;
}

static XdFlow
surplus(RawSource *self, GError **error)
{
    xd_set_error(error, HVD_ERROR_INTEGRITY,
                 "the image has more than the %" G_GUINT64_FORMAT " bytes that were announced",
                 self->parent.size);
    return XD_FLOW_STOP;
}

static void
note_taken(RawSource *self, const char *bytes, gsize length)
{
    if (self->checksum != NULL)
        g_checksum_update(self->checksum, (const guchar *) bytes, (gssize) length);
    self->parent.position += length;
}

static XdFlow
raw_read(XdSource *source, char *to, gsize size, gsize *length, GError **error)
{
    RawSource *self = (RawSource *) source;
    Buffer *buffer = source_ready(self);
    guint64 left = source->size - source->position;

    *length = 0;
    if (self->received > source->size)
        return surplus(self, error);
    /* The last byte stays here until it is known that none comes after it: once it has left, the
     * server has a whole disk and calls it a success. */
    if (!self->ended)
        left--;
    *length = read_at_hand(self, to, (gsize) MIN((guint64) size, left));
    if (*length > 0) {
        note_taken(self, to, *length);
        return XD_FLOW_GO;
    }
    if (buffer == NULL || (left == 0 && !self->ended))
        return left == 0 && self->ended ? XD_FLOW_GO : fault_or_pending(self, error);
    *length = (gsize) MIN((guint64) MIN(size, buffer->length - buffer->taken), left);
    memcpy(to, buffer->bytes + buffer->taken, *length);
    note_taken(self, to, *length);
    buffer->taken += *length;
    if (buffer->taken == buffer->length) {
        buffer->length = buffer->taken = 0;
        source_fill(self);
    }
    return XD_FLOW_GO;
}

static gboolean
raw_verify(XdSource *source, GError **error)
{
    RawSource *self = (RawSource *) source;

    if (self->checksum == NULL ||
        g_ascii_strcasecmp(g_checksum_get_string(self->checksum), self->sha256) == 0)
        return TRUE;
    xd_set_error(error, HVD_ERROR_INTEGRITY, "the image's SHA-256 is %s, not %s",
                 g_checksum_get_string(self->checksum), self->sha256);
    return FALSE;
}

static void
raw_free(XdSource *source)
{
    RawSource *self = (RawSource *) source;
    gboolean pending = self->pending; /* a stream may end its read while it is being cancelled */

    self->freed = TRUE;
    g_cancellable_cancel(self->cancellable);
    if (!pending)
        source_release(self);
}

static const XdSourceClass raw_source_class = {raw_read, raw_verify, raw_free};

/* -1: it is no file, or one that is not read as it lies there. */
static int
file_of(GInputStream *stream)
{
    struct stat status;
    int fd;

    if (!G_IS_FILE_INPUT_STREAM(stream) || !G_IS_FILE_DESCRIPTOR_BASED(stream))
        return -1;
    fd = g_file_descriptor_based_get_fd(G_FILE_DESCRIPTOR_BASED(stream));
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? fd : -1;
}

XdSource *
xd_raw_source_new(GInputStream *stream, guint64 size, const char *sha256, gsize buffer_bytes)
{
    RawSource *self = g_new0(RawSource, 1);

    self->parent.klass = &raw_source_class;
    self->parent.size = size;
    self->stream = g_object_ref(stream);
    self->file = file_of(stream);
    self->cancellable = g_cancellable_new();
    self->buffer_bytes = buffer_bytes;
    self->buffers[0].bytes = g_malloc(buffer_bytes);
    self->buffers[1].bytes = g_malloc(buffer_bytes);
    if (sha256 != NULL) {
        self->sha256 = g_strdup(sha256);
        self->checksum = g_checksum_new(G_CHECKSUM_SHA256);
    }
    return &self->parent;
}
