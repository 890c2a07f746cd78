#include "answer.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

static void
test_answers(void)
{
    static const struct {
        const char *text;
        const char *line;
    } cases[] = {
        /* as captured: json2_*, json1_* */
        {"{\"jsonrpc\":\"2.0\",\"result\":\"Running\",\"id\":7}", "\"Running\""},
        {"{\"result\":\"Running\",\"error\":null,\"id\":7}", "\"Running\""},
        {"{\"jsonrpc\":\"2.0\",\"result\":\"\",\"id\":7}", "\"\""},
        {"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"HANDLE_INVALID\",\"data\":"
         "[\"VM\",\"OpaqueRef:bad\"]},\"id\":7}",
         "failure HANDLE_INVALID|VM|OpaqueRef:bad"},
        {"{\"result\":null,\"error\":[\"HANDLE_INVALID\",\"VM\",\"OpaqueRef:bad\"],\"id\":7}",
         "failure HANDLE_INVALID|VM|OpaqueRef:bad"},
        /* a server that is not up: the wrong shape and the wrong id */
        {"{\"jsonrpc\":\"2.0\",\"error\":[\"HOST_STILL_BOOTING\"],\"id\":0}",
         "failure HOST_STILL_BOOTING"},
        {"{\"error\":{\"message\":\"A\"}}", "failure A"},
        /* any order, unknown members, blanks */
        {" { \"id\" : 7 , \"x\" : {\"result\":[1]} , \"result\" : [ {\"a\":1} , [] ] , \"y\" : "
         "\"\\u0020\" } ",
         "[ { a: 1 ) [ ) )"},
        {"{\"error\":{\"data\":[\"b\",\"c\"],\"x\":{\"message\":\"no\"},\"message\":\"A\"},\"id\":"
         "null}",
         "failure A|b|c"},
        {"{\"error\":null,\"id\":7,\"result\":{\"id\":8,\"error\":\"x\",\"result\":null}}",
         "{ id: 8 error: \"x\" result: null )"},
        /* null is in force only where there is no error */
        {"{\"result\":null,\"error\":null,\"id\":7}", "null"},
        /* values */
        {"{\"result\":-3,\"id\":7}", "-3"},
        {"{\"result\":0.5,\"id\":7}", "~0.5"},
        {"{\"result\":NaN,\"id\":7}", "~nan"},
        {"{\"result\":true,\"id\":7}", "true"},
        {"{\"result\":{},\"id\":7}", "{ )"},
        {"{\"result\":{\"skipped\":[1],\"a\":[2]},\"id\":7}", "{ skipped: a: [ 2 ) )"},
        /* odd failures, kept as far as they are text */
        {"{\"error\":\"INTERNAL_ERROR\"}", "failure INTERNAL_ERROR"},
        {"{\"error\":[\"A\",1,0.5,true,null,[\"x\"],{\"y\":\"z\"},\"b\"]}",
         "failure A|1|0.5|true||b"},
        {"{\"error\":{\"message\":\"A\",\"data\":\"text\"}}", "failure A|text"},
        {"{\"error\":{\"message\":\"A\",\"data\":{\"x\":[\"y\"]}}}", "failure A"},
        {"{\"error\":{\"message\":\"A\",\"data\":[[\"x\"],\"b\"]}}", "failure A|b"},
        {"{\"id\":[1,\"x\",{\"y\":2}],\"error\":[\"A\"]}", "failure A"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        answer_assert(&xd_codec_json, cases[i].text, cases[i].line);
}

static void
test_refused(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"<html><body><h1>HTTP 500 internal server error</h1></body></html>", "no valid JSON"},
        {"", "ends early"},
        {"[]", "it is no object"},
        {"\"x\"", "it is no object"},
        {"null", "it is no object"},
        {"7", "it is no object"},
        {"{}", "neither a result nor an error"},
        {"{\"id\":7}", "neither a result nor an error"},
        {"{\"error\":null,\"id\":7}", "neither a result nor an error"},
        {"{\"result\":1}", "the id is not that of the request"},
        {"{\"result\":1,\"id\":8}", "the id is not that of the request"},
        {"{\"result\":1,\"id\":\"7\"}", "the id is not that of the request"},
        {"{\"result\":1,\"id\":null}", "the id is not that of the request"},
        {"{\"result\":1,\"id\":[7]}", "the id is not that of the request"},
        {"{\"result\":1,\"id\":{\"id\":7}}", "the id is not that of the request"},
        {"{\"result\":1,\"result\":2,\"id\":7}", "twice"},
        {"{\"error\":null,\"error\":[\"A\"]}", "twice"},
        {"{\"id\":7,\"id\":7,\"result\":1}", "twice"},
        {"{\"error\":{\"message\":\"A\",\"message\":\"B\"}}", "twice"},
        {"{\"result\":1,\"error\":[\"A\"],\"id\":7}", "both a result and an error"},
        {"{\"error\":[\"A\"],\"result\":[],\"id\":7}", "both a result and an error"},
        {"{\"error\":[],\"id\":7}", "a failure without a code"},
        {"{\"error\":{},\"id\":7}", "a failure without a code"},
        {"{\"error\":[\"\"],\"id\":7}", "a failure without a code"},
        {"{\"error\":[[\"A\"]],\"id\":7}", "a failure without a code"},
        {"{\"result\":1,\"id\":7} x", "more than one value"},
        {"{\"result\":1,\"id\":7}{\"result\":1,\"id\":7}", "more than one value"},
        {"{\"result\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]", "nested too deeply"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        answer_assert_refused(&xd_codec_json, cases[i].text, cases[i].message);
}

static void
test_cuts(void)
{
    answer_assert_cuts(&xd_codec_json,
                       "{\"jsonrpc\":\"2.0\",\"result\":{\"a\":[1,\"\\u00e9\"]},\"id\":7}\n", 1);
    answer_assert_cuts(&xd_codec_json,
                       "{\"error\":{\"code\":1,\"message\":\"A\",\"data\":[\"b\"]},\"id\":7}", 0);
}

static void
test_errors(void)
{
    answer_assert_sink_error(&xd_codec_json, "{\"result\":[1,\"refuse\",2],\"id\":7}");
    answer_assert_stays_broken(&xd_codec_json, "{\"result\":[}", "{\"result\":1,\"id\":7}");
}

/* The list that a hostile server sends is cut, not believed. */
static void
test_failure_bounds(void)
{
    g_autoptr(GString) many = g_string_new("{\"error\":[\"CODE\"");
    g_autoptr(GString) large = g_string_new("{\"error\":[\"CODE\"");
    g_autoptr(GString) filler = g_string_new(NULL);
    g_autofree char *line = NULL;
    g_auto(GStrv) items = NULL;

    for (guint i = 0; i < 100000; i++)
        g_string_append(many, ",\"p\"");
    g_string_append(many, "]}");
    line = answer_decode(&xd_codec_json, many->str, many->len, 4096, 7, NULL);
    items = g_strsplit(line, "|", -1);
    g_assert_cmpuint(g_strv_length(items), ==, 64);
    g_free(line);
    for (guint i = 0; i < 20000; i++)
        g_string_append(filler, "\xc3\xbc");
    g_string_append_printf(large, ",\"%s\",\"%s\"]}", filler->str, filler->str);
    for (guint i = 0; i < 4; i++) { /* the cut may fall into a character */
        g_string_insert(large, 12, "C");
        line = answer_decode(&xd_codec_json, large->str, large->len, 4096, 7, NULL);
        g_assert_true(g_utf8_validate(line, -1, NULL));
        g_assert_cmpuint(strlen(line), <=, 65536 + strlen("failure ") + 64);
        g_assert_cmpuint(strlen(line), >=, 65530);
        g_clear_pointer(&line, g_free);
    }
}

static void
test_encode(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdSecret) session = xd_secret_new(arena, "OpaqueRef:s", 11);
    g_autoptr(XdSecret) password = xd_secret_new(arena, "ti\"ger", 6);
    XdSecret *secrets[] = {password};
    g_autoptr(GVariant) parameters = g_variant_ref_sink(
        g_variant_new_parsed("('a\\n', int64 -1, 30.0, true, ['x'], {'k': 'v'}, {'n': int64 2}, "
                             "{'r': <{'s': 'h'}>, 'h': <handle 0>},"
                             " handle 0, @as [])"));
    XdRequest request = {
        .method = "VM.create",
        .session = session,
        .parameters = parameters,
        .secrets = secrets,
        .id = 4294967295u,
    };
    XdRequest bare = {.method = "session.get_all"};
    g_autofree char *body = answer_encode(&xd_codec_json, &request);
    g_autofree char *empty = answer_encode(&xd_codec_json, &bare);

    g_assert_cmpstr(
        body, ==,
        "{\"jsonrpc\":\"2.0\",\"method\":\"VM.create\",\"params\":[\"OpaqueRef:s\",\"a\\u000a\",-1,"
        "30.0,true,[\"x\"],{\"k\":\"v\"},{\"n\":2},{\"r\":{\"s\":\"h\"},\"h\":\"ti\\\"ger\"},"
        "\"ti\\\"ger\",[]],\"id\":4294967295}");
    g_assert_cmpstr(empty, ==,
                    "{\"jsonrpc\":\"2.0\",\"method\":\"session.get_all\",\"params\":[],\"id\":0}");
}

/* What one of the encodings cannot carry is refused before anything is sent. */
static void
test_check(void)
{
    static const struct {
        const char *value; /* as GVariant reads it; the canary is not to be told */
        const char *message;
    } cases[] = {
        {"('canary\\u0001',)", "control character"},
        {"({'canary\\u001b': 'v'},)", "control character"},
        {"(['ok', 'canary\\ufffe'],)", "control character"},
        {"({'canary': ''}, {'': 'canary'})", "empty key"},
        {"({'r': <{'': <1>}>},)", "empty key"},
        {"('ok\\t\\n\\r\\u007f\\ufffd', int64 1)", NULL},
        {"(uint32 1,)", "no XenAPI value has the type u"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) parameters = g_variant_parse(NULL, cases[i].value, NULL, NULL, &error);
        XdRequest request = {.method = "VM.create", .parameters = parameters};

        g_assert_no_error(error);
        g_assert_cmpint(xd_request_check(&request, &error), ==, cases[i].message == NULL);
        if (cases[i].message == NULL)
            continue;
        g_assert_true(xd_error_is(error, HVD_ERROR_INVALID));
        g_assert_true(g_str_has_prefix(error->message, "VM.create: "));
        g_assert_nonnull(strstr(error->message, cases[i].message));
        g_assert_null(strstr(error->message, "canary"));
    }
}

static void
test_check_depth(void)
{
    for (guint depth = 14; depth < 20; depth++) {
        g_autofree char *open = g_strnfill(depth, '[');
        g_autofree char *close = g_strnfill(depth, ']');
        g_autofree char *type = g_strnfill(depth, 'a');
        g_autofree char *text = g_strdup_printf(
            "(@%ss %s%s, @aas [[], [], [], [], [], [], [], [], [], []])", type, open, close);
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) parameters = g_variant_parse(NULL, text, NULL, NULL, &error);
        XdRequest request = {.method = "a", .parameters = parameters};

        g_assert_no_error(error);
        g_assert_cmpint(xd_request_check(&request, &error), ==, depth <= 16);
    }
}

static void
test_check_secrets(void)
{
    static const struct {
        const char *text;
        gsize length;
    } cases[] = {{"bad\0canary", 10}, {"bad\xff", 4}, {"\x07", 1}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdArena) arena = xd_arena_new();
        g_autoptr(XdSecret) secret = xd_secret_new(arena, cases[i].text, cases[i].length);
        XdSecret *secrets[] = {secret};
        g_autoptr(GVariant) parameters = g_variant_ref_sink(g_variant_new("(h)", 0));
        g_autoptr(GVariant) real = g_variant_ref_sink(g_variant_new("(d)", (double) INFINITY));
        XdRequest as_parameter = {.method = "a", .parameters = parameters, .secrets = secrets};
        XdRequest as_session = {.method = "a", .session = secret};
        XdRequest infinite = {.method = "a", .parameters = real};

        g_assert_false(xd_request_check(&as_parameter, &error));
        g_clear_error(&error);
        g_assert_false(xd_request_check(&as_session, &error));
        g_clear_error(&error);
        g_assert_false(xd_request_check(&infinite, NULL));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/rpc-json/answers", test_answers);
    g_test_add_func("/wire/rpc-json/refused", test_refused);
    g_test_add_func("/wire/rpc-json/cuts", test_cuts);
    g_test_add_func("/wire/rpc-json/errors", test_errors);
    g_test_add_func("/wire/rpc-json/failure-bounds", test_failure_bounds);
    g_test_add_func("/wire/rpc-json/encode", test_encode);
    g_test_add_func("/wire/rpc-json/check", test_check);
    g_test_add_func("/wire/rpc-json/check-depth", test_check_depth);
    g_test_add_func("/wire/rpc-json/check-secrets", test_check_secrets);
    return g_test_run();
}
