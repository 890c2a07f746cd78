#include "wire/json-write.h"

#include "wire/json-scan.h"
#include "wire/json.h"
#include "wire/number.h"

#include "base/error.h"

#include <math.h>

#define MAX_DEPTH 64 /* bits of XdJsonWriter.used */

static void
append_escaped(XdVault *out, char c)
{
    static const char hex[] = "0123456789abcdef";

    xd_vault_append_char(out, '\\');
    if (c == '"' || c == '\\') {
        xd_vault_append_char(out, c);
        return;
    }
    xd_vault_append_string(out, "u00");
    xd_vault_append_char(out, hex[(guchar) c >> 4]);
    xd_vault_append_char(out, hex[(guchar) c & 15]);
}

void
xd_json_append_string(XdVault *out, const char *text, gsize length)
{
    gboolean is_ascii = TRUE;
    gsize done = 0;

    xd_vault_append_char(out, '"');
    while (done < length) {
        gsize plain = xd_json_scan_string(text + done, length - done, &is_ascii);

        xd_vault_append(out, text + done, plain);
        done += plain;
        if (done < length)
            append_escaped(out, text[done++]);
    }
    xd_vault_append_char(out, '"');
}

static void
break_line(XdJsonWriter *writer)
{
    if (!writer->is_pretty)
        return;
    xd_vault_append_char(writer->out, '\n');
    for (guint i = 0; i < writer->depth; i++)
        xd_vault_append_string(writer->out, "  ");
}

/* What stands in front of an element or a key. */
static void
separate(XdJsonWriter *writer)
{
    guint64 bit = writer->depth > 0 ? G_GUINT64_CONSTANT(1) << (writer->depth - 1) : 0;

    if (writer->after_key || writer->depth == 0) {
        writer->after_key = FALSE;
        return;
    }
    if ((writer->used & bit) != 0)
        xd_vault_append_char(writer->out, ',');
    writer->used |= bit;
    break_line(writer);
}

static XdVerdict
write_begin(XdSink *sink, gboolean is_map)
{
    XdJsonWriter *writer = (XdJsonWriter *) sink;

    if (writer->depth == MAX_DEPTH) {
        sink->error = xd_error_new(HVD_ERROR_INVALID, "nested more than %d deep", MAX_DEPTH);
        return XD_SINK_REFUSE;
    }
    separate(writer);
    xd_vault_append_char(writer->out, is_map ? '{' : '[');
    writer->maps &= ~(G_GUINT64_CONSTANT(1) << writer->depth);
    writer->maps |= (guint64) is_map << writer->depth;
    writer->used &= ~(G_GUINT64_CONSTANT(1) << writer->depth);
    writer->depth++;
    return XD_SINK_TAKE;
}

static XdVerdict
write_end(XdSink *sink)
{
    XdJsonWriter *writer = (XdJsonWriter *) sink;

    writer->depth--;
    if ((writer->used >> writer->depth & 1) != 0)
        break_line(writer);
    xd_vault_append_char(writer->out, (writer->maps >> writer->depth & 1) != 0 ? '}' : ']');
    return XD_SINK_TAKE;
}

static XdVerdict
write_key(XdSink *sink, const char *text, gsize length)
{
    XdJsonWriter *writer = (XdJsonWriter *) sink;

    separate(writer);
    xd_json_append_string(writer->out, text, length);
    xd_vault_append_string(writer->out, writer->is_pretty ? ": " : ":");
    writer->after_key = TRUE;
    return XD_SINK_TAKE;
}

static XdVerdict
write_string(XdSink *sink, const char *text, gsize length)
{
    XdJsonWriter *writer = (XdJsonWriter *) sink;

    separate(writer);
    xd_json_append_string(writer->out, text, length);
    return XD_SINK_TAKE;
}

static XdVerdict
write_integer(XdSink *sink, gint64 value)
{
    XdJsonWriter *writer = (XdJsonWriter *) sink;

    separate(writer);
    xd_integer_append(writer->out, value);
    return XD_SINK_TAKE;
}

static XdVerdict
write_real(XdSink *sink, double value)
{
    XdJsonWriter *writer = (XdJsonWriter *) sink;

    separate(writer);
    if (isfinite(value))
        xd_real_append(writer->out, value);
    else
        xd_vault_append_string(writer->out, "null"); /* JSON has no other word for it */
    return XD_SINK_TAKE;
}

static XdVerdict
write_word(XdSink *sink, const char *word)
{
    XdJsonWriter *writer = (XdJsonWriter *) sink;

    separate(writer);
    xd_vault_append_string(writer->out, word);
    return XD_SINK_TAKE;
}

static XdVerdict
write_boolean(XdSink *sink, gboolean value)
{
    return write_word(sink, value ? "true" : "false");
}

static XdVerdict
write_null(XdSink *sink)
{
    return write_word(sink, "null");
}

static const XdSinkClass writer_class = {
    .begin = write_begin,
    .end = write_end,
    .key = write_key,
    .string = write_string,
    .integer = write_integer,
    .real = write_real,
    .boolean = write_boolean,
    .null = write_null,
};

void
xd_json_writer_init(XdJsonWriter *writer, XdVault *out, gboolean is_pretty)
{
    *writer =
        (XdJsonWriter){.parent = {.klass = &writer_class}, .out = out, .is_pretty = is_pretty};
}
