#include "wire/rpc.h"

#include <string.h>

static void
test_valid(void)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ 1 , 2.5 , -3e10 ] ",
        "\"\\u00e9\\ud83d\\ude00\"",
        "{\"a\":{\"b\":[null]}}",
        "true",
        "9223372036854775807",
        "-9223372036854775808",
        "0",
        "-0.5",
        "\"\\\\\\\"\"",
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *why = sim_json_check(texts[i], strlen(texts[i]));

        g_assert_cmpstr(why, ==, NULL);
    }
}

static void
test_invalid(void)
{
    static const char *const texts[] = {
        "",
        "{",
        "[1,]",
        "{\"a\":}",
        "{\"a\" 1}",
        "{'a':1}",
        "[1] x",
        "01",
        "1.",
        "+1",
        ".5",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\u0000\"",
        "\"\\x\"",
        "\"a",
        "nul",
        "[1 2]",
        "{,}",
        "/* c */1",
        "NaN",
        "9223372036854775808",
        "\"\x01\"",
        "]",
        "{\"a\":1,}",
        "[}",
        "{]",
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *why = sim_json_check(texts[i], strlen(texts[i]));

        if (why == NULL)
            g_error("%s was taken for JSON", texts[i]);
    }
}

/* json-glib alone dies of this. */
static void
test_deep(void)
{
    g_autofree char *deep = g_strnfill(100000, '[');
    g_autofree char *problem = NULL;

    g_assert_null(sim_json_parse(deep, 100000, &problem));
    g_assert_nonnull(strstr(problem, "Nested too deeply"));
}

static void
test_values(void)
{
    const char *text = "{\"s\":\"a\\u00e9\",\"i\":-5,\"f\":0.5,\"b\":true,\"n\":null,\"l\":[1]}";
    g_autofree char *problem = NULL;
    g_autoptr(SimValue) value = sim_json_parse(text, strlen(text), &problem);

    g_assert_cmpstr(sim_map_get_text(value, "s"), ==, "a\303\251");
    g_assert_cmpint(sim_value_int(sim_map_get(value, "i")), ==, -5);
    g_assert_cmpfloat(sim_value_float(sim_map_get(value, "f")), ==, 0.5);
    g_assert_true(sim_value_bool(sim_map_get(value, "b")));
    g_assert_cmpint(sim_value_kind(sim_map_get(value, "n")), ==, SIM_NIL);
    g_assert_cmpuint(sim_value_size(sim_map_get(value, "l")), ==, 1);
}

static void
assert_prints(SimValue *taken, const char *expected)
{
    g_autoptr(SimValue) value = taken;
    g_autoptr(GString) out = g_string_new(NULL);

    sim_json_print(out, value);
    g_assert_cmpstr(out->str, ==, expected);
}

static void
test_print(void)
{
    assert_prints(sim_string("<&>\"\\\n\t\x01"), "\"<&>\\\"\\\\\\n\\t\\u0001\"");
    assert_prints(sim_int(G_MAXINT64), "9223372036854775807");
    assert_prints(sim_float(1.0), "1.0");
    assert_prints(sim_float(1.0 / 6), "0.16666666666666666");
    assert_prints(sim_float(1e300), "1e+300");
    assert_prints(sim_float(G_MAXDOUBLE * 10), "Infinity");
    assert_prints(sim_date(1000000000), "\"20010909T01:46:40Z\"");
    assert_prints(sim_strings("a", "b", NULL), "[\"a\",\"b\"]");
    assert_prints(sim_string_map("k", "v", NULL), "{\"k\":\"v\"}");
}

static void
parse(const char *body, SimRequest *request, char **problem)
{
    g_assert_true(sim_jsonrpc_parse(body, strlen(body), request, problem));
}

static char *
answer_to(const char *body, SimValue *value, SimValue *error)
{
    g_auto(SimRequest) request = {0};
    g_auto(SimAnswer) answer = {value, error, FALSE};
    g_autofree char *problem = NULL;

    parse(body, &request, &problem);
    return g_string_free(sim_rpc_print(&request, &answer), FALSE);
}

static void
test_versions(void)
{
    g_autofree char *one =
        answer_to("{\"method\":\"a\",\"params\":[],\"id\":7}", sim_string("x"), NULL);
    g_autofree char *one_error =
        answer_to("{\"method\":\"a\",\"params\":[],\"id\":7}", NULL, sim_strings("E", "p", NULL));
    g_autofree char *two =
        answer_to("{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":\"q\"}", sim_string(""), NULL);
    g_autofree char *two_error = answer_to("{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":\"q\"}",
                                           NULL, sim_strings("E", "p", "q", NULL));

    g_assert_cmpstr(one, ==, "{\"result\":\"x\",\"error\":null,\"id\":7}");
    g_assert_cmpstr(one_error, ==, "{\"result\":null,\"error\":[\"E\",\"p\"],\"id\":7}");
    g_assert_cmpstr(two, ==, "{\"jsonrpc\":\"2.0\",\"result\":\"\",\"id\":\"q\"}");
    g_assert_cmpstr(
        two_error, ==,
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"E\",\"data\":[\"p\",\"q\"]},"
        "\"id\":\"q\"}");
}

static void
test_malformed_calls(void)
{
    static const char *const bodies[] = {
        "[]",
        "1",
        "{\"method\":\"a\",\"params\":[]}",
        "{\"method\":\"a\",\"params\":[],\"id\":null}",
        "{\"params\":[],\"id\":1}",
        "{\"method\":\"a\",\"id\":1}",
        "{\"jsonrpc\":\"1.9\",\"method\":\"a\",\"params\":[],\"id\":1}",
    };

    for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_auto(SimRequest) request = {0};
        g_autofree char *problem = NULL;

        g_assert_false(sim_jsonrpc_parse(bodies[i], strlen(bodies[i]), &request, &problem));
        g_assert_true(g_str_has_prefix(problem, "Jsonrpc.Malformed_method_request("));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/simulator/json/valid", test_valid);
    g_test_add_func("/simulator/json/invalid", test_invalid);
    g_test_add_func("/simulator/json/deep", test_deep);
    g_test_add_func("/simulator/json/values", test_values);
    g_test_add_func("/simulator/json/print", test_print);
    g_test_add_func("/simulator/jsonrpc/versions", test_versions);
    g_test_add_func("/simulator/jsonrpc/malformed-calls", test_malformed_calls);
    return g_test_run();
}
