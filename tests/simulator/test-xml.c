#include "wire/rpc.h"

#include <string.h>

#define CALL(params)                                                                               \
    "<methodCall><methodName>a.b</methodName><params>" params "</params></methodCall>"
#define DATE(text)          "<dateTime.iso8601>" text "</dateTime.iso8601>"
#define MEMBER(name, value) "<member><name>" name "</name><value>" value "</value></member>"
#define PARAM(value)        "<param><value>" value "</value></param>"

static SimValue *
read_one(const char *body)
{
    g_auto(SimRequest) request = {0};
    g_autofree char *problem = NULL;

    if (!sim_xmlrpc_parse(body, strlen(body), &request, &problem))
        g_error("%s: %s", body, problem);
    g_assert_cmpstr(request.method, ==, "a.b");
    g_assert_cmpuint(sim_value_size(request.params), ==, 1);
    return sim_value_ref(sim_value_at(request.params, 0));
}

static void
assert_reads(const char *inner, const char *expected)
{
    g_autofree char *body = g_strdup_printf(CALL(PARAM("%s")), inner);
    g_autoptr(SimValue) value = read_one(body);
    g_autofree char *seen = sim_value_describe(value);

    g_assert_cmpstr(seen, ==, expected);
}

static void
test_values(void)
{
    assert_reads("bare <![CDATA[<&>]]>", "S(bare <&>)");
    assert_reads("<string> two  spaces </string>", "S( two  spaces )");
    assert_reads("<string/>", "S()");
    assert_reads("", "S()");
    assert_reads("<int>-5</int>", "I(-5)");
    assert_reads("<i4>7</i4>", "I(7)");
    assert_reads("<double>0.5</double>", "F(0.5)");
    assert_reads("<boolean>1</boolean>", "B(true)");
    assert_reads(DATE("20010909T01:46:40Z"), "D(20010909T01:46:40Z)");
    assert_reads("<nil/>", "N");
    assert_reads("\n<array>\n<data>\n<value>x</value>\n</data>\n</array>\n", "[S(x)]");
    assert_reads("<array/>", "[]");
    assert_reads("<struct>" MEMBER("k", "v") "</struct>", "{k:S(v)}");
    assert_reads("<struct/>", "{}");
}

static char *
refuse(const char *body, gsize length)
{
    g_auto(SimRequest) request = {0};
    char *problem = NULL;

    if (sim_xmlrpc_parse(body, length, &request, &problem))
        g_error("%.80s was taken for a call", body);
    return problem;
}

static void
test_refused(void)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "<a></b>",
        "<methodCall/>",
        "<methodCall><methodName>a</methodName></methodCall>",
        CALL("<param/>"),
        CALL(PARAM("<int>x</int>")),
        CALL(PARAM("<boolean>2</boolean>")),
        CALL(PARAM("<double>1.x</double>")),
        CALL(PARAM("<what>1</what>")),
        CALL(PARAM("<struct><member><name/><value>v</value></member></struct>")),
        CALL(PARAM("<struct><member><name>k</name></member></struct>")),
        CALL(PARAM("<dateTime.iso8601>yesterday</dateTime.iso8601>")),
        "<!DOCTYPE a [<!ENTITY e \"x\">]>" CALL(PARAM("&e;")),
        "<!DOCTYPE methodCall SYSTEM \"file:///etc/passwd\">" CALL(PARAM("x")),
    };

    for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *problem = refuse(bodies[i], strlen(bodies[i]));

        g_assert_nonnull(problem);
    }
}

static void
test_deep(void)
{
    g_autoptr(GString) body = g_string_new("<methodCall><methodName>a</methodName><params><param>");
    g_autofree char *problem = NULL;

    for (guint i = 0; i < 20000; i++)
        g_string_append(body, "<value><array><data>");
    problem = refuse(body->str, body->len);
    g_assert_nonnull(problem);
}

static void
assert_prints(SimValue *taken, const char *expected)
{
    g_autoptr(SimValue) value = taken;
    g_autoptr(GString) out = g_string_new(NULL);

    sim_xml_print_value(out, value);
    g_assert_cmpstr(out->str, ==, expected);
}

static void
test_print(void)
{
    assert_prints(sim_string("<&>\"'\n\x01"), "<value>&lt;&amp;&gt;&quot;'\n</value>");
    assert_prints(sim_int(4294967296), "<value>4294967296</value>");
    assert_prints(sim_i4(3), "<value><i4>3</i4></value>");
    assert_prints(sim_float(1), "<value><double>1</double></value>");
    assert_prints(sim_float(-G_MAXDOUBLE * 10), "<value><double>-inf</double></value>");
    assert_prints(sim_bool(TRUE), "<value><boolean>1</boolean></value>");
    assert_prints(sim_array(), "<value><array><data></data></array></value>");
    assert_prints(sim_map(), "<value><struct></struct></value>");
}

static void
test_envelope(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_auto(SimAnswer) answer = {NULL, sim_strings("E", "p", NULL), FALSE};

    sim_xml_print_answer(out, &answer);
    g_assert_cmpstr(out->str, ==,
                    "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member>"
                    "<name>Status</name><value>Failure</value></member><member>"
                    "<name>ErrorDescription</name><value><array><data><value>E</value>"
                    "<value>p</value></data></array></value></member></struct></value></param>"
                    "</params></methodResponse>");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/simulator/xmlrpc/values", test_values);
    g_test_add_func("/simulator/xmlrpc/refused", test_refused);
    g_test_add_func("/simulator/xmlrpc/deep", test_deep);
    g_test_add_func("/simulator/xmlrpc/print", test_print);
    g_test_add_func("/simulator/xmlrpc/envelope", test_envelope);
    return g_test_run();
}
