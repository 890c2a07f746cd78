#include "base/error.h"

#include <string.h>

static void
test_details(void)
{
    const char *failure[] = {"SR_FULL", "10", "3", NULL};
    g_autoptr(GError) error = xd_error_new(HVD_ERROR_NO_RESOURCES, "storage is full");
    g_autoptr(GError) copy = NULL;

    xd_error_set_failure(error, failure);
    xd_error_set_advice(error, "choose another storage");
    xd_error_add_leftover(error, "VDI a");
    xd_error_add_leftover(error, "VDI b");
    copy = g_error_copy(error);
    g_clear_error(&error);
    g_assert_cmpstr(xd_error_get_failure_code(copy), ==, "SR_FULL");
    g_assert_cmpstr(xd_error_get_failure(copy)[2], ==, "3");
    g_assert_cmpstr(xd_error_get_advice(copy), ==, "choose another storage");
    g_assert_cmpstr(xd_error_get_leftovers(copy)[1], ==, "VDI b");
    g_assert_null(xd_error_get_leftovers(copy)[2]);
    g_assert_true(xd_error_is(copy, HVD_ERROR_NO_RESOURCES));
}

static void
test_foreign(void)
{
    g_autoptr(GError) error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "stopped");

    g_assert_null(xd_error_get_failure(error));
    g_assert_null(xd_error_get_advice(error));
    g_assert_null(xd_error_get_leftovers(error));
}

/* SEC-17: what comes from outside makes no second line and no terminal escape. */
static void
test_escape(void)
{
    static const struct {
        const char *in;
        gssize length;
        const char *out;
    } cases[] = {
        {"plain", -1, "plain"},
        {"a\nERROR: b", -1, "a\\u000aERROR: b"},
        {"\x1b[2J", -1, "\\u001b[2J"},
        {"\xe2\x80\xae"
         "abc",
         -1, "\\u202eabc"},
        {"bad\xff", -1, "bad\\xff"},
        {"gr\xc3\xbc\xc3\x9f", -1, "gr\xc3\xbc\xc3\x9f"},
        {"nul\0x", 5, "nul\\x00x"},
        {"cut off here", -1, "cut off h\xe2\x80\xa6"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *out =
            xd_escape(cases[i].in, cases[i].length, i + 1 == G_N_ELEMENTS(cases) ? 9 : 64);

        g_assert_cmpstr(out, ==, cases[i].out);
    }
}

/* The same for what gets into a message on its way. */
static void
test_one_line(void)
{
    g_autoptr(GError) error = xd_error_new(HVD_ERROR_NOT_FOUND, "no node \"%s\"", "a\nERROR: b");
    g_autoptr(GError) set = NULL;
    g_autofree char *name = g_strnfill(100000, 'x');

    g_assert_cmpstr(error->message, ==, "no node \"a\\u000aERROR: b\"");
    xd_set_error(&set, HVD_ERROR_NOT_FOUND, "\x1b%s", name);
    g_assert_true(g_str_has_prefix(set->message, "\\u001bx"));
    g_assert_cmpuint(strlen(set->message), <, 5000);
}

static void
test_names(void)
{
    for (guint code = 0; code <= HVD_ERROR_REDIRECTED; code++)
        g_assert_nonnull(xd_error_code_name(code));
    g_assert_cmpstr(xd_error_code_name(HVD_ERROR_TLS_PIN), ==, "TLS_PIN");
    g_assert_cmpstr(xd_error_code_name(9999), ==, "FAILED");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/error/details", test_details);
    g_test_add_func("/base/error/foreign", test_foreign);
    g_test_add_func("/base/error/escape", test_escape);
    g_test_add_func("/base/error/one-line", test_one_line);
    g_test_add_func("/base/error/names", test_names);
    return g_test_run();
}
