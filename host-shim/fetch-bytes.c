#include "fetch-bytes.h"

#include <glib/gi18n.h>
#include <string.h>

void
fetch_bytes_init(FetchBytes *self)
{
    *self = (FetchBytes){.waiting = g_byte_array_new(), .size = -1};
}

void
fetch_bytes_clear(FetchBytes *self)
{
    g_clear_pointer(&self->waiting, g_byte_array_unref);
}

gint64
fetch_bytes_get_received(const FetchBytes *self)
{
    return self->delivered + (gint64) self->waiting->len;
}

/* How many of @length bytes that come next are here already. */
static gsize
count_known(const FetchBytes *self, gsize length)
{
    return (gsize) CLAMP(fetch_bytes_get_received(self) - self->offset, 0, (gint64) length);
}

gboolean
fetch_bytes_is_comparing(const FetchBytes *self)
{
    return self->offset < fetch_bytes_get_received(self);
}

gboolean
fetch_bytes_is_complete(const FetchBytes *self)
{
    return self->size >= 0 && self->offset == self->size;
}

const char *
fetch_bytes_find_fault(const FetchBytes *self, const char *more, gsize length)
{
    gsize known = count_known(self, length);

    if (known > 0 &&
        (self->offset < self->delivered ||
         memcmp(self->waiting->data + (self->offset - self->delivered), more, known) != 0))
        return N_("the image was replaced while it was read");
    if (self->size >= 0 && (gint64) length > self->size - self->offset)
        return N_("the server sends more than it has announced");
    return NULL;
}

void
fetch_bytes_add(FetchBytes *self, const char *more, gsize length)
{
    gsize known = count_known(self, length);

    self->offset += (gint64) length;
    g_byte_array_append(self->waiting, (const guint8 *) more + known, (guint) (length - known));
}

gsize
fetch_bytes_peek(const FetchBytes *self, char *to, gsize size)
{
    gsize n = fetch_bytes_is_comparing(self) ? 0 : MIN(size, self->waiting->len);

    if (n > 0)
        memcpy(to, self->waiting->data, n);
    return n;
}

gsize
fetch_bytes_take(FetchBytes *self, char *to, gsize size)
{
    gsize n = fetch_bytes_peek(self, to, size);

    if (n > 0)
        g_byte_array_remove_range(self->waiting, 0, (guint) n);
    self->delivered += (gint64) n;
    return n;
}
