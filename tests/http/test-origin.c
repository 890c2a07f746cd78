#include "http/origin.h"

#include <string.h>

static void
test_parse(void)
{
    static const struct {
        const char *url;
        const char *back; /* NULL: refused */
    } cases[] = {
        {"https://xen.example.org", "https://xen.example.org:443"},
        {"https://XEN/", "https://xen:443"},
        {"https://192.0.2.1:8443", "https://192.0.2.1:8443"},
        {"https://[2001:db8::1]", "https://[2001:db8::1]:443"},
        {"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
        {"ftp://x", NULL},
        {"xen", NULL},
        {"https://", NULL},
        {"https://x:0", NULL},
        {"https://x:65536", NULL},
        {"https://x/path", NULL},
        {"https://x?a=b", NULL},
        {"https://x#f", NULL},
        {"https://1.2.3", NULL},
        {"https://a..b", NULL},
        {"https://x y", NULL},
        {"https://[fe80::1%25lo]", NULL},
        {"https://x\n.example", NULL},
        {"file:///etc/passwd", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdOrigin) origin = xd_origin_parse(cases[i].url, &error);
        g_autofree char *back = origin != NULL ? xd_origin_to_string(origin) : NULL;

        g_assert_cmpstr(back, ==, cases[i].back);
        if (origin == NULL)
            g_assert_error(error, XD_ERROR, HVD_ERROR_CONFIG);
    }
}

/* SEC-1: a password in an address is refused, with its own code and without showing it. */
static void
test_user_info(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(xd_origin_parse("https://root:canary@xen", &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_SECRET_LITERAL);
    g_assert_null(strstr(error->message, "canary"));
}

/* SEC-13: where HOST_IS_SLAVE may lead. */
static void
test_at(void)
{
    static const char *const bad[] = {"evil@host", "host/path", "127.0.0.1:22", "",   "a b",
                                      "http://x",  "x?y",       "-x",           ".x", "[::1]"};
    g_autoptr(XdOrigin) origin = xd_origin_parse("https://192.0.2.1:8443", NULL);
    g_autoptr(XdOrigin) moved = xd_origin_at(origin, "192.0.2.2", NULL);
    g_autoptr(XdOrigin) six = xd_origin_at(origin, "2001:db8::7", NULL);
    g_autofree char *text = xd_origin_to_string(moved);
    g_autofree char *six_text = xd_origin_to_string(six);
    g_autofree char *longest = g_strnfill(300, 'a');

    g_assert_cmpstr(text, ==, "https://192.0.2.2:8443");
    g_assert_cmpstr(six_text, ==, "https://[2001:db8::7]:8443");
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(xd_origin_at(origin, bad[i], &error));
        g_assert_error(error, XD_ERROR, HVD_ERROR_REDIRECTED);
    }
    g_assert_null(xd_origin_at(origin, longest, NULL));
}

static void
test_loopback(void)
{
    g_autoptr(XdOrigin) four = xd_origin_parse("http://127.0.0.9", NULL);
    g_autoptr(XdOrigin) six = xd_origin_parse("http://[::1]", NULL);
    g_autoptr(XdOrigin) name = xd_origin_parse("http://localhost", NULL);
    g_autoptr(XdOrigin) other = xd_origin_parse("http://192.0.2.1", NULL);

    g_assert_true(xd_origin_is_loopback(four));
    g_assert_true(xd_origin_is_loopback(six));
    g_assert_false(xd_origin_is_loopback(name)); /* a name is what a resolver says it is */
    g_assert_false(xd_origin_is_loopback(other));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/origin/parse", test_parse);
    g_test_add_func("/http/origin/user-info", test_user_info);
    g_test_add_func("/http/origin/at", test_at);
    g_test_add_func("/http/origin/loopback", test_loopback);
    return g_test_run();
}
