#include "model/portal.h"

#include "base/address.h"

#include <string.h>

#define ISCSI_PORT 3260

/* The bytes of 3cca4135-a809-5bb3-af62-275fbfe87178, in which Nova named its repositories. */
static const guint8 name_space[16] = {0x3c, 0xca, 0x41, 0x35, 0xa8, 0x09, 0x5b, 0xb3,
                                      0xaf, 0x62, 0x27, 0x5f, 0xbf, 0xe8, 0x71, 0x78};

static gboolean
refuse(GError **error)
{
    xd_set_error(
        error, HVD_ERROR_INVALID,
        "/data/target_portal: expected HOST[:PORT][,TAG], with an IPv6 address in brackets");
    return FALSE;
}

gboolean
xd_portal_parse(const char *text, XdPortal *portal, GError **error)
{
    const char *comma = strchr(text, ',');
    g_autofree char *address =
        g_strndup(text, comma != NULL ? (gsize) (comma - text) : strlen(text));
    const char *close = address[0] == '[' ? strchr(address, ']') : NULL;
    const char *colon = close != NULL ? close + 1 : strchr(address, ':');
    guint64 port = ISCSI_PORT;
    g_autofree char *host = NULL;

    if (comma != NULL && strspn(comma + 1, "0123456789") != strlen(comma + 1))
        return refuse(error);
    if (address[0] == '[' && (close == NULL || (close[1] != '\0' && close[1] != ':')))
        return refuse(error);
    if (colon != NULL && *colon == ':' &&
        !g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
        return refuse(error);
    if (close != NULL)
        host = g_strndup(address + 1, (gsize) (close - address) - 1);
    else
        host = g_strndup(address, colon != NULL ? (gsize) (colon - address) : strlen(address));
    if (!xd_is_host(host) || (close != NULL) != (strchr(host, ':') != NULL))
        return refuse(error);
    *portal = (XdPortal){g_steal_pointer(&host), (guint16) port};
    return TRUE;
}

void
xd_portal_clear(XdPortal *portal)
{
    g_clear_pointer(&portal->host, g_free);
}

char *
xd_sr_uuid_new(const XdPortal *portal, const char *iqn)
{
    g_autofree char *name = g_strdup_printf("%s/%u/%s", portal->host, (guint) portal->port, iqn);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1); /* RFC 4122, version 5 */
    guint8 digest[20];
    gsize length = sizeof digest;

    g_checksum_update(checksum, name_space, sizeof name_space);
    g_checksum_update(checksum, (const guchar *) name, (gssize) strlen(name));
    g_checksum_get_digest(checksum, digest, &length);
    digest[6] = (guint8) ((digest[6] & 0x0f) | 0x50);
    digest[8] = (guint8) ((digest[8] & 0x3f) | 0x80);
    return g_strdup_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                           digest[0], digest[1], digest[2], digest[3], digest[4], digest[5],
                           digest[6], digest[7], digest[8], digest[9], digest[10], digest[11],
                           digest[12], digest[13], digest[14], digest[15]);
}
