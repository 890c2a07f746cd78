#include "answer.h"

#include "base/error.h"
#include "wire/value.h"
#include "wire/xml-write.h"

#include <string.h>

#define HEAD         "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct>"
#define TAIL         "</struct></value></param></params></methodResponse>"
#define SUCCESS      "<member><name>Status</name><value>Success</value></member>"
#define FAILURE      "<member><name>Status</name><value>Failure</value></member>"
#define VALUE(inner) "<member><name>Value</name><value>" inner "</value></member>"
#define LIST(inner)                                                                                \
    "<member><name>ErrorDescription</name><value><array><data>" inner                              \
    "</data></array></value></member>"
#define MEMBER(name, inner) "<member><name>" name "</name><value>" inner "</value></member>"

/* The values of an answer, told by the trace sink. */
static void
test_values(void)
{
    static const struct {
        const char *value;
        const char *line;
    } cases[] = {
        {"Running", "\"Running\""},
        {"", "\"\""},
        {" a\tb\nc ", "\" a\tb\nc \""},
        {"<string>text</string>", "\"text\""},
        {" <string> text</string>\n", "\" text\""},
        {"<string/>", "\"\""},
        {"&lt;&amp;&gt;&quot;&apos;", "\"<&>\"'\""},
        {"&#65;&#x6f22;a&#13;b", "\"A\xe6\xbc\xa2"
                                 "a\rb\""},
        /* the rules of XML: unescaped it is the end of a line, wherever the pieces are cut */
        {"a\r\nb\rc\n\rd&#13;&#10;e&#xD;", "\"a\nb\nc\n\nd\r\ne\r\""},
        {"a<![CDATA[<b>&amp;]]>c", "\"a<b>&amp;c\""},
        {"a<!-- x -->b<?pi?>c", "\"abc\""},
        {"wire &lt;&amp;&gt; &quot;\xc3\xa9&quot; \xe6\xbc\xa2 \xf0\x9f\x98\x80",
         "\"wire <&> \"\xc3\xa9\" \xe6\xbc\xa2 \xf0\x9f\x98\x80\""},
        {"4294967296", "\"4294967296\""},
        {"<int>1</int>", "1"},
        {"<i4>-1</i4>", "-1"},
        {"<i8>9223372036854775807</i8>", "9223372036854775807"},
        {"<double>0.5</double>", "~0.5"},
        {"<double>1e+20</double>", "~1e+20"},
        {"<double>nan</double>", "~nan"},
        {"<double>-inf</double>", "~-inf"},
        {"<boolean>1</boolean>", "true"},
        {"<boolean>0</boolean>", "false"},
        {"<dateTime.iso8601>20260820T12:00:00Z</dateTime.iso8601>", "\"20260820T12:00:00Z\""},
        {"<nil/>", "null"},
        {"<array><data></data></array>", "[ )"},
        {"<array/>", "[ )"},
        {"<array><data/></array>", "[ )"},
        {"<array><data><value>a</value><value><i4>1</i4></value></data></array>", "[ \"a\" 1 )"},
        {"<struct/>", "{ )"},
        {"<struct></struct>", "{ )"},
        {"<struct>" MEMBER("a", "b")
             MEMBER("", "<struct>" MEMBER("c", "<array/>") "</struct>") "</struct>",
         "{ a: \"b\" : { c: [ ) ) )"},
        {"<struct>" MEMBER("a&amp;b", "1") "</struct>", "{ a&b: \"1\" )"},
        {"\n<struct>\n <member>\n <name>a</name>\n <value>\n <array>\n <data>\n <value>x</value>\n "
         "</data>\n"
         " </array>\n </value>\n </member>\n </struct>\n",
         "{ a: [ \"x\" ) )"},
        {"<struct>" MEMBER("skip", "<struct>" MEMBER("x", "<anything>1</anything>") "</struct>")
             MEMBER("b", "1") "</struct>",
         "{ skip: b: \"1\" )"},
        {"<struct>" MEMBER("skip1", "x") MEMBER("skip2", "<nil/>") MEMBER("skip3", "") "</struct>",
         "{ skip1: skip2: skip3: )"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(HEAD SUCCESS "<member><name>Value</name><value>",
                                            cases[i].value, "</value></member>" TAIL, NULL);

        answer_assert(&xd_codec_xml, text, cases[i].line);
    }
}

static void
test_envelope(void)
{
    static const struct {
        const char *text;
        const char *line;
    } cases[] = {
        {HEAD FAILURE LIST(
             "<value>VM_BAD_POWER_STATE</value><value>OpaqueRef:vm1</value><value>halted</value>"
             "<value>running</value>") TAIL,
         "failure VM_BAD_POWER_STATE|OpaqueRef:vm1|halted|running"},
        {HEAD LIST("<value>A</value><value></value>") FAILURE TAIL, "failure A|"},
        {HEAD VALUE("x") SUCCESS TAIL, "\"x\""},
        {HEAD MEMBER("Other", "<struct>" SUCCESS "</struct>") SUCCESS VALUE("<nil/>") TAIL, "null"},
        {HEAD FAILURE MEMBER("ErrorDescription", "INTERNAL_ERROR") TAIL, "failure INTERNAL_ERROR"},
        {HEAD FAILURE LIST("<value>A</value><value><i4>3</i4></value><value><array/></value>") TAIL,
         "failure A|3"},
        {"<methodResponse>\n<params>\n<param>\n<value><struct>\n" SUCCESS "\n" VALUE("x") "\n" TAIL
                                                                                          "\n",
         "\"x\""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        answer_assert(&xd_codec_xml, cases[i].text, cases[i].line);
}

static void
test_refused_envelope(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "incomplete XML"},
        {"   ", "incomplete XML"},
        {"{\"result\":1}", "incomplete XML"},
        {"<html><body><h1>HTTP 500</h1></body></html>", "where it cannot"},
        {HEAD TAIL, "neither success nor failure"},
        {HEAD SUCCESS TAIL, "without a value"},
        {HEAD VALUE("x") TAIL, "neither success nor failure"},
        {HEAD MEMBER("Status", "Maybe") VALUE("x") TAIL, "neither success nor failure"},
        {HEAD MEMBER("Status", "<array/>") VALUE("x") TAIL, "neither success nor failure"},
        {HEAD SUCCESS SUCCESS VALUE("x") TAIL, "twice"},
        {HEAD SUCCESS VALUE("x") VALUE("y") TAIL, "twice"},
        {HEAD SUCCESS VALUE("x") LIST("<value>A</value>") TAIL, "with a failure list"},
        {HEAD FAILURE VALUE("x") LIST("<value>A</value>") TAIL, "a failure with a value"},
        {HEAD FAILURE TAIL, "without a list"},
        {HEAD FAILURE LIST("") TAIL, "without a code"},
        {HEAD FAILURE LIST("<value></value>") TAIL, "without a code"},
        {"<methodResponse><params><param><value>x</value></param></params></methodResponse>",
         "it is no object"},
        {"<methodResponse><params></params></methodResponse>", "incomplete"},
        {"<methodResponse/>", "incomplete"},
        {"<methodResponse><fault><value>x</value></fault></methodResponse>", "where it cannot"},
        {"<value>x</value>", "where it cannot"},
        {HEAD SUCCESS VALUE("x") TAIL "<x/>", "incomplete XML"},
        {HEAD SUCCESS VALUE("x") TAIL "x", "incomplete XML"},
        {"<methodResponse><params><param><value><struct/></value></param><param/></params></"
         "methodResponse>",
         "where it cannot"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        answer_assert_refused(&xd_codec_xml, cases[i].text, cases[i].message);
}

static void
test_refused_values(void)
{
    static const struct {
        const char *value;
        const char *message;
    } cases[] = {
        {"<i4></i4>", "malformed integer"},
        {"<int> 1</int>", "malformed integer"},
        {"<i8>9223372036854775808</i8>", "malformed integer"},
        {"<i4>0x10</i4>", "malformed integer"},
        {"<double>1,5</double>", "malformed float"},
        {"<double></double>", "malformed float"},
        {"<boolean>true</boolean>", "malformed boolean"},
        {"<boolean></boolean>", "malformed boolean"},
        {"<boolean>2</boolean>", "malformed boolean"},
        {"<nil>x</nil>", "text in a nil"},
        {"<base64>eA==</base64>", "where it cannot"},
        {"<string>a</string><string>b</string>", "where it cannot"},
        {"<string>a</string>b", "text between elements"},
        {"a<string>b</string>", "where it cannot"},
        {"<string><string>a</string></string>", "where it cannot"},
        {"<i4><nil/></i4>", "where it cannot"},
        {"<value>a</value>", "where it cannot"},
        {"<array><value>a</value></array>", "where it cannot"},
        {"<array><data>a</data></array>", "text between elements"},
        {"<array><data/><data/></array>", "where it cannot"},
        {"<array><data><string>a</string></data></array>", "where it cannot"},
        {"<struct><name>a</name></struct>", "where it cannot"},
        {"<struct><member><value>a</value><name>a</name></member></struct>", "where it cannot"},
        {"<struct><member><name>a</name></member></struct>", "incomplete"},
        {"<struct><member/></struct>", "incomplete"},
        {"<struct><member><name>a</name><name>b</name></member></struct>", "where it cannot"},
        {"<struct><member><name>a</name><value/><value/></member></struct>", "where it cannot"},
        {"<struct><member>x<name>a</name><value/></member></struct>", "where it cannot"},
        {"<struct><member><name><string>a</string></name><value/></member></struct>",
         "where it cannot"},
        {"<x:string xmlns:x=\"urn:x\">a</x:string>", "where it cannot"},
        {"<String>a</String>", "where it cannot"},
        {"&unknown;", "incomplete XML"},
        {"&#0;", "incomplete XML"},
        {"&#xd800;", "incomplete XML"},
        {"\x01", "incomplete XML"},
        {"\xff", "incomplete XML"},
        {"\xed\xa0\x80", "incomplete XML"},
        {"<string>a</i4>", "incomplete XML"},
        {"a & b", "incomplete XML"},
        {"]]>", "incomplete XML"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(HEAD SUCCESS "<member><name>Value</name><value>",
                                            cases[i].value, "</value></member>" TAIL, NULL);

        answer_assert_refused(&xd_codec_xml, text, cases[i].message);
    }
}

/* SEC-16: no entity is expanded, nothing is fetched, because there is no document type at all. */
static void
test_doctype(void)
{
    static const char bomb[] =
        "<?xml version=\"1.0\"?><!DOCTYPE methodResponse [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
        "\"&a;&a;&a;&a;\">"
        "<!ENTITY c "
        "\"&b;&b;&b;&b;\">]><methodResponse><params><param><value>&c;</value></param></params>"
        "</methodResponse>";
    static const char external[] =
        "<!DOCTYPE methodResponse [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" HEAD SUCCESS VALUE(
            "&x;") TAIL;
    static const char subset[] =
        "<!DOCTYPE methodResponse SYSTEM \"http://192.0.2.1/x.dtd\">" HEAD SUCCESS VALUE("x") TAIL;

    answer_assert_refused(&xd_codec_xml, bomb, "it has a document type");
    answer_assert_refused(&xd_codec_xml, external, "it has a document type");
    answer_assert_refused(&xd_codec_xml, subset, "it has a document type");
}

/* What the declaration says of the encoding is nothing that the toolstack sends. */
static void
test_encoding(void)
{
    static const char latin[] =
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><methodResponse><params><param>"
        "<value><struct>" SUCCESS VALUE("\xc3\xa9") TAIL;
    static const char wrong[] =
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><methodResponse><params><param>"
        "<value><struct>" SUCCESS VALUE("\xe9") TAIL;

    answer_assert(&xd_codec_xml, latin, "\"\xc3\xa9\"");
    answer_assert_refused(&xd_codec_xml, wrong, "incomplete XML");
}

static void
test_cuts(void)
{
    answer_assert_cuts(
        &xd_codec_xml,
        HEAD SUCCESS VALUE("<array><data><value>a&amp;\xc3\xa9</value></data></array>") TAIL "\n",
        1);
    answer_assert_cuts(&xd_codec_xml, HEAD FAILURE LIST("<value>A</value>") TAIL, 0);
}

static void
test_errors(void)
{
    answer_assert_sink_error(&xd_codec_xml, HEAD SUCCESS VALUE("refuse") TAIL);
    answer_assert_stays_broken(&xd_codec_xml, "<methodResponse><x/>",
                               "<params><param><value>x</value></param></params></methodResponse>");
    answer_assert_stays_broken(&xd_codec_xml, "<!DOCTYPE a><methodResponse>", "</methodResponse>");
}

static void
append_times(GString *text, guint n, const char *piece)
{
    for (guint i = 0; i < n; i++)
        g_string_append(text, piece);
}

static void
test_depth(void)
{
    g_autoptr(GString) deep = g_string_new(HEAD SUCCESS "<member><name>Value</name>");
    g_autoptr(GString) elements = g_string_new(NULL);
    g_autoptr(GString) skipped = g_string_new(
        HEAD SUCCESS "<member><name>Value</name><value><struct><member><name>skip</name>");
    g_autoptr(GString) hidden = g_string_new(HEAD "<member><name>skip</name>");
    g_autofree char *line = NULL;

    append_times(deep, 20000, "<value><array><data>");
    append_times(elements, 100000, "<x>");
    append_times(skipped, 60, "<value><array><data>");
    append_times(skipped, 60, "</data></array></value>");
    g_string_append(skipped, "</member></struct></value></member>" TAIL);
    answer_assert_refused(&xd_codec_xml, deep->str, "nested too deeply");
    answer_assert_refused(&xd_codec_xml, elements->str, "where it cannot");
    line = answer_decode(&xd_codec_xml, skipped->str, skipped->len, 4096, 7, NULL);
    g_assert_cmpstr(line, ==, "{ skip: )");
    append_times(hidden, 20000, "<value><array><data>");
    answer_assert_refused(&xd_codec_xml, hidden->str, "nested too deeply");
}

static char *
nest(guint n, const char *inner)
{
    g_autoptr(GString) text = g_string_new(HEAD SUCCESS "<member><name>Value</name>");

    append_times(text, n, "<value><array><data>");
    g_string_append(text, inner);
    append_times(text, n, "</data></array></value>");
    g_string_append(text, "</member>" TAIL);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* 32 of them, with the struct of the envelope; siblings do not count. */
static void
test_exact_depth(void)
{
    g_autofree char *deep = nest(31, "<value><i4>1</i4></value>");
    g_autofree char *deeper = nest(32, "<value><i4>1</i4></value>");
    g_autoptr(GString) pair = g_string_new(NULL);
    g_autofree char *wide = NULL;
    g_autofree char *line = answer_decode(&xd_codec_xml, deep, strlen(deep), 100, 7, NULL);

    g_assert_nonnull(line);
    answer_assert_refused(&xd_codec_xml, deeper, "nested too deeply");
    append_times(pair, 100, "<value><array/></value>");
    wide = nest(1, pair->str);
    g_free(line);
    line = answer_decode(&xd_codec_xml, wide, strlen(wide), 100, 7, NULL);
    g_assert_nonnull(line);
}

/* Far more than libxml2 holds in one node, in the piece-wise form that it has to be read in. */
static void
test_large(void)
{
    g_autoptr(GString) text =
        g_string_new(HEAD SUCCESS "<member><name>Value</name><value><array><data>");
    g_autofree char *item = g_strnfill(60000, 'x');
    const XdDecoderLimits limits = {.max_bytes = 1 << 25, .max_string = 1 << 16};
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdValueSink) sink = xd_value_sink_new(G_VARIANT_TYPE_STRING_ARRAY);
    g_autoptr(XdDecoder) decoder =
        xd_codec_xml.decoder_new(xd_value_sink_get_sink(sink), 0, &limits, arena);
    g_autoptr(GVariant) value = NULL;
    g_autoptr(GError) error = NULL;
    char **failure;

    for (guint i = 0; i < 400; i++)
        g_string_append_printf(text, "<value>%s</value>", item);
    g_string_append(text, "</data></array></value></member>" TAIL);
    for (gsize done = 0; done < text->len; done += 16384) {
        xd_decoder_feed(decoder, text->str + done, MIN(16384, text->len - done), &error);
        g_assert_no_error(error);
    }
    g_assert_true(xd_decoder_end(decoder, &failure, &error));
    value = xd_value_sink_steal(sink);
    g_assert_cmpuint(g_variant_n_children(value), ==, 400);
}

static void
test_bounds(void)
{
    g_autofree char *filler = g_strnfill(70000, 'x');
    g_autofree char *string = g_strconcat(HEAD SUCCESS "<member><name>Value</name><value>", filler,
                                          "</value></member>" TAIL, NULL);
    g_autofree char *name = g_strconcat(HEAD "<member><name>", filler, "</name>", NULL);
    g_autofree char *skipped =
        g_strconcat(HEAD SUCCESS VALUE("x") "<member><name>Other</name><value>", filler,
                    "</value></member>" TAIL, NULL);
    g_autofree char *element = g_strconcat("<methodResponse><", filler, "/>", NULL);
    g_autoptr(GString) members = g_string_new(HEAD SUCCESS VALUE("x"));

    append_times(members, 20000, "<member><name>Other</name><value>and many more</value></member>");
    answer_assert_refused(&xd_codec_xml, string, "string too long");
    answer_assert_refused(&xd_codec_xml, name, "string too long");
    answer_assert_refused(&xd_codec_xml, members->str, "text too long");
    answer_assert_refused(&xd_codec_xml, element, "XML");
    answer_assert(&xd_codec_xml, skipped, "\"x\"");
}

static void
test_encode(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdSecret) session = xd_secret_new(arena, "OpaqueRef:s", 11);
    g_autoptr(XdSecret) password = xd_secret_new(arena, "ti<&>g]]>er", 11);
    XdSecret *secrets[] = {password};
    g_autoptr(GVariant) parameters = g_variant_ref_sink(
        g_variant_new_parsed("('a\\r\\n\"', int64 -1, 30.0, true, false, ['x'], {'k&': 'v'}, {'r': "
                             "<{'s': 'h'}>, 'h': <handle 0>}, @as [])"));
    XdRequest request = {
        .method = "VM.create",
        .session = session,
        .parameters = parameters,
        .secrets = secrets,
    };
    XdRequest bare = {.method = "a<b"};
    g_autofree char *body = answer_encode(&xd_codec_xml, &request);
    g_autofree char *empty = answer_encode(&xd_codec_xml, &bare);

    g_assert_cmpstr(
        body, ==,
        "<?xml version=\"1.0\"?><methodCall><methodName>VM.create</methodName><params>"
        "<param><value><string>OpaqueRef:s</string></value></param>"
        "<param><value><string>a&#13;\n\"</string></value></param>"
        "<param><value>-1</value></param>"
        "<param><value><double>30.0</double></value></param>"
        "<param><value><boolean>1</boolean></value></param>"
        "<param><value><boolean>0</boolean></value></param>"
        "<param><value><array><data><value><string>x</string></value></data></array></value></"
        "param>"
        "<param><value><struct><member><name>k&amp;</name><value><string>v</string></value></"
        "member>"
        "</struct></value></param>"
        "<param><value><struct><member><name>r</name><value><struct><member><name>s</name><value>"
        "<string>h</string></value></member></struct></value></member><member><name>h</name><value>"
        "<string>ti&lt;&amp;&gt;g]]&gt;er</string></value></member></struct></value></param>"
        "<param><value><array><data></data></array></value></param>"
        "</params></methodCall>");
    g_assert_cmpstr(empty, ==,
                    "<?xml "
                    "version=\"1.0\"?><methodCall><methodName>a&lt;b</methodName><params></"
                    "params></methodCall>");
}

/* The writer alone: it has its own bound, and a word for null. */
static void
test_writer(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdVault) out = {0};
    XdXmlWriter writer;
    XdSink *sink = &writer.parent;

    xd_vault_init(&out, arena);
    xd_xml_writer_init(&writer, &out);
    g_assert_cmpint(sink->klass->null(sink), ==, XD_SINK_TAKE);
    g_assert_cmpstr(out.data, ==, "<param><value><string></string></value></param>");
    for (guint i = 0; i < 64; i++)
        g_assert_cmpint(sink->klass->begin(sink, FALSE), ==, XD_SINK_TAKE);
    g_assert_cmpint(sink->klass->begin(sink, FALSE), ==, XD_SINK_REFUSE);
    g_assert_true(xd_error_is(sink->error, HVD_ERROR_INVALID));
    g_clear_error(&sink->error);
}

/* What we send comes back as it was, if the other side sends it as we do: a carriage return above all,
 * which unescaped would be a line feed. */
static void
test_round_trip(void)
{
    static const char *const texts[] = {
        "",       "\r",    "\r\n",     "\n\r",       "a\rb",
        "\r\r\r", " \r ",  "\t\r\n\t", "&#13;",      "&amp;#13;",
        "<\r>",   "]]>\r", "\"\r'",    "\xc3\xa9\r", "\xf0\x9f\x98\x80\r\n"};
    g_autoptr(XdArena) arena = xd_arena_new();

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_auto(XdVault) out = {0};
        g_autofree char *text = NULL;
        g_autofree char *line = g_strdup_printf("{ %s: \"%s\" )", texts[i], texts[i]);
        XdXmlWriter writer;
        XdSink *sink = &writer.parent;

        xd_vault_init(&out, arena);
        xd_xml_writer_init(&writer, &out);
        sink->klass->begin(sink, TRUE);
        sink->klass->key(sink, texts[i], strlen(texts[i]));
        sink->klass->string(sink, texts[i], strlen(texts[i]));
        sink->klass->end(sink);
        g_assert_null(strchr(out.data, '\r'));
        text = g_strdup_printf(HEAD SUCCESS "<member><name>Value</name>%.*s</member>" TAIL,
                               (int) (out.length - strlen("<param></param>")),
                               out.data + strlen("<param>"));
        answer_assert(&xd_codec_xml, text, line);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/rpc-xml/values", test_values);
    g_test_add_func("/wire/rpc-xml/envelope", test_envelope);
    g_test_add_func("/wire/rpc-xml/refused-envelope", test_refused_envelope);
    g_test_add_func("/wire/rpc-xml/refused-values", test_refused_values);
    g_test_add_func("/wire/rpc-xml/doctype", test_doctype);
    g_test_add_func("/wire/rpc-xml/encoding", test_encoding);
    g_test_add_func("/wire/rpc-xml/cuts", test_cuts);
    g_test_add_func("/wire/rpc-xml/errors", test_errors);
    g_test_add_func("/wire/rpc-xml/depth", test_depth);
    g_test_add_func("/wire/rpc-xml/exact-depth", test_exact_depth);
    g_test_add_func("/wire/rpc-xml/large", test_large);
    g_test_add_func("/wire/rpc-xml/bounds", test_bounds);
    g_test_add_func("/wire/rpc-xml/encode", test_encode);
    g_test_add_func("/wire/rpc-xml/writer", test_writer);
    g_test_add_func("/wire/rpc-xml/round-trip", test_round_trip);
    return g_test_run();
}
