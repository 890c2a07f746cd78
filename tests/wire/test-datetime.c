#include "wire/datetime.h"

#include <string.h>

static void
test_spellings(void)
{
    static const struct {
        const char *text;
        gint64 seconds;
    } cases[] = {
        {"19700101T00:00:00Z", 0},
        {"20260820T12:00:00Z", 1787227200},
        {"2026-08-20T12:00:00Z", 1787227200},
        {"20260820T120000Z", 1787227200},
        {"20260820T12:00:00", 1787227200},
        {"20260820T14:00:00+02:00", 1787227200},
        {"20260820T09:30:00-02:30", 1787227200},
        {"20260820T12:00:00.123456Z", 1787227200},
        {"20000229T00:00:00Z", 951782400},
        {"20240301T00:00:00Z", 1709251200},
        {"20231231T23:59:60Z", 1704067200},
        {"21000301T00:00:00Z", 4107542400},
        {"99991231T23:59:59Z", 253402300799},
        {"19691231T23:59:59Z", -1},
        {"00010101T00:00:00Z", -62135596800},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 seconds = 7;

        g_assert_true(xd_datetime_parse(cases[i].text, strlen(cases[i].text), &seconds));
        g_assert_cmpint(seconds, ==, cases[i].seconds);
    }
}

static void
test_refused(void)
{
    static const char *const texts[] = {
        "",
        "20260820",
        "20260820T",
        "20260820T12:00Z",
        "20260820T12:0000Z",
        "20260820T1200:00Z",
        "2026-0820T12:00:00Z",
        "202608-20T12:00:00Z",
        "20260820 12:00:00Z",
        "20260820T12:00:00ZZ",
        "20260820T12:00:00z",
        "20260820T12:00:00+0200",
        "20260820T12:00:00+24:00",
        "20260820T12:00:00+02:60",
        "20260820T24:00:00Z",
        "20260820T12:60:00Z",
        "20260820T12:00:61Z",
        "20261320T12:00:00Z",
        "20260020T12:00:00Z",
        "20260800T12:00:00Z",
        "20260230T12:00:00Z",
        "21000229T12:00:00Z",
        "00000101T00:00:00Z",
        "-0010101T00:00:00Z",
        "never",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        gint64 seconds;

        if (xd_datetime_parse(texts[i], strlen(texts[i]), &seconds))
            g_error("taken: %s", texts[i]);
    }
}

/* Against GLib's calendar, a day in each month of some thousand years. */
static void
test_calendar(void)
{
    for (int year = 1; year < 3000; year += 7) {
        for (int month = 1; month <= 12; month++) {
            int day = (year + month) % 28 + 1;
            g_autoptr(GDateTime) date = g_date_time_new_utc(year, month, day, 3, 4, 5);
            g_autofree char *text = g_strdup_printf("%04d%02d%02dT03:04:05Z", year, month, day);
            gint64 seconds;

            g_assert_true(xd_datetime_parse(text, strlen(text), &seconds));
            g_assert_cmpint(seconds, ==, g_date_time_to_unix(date));
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/datetime/spellings", test_spellings);
    g_test_add_func("/wire/datetime/refused", test_refused);
    g_test_add_func("/wire/datetime/calendar", test_calendar);
    return g_test_run();
}
