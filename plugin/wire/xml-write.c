#include "wire/xml-write.h"

#include "wire/number.h"

#include "base/error.h"

#include <string.h>

#define MAX_DEPTH 64 /* bits of XdXmlWriter.maps */

/* A carriage return would be taken for the end of a line and arrive as a line feed. */
static const struct {
    char c;
    const char *entity;
} entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\r', "&#13;"}};

static const char *
find_entity(char c)
{
    for (gsize i = 0; i < G_N_ELEMENTS(entities); i++) {
        if (entities[i].c == c)
            return entities[i].entity;
    }
    return NULL;
}

void
xd_xml_append_text(XdVault *out, const char *text, gsize length)
{
    gsize done = 0;

    for (gsize i = 0; i < length; i++) {
        const char *entity = find_entity(text[i]);

        if (entity == NULL)
            continue;
        xd_vault_append(out, text + done, i - done);
        xd_vault_append_string(out, entity);
        done = i + 1;
    }
    xd_vault_append(out, text + done, length - done);
}

/* ---- around each value ---- */

static void
open_value(XdXmlWriter *writer)
{
    xd_vault_append_string(writer->out, writer->depth == 0 ? "<param><value>" : "<value>");
}

static XdVerdict
close_value(XdXmlWriter *writer)
{
    gboolean in_map = writer->depth > 0 && (writer->maps >> (writer->depth - 1) & 1) != 0;

    xd_vault_append_string(writer->out, "</value>");
    if (writer->depth == 0)
        xd_vault_append_string(writer->out, "</param>");
    else if (in_map)
        xd_vault_append_string(writer->out, "</member>");
    return XD_SINK_TAKE;
}

/* ---- tokens ---- */

static XdVerdict
write_begin(XdSink *sink, gboolean is_map)
{
    XdXmlWriter *writer = (XdXmlWriter *) sink;

    if (writer->depth == MAX_DEPTH) {
        sink->error = xd_error_new(HVD_ERROR_INVALID, "nested more than %d deep", MAX_DEPTH);
        return XD_SINK_REFUSE;
    }
    open_value(writer);
    xd_vault_append_string(writer->out, is_map ? "<struct>" : "<array><data>");
    writer->maps &= ~(G_GUINT64_CONSTANT(1) << writer->depth);
    writer->maps |= (guint64) is_map << writer->depth;
    writer->depth++;
    return XD_SINK_TAKE;
}

static XdVerdict
write_end(XdSink *sink)
{
    XdXmlWriter *writer = (XdXmlWriter *) sink;
    gboolean is_map;

    writer->depth--;
    is_map = (writer->maps >> writer->depth & 1) != 0;
    xd_vault_append_string(writer->out, is_map ? "</struct>" : "</data></array>");
    return close_value(writer);
}

static XdVerdict
write_key(XdSink *sink, const char *text, gsize length)
{
    XdXmlWriter *writer = (XdXmlWriter *) sink;

    xd_vault_append_string(writer->out, "<member><name>");
    xd_xml_append_text(writer->out, text, length);
    xd_vault_append_string(writer->out, "</name>");
    return XD_SINK_TAKE;
}

static XdVerdict
write_string(XdSink *sink, const char *text, gsize length)
{
    XdXmlWriter *writer = (XdXmlWriter *) sink;

    open_value(writer);
    xd_vault_append_string(writer->out, "<string>");
    xd_xml_append_text(writer->out, text, length);
    xd_vault_append_string(writer->out, "</string>");
    return close_value(writer);
}

/* As text: <int> has 32 bits, and the toolstack reads its integers from text. */
static XdVerdict
write_integer(XdSink *sink, gint64 value)
{
    XdXmlWriter *writer = (XdXmlWriter *) sink;

    open_value(writer);
    xd_integer_append(writer->out, value);
    return close_value(writer);
}

static XdVerdict
write_real(XdSink *sink, double value)
{
    XdXmlWriter *writer = (XdXmlWriter *) sink;

    open_value(writer);
    xd_vault_append_string(writer->out, "<double>");
    xd_real_append(writer->out, value);
    xd_vault_append_string(writer->out, "</double>");
    return close_value(writer);
}

static XdVerdict
write_boolean(XdSink *sink, gboolean value)
{
    XdXmlWriter *writer = (XdXmlWriter *) sink;

    open_value(writer);
    xd_vault_append_string(writer->out, value ? "<boolean>1</boolean>" : "<boolean>0</boolean>");
    return close_value(writer);
}

/* No request has any: the toolstack refuses <nil/>. */
static XdVerdict
write_null(XdSink *sink)
{
    return write_string(sink, "", 0);
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
xd_xml_writer_init(XdXmlWriter *writer, XdVault *out)
{
    *writer = (XdXmlWriter){.parent = {.klass = &writer_class}, .out = out};
}
