/* The bytes of an image between its server and its reader: in order, each once, all of one file. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    GByteArray *waiting; /* for the reader */
    gint64 delivered;    /* what the reader has */
    gint64 offset;       /* of the next byte that comes; what comes once more is compared */
    gint64 size;         /* -1: not known */
} FetchBytes;

void fetch_bytes_init(FetchBytes *bytes);
void fetch_bytes_clear(FetchBytes *bytes);

gint64 fetch_bytes_get_received(const FetchBytes *bytes);
/* While it is, nobody gets any: they may be of another file. */
gboolean fetch_bytes_is_comparing(const FetchBytes *bytes);
gboolean fetch_bytes_is_complete(const FetchBytes *bytes);

/* (nullable): why they cannot be the image's next ones; not translated yet */
const char *fetch_bytes_find_fault(const FetchBytes *bytes, const char *more, gsize length);
void fetch_bytes_add(FetchBytes *bytes, const char *more, gsize length);

gsize fetch_bytes_peek(const FetchBytes *bytes, char *to, gsize size);
gsize fetch_bytes_take(FetchBytes *bytes, char *to, gsize size);

G_END_DECLS
