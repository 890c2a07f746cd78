/* A sink that writes down what it is told, and can skip and refuse at will. */
#pragma once

#include "wire/sink.h"

/**
 * TraceSink: keys that begin with "skip" have their values skipped, strings that read "refuse"
 * are refused. @text: e.g. `{"a":[1,true]}` is told as `{ a: [ 1 true ) )`.
 */
typedef struct {
    XdSink parent;
    GString *text;
    gsize n_tokens;
    gsize longest; /* string */
} TraceSink;

void trace_sink_init(TraceSink *trace);
void trace_sink_clear(TraceSink *trace);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TraceSink, trace_sink_clear)
