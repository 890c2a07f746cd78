#include "http/origin.h"

#include "base/address.h"

#include <string.h>

/* GUri mends what it is given; an address of ours needs no mending. */
static gboolean
is_clean(const char *url)
{
    for (const char *p = url; *p != '\0'; p++) {
        if (!g_ascii_isgraph(*p))
            return FALSE;
    }
    return TRUE;
}

static XdOrigin *
origin_new(gboolean tls, const char *host, guint16 port)
{
    XdOrigin *origin = g_new0(XdOrigin, 1);

    origin->tls = tls;
    origin->host = g_ascii_strdown(host, -1);
    origin->port = port;
    return origin;
}

XdOrigin *
xd_origin_parse(const char *url, GError **error)
{
    g_autoptr(GUri) uri =
        g_uri_parse(url, G_URI_FLAGS_PARSE_RELAXED | G_URI_FLAGS_HAS_PASSWORD, NULL);
    const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : NULL;
    const char *path = uri != NULL ? g_uri_get_path(uri) : NULL;
    g_autofree char *shown = NULL;
    gboolean tls;
    int port;

    if (strchr(url, '@') != NULL) {
        xd_set_error(error, HVD_ERROR_SECRET_LITERAL,
                     "the pool's address has user info in it: name the account in pool.username "
                     "and refer to its password in pool.password");
        return NULL;
    }
    shown = xd_escape(url, -1, 128);
    tls = g_strcmp0(scheme, "https") == 0;
    if (uri == NULL || !is_clean(url) || (!tls && g_strcmp0(scheme, "http") != 0)) {
        xd_set_error(error, HVD_ERROR_CONFIG, "\"%s\" is not an address like https://HOST[:PORT]",
                     shown);
        return NULL;
    }
    port = g_uri_get_port(uri);
    if (g_uri_get_host(uri) == NULL || !xd_is_host(g_uri_get_host(uri)) || port == 0 ||
        port > G_MAXUINT16 || (path[0] != '\0' && strcmp(path, "/") != 0) ||
        g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL) {
        xd_set_error(error, HVD_ERROR_CONFIG,
                     "\"%s\" needs a host, perhaps a port, and nothing after it", shown);
        return NULL;
    }
    return origin_new(tls, g_uri_get_host(uri), (guint16) (port < 0 ? (tls ? 443 : 80) : port));
}

XdOrigin *
xd_origin_at(const XdOrigin *origin, const char *host, GError **error)
{
    g_autofree char *shown = NULL;

    if (xd_is_host(host))
        return origin_new(origin->tls, host, origin->port);
    shown = xd_escape(host, -1, 64);
    xd_set_error(error, HVD_ERROR_REDIRECTED, "%s points to \"%s\", which is no host", origin->host,
                 shown);
    return NULL;
}

XdOrigin *
xd_origin_copy(const XdOrigin *origin)
{
    return origin_new(origin->tls, origin->host, origin->port);
}

void
xd_origin_free(XdOrigin *origin)
{
    g_free(origin->host);
    g_free(origin);
}

gboolean
xd_origin_equal(const XdOrigin *a, const XdOrigin *b)
{
    return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

gboolean
xd_origin_is_loopback(const XdOrigin *origin)
{
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(origin->host);

    return address != NULL && g_inet_address_get_is_loopback(address);
}

char *
xd_origin_to_string(const XdOrigin *origin)
{
    gboolean bracketed = strchr(origin->host, ':') != NULL;

    return g_strdup_printf("%s%s%s%s:%u", origin->tls ? "https://" : "http://",
                           bracketed ? "[" : "", origin->host, bracketed ? "]" : "",
                           (guint) origin->port);
}
