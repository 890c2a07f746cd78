/* The table of the configuration stands alone: nothing but base/ is linked here. */
#include "xd-config-keys.h"

#include <string.h>

static void
test_table(void)
{
    for (guint i = 0; i < XD_N_CONFIG_KEYS; i++) {
        const XdConfigKey *key = &xd_config_keys[i];

        g_assert_nonnull(key->group);
        g_assert_nonnull(key->name);
        g_assert_cmpuint(strlen(key->summary), <=, 60); /* a line of a list */
        g_assert_false(g_str_has_suffix(key->summary, "."));
        g_assert_true(g_str_has_suffix(key->description, "."));
        g_assert_true((key->choices != NULL) == (key->type == XD_CONFIG_CHOICE));
        g_assert_true(key->choices == NULL || g_strv_contains(key->choices, key->default_text));
        g_assert_cmpint(key->default_number, >=, key->least);
        g_assert_cmpint(key->default_number, <=, key->most);
        for (guint other = 0; other < i; other++)
            g_assert_false(g_str_equal(key->group, xd_config_keys[other].group) &&
                           g_str_equal(key->name, xd_config_keys[other].name));
    }
}

static void
test_keys(void)
{
    const XdConfigKey *timeout = &xd_config_keys[XD_CONFIG_POWER_SHUTDOWN_TIMEOUT];
    const XdConfigKey *plain = &xd_config_keys[XD_CONFIG_HTTP_ALLOW_PLAINTEXT];
    const XdConfigKey *password = &xd_config_keys[XD_CONFIG_POOL_PASSWORD];
    const XdConfigKey *pins = &xd_config_keys[XD_CONFIG_TLS_PINS];

    g_assert_cmpstr(timeout->group, ==, "power");
    g_assert_cmpstr(timeout->name, ==, "shutdown-timeout");
    g_assert_cmpint(timeout->type, ==, XD_CONFIG_INTEGER);
    g_assert_cmpint(timeout->default_number, ==, 120);
    g_assert_cmpint(timeout->most, ==, 3600);
    g_assert_cmpint(plain->type, ==, XD_CONFIG_CHOICE);
    g_assert_cmpstr(plain->default_text, ==, "no");
    g_assert_cmpint(password->type, ==, XD_CONFIG_SECRET);
    g_assert_cmpint(pins->type, ==, XD_CONFIG_LIST);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/config-keys/table", test_table);
    g_test_add_func("/base/config-keys/keys", test_keys);
    return g_test_run();
}
