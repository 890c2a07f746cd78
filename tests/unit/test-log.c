/* The log that a host takes: levels, fields, and lines that are one line. */
#include "base/log.h"

#include <string.h>

typedef struct {
    GString *told;
    GLogLevelFlags levels;
} Host;

static void
on_log(GLogLevelFlags level, const char *domain, const char *message, const char *const *fields,
       gpointer data)
{
    Host *host = data;

    host->levels |= level;
    g_string_append_printf(host->told, "%s: %s", domain, message);
    for (guint i = 0; fields[i] != NULL; i += 2)
        g_string_append_printf(host->told, " %s=%s", fields[i], fields[i + 1]);
}

static XdLog *
log_of(Host *host, GLogLevelFlags levels)
{
    HvdHostCallbacks callbacks = {
        .struct_size = sizeof callbacks, .user_data = host, .log = on_log, .log_levels = levels};

    return xd_log_new(&callbacks);
}

static void
test_levels(void)
{
    static const GLogLevelFlags all[] = {G_LOG_LEVEL_CRITICAL, G_LOG_LEVEL_WARNING,
                                         G_LOG_LEVEL_MESSAGE, G_LOG_LEVEL_INFO, G_LOG_LEVEL_DEBUG};
    static const GLogLevelFlags wanted[] = {0, G_LOG_LEVEL_DEBUG,
                                            G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL};

    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++) {
        Host host = {g_string_new(NULL), 0};
        XdLog *log = log_of(&host, wanted[i]);
        GLogLevelFlags expected = 0;

        for (gsize j = 0; j < G_N_ELEMENTS(all); j++) {
            xd_log(log, all[j], "xd-test", NULL, "x");
            expected |= wanted[i] == 0 || (wanted[i] & all[j]) != 0 ? all[j] : 0;
        }
        g_assert_cmpint((int) host.levels, ==, (int) expected);
        xd_log_free(log);
        g_string_free(host.told, TRUE);
    }
}

static void
test_record(void)
{
    Host host = {g_string_new(NULL), 0};
    XdLog *log = log_of(&host, 0);
    XdLogFields fields = {.method = "VM.start", .ms = 7};

    xd_log(log, G_LOG_LEVEL_INFO, "xd-test", &fields, "one\nline of %d", 2);
    g_assert_cmpstr(host.told->str, ==, "xd-test: one\\u000aline of 2 XD_METHOD=VM.start XD_MS=7");
    xd_log_free(log);
    g_string_free(host.told, TRUE);
}

/* It ends somewhere, says so, and is text. */
static void
test_long(void)
{
    Host host = {g_string_new(NULL), 0};
    XdLog *log = log_of(&host, 0);
    g_autofree char *text = g_strnfill(100000, 'x');

    for (guint i = 0; i < 4; i++) {
        memcpy(text + 1995 + i, "\xe2\x80\x93", 3);
        xd_log(log, G_LOG_LEVEL_INFO, "xd-test", NULL, "%s", text);
        g_assert_true(g_utf8_validate(host.told->str, -1, NULL));
        g_assert_true(g_str_has_suffix(host.told->str, "\xe2\x80\xa6"));
        g_assert_cmpuint(host.told->len, <, 2050);
        g_string_truncate(host.told, 0);
        memset(text + 1995 + i, 'x', 3);
    }
    xd_log_free(log);
    g_string_free(host.told, TRUE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/log/levels", test_levels);
    g_test_add_func("/base/log/record", test_record);
    g_test_add_func("/base/log/long", test_long);
    return g_test_run();
}
