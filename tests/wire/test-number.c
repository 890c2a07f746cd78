#include "wire/number.h"

#include <math.h>
#include <string.h>

/* SEC-18: strict, and the same where a comma stands before the fraction: all of this also runs there
 * (tests/unit/comma.c). */
static void
test_integer(void)
{
    static const struct {
        const char *text;
        gboolean is_valid;
        gint64 value;
    } cases[] = {
        {"0", TRUE, 0},
        {"-0", TRUE, 0},
        {"-1", TRUE, -1},
        {"2147483648", TRUE, G_GINT64_CONSTANT(2147483648)},
        {"9007199254740993", TRUE, G_GINT64_CONSTANT(9007199254740993)},
        {"9223372036854775807", TRUE, G_MAXINT64},
        {"-9223372036854775808", TRUE, G_MININT64},
        {"9223372036854775808", FALSE, 0},
        {"-9223372036854775809", FALSE, 0},
        {"99999999999999999999999", FALSE, 0},
        {"", FALSE, 0},
        {"-", FALSE, 0},
        {"+1", FALSE, 0},
        {" 7", FALSE, 0},
        {"7 ", FALSE, 0},
        {"07", FALSE, 0},
        {"0x10", FALSE, 0},
        {"1e3", FALSE, 0},
        {"1.0", FALSE, 0},
        {"--1", FALSE, 0},
        {"\xd9\xa3", FALSE, 0}, /* a digit, but none of ASCII */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 value = 0;

        g_assert_cmpint(xd_integer_parse(cases[i].text, strlen(cases[i].text), &value), ==,
                        cases[i].is_valid);
        g_assert_cmpint(value, ==, cases[i].value);
    }
    g_assert_false(xd_integer_parse("1\0", 2, &(gint64){0}));
}

static void
test_real(void)
{
    static const struct {
        const char *text;
        gboolean is_valid;
        double value;
    } cases[] = {
        {"0.5", TRUE, 0.5},
        {"1.", TRUE, 1},
        {"-3", TRUE, -3},
        {"1e+20", TRUE, 1e20},
        {"inf", TRUE, INFINITY},
        {"-Infinity", TRUE, -INFINITY},
        {"", FALSE, 0},
        {" 1", FALSE, 0},
        {"1 ", FALSE, 0},
        {"0x1p3", FALSE, 0},
        {"1,5", FALSE, 0},
        {"1.5.", FALSE, 0},
        {"1e999", FALSE, 0},
        {"-", FALSE, 0},
        {".", FALSE, 0},
        {"e5", FALSE, 0},
        {"infinite", FALSE, 0},
        {"00000000000000000000000000000000000000000000000000000000000000001", FALSE, 0},
    };
    double value = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(xd_real_parse(cases[i].text, strlen(cases[i].text), &value), ==,
                        cases[i].is_valid);
        if (cases[i].is_valid)
            g_assert_cmpfloat(value, ==, cases[i].value);
    }
    g_assert_true(xd_real_parse("nan", 3, &value) && isnan(value));
}

static void
test_append(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {30, "30.0"},
        {0.1, "0.1"},
        {-0.5, "-0.5"},
        {1e20, "1e+20"},
        {1e15, "1e+15"},
        {100000, "100000.0"},
        {0.30000000000000004, "0.30000000000000004"},
    };
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdVault) out = {0};

    xd_vault_init(&out, arena);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        xd_vault_truncate(&out, 0);
        xd_real_append(&out, cases[i].value);
        g_assert_cmpstr(out.data, ==, cases[i].text);
    }
    xd_vault_truncate(&out, 0);
    xd_integer_append(&out, G_MININT64);
    g_assert_cmpstr(out.data, ==, "-9223372036854775808");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/number/integer", test_integer);
    g_test_add_func("/wire/number/real", test_real);
    g_test_add_func("/wire/number/append", test_append);
    return g_test_run();
}
