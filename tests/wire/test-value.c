#include "base/error.h"
#include "wire/json-write.h"
#include "wire/json.h"
#include "wire/value.h"

#include <string.h>

static const XdJsonLimits limits = {.max_bytes = 1 << 20, .max_depth = 64, .max_string = 1 << 16};

static GVariant *
read_value(const char *type, const char *json, GError **error)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdValueSink) sink = xd_value_sink_new(G_VARIANT_TYPE(type));
    g_autoptr(XdJsonReader) reader =
        xd_json_reader_new(xd_value_sink_get_sink(sink), &limits, arena);

    if (!xd_json_reader_feed(reader, json, strlen(json), error) ||
        !xd_json_reader_end(reader, error))
        return NULL;
    return xd_value_sink_steal(sink);
}

static void
test_types(void)
{
    static const struct {
        const char *type;
        const char *json;
        const char *value; /* as GVariant prints it */
    } cases[] = {
        {"s", "\"a\"", "'a'"},
        {"s", "\"\"", "''"},
        {"x", "9223372036854775807", "int64 9223372036854775807"},
        {"x", "\"268435456\"", "int64 268435456"},
        {"d", "0.5", "0.5"},
        {"d", "3", "3.0"},
        {"d", "\"0.25\"", "0.25"},
        {"d", "Infinity", "inf"},
        {"b", "true", "true"},
        {"as", "[]", "@as []"},
        {"as", "[\"a\",\"b\"]", "['a', 'b']"},
        {"a{ss}", "{}", "@a{ss} {}"},
        {"a{ss}", "{\"k\":\"v\",\"\":\"w\"}", "{'k': 'v', '': 'w'}"},
        {"a{sx}", "{\"vm\":11,\"task\":\"3\"}", "{'vm': int64 11, 'task': 3}"},
        {"v", "\"a\"", "<'a'>"},
        {"v", "null", "<''>"},
        {"v", "[]", "<@av []>"},
        {"v", "{\"a\":[1,\"b\",{\"c\":true}],\"d\":null,\"e\":0.5}",
         "<{'a': <[<int64 1>, <'b'>, <{'c': <true>}>]>, 'd': <''>, 'e': <0.5>}>"},
        {"a{sv}", "{\"a\":{\"b\":\"c\"}}", "{'a': <{'b': <'c'>}>}"},
        {"aas", "[[\"a\"],[]]", "[['a'], []]"},
        {"a{sa{ss}}", "{\"a\":{\"b\":\"c\"}}", "{'a': {'b': 'c'}}"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) value = read_value(cases[i].type, cases[i].json, &error);
        g_autofree char *text = NULL;

        g_assert_no_error(error);
        g_assert_cmpstr(g_variant_get_type_string(value), ==, cases[i].type);
        text = g_variant_print(value, TRUE);
        g_assert_cmpstr(text, ==, cases[i].value);
    }
}

static void
test_refused(void)
{
    static const struct {
        const char *type;
        const char *json;
        const char *message;
    } cases[] = {
        {"s", "1", "expected a string, found an integer"},
        {"s", "null", "expected a string, found null"},
        {"s", "[]", "expected a string, found a set"},
        {"s", "{}", "expected a string, found a map"},
        {"s", "true", "expected a string, found a boolean"},
        {"x", "\"\"", "expected an integer, found other text"},
        {"x", "\" 1\"", "expected an integer, found other text"},
        {"x", "0.5", "expected an integer, found a float"},
        {"x", "true", "expected an integer, found a boolean"},
        {"d", "\"x\"", "expected a float, found other text"},
        {"b", "1", "expected a boolean, found an integer"},
        {"b", "\"true\"", "expected a boolean, found a string"},
        {"as", "{}", "expected a set or map, found a map"},
        {"as", "\"a\"", "expected a set or map, found a string"},
        {"as", "[\"a\",1]", "expected a string, found an integer"},
        {"as", "[[]]", "expected a string, found a set"},
        {"a{ss}", "[]", "expected a set or map, found a set"},
        {"a{ss}", "{\"a\":1}", "expected a string, found an integer"},
        {"a{ss}", "{\"a\":\"1\",\"a\":\"1\"}", "found the same key twice"},
        {"v", "{\"a\":{\"b\":1,\"b\":2}}", "found the same key twice"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(read_value(cases[i].type, cases[i].json, &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
        if (strstr(error->message, cases[i].message) == NULL)
            g_test_message("%s: %s", cases[i].json, error->message);
        g_assert_nonnull(strstr(error->message, cases[i].message));
    }
}

static void
test_incomplete(void)
{
    g_autoptr(XdValueSink) sink = xd_value_sink_new(G_VARIANT_TYPE("as"));
    XdSink *inner = xd_value_sink_get_sink(sink);

    g_assert_null(xd_value_sink_steal(sink));
    g_assert_cmpint(inner->klass->begin(inner, FALSE), ==, XD_SINK_TAKE);
    g_assert_cmpint(inner->klass->string(inner, "a", 1), ==, XD_SINK_TAKE);
    g_assert_null(xd_value_sink_steal(sink));
    g_assert_cmpint(inner->klass->end(inner), ==, XD_SINK_TAKE);
    g_assert_cmpint(inner->klass->begin(inner, FALSE), ==, XD_SINK_REFUSE);
}

static void
test_secret(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdSecretSink) sink = xd_secret_sink_new(arena, FALSE);
    XdSink *inner = xd_secret_sink_get_sink(sink);
    g_autoptr(XdSecret) secret = NULL;

    g_assert_null(xd_secret_sink_steal(sink));
    g_assert_cmpint(inner->klass->string(inner, "tiger-canary", 5), ==, XD_SINK_TAKE);
    g_assert_cmpint(inner->klass->string(inner, "tiger-canary", 5), ==, XD_SINK_REFUSE);
    g_assert_null(strstr(inner->error->message, "tiger"));
    secret = xd_secret_sink_steal(sink);
    g_assert_cmpstr(xd_secret_reveal(secret, NULL), ==, "tiger");
}

static void
test_secret_type(void)
{
    static const char *const texts[] = {"{}", "[]", "1", "0.5", "true", "null", "[\"a\"]"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdArena) arena = xd_arena_new();
        g_autoptr(XdSecretSink) sink = xd_secret_sink_new(arena, FALSE);
        g_autoptr(XdJsonReader) reader =
            xd_json_reader_new(xd_secret_sink_get_sink(sink), &limits, arena);

        g_assert_false(xd_json_reader_feed(reader, texts[i], strlen(texts[i]), &error) &&
                       xd_json_reader_end(reader, &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
        g_assert_null(xd_secret_sink_steal(sink));
    }
}

static void
test_walk(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdSecret) secret = xd_secret_new(arena, "tiger", 5);
    XdSecret *secrets[] = {secret};
    g_autoptr(GVariant) value = g_variant_ref_sink(
        g_variant_new_parsed("{'s': <'a'>, 'x': <int64 1>, 'd': <2.0>, 'b': <true>, 'as': <['a', "
                             "'b']>, 'm': <{'k': 'v'}>,"
                             " 'n': <{'k': int64 3}>, 'h': <handle 0>, 'empty': <@as []>}"));
    g_auto(XdVault) out = {0};
    XdJsonWriter writer;

    xd_vault_init(&out, arena);
    xd_json_writer_init(&writer, &out, FALSE);
    g_assert_cmpint(xd_value_walk(value, secrets, &writer.parent), ==, XD_SINK_TAKE);
    g_assert_cmpstr(
        out.data, ==,
        "{\"s\":\"a\",\"x\":1,\"d\":2.0,\"b\":true,\"as\":[\"a\",\"b\"],\"m\":{\"k\":\"v\"},"
        "\"n\":{\"k\":3},\"h\":\"tiger\",\"empty\":[]}");
}

static void
test_walk_foreign(void)
{
    static const char *const values[] = {"uint32 1", "{1: 'a'}", "[byte 1]", "(1, 2)",
                                         "[<@ms nothing>]"};

    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autoptr(XdArena) arena = xd_arena_new();
        g_autoptr(GVariant) value = g_variant_parse(NULL, values[i], NULL, NULL, NULL);
        g_auto(XdVault) out = {0};
        XdJsonWriter writer;

        xd_vault_init(&out, arena);
        xd_json_writer_init(&writer, &out, FALSE);
        g_assert_cmpint(xd_value_walk(value, NULL, &writer.parent), ==, XD_SINK_REFUSE);
        g_assert_true(xd_error_is(writer.parent.error, HVD_ERROR_INVALID));
        g_clear_error(&writer.parent.error);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/value/types", test_types);
    g_test_add_func("/wire/value/refused", test_refused);
    g_test_add_func("/wire/value/incomplete", test_incomplete);
    g_test_add_func("/wire/value/secret", test_secret);
    g_test_add_func("/wire/value/secret-type", test_secret_type);
    g_test_add_func("/wire/value/walk", test_walk);
    g_test_add_func("/wire/value/walk-foreign", test_walk_foreign);
    return g_test_run();
}
