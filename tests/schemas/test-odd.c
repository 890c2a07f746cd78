/* What the grammar of schemas allows and no document of the driver has: see odd.schema.json. */
#include "odd.h"

#include "base/error.h"

#include <string.h>

static void
assert_refused(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    XdOdd odd = {0};

    g_assert_false(xd_odd_parse(text, -1, arena, &odd, &error));
    g_assert_cmpstr(error->message, ==, message);
}

static void
test_defaults(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdOdd) odd = {0};
    g_autofree char *text = NULL;

    g_assert_true(xd_odd_parse("{\"secret\":\"abc\",\"anything\":0.5}", -1, arena, &odd, &error));
    g_assert_no_error(error);
    g_assert_cmpint(odd.inner.number, ==, -5);
    g_assert_cmpint(odd.inner.word, ==, XD_ODD_INNER_WORD_TWO);
    g_assert_cmpstr(odd.inner.text, ==, "a \"quote\"\n");
    g_assert_cmpuint(g_hash_table_size(odd.inner.map), ==, 0);
    g_assert_true(odd.yes);
    g_assert_false(odd.has_maybe);
    g_assert_cmpint(odd.choice.kind, ==, 0);
    text = xd_odd_print(&odd, XD_PRINT_MASKED);
    g_assert_cmpstr(text, ==,
                    "{\"choices\":[],\"inner\":{\"number\":-5,\"word\":\"two\",\"text\":\"a "
                    "\\\"quote\\\"\\u000a\","
                    "\"map\":{}},\"secret\":\"<hidden>\",\"anything\":0.5,\"yes\":true}");
}

static void
test_partial_defaults(void)
{
    static const char text[] = "{\"inner\":{\"number\":3},\"yes\":false,\"maybe\":null,\"secret\":"
                               "\"abc\",\"anything\":null}";
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdOdd) odd = {0};

    g_assert_true(xd_odd_parse(text, -1, arena, &odd, &error));
    g_assert_no_error(error);
    g_assert_cmpint(odd.inner.number, ==, 3);
    g_assert_cmpint(odd.inner.word, ==, XD_ODD_INNER_WORD_TWO);
    g_assert_false(odd.yes);
    g_assert_false(odd.has_maybe);
}

/* Unions in unions, in arrays, with their tags in front and behind. */
static void
test_unions(void)
{
    static const char text[] =
        "{\"choices\":[{\"n\":1,\"inside\":{\"x\":\"y\",\"kind\":\"only\"},\"side\":\"left\"},{"
        "\"z\":{\"side\":\"left\"},"
        "\"secret\":\"s\",\"side\":\"right\"},{\"side\":\"left\"}],\"choice\":{\"side\":\"right\","
        "\"secret\":\"\"},"
        "\"secret\":\"abc\",\"anything\":[{\"side\":1}],\"things\":[1,[],{\"a\":null}]}";
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdOdd) odd = {0};
    g_autofree char *printed = NULL;

    g_assert_true(xd_odd_parse(text, -1, arena, &odd, &error));
    g_assert_no_error(error);
    printed = xd_odd_print(&odd, XD_PRINT_MASKED);
    g_assert_cmpstr(printed, ==,
                    "{\"choices\":[{\"side\":\"left\",\"inside\":{\"kind\":\"only\",\"x\":\"y\"},"
                    "\"n\":1},{\"side\":\"right\","
                    "\"secret\":\"<hidden>\"},{\"side\":\"left\",\"n\":7}],\"choice\":{\"side\":"
                    "\"right\",\"secret\":"
                    "\"<hidden>\"},\"inner\":{\"number\":-5,\"word\":\"two\",\"text\":\"a "
                    "\\\"quote\\\"\\u000a\",\"map\":{}},"
                    "\"secret\":\"<hidden>\",\"anything\":[{\"side\":1}],\"things\":[1,[],{\"a\":"
                    "null}],\"yes\":true}");
}

static void
test_errors(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"{\"pair\":[\"a\"]}", "/pair: expected an array of 2 elements, found fewer"},
        {"{\"pair\":[\"a\",\"b\",\"c\"]}", "/pair: expected an array of 2 elements, found more"},
        {"{\"least\":[]}", "/least: expected an array of at least 1 element, found fewer"},
        {"{\"anything\":1}", "/secret: expected text of 3 characters, found nothing"},
        {"{\"secret\":\"abc\"}", "/anything: expected a value, found nothing"},
        {"{\"secret\":\"ab\"}", "/secret: expected text of 3 characters, found <hidden>"},
        {"{\"secret\":\"\xc3\xbc\xc3\xbc\xc3\xbc\"}", "/anything: expected a value, found nothing"},
        {"{\"choices\":[{\"side\":\"left\"},{\"side\":\"up\"}]}",
         "/choices/1/side: expected \"left\" or \"right\", found \"up\""},
        {"{\"choices\":[{\"inside\":{\"kind\":\"x\"},\"side\":\"left\"}]}",
         "/choices/0/inside/kind: expected \"only\", found \"x\""},
        {"{\"choices\":[{\"inside\":{\"y\":1,\"kind\":\"only\"},\"side\":\"left\"}]}",
         "/choices/0/inside/y: expected no such property, found one"},
        {"{\"choices\":[5]}", "/choices/0: expected \"left\" or \"right\", found 5"},
        {"{\"choice\":{\"secret\":{\"a\":[1]},\"side\":\"right\"}}",
         "/choice/secret: expected text, found <hidden>"},
        {"{\"things\":[1,2,3,4]}", "/things: expected an array of at most 3 elements, found more"},
        {"{\"inner\":{\"number\":-6}}",
         "/inner/number: expected an integer of at least -5, found -6"},
        {"{\"free\":{\"a\":\"\",\"a\":\"\"}}", "/free/a: expected one such name, found two"},
        {"{\"free\":{\"a\":{}}}", "/free/a: expected text, found an object"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_refused(cases[i].text, cases[i].message);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/documents/odd/defaults", test_defaults);
    g_test_add_func("/documents/odd/partial-defaults", test_partial_defaults);
    g_test_add_func("/documents/odd/unions", test_unions);
    g_test_add_func("/documents/odd/errors", test_errors);
    return g_test_run();
}
