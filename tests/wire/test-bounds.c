/* SEC-16, SEC-44: what a reader may allocate is bounded, whatever it is fed. GLib ends the process when
 * there is no memory (as g_malloc() does), so that there is no path in which an allocation fails and the
 * program goes on; what has to hold instead is that nobody from outside can make us ask for much. */
#include "wire/record.h"
#include "wire/rpc.h"
#include "wire/value.h"

#include "base/error.h"
#include "peak.h"
#include "xd-documents.h"
#include "xd-xenapi.h"

#include <string.h>

#define MOST_BYTES  (16 * 1024 * 1024) /* of an answer, as in xenapi/call.c */
#define MOST_MEMORY (64 * 1024)        /* KiB, SEC-16 */
#define PIECE       (64 * 1024)

typedef struct {
    const XdCodec *codec;
    const char *type; /* of the result */
    const char *begin;
    const char *again; /* without end */
} Flood;

#define JSON_RESULT "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":"
#define XML_RESULT                                                                                 \
    "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status"    \
    "</name><value>Success</value></member><member><name>Value</name><value>"

static const Flood floods[] = {
    {&xd_codec_json, "as", JSON_RESULT "[\"a\"", ",\"a\""},
    {&xd_codec_json, "a{ss}", JSON_RESULT "{\"a\":\"\"", ",\"b\":\"\""},
    {&xd_codec_json, "v", JSON_RESULT "[1", ",1"},
    {&xd_codec_json, "v", JSON_RESULT "[[]", ",[]"},
    {&xd_codec_json, "v", JSON_RESULT "[{}", ",{\"a\":1}"},
    {&xd_codec_json, "s", JSON_RESULT "\"", "aaaaaaaaaaaaaaaa"},
    {&xd_codec_json, "s", JSON_RESULT "\"", "\\u00fc"},
    {&xd_codec_json, "s", "{\"error\":[\"CODE\"", ",\"a\""},
    {&xd_codec_json, "s", "{\"error\":{\"message\":\"C\",\"data\":[\"a\"",
     ",\"aaaaaaaaaaaaaaaaaaaaa\""},
    {&xd_codec_json, "s", "{\"a\":1", ",\"a\":{\"b\":[]}"},
    {&xd_codec_json, "s", JSON_RESULT, "11111111111111111111"},
    {&xd_codec_xml, "as", XML_RESULT "<array><data>", "<value>a</value>"},
    {&xd_codec_xml, "a{ss}", XML_RESULT "<struct>", "<member><name>a</name><value/></member>"},
    {&xd_codec_xml, "v", XML_RESULT "<array><data>", "<value><array><data/></array></value>"},
    {&xd_codec_xml, "s", XML_RESULT, "aaaaaaaaaaaaaaaa"},
    {&xd_codec_xml, "s", XML_RESULT, "&#252;"},
    {&xd_codec_xml, "s", "<?xml version=\"1.0\"?>", "<!-- a -->"},
    {&xd_codec_xml, "s", "<?xml version=\"1.0\"?><methodResponse><a", " a='a'"},
    {&xd_codec_xml, "s", "<?xml version=\"1.0\"?><methodResponse", "a"},
    {&xd_codec_xml, "s", "<?xml version=\"1.0\"?><methodResponse a='", ">"},
    {&xd_codec_xml, "s", XML_RESULT "<!-- ", "<a "},
    {&xd_codec_xml, "s", "<?xml version=\"1.0\"?>", "<?a a?>"},
};

static gboolean
feed(XdDecoder *decoder, const char *text, gsize length)
{
    g_autoptr(GError) error = NULL;

    if (xd_decoder_feed(decoder, text, length, &error))
        return TRUE;
    g_assert_error(error, XD_ERROR, HVD_ERROR_PROTOCOL);
    return FALSE;
}

/* Twice as much as is allowed; it is refused at the latest where that ends. */
static void
test_flood(gconstpointer data)
{
    const Flood *flood = data;
    const XdDecoderLimits limits = {.max_bytes = MOST_BYTES, .max_string = 1 << 20};
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdValueSink) sink = xd_value_sink_new(G_VARIANT_TYPE(flood->type));
    g_autoptr(XdDecoder) decoder =
        flood->codec->decoder_new(xd_value_sink_get_sink(sink), 1, &limits, arena);
    g_autoptr(GString) piece = g_string_new(NULL);
    gboolean taken;
    gsize fed = 0;
    guint64 before;

    while (piece->len < PIECE)
        g_string_append(piece, flood->again);
    before = peak_begin();
    taken = feed(decoder, flood->begin, strlen(flood->begin));
    for (; taken && fed < 2 * MOST_BYTES; fed += piece->len)
        taken = feed(decoder, piece->str, piece->len);
    g_assert_false(taken);
    g_assert_cmpuint(fed, <=, MOST_BYTES + PIECE);
    peak_assert(before, MOST_MEMORY);
}

/* A document of the largest size, made of the smallest parts. */
static void
test_document(void)
{
    static const char *const parts[] = {"{\"size_bytes\":1},", "{},", "[],", "1,"};

    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autoptr(XdArena) arena = xd_arena_new();
        g_autoptr(GString) text = g_string_new("{\"disks\":[");
        g_auto(XdInstance) instance = {0};
        guint64 before;

        while (text->len < 4 << 20)
            g_string_append(text, parts[i]);
        before = peak_begin();
        g_assert_false(xd_instance_parse(text->str, (gssize) text->len, arena, &instance, NULL));
        peak_assert(before, MOST_MEMORY / 4);
    }
}

/* Every attribute is compared with every other, by the parser, before anybody is asked: a megabyte of
 * them would take minutes, so that a tag as long as that is not taken. */
static void
append_attributes(GString *text, gsize bytes)
{
    for (guint i = 0; text->len < bytes; i++)
        g_string_append_printf(text, " a%x=''", i);
}

static void
test_tag(void)
{
    const XdDecoderLimits limits = {.max_bytes = MOST_BYTES, .max_string = 1 << 20};
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdValueSink) sink = xd_value_sink_new(G_VARIANT_TYPE_STRING);
    g_autoptr(XdDecoder) decoder =
        xd_codec_xml.decoder_new(xd_value_sink_get_sink(sink), 1, &limits, arena);
    g_autoptr(GString) text = g_string_new(XML_RESULT "<string");

    append_attributes(text, 1 << 20);
    g_string_append(text, ">a</string>");
    g_assert_false(feed(decoder, text->str, text->len));
}

static void
test_tag_of_task(void)
{
    static const gsize sizes[] = {100, 1 << 20};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(XdArena) arena = xd_arena_new();
        g_autoptr(XdValueSink) sink = xd_value_sink_new(G_VARIANT_TYPE_STRING);
        g_autoptr(GString) text = g_string_new("<value");
        g_autoptr(GError) error = NULL;

        append_attributes(text, sizes[i]);
        g_string_append(text, ">a</value>");
        g_assert_false(
            xd_task_result_decode(text->str, xd_value_sink_get_sink(sink), arena, &error));
        g_assert_error(error, XD_ERROR, HVD_ERROR_PROTOCOL);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(floods); i++) {
        g_autofree char *path = g_strdup_printf("/wire/bounds/%s/%02u-%s", floods[i].codec->name,
                                                (guint) i, floods[i].type);

        g_test_add_data_func(path, &floods[i], test_flood);
    }
    g_test_add_func("/wire/bounds/document", test_document);
    g_test_add_func("/wire/bounds/tag", test_tag);
    g_test_add_func("/wire/bounds/tag-of-task", test_tag_of_task);
    return g_test_run();
}
