/* iSCSI portals: a host without anything else in it, and a repository's uuid of it. */
#include "fuzz.h"

#include "model/portal.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_auto(XdPortal) portal = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *uuid = NULL;

    if (!xd_portal_parse(text, &portal, &error)) {
        FUZZ_CHECK(error != NULL && portal.host == NULL);
        return 0;
    }
    FUZZ_CHECK(portal.port != 0 && portal.host[0] != '\0');
    FUZZ_CHECK(strpbrk(portal.host, "@/?#\\, \r\n\t[]") == NULL);
    uuid = xd_sr_uuid_new(&portal, "iqn.2026-01.example:x");
    FUZZ_CHECK(g_uuid_string_is_valid(uuid));
    return 0;
}
