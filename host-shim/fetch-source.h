/* Where the bytes of an image come from: one answer after the other until all of them are here. */
#pragma once

#include "fetch.h"

G_BEGIN_DECLS

typedef struct _FetchSource FetchSource;

/* @changed: there may be more to take; it may free the source, and is never called from within one of
 * these functions. @ca_file: (nullable) */
FetchSource *fetch_source_new(const FetchUrl *url, const char *ca_file, const FetchLimits *limits,
                              void (*changed)(gpointer data), gpointer data);
void fetch_source_free(FetchSource *source);

/* Are there @size bytes to take, or nothing more to wait for? */
gboolean fetch_source_is_ready(const FetchSource *source, gsize size);
gsize fetch_source_peek(const FetchSource *source, char *to, gsize size);
/* 0, where it is ready: the error, or the end */
gsize fetch_source_take(FetchSource *source, char *to, gsize size);

/* -1: the server does not say */
gint64 fetch_source_get_size(const FetchSource *source);
/* (nullable) */
const GError *fetch_source_get_error(const FetchSource *source);

G_END_DECLS
