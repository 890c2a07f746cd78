/* Where a reader's tokens go: the one seam between the encodings and what is made of them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _XdSink XdSink;

typedef enum {
    XD_SINK_TAKE,   /* go on */
    XD_SINK_SKIP,   /* after key(): pass over the value that follows, deliver none of its tokens */
    XD_SINK_REFUSE, /* stop; XdSink.error says why */
} XdVerdict;

/**
 * XdSinkClass:
 *
 * One call per token, in document order. Text is not NUL-terminated, is valid UTF-8 and lives
 * until the call returns; where it may be secret the reader keeps it in an arena. XML-RPC writes
 * integers as text, so a sink that expects an integer accepts string() too: what a value *is*
 * comes from the declared type, never from its looks.
 */
typedef struct {
    XdVerdict (*begin)(XdSink *sink, gboolean is_map);
    XdVerdict (*end)(XdSink *sink);
    XdVerdict (*key)(XdSink *sink, const char *text, gsize length);
    XdVerdict (*string)(XdSink *sink, const char *text, gsize length);
    XdVerdict (*integer)(XdSink *sink, gint64 value);
    XdVerdict (*real)(XdSink *sink, double value);
    XdVerdict (*boolean)(XdSink *sink, gboolean value);
    XdVerdict (*null)(XdSink *sink);
} XdSinkClass;

struct _XdSink {
    const XdSinkClass *klass;
    GError *error; /* set together with XD_SINK_REFUSE; owned by the sink until taken */
};

G_END_DECLS
