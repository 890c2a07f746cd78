/* Raw disk bytes from a GInputStream, and to a GOutputStream. */
#pragma once

#include "http/stream.h"

G_BEGIN_DECLS

/**
 * xd_raw_source_new: the first @size bytes of @stream, to be read exactly once. The stream has to end
 * there: fewer bytes, or more, are HVD_ERROR_INTEGRITY. Of a local file, what the kernel has at hand is
 * read at once, and GIO's thread does the rest.
 * @sha256: (nullable): what the bytes must digest to, as 64 hexadecimal digits
 */
XdSource *
xd_raw_source_new(GInputStream *stream, guint64 size, const char *sha256, gsize buffer_bytes);

/**
 * xd_raw_drain_new: writes what comes to @stream, which stays open.
 * @digest: of all that is written: SHA-256 in this thread, slower than most networks
 */
XdDrain *xd_raw_drain_new(GOutputStream *stream, gboolean digest, gsize buffer_bytes);
/* (transfer none) (nullable): once it has finished, where @digest was wanted */
const char *xd_raw_drain_get_sha256(XdDrain *drain);

G_END_DECLS
