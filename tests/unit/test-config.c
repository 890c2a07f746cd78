/* SEC-1, SEC-35: the configuration against its table, as a whole. */
#include "base/config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *path;

static XdConfig *
load(const char *text, mode_t mode, const char *const *settings, GError **error)
{
    unlink(path);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(chmod(path, mode), ==, 0);
    return xd_config_load(path, settings, error);
}

static void
test_defaults(void)
{
    g_autoptr(XdConfig) config = load("", 0644, NULL, NULL);

    g_assert_nonnull(config);
    g_assert_cmpstr(xd_config_get_string(config, XD_CONFIG_POOL_URL), ==, "");
    g_assert_cmpstr(xd_config_get_string(config, XD_CONFIG_POOL_USERNAME), ==, "root");
    g_assert_cmpuint(xd_config_get_uint(config, XD_CONFIG_HTTP_CONNECTIONS_TOTAL), ==, 16);
    g_assert_cmpuint(xd_config_get_choice(config, XD_CONFIG_POOL_ENCODING), ==, 0);
    g_assert_null(xd_config_get_strv(config, XD_CONFIG_TLS_PINS)[0]);
}

/* SEC-32: what is shipped is safe. */
static void
test_safe_defaults(void)
{
    g_autoptr(XdConfig) config = load("", 0644, NULL, NULL);

    g_assert_cmpuint(xd_config_get_choice(config, XD_CONFIG_HTTP_ALLOW_PLAINTEXT), ==, 0);
    for (guint i = 0; i < XD_N_CONFIG_KEYS; i++) { /* SEC-11: no switch turns verification off */
        g_assert_null(strstr(xd_config_keys[i].name, "insecure"));
        g_assert_null(strstr(xd_config_keys[i].name, "verify"));
    }
}

static void
test_values(void)
{
    const char *settings[] = {"http.call-timeout=7", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(XdConfig) config = load("# a comment\n"
                                      "[pool]\n"
                                      "url = https://xen\n"
                                      "password=file:/run/secret\n"
                                      "encoding=xml\n"
                                      "[tls]\n"
                                      "pins=a=sha256//x; b=sha256//y;\n"
                                      "[http]\n"
                                      "call-timeout=8\n",
                                      0600, settings, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(xd_config_get_string(config, XD_CONFIG_POOL_URL), ==, "https://xen");
    g_assert_cmpstr(xd_config_get_string(config, XD_CONFIG_POOL_PASSWORD), ==, "file:/run/secret");
    g_assert_cmpuint(xd_config_get_choice(config, XD_CONFIG_POOL_ENCODING), ==, 2);
    g_assert_cmpuint(xd_config_get_uint(config, XD_CONFIG_HTTP_CALL_TIMEOUT), ==, 7);
    g_assert_cmpstr(xd_config_get_strv(config, XD_CONFIG_TLS_PINS)[1], ==, "b=sha256//y");
    g_assert_null(xd_config_get_strv(config, XD_CONFIG_TLS_PINS)[2]);
}

static void
test_faults(void)
{
    static const struct {
        const char *text;
        const char *why;
        HvdError code;
    } cases[] = {
        {"[pool]\nurll=x\n", "pool.urll: there is no such key", HVD_ERROR_CONFIG},
        {"[hool]\nurl=x\n", "hool.url: there is no such key", HVD_ERROR_CONFIG},
        {"[http]\ncall-timeout=0\n", "from 1 to 3600, found \"0\"", HVD_ERROR_CONFIG},
        {"[http]\ncall-timeout=7s\n", "from 1 to 3600", HVD_ERROR_CONFIG},
        {"[http]\ncall-timeout=0x7\n", "from 1 to 3600", HVD_ERROR_CONFIG},
        {"[http]\ncall-timeout=99999999999999999999\n", "from 1 to 3600", HVD_ERROR_CONFIG},
        {"[pool]\nencoding=yaml\n", "auto, json, xml", HVD_ERROR_CONFIG},
        {"url=x\n", "no key file", HVD_ERROR_CONFIG},
        {"[pool]\npassword=canary\n", "reference", HVD_ERROR_SECRET_LITERAL},
        {"[pool]\npassword=env:\n", "reference", HVD_ERROR_SECRET_LITERAL},
        {"[pool]\nconnection_password = canary\n", "no such key", HVD_ERROR_SECRET_LITERAL},
        {"canary\n", "no key file", HVD_ERROR_CONFIG},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(load(cases[i].text, 0644, NULL, &error));
        g_assert_error(error, XD_ERROR, (int) cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].why));
        g_assert_null(strstr(error->message, "canary"));
    }
}

static void
test_together(void)
{
    g_autoptr(GError) error = NULL;
    const char *settings[] = {"nonsense", "tls.pins=x", "http.call-timeout=-1", NULL};

    g_assert_null(load("[pool]\na=1\nb=2\n", 0644, settings, &error));
    g_assert_nonnull(strstr(error->message, "pool.a: "));
    g_assert_nonnull(strstr(error->message, "pool.b: "));
    g_assert_nonnull(strstr(error->message, "setting 1: "));
    g_assert_nonnull(strstr(error->message, "http.call-timeout: "));
}

static void
test_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *missing = g_strconcat(path, ".missing", NULL);

    g_assert_null(load("", 0664, NULL, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_CONFIG);
    g_assert_nonnull(strstr(error->message, "written by others"));
    g_clear_error(&error);
    g_assert_null(load("", 0646, NULL, NULL));
    g_assert_null(xd_config_load(missing, NULL, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_CONFIG);
    g_clear_error(&error);
    g_assert_null(xd_config_load("/", NULL, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_CONFIG);
}

int
main(int argc, char **argv)
{
    g_autofree char *directory = g_dir_make_tmp("hvd-config-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(directory, "xenapi.conf", NULL);
    int status;

    g_test_init(&argc, &argv, NULL);
    path = file;
    g_test_add_func("/base/config/defaults", test_defaults);
    g_test_add_func("/base/config/safe-defaults", test_safe_defaults);
    g_test_add_func("/base/config/values", test_values);
    g_test_add_func("/base/config/faults", test_faults);
    g_test_add_func("/base/config/together", test_together);
    g_test_add_func("/base/config/file", test_file);
    status = g_test_run();
    unlink(path);
    rmdir(directory);
    return status;
}
