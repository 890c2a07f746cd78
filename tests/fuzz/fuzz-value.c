/* Values of an expected type, in JSON and in XML-RPC: what is taken has that type. The first byte says
 * which type and which encoding. */
#include "fuzz.h"

#include "wire/json.h"
#include "wire/value.h"
#include "wire/xml.h"

static const char *const types[] = {"s", "x", "d", "b", "as", "a{ss}", "a{sx}", "v"};

static gboolean
read_json(XdSink *sink, const char *text, gsize length, XdArena *arena)
{
    const XdJsonLimits limits = {.max_bytes = 1 << 16, .max_depth = 32, .max_string = 1 << 12};
    g_autoptr(XdJsonReader) reader = xd_json_reader_new(sink, &limits, arena);

    return xd_json_reader_feed(reader, text, length, NULL) && xd_json_reader_end(reader, NULL);
}

static gboolean
read_xml(XdSink *sink, const char *text, gsize length, XdArena *arena)
{
    const XdXmlLimits limits = {.max_bytes = 1 << 16, .max_depth = 32, .max_string = 1 << 12};
    XdXmlReader *reader = xd_xml_reader_new(sink, XD_XML_VALUE, &limits, arena);
    gboolean taken =
        xd_xml_reader_feed(reader, text, length, NULL) && xd_xml_reader_end(reader, NULL);

    xd_xml_reader_free(reader);
    return taken;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    guint choice = size > 0 ? data[0] : 0;
    const GVariantType *type = G_VARIANT_TYPE(types[choice % G_N_ELEMENTS(types)]);
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdValueSink) sink = xd_value_sink_new(type);
    const char *text = (const char *) data + 1;
    g_autoptr(GVariant) value = NULL;
    gboolean taken;

    if (size == 0)
        return 0;
    taken = choice / G_N_ELEMENTS(types) % 2 == 0
                ? read_json(xd_value_sink_get_sink(sink), text, size - 1, arena)
                : read_xml(xd_value_sink_get_sink(sink), text, size - 1, arena);
    value = taken ? xd_value_sink_steal(sink) : NULL;
    if (value != NULL)
        FUZZ_CHECK(g_variant_is_of_type(value, type) && g_variant_is_normal_form(value));
    return 0;
}
