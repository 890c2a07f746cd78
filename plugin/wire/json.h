/* The one bounded JSON reader: bytes in any pieces -> tokens for a sink, without a tree. */
#pragma once

#include "base/secret.h"
#include "wire/sink.h"

G_BEGIN_DECLS

/**
 * XdJsonLimits:
 * @max_bytes: of the whole text
 * @max_depth: of nesting, at most 64
 * @max_string: bytes of one string or number that is delivered (skipped ones are never stored)
 * @strict: what documents need beyond RFC 8259: no NaN or Infinity, no number with a fraction
 *   or an exponent where it could be an integer (1.0, 1e3), no lone surrogate, no NUL (as \u0000)
 *
 * Without @strict the reader takes what XAPI sends: NaN and Infinity as numbers. A lone surrogate
 * and a NUL, which XAPI never sends, then arrive as U+FFFD: text is always text.
 *
 * What a sink skips is passed at the speed of memory, by its quotes and brackets alone, and neither
 * nested nor long values cost anything there. With @strict it is read like everything else, so that
 * a document is valid as a whole.
 */
typedef struct {
    gsize max_bytes;
    guint max_depth;
    gsize max_string;
    gboolean strict;
} XdJsonLimits;

typedef struct _XdJsonReader XdJsonReader;

/* @arena holds pieces of tokens between two feeds; @sink is borrowed */
XdJsonReader *xd_json_reader_new(XdSink *sink, const XdJsonLimits *limits, XdArena *arena);
void xd_json_reader_free(XdJsonReader *reader);
/* Errors: XD_ERROR, HVD_ERROR_PROTOCOL, with the byte offset; or the sink's own. After an error
 * the reader stays broken. */
gboolean xd_json_reader_feed(XdJsonReader *reader, const char *bytes, gsize length, GError **error);
/* Says that no more bytes come: an error unless exactly one value was complete. */
gboolean xd_json_reader_end(XdJsonReader *reader, GError **error);

/* the writing half */
void xd_json_append_string(XdVault *out, const char *text, gsize length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdJsonReader, xd_json_reader_free)

G_END_DECLS
