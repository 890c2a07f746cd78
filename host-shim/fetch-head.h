/* The head of an answer, as far as an image is concerned. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    guint status;
    gint64 length;            /* Content-Length; -1: it does not say, or nonsense */
    gint64 first, last, size; /* Content-Range; -1 */
    guint retry_after_s;
    char *etag;
    char *modified; /* Last-Modified */
    char *date;
    char *location;
    gboolean is_packed; /* Content-Encoding: these are not the file's bytes */
    gboolean is_page;   /* text/html */
} FetchHead;

void fetch_head_init(FetchHead *head);
void fetch_head_clear(FetchHead *head);
/* One line, with or without its end. A status line begins a new head. */
void fetch_head_take(FetchHead *head, const char *line, gsize length);

/* (nullable): what If-Range can hold the rest against: a strong ETag, or else a time that is old
 * enough to be as good (RFC 9110, 8.8.2.2 and 13.1.5) */
const char *fetch_head_get_validator(const FetchHead *head);
/* Nothing in them says that they are of different files. */
gboolean fetch_head_fits(const FetchHead *head, const FetchHead *other);

G_END_DECLS
