#include "trace-sink.h"

#include "base/error.h"
#include "wire/rpc.h"

#include <string.h>

static void
test_values(void)
{
    static const struct {
        const char *text;
        const char *tokens;
    } cases[] = {
        {"", "\"\""},
        {"<value></value>", "\"\""},
        {"<value/>", "\"\""},
        {"<value>OpaqueRef:vm2</value>", "\"OpaqueRef:vm2\""},
        {"OpaqueRef:vm2", "\"OpaqueRef:vm2\""},
        {"<value>42</value>", "\"42\""},
        {"<value><boolean>1</boolean></value>", "true"},
        {"<value><array><data><value>OpaqueRef:a</value><value>OpaqueRef:b</value></data></array></"
         "value>",
         "[ \"OpaqueRef:a\" \"OpaqueRef:b\" )"},
        {"<value><struct><member><name>k</name><value>v</value></member></struct></value>",
         "{ k: \"v\" )"},
        {"<value>&lt;value&gt;plugin &amp; text&lt;/value&gt;</value>",
         "\"<value>plugin & text</value>\""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdArena) arena = xd_arena_new();
        g_auto(TraceSink) trace = {0};

        trace_sink_init(&trace);
        g_assert_true(xd_task_result_decode(cases[i].text, &trace.parent, arena, &error));
        g_assert_cmpstr(trace.text->str, ==, cases[i].tokens);
    }
}

static void
test_refused(void)
{
    static const char *const texts[] = {
        "<",
        "<value>",
        "<value>a</value><value>b</value>",
        "<value>a</value>x",
        "<methodResponse><params><param><value>a</value></param></params></methodResponse>",
        "<html/>",
        "<!DOCTYPE value [<!ENTITY x \"y\">]><value>&x;</value>",
        "<value><i4>x</i4></value>",
        "\xff",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdArena) arena = xd_arena_new();
        g_auto(TraceSink) trace = {0};

        trace_sink_init(&trace);
        g_assert_false(xd_task_result_decode(texts[i], &trace.parent, arena, &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
    }
}

static void
test_refused_by_sink(void)
{
    static const char *const texts[] = {"refuse", "<value>refuse</value>"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdArena) arena = xd_arena_new();
        g_auto(TraceSink) trace = {0};

        trace_sink_init(&trace);
        g_assert_false(xd_task_result_decode(texts[i], &trace.parent, arena, &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_DENIED));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/task-result/values", test_values);
    g_test_add_func("/wire/task-result/refused", test_refused);
    g_test_add_func("/wire/task-result/refused-by-sink", test_refused_by_sink);
    return g_test_run();
}
