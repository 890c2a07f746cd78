#include "trace-sink.h"

#include "base/error.h"

#include <string.h>

static G_GNUC_PRINTF(2, 3) XdVerdict note(XdSink *sink, const char *format, ...)
{
    TraceSink *trace = (TraceSink *) sink;
    va_list arguments;

    if (trace->text->len > 0)
        g_string_append_c(trace->text, ' ');
    va_start(arguments, format);
    g_string_append_vprintf(trace->text, format, arguments);
    va_end(arguments);
    trace->n_tokens++;
    return XD_SINK_TAKE;
}

static XdVerdict
trace_begin(XdSink *sink, gboolean is_map)
{
    return note(sink, "%s", is_map ? "{" : "[");
}

static XdVerdict
trace_end(XdSink *sink)
{
    return note(sink, ")");
}

static XdVerdict
trace_key(XdSink *sink, const char *text, gsize length)
{
    note(sink, "%.*s:", (int) length, text);
    return length >= 4 && memcmp(text, "skip", 4) == 0 ? XD_SINK_SKIP : XD_SINK_TAKE;
}

static XdVerdict
trace_string(XdSink *sink, const char *text, gsize length)
{
    TraceSink *trace = (TraceSink *) sink;

    g_assert_true(g_utf8_validate_len(text, length, NULL));
    trace->longest = MAX(trace->longest, length);
    if (length == 6 && memcmp(text, "refuse", 6) == 0) {
        sink->error = xd_error_new(HVD_ERROR_DENIED, "as told");
        return XD_SINK_REFUSE;
    }
    return note(sink, "\"%.*s\"", (int) length, text);
}

static XdVerdict
trace_integer(XdSink *sink, gint64 value)
{
    return note(sink, "%" G_GINT64_FORMAT, value);
}

static XdVerdict
trace_real(XdSink *sink, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    return note(sink, "~%s", g_ascii_formatd(text, sizeof text, "%g", value));
}

static XdVerdict
trace_boolean(XdSink *sink, gboolean value)
{
    return note(sink, "%s", value ? "true" : "false");
}

static XdVerdict
trace_null(XdSink *sink)
{
    return note(sink, "null");
}

static const XdSinkClass trace_class = {
    .begin = trace_begin,
    .end = trace_end,
    .key = trace_key,
    .string = trace_string,
    .integer = trace_integer,
    .real = trace_real,
    .boolean = trace_boolean,
    .null = trace_null,
};

void
trace_sink_init(TraceSink *trace)
{
    *trace = (TraceSink){.parent = {.klass = &trace_class}, .text = g_string_new(NULL)};
}

void
trace_sink_clear(TraceSink *trace)
{
    g_string_free(trace->text, TRUE);
    g_clear_error(&trace->parent.error);
}
