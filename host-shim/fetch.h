/* An image from a web server, as a stream of bytes that survives broken connections. */
#pragma once

#include "fetch-url.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define FETCH_TYPE (fetch_get_type())
G_DECLARE_FINAL_TYPE(Fetch, fetch, FETCH, STREAM, GInputStream)

typedef struct {
    guint tries;    /* in a row, without a MiB of progress between them */
    guint pause_ms; /* before the first of them; each is twice the one before */
    guint stall_ms; /* how long no byte may come */
} FetchLimits;

extern const FetchLimits fetch_limits;

/**
 * fetch_open:
 * @ca_file: (nullable): authorities in place of the system's
 * @limits: what hvd uses is %fetch_limits
 *
 * Turns the main loop until the answer's head and first bytes are there. The stream can only be read
 * asynchronously; it keeps little more than 256 KiB, and takes up what breaks where it stopped: with
 * Range and If-Range, so that what it gives is never of two files. Errors: FAILURE: what is wrong
 * with the URL, the way there, or the answer; G_IO_ERROR_CANCELLED.
 */
Fetch *fetch_open(const FetchUrl *url, const char *ca_file, const FetchLimits *limits,
                  GCancellable *cancellable, GError **error);

/* -1: the server does not say */
gint64 fetch_get_size(const Fetch *fetch);
/* Its first bytes, as many as there are. */
gsize fetch_peek(const Fetch *fetch, char *to, gsize size);
/* (nullable): why it stopped: a driver tells no more than the message */
const GError *fetch_get_problem(const Fetch *fetch);

G_END_DECLS
