/* Addresses: what is taken is written and taken again as the same, and has nothing but a host in it. */
#include "fuzz.h"

#include "http/origin.h"

#include <string.h>

static void
check_origin(const XdOrigin *origin)
{
    g_autofree char *text = xd_origin_to_string(origin);
    g_autoptr(XdOrigin) again = xd_origin_parse(text, NULL);

    FUZZ_CHECK(again != NULL && xd_origin_equal(origin, again));
    FUZZ_CHECK(origin->port != 0);
    FUZZ_CHECK(strpbrk(origin->host, "@/?#%\\ \r\n\t[]") == NULL);
    FUZZ_CHECK(xd_origin_is_loopback(origin) == xd_origin_is_loopback(again));
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_autoptr(XdOrigin) base = xd_origin_parse("https://192.0.2.1:8443", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) moved_error = NULL;
    g_autoptr(XdOrigin) origin = xd_origin_parse(text, &error);
    g_autoptr(XdOrigin) moved = xd_origin_at(base, text, &moved_error);

    FUZZ_CHECK((origin != NULL) == (error == NULL));
    FUZZ_CHECK((moved != NULL) == (moved_error == NULL));
    if (origin != NULL)
        check_origin(origin);
    if (moved != NULL) {
        check_origin(moved);
        FUZZ_CHECK(moved->tls && moved->port == 8443);
    }
    return 0;
}
