#include "trace-sink.h"

#include "base/error.h"
#include "wire/json-write.h"
#include "wire/json.h"

#include <string.h>

static const XdJsonLimits lenient = {.max_bytes = 1 << 24, .max_depth = 64, .max_string = 1 << 20};
static const XdJsonLimits strict = {
    .max_bytes = 1 << 20,
    .max_depth = 16,
    .max_string = 1 << 16,
    .strict = TRUE,
};

/* Feeds @text in pieces of @step bytes, each in a block of its own size, so that a read beyond it
 * is seen; returns the tokens, or NULL with @error. */
static char *
trace_in_pieces(const char *text, gsize length, gsize step, const XdJsonLimits *limits,
                GError **error)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(TraceSink) trace = {0};
    g_autoptr(XdJsonReader) reader = NULL;

    trace_sink_init(&trace);
    reader = xd_json_reader_new(&trace.parent, limits, arena);
    for (gsize done = 0; done < length; done += step) {
        gsize size = MIN(step, length - done);
        g_autofree char *piece = g_memdup2(text + done, size);

        if (!xd_json_reader_feed(reader, piece, size, error))
            return NULL;
    }
    if (!xd_json_reader_end(reader, error))
        return NULL;
    return g_strdup(trace.text->str);
}

static void
assert_tokens(const char *text, gsize length, const XdJsonLimits *limits, const char *expected)
{
    const gsize steps[] = {length + 1, 1, 2, 3, 4, 5, 6, 7, 16, 64, 65};

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *tokens = trace_in_pieces(text, length, steps[i], limits, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(tokens, ==, expected);
    }
}

static void
assert_refused(const char *text, gsize length, const XdJsonLimits *limits, const char *message)
{
    const gsize steps[] = {length + 1, 1, 2, 3, 5, 7};

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *tokens = trace_in_pieces(text, length, steps[i], limits, &error);

        if (tokens != NULL)
            g_test_message("taken: %.300s as %.300s", text, tokens);
        g_assert_null(tokens);
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
        if (strstr(error->message, message) == NULL)
            g_test_message("%.300s: %s", text, error->message);
        g_assert_nonnull(strstr(error->message, message));
    }
}

static void
test_tokens(void)
{
    static const struct {
        const char *text;
        const char *tokens;
    } cases[] = {
        {"{}", "{ )"},
        {"[]", "[ )"},
        {" [ 1 , -0 , 9223372036854775807 ] ", "[ 1 0 9223372036854775807 )"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"\t0\r\n", "0"},
        {"[0.5,1e3,1.0,-2.5E-3,1E+2]", "[ ~0.5 ~1000 ~1 ~-0.0025 ~100 )"},
        {"[true,false,null]", "[ true false null )"},
        {"[NaN,Infinity,-Infinity]", "[ ~nan ~inf ~-inf )"},
        {"{\"a\":{\"b\":[[],{}]},\"c\":\"d\"}", "{ a: { b: [ [ ) { ) ) ) c: \"d\" )"},
        {"\"\"", "\"\""},
        {"{\"\":0}", "{ : 0 )"},
        {"\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\te\"", "\"a\"b\\c/d\b\f\n\r\te\""},
        {"{\"\\u0041\\u00e9\\u6f22\":\"\\ud83d\\ude00!\"}",
         "{ A\xc3\xa9\xe6\xbc\xa2: \"\xf0\x9f\x98\x80!\" )"},
        {"\"gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80 and so on\"",
         "\"gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80 and so on\""},
        {"[\"0123456789abcdef0123456789abcdef0\",1]",
         "[ \"0123456789abcdef0123456789abcdef0\" 1 )"},
        {"\"\x7f\"", "\"\x7f\""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_tokens(cases[i].text, strlen(cases[i].text), &lenient, cases[i].tokens);
}

/* What cannot be text arrives as U+FFFD from a server. */
static void
test_replacement(void)
{
    static const struct {
        const char *text;
        const char *tokens;
    } cases[] = {
        {"\"\\ud800\"", "\"\xef\xbf\xbd\""},
        {"\"\\udc00x\"", "\"\xef\xbf\xbdx\""},
        {"\"\\ud800x\"", "\"\xef\xbf\xbdx\""},
        {"\"\\ud800\\n\"", "\"\xef\xbf\xbd\n\""},
        {"\"\\ud800\\ud83d\\ude00\"", "\"\xef\xbf\xbd\xf0\x9f\x98\x80\""},
        {"\"\\ud800\\u0041\"", "\"\xef\xbf\xbd"
                               "A\""},
        {"\"a\\u0000b\"", "\"a\xef\xbf\xbd"
                          "b\""},
        {"[\"\\ud800\",\"x\"]", "[ \"\xef\xbf\xbd\" \"x\" )"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_tokens(cases[i].text, strlen(cases[i].text), &lenient, cases[i].tokens);
        assert_refused(cases[i].text, strlen(cases[i].text), &strict,
                       strstr(cases[i].text, "0000") != NULL ? "NUL" : "lone surrogate");
    }
}

static void
test_skip(void)
{
    static const struct {
        const char *text;
        const char *tokens;
        gboolean lenient_only; /* nobody looks into what is skipped */
    } cases[] = {
        {"{\"skip\":{\"a\":[1,\"}\",{}]},\"b\":1}", "{ skip: b: 1 )"},
        {"{\"skip\":\"x\\\"y\\\\\",\"b\":1}", "{ skip: b: 1 )"},
        {"{\"skip1\":12,\"skip2\":true,\"skip3\":null,\"skip4\":-0.5e3,\"b\":[]}",
         "{ skip1: skip2: skip3: skip4: b: [ ) )", TRUE},
        {"{\"skip\" : [ ] , \"b\" : 1 }", "{ skip: b: 1 )"},
        {"{\"skip\":[\"\\\\\",\"\\\"]\",\"[[[[\"]}", "{ skip: )"},
        {"{\"skip\":{\"a\":\"0123456789012345678901234567890123456789012345678901234567890\\\\\"}}",
         "{ skip: )"},
        {"{\"skip\":{\"a\":\"012345678901234567890123456789012345678901234567890123456\\\"]}\"}}",
         "{ skip: )"},
        {"{\"a\":{\"skip\":[[[[[[[[\"deep\"]]]]]]]],\"x\":0},\"b\":1}",
         "{ a: { skip: x: 0 ) b: 1 )"},
        {"{\"skip\":[1,{\"skip\":2}],\"b\":{\"skip\":1}}", "{ skip: b: { skip: ) )"},
        {"{\"skip\":\"\\ud800\\u0000\x01\"}", "{ skip: )", TRUE},
        {"{\"skip\":[nonsense]}", "{ skip: )", TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize length = strlen(cases[i].text);

        assert_tokens(cases[i].text, length, &lenient, cases[i].tokens);
        if (!cases[i].lenient_only)
            assert_tokens(cases[i].text, length, &strict, cases[i].tokens);
    }
}

/* A document is valid as a whole, also where nobody looks. */
static void
test_skip_strict(void)
{
    static const char *const texts[] = {
        "{\"skip\":[nonsense]}",  "{\"skip\":\"\\ud800\"}", "{\"skip\":[1,]}",
        "{\"skip\":{\"a\":1.0}}", "{\"skip\":\"\xff\"}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_refused(texts[i], strlen(texts[i]), &strict, "byte");
}

static void
test_malformed(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "ends early"},
        {" ", "ends early"},
        {"{", "ends early"},
        {"[1", "ends early"},
        {"\"a", "ends early"},
        {"\"\\u00", "ends early"},
        {"{\"skip\":[", "ends early"},
        {"{\"skip\":\"", "ends early"},
        {"tru", "unknown word"},
        {"truely", "unknown word"},
        {"nul", "unknown word"},
        {"nan", "unknown word"},
        {"-Inf", "unknown word"},
        {"+1", "unknown word"},
        {"01", "malformed number"},
        {"-", "malformed number"},
        {"1.", "malformed number"},
        {".5", "malformed number"},
        {"1e", "malformed number"},
        {"1e+", "malformed number"},
        {"0x10", "malformed number"},
        {"1.5.2", "malformed number"},
        {"--1", "malformed number"},
        {"9223372036854775808", "integer out of range"},
        {"-9223372036854775809", "integer out of range"},
        {"123456789012345678901234567890", "integer out of range"},
        {"1e999", "number out of range"},
        {"{]", "a key is missing"},
        {"[}", "a value is missing"},
        {"[1}", "wrong kind"},
        {"{\"a\":1]", "wrong kind"},
        {"{\"skip\":[}}", "wrong kind"},
        {"]", "a value is missing"},
        {"[,]", "a value is missing"},
        {"[1,]", "a value is missing"},
        {"{\"a\":}", "a value is missing"},
        {"{\"skip\":}", "a value is missing"},
        {"{\"a\":1,}", "a key is missing"},
        {"{,}", "a key is missing"},
        {"{1:2}", "a key is missing"},
        {"{\"a\"}", "a colon is missing"},
        {"{\"a\" 1}", "a colon is missing"},
        {"[1 2]", "a comma is missing"},
        {"[\"a\"\"b\"]", "a comma is missing"},
        {"1 2", "more than one value"},
        {"{}{}", "more than one value"},
        {"[]x", "more than one value"},
        {"\"a\nb\"", "control character"},
        {"\"\x01\"", "control character"},
        {"\"\\x\"", "unknown escape"},
        {"\"\\u12g4\"", "malformed escape"},
        {"\"\xff\"", "no UTF-8"},
        {"\"\xc3\"", "no UTF-8"},
        {"\"\xed\xa0\x80\"", "no UTF-8"},
        {"\"\xc0\x80\"", "no UTF-8"},
        {"{\"\xff\":1}", "no UTF-8"},
        {"\xef\xbb\xbf{}", "a value is missing"},
        {"<html><body><h1>HTTP 500 internal server error</h1></body></html>",
         "a value is missing at byte 0"},
        {"'a'", "a value is missing"},
        {"/* c */ 1", "a value is missing"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_refused(cases[i].text, strlen(cases[i].text), &lenient, cases[i].message);
    assert_refused("\"\\\0\"", 4, &lenient, "unknown escape");
    assert_refused("\0", 1, &lenient, "a value is missing");
}

static void
test_strict(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"NaN", "unknown word"},
        {"[Infinity]", "unknown word"},
        {"-Infinity", "unknown word"},
        {"1.0", "integer spelt"},
        {"1e3", "integer spelt"},
        {"[0.0]", "integer spelt"},
        {"25e-1", NULL},
        {"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", NULL},
        {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "nested too deeply"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *tokens = NULL;

        if (cases[i].message != NULL) {
            assert_refused(cases[i].text, strlen(cases[i].text), &strict, cases[i].message);
            continue;
        }
        tokens = trace_in_pieces(cases[i].text, strlen(cases[i].text), 100, &strict, &error);
        g_assert_no_error(error);
    }
}

/* Every prefix of a text is told apart from the whole; every pair of pieces gives the same. */
static void
test_cuts(void)
{
    static const char text[] =
        "{\"key\":[\"a\\u00e9\\ud83d\\ude00\xc3\xbc\",-12.5e-1,true,{\"skip\":"
        "[{\"x\":\"\\\"]\"},[1]]},null],\"n\":0}  ";
    const gsize length = sizeof text - 1;
    g_autofree char *whole = trace_in_pieces(text, length, length, &lenient, NULL);

    g_assert_nonnull(whole);
    for (gsize cut = 0; cut < length; cut++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdArena) arena = xd_arena_new();
        g_auto(TraceSink) trace = {0};
        g_autoptr(XdJsonReader) reader = NULL;
        g_autofree char *head = g_memdup2(text, cut);
        g_autofree char *tail = g_memdup2(text + cut, length - cut);
        g_autofree char *alone = trace_in_pieces(text, cut, length, &lenient, NULL);

        g_assert_true((alone != NULL) == (cut >= length - 2));
        trace_sink_init(&trace);
        reader = xd_json_reader_new(&trace.parent, &lenient, arena);
        g_assert_true(xd_json_reader_feed(reader, head, cut, &error));
        g_assert_true(xd_json_reader_feed(reader, tail, length - cut, &error));
        g_assert_true(xd_json_reader_end(reader, &error));
        g_assert_cmpstr(trace.text->str, ==, whole);
    }
}

static void
test_refused_by_sink(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) again = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(TraceSink) trace = {0};
    g_autoptr(XdJsonReader) reader = NULL;

    trace_sink_init(&trace);
    reader = xd_json_reader_new(&trace.parent, &lenient, arena);
    g_assert_false(xd_json_reader_feed(reader, "[1,\"refuse\",2]", 14, &error));
    g_assert_true(xd_error_is(error, HVD_ERROR_DENIED));
    g_assert_cmpstr(trace.text->str, ==, "[ 1");
    g_assert_false(xd_json_reader_feed(reader, "2]", 2, &again));
    g_assert_true(xd_error_is(again, HVD_ERROR_PROTOCOL));
    g_clear_error(&again);
    g_assert_false(xd_json_reader_end(reader, &again));
    g_assert_true(xd_error_is(again, HVD_ERROR_PROTOCOL));
}

/* SEC-16: a million brackets cost an error, or nothing at all where nobody looks. */
static void
test_depth(void)
{
    g_autoptr(GString) text = g_string_new("{\"skip\":");
    g_autofree char *deep = g_strnfill(1000000, '[');
    g_autofree char *closing = g_strnfill(1000000, ']');

    assert_refused(deep, 1000000, &lenient, "nested too deeply at byte 64");
    g_string_append(text, deep);
    g_string_append(text, closing);
    g_string_append(text, ",\"b\":1}");
    for (gsize step = 4093; step < text->len * 2; step *= 31) {
        g_autofree char *tokens = trace_in_pieces(text->str, text->len, step, &lenient, NULL);

        g_assert_cmpstr(tokens, ==, "{ skip: b: 1 )");
    }
    assert_refused(text->str, 1000, &strict, "nested too deeply");
}

static void
test_bounds(void)
{
    const XdJsonLimits small = {.max_bytes = 40, .max_depth = 2, .max_string = 8};
    g_autofree char *number = g_strnfill(600, '1');

    assert_tokens("[\"12345678\"]", 12, &small, "[ \"12345678\" )");
    assert_tokens("{\"12345678\":[]}", 15, &small, "{ 12345678: [ ) )");
    assert_refused("[\"123456789\"]", 13, &small, "string too long");
    assert_refused("{\"123456789\":1}", 15, &small, "string too long");
    assert_refused("[\"1234567\\n8\"]", 14, &small, "string too long");
    assert_refused("[\"1234567\\u00e9\"]", 17, &small, "string too long");
    assert_tokens("{\"skip\":\"123456789\\n0\"}", 23, &small, "{ skip: )");
    assert_refused("[[[]]]", 6, &small, "nested too deeply at byte 2");
    assert_refused("[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3]", 43, &small, "text too long");
    assert_refused("\"1234567\\n8", 11, &small, "string too long"); /* at once, not at its end */
    assert_refused(number, 512, &lenient, "integer out of range");
    assert_refused(number, 513, &lenient, "number too long");
}

/* 4 GiB that nobody wants are passed over and kept nowhere. */
static void
test_huge_skip(void)
{
    const XdJsonLimits huge = {.max_bytes = G_MAXSIZE, .max_depth = 8, .max_string = 100};
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autofree char *megabytes = g_strnfill(16 << 20, 'x');
    g_auto(TraceSink) trace = {0};
    g_autoptr(XdJsonReader) reader = NULL;

    trace_sink_init(&trace);
    reader = xd_json_reader_new(&trace.parent, &huge, arena);
    g_assert_true(xd_json_reader_feed(reader, "{\"skip\":\"", 9, NULL));
    for (guint i = 0; i < 16; i++)
        g_assert_true(xd_json_reader_feed(reader, megabytes, 16 << 20, NULL));
    g_assert_true(xd_json_reader_feed(reader, "\",\"skip\":[\"", 11, NULL));
    for (guint i = 0; i < 16; i++)
        g_assert_true(xd_json_reader_feed(reader, megabytes, 16 << 20, NULL));
    g_assert_true(xd_json_reader_feed(reader, "\"],\"b\":1}", 9, NULL));
    g_assert_true(xd_json_reader_end(reader, NULL));
    g_assert_cmpstr(trace.text->str, ==, "{ skip: skip: b: 1 )");
}

/* A token that lies whole in what was fed is told from there: no copy. */
typedef struct {
    XdSink parent;
    const char *start;
    const char *end;
    gboolean is_inside;
} PlaceSink;

static XdVerdict
place_string(XdSink *sink, const char *text, gsize length)
{
    PlaceSink *place = (PlaceSink *) sink;

    place->is_inside = text >= place->start && text + length <= place->end;
    return XD_SINK_TAKE;
}

static void
test_no_copy(void)
{
    static const XdSinkClass klass = {.string = place_string};
    static const char text[] = "\"of some length\"";
    PlaceSink place = {.parent = {.klass = &klass}, .start = text, .end = text + sizeof text};
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdJsonReader) whole = xd_json_reader_new(&place.parent, &lenient, arena);
    g_autoptr(XdJsonReader) parts = xd_json_reader_new(&place.parent, &lenient, arena);

    g_assert_true(xd_json_reader_feed(whole, text, sizeof text - 1, NULL));
    g_assert_true(place.is_inside);
    g_assert_true(xd_json_reader_feed(parts, text, 5, NULL));
    g_assert_true(xd_json_reader_feed(parts, text + 5, sizeof text - 6, NULL));
    g_assert_false(place.is_inside);
}

static char *
rewrite(const char *text, gboolean is_pretty)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdVault) out = {0};
    g_autoptr(XdJsonReader) reader = NULL;
    XdJsonWriter writer;

    xd_vault_init(&out, arena);
    xd_json_writer_init(&writer, &out, is_pretty);
    reader = xd_json_reader_new(&writer.parent, &lenient, arena);
    g_assert_true(xd_json_reader_feed(reader, text, strlen(text), NULL));
    g_assert_true(xd_json_reader_end(reader, NULL));
    return g_strdup(out.data);
}

static void
test_write(void)
{
    static const char text[] = "{\"a\":[1,-2.5,true,false,null,[],{}],\"\\u001f\\\"\\\\\":"
                               "\"gr\xc3\xbc\xc3\x9f \\u0001\",\"c\":{\"d\":1e+20}}";
    g_autofree char *compact = rewrite(text, FALSE);
    g_autofree char *pretty = rewrite("{\"a\":[1,{}],\"b\":{\"c\":[]},\"d\":2}", TRUE);
    g_autofree char *floats =
        rewrite("[0.1,1.0,100000.0,1e300,NaN,0.30000000000000004,-0.0]", FALSE);

    g_assert_cmpstr(compact, ==, text);
    g_assert_cmpstr(
        pretty, ==,
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": []\n  },\n  \"d\": 2\n}");
    g_assert_cmpstr(floats, ==, "[0.1,1.0,100000.0,1e+300,null,0.30000000000000004,-0.0]");
}

static void
test_write_depth(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdVault) out = {0};
    XdJsonWriter writer;
    XdSink *sink = &writer.parent;

    xd_vault_init(&out, arena);
    xd_json_writer_init(&writer, &out, FALSE);
    for (guint i = 0; i < 64; i++)
        g_assert_cmpint(sink->klass->begin(sink, i % 2 == 0), ==, XD_SINK_TAKE);
    g_assert_cmpint(sink->klass->begin(sink, TRUE), ==, XD_SINK_REFUSE);
    g_assert_true(xd_error_is(sink->error, HVD_ERROR_INVALID));
    g_clear_error(&sink->error);
    for (guint i = 0; i < 64; i++)
        g_assert_cmpint(sink->klass->end(sink), ==, XD_SINK_TAKE);
    g_assert_cmpuint(out.length, ==, 128);
    g_assert_true(g_str_has_suffix(out.data, "]}]}"));
}

/* A sink may refuse without a word. */
static XdVerdict
refuse_silently(XdSink *sink G_GNUC_UNUSED, gint64 value G_GNUC_UNUSED)
{
    return XD_SINK_REFUSE;
}

static void
test_silent_refusal(void)
{
    static const XdSinkClass klass = {.integer = refuse_silently};
    XdSink sink = {.klass = &klass};
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdJsonReader) reader = xd_json_reader_new(&sink, &lenient, arena);
    g_autoptr(GError) error = NULL;

    g_assert_false(xd_json_reader_feed(reader, "1 ", 2, &error));
    g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/json/tokens", test_tokens);
    g_test_add_func("/wire/json/replacement", test_replacement);
    g_test_add_func("/wire/json/skip", test_skip);
    g_test_add_func("/wire/json/skip-strict", test_skip_strict);
    g_test_add_func("/wire/json/malformed", test_malformed);
    g_test_add_func("/wire/json/strict", test_strict);
    g_test_add_func("/wire/json/cuts", test_cuts);
    g_test_add_func("/wire/json/refused-by-sink", test_refused_by_sink);
    g_test_add_func("/wire/json/depth", test_depth);
    g_test_add_func("/wire/json/bounds", test_bounds);
    g_test_add_func("/wire/json/huge-skip", test_huge_skip);
    g_test_add_func("/wire/json/no-copy", test_no_copy);
    g_test_add_func("/wire/json/write", test_write);
    g_test_add_func("/wire/json/write-depth", test_write_depth);
    g_test_add_func("/wire/json/silent-refusal", test_silent_refusal);
    return g_test_run();
}
