#include "base/address.h"

#include <gio/gio.h>
#include <string.h>

#define MAX_HOST 253

static gboolean
is_host_name(const char *host)
{
    gsize length = strlen(host);

    if (length == 0 || length > MAX_HOST || host[0] == '-' || host[0] == '.')
        return FALSE;
    for (const char *p = host; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && *p != '-' && *p != '.')
            return FALSE;
        if (*p == '.' && p[1] == '.')
            return FALSE;
    }
    /* all digits and dots is an address or nothing: 1.2.3 would resolve to 1.2.0.3 */
    return strspn(host, "0123456789.") != length || g_hostname_is_ip_address(host);
}

/* GLib takes a zone ("%eth0", or any bytes there) for part of an address: it means nothing elsewhere. */
gboolean
xd_is_host(const char *host)
{
    return is_host_name(host) || (strchr(host, ':') != NULL && strchr(host, '%') == NULL &&
                                  g_hostname_is_ip_address(host));
}
