/* Where requests go: scheme, host and port, read strictly and rebuilt, never pasted. */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/**
 * XdOrigin: immutable but for its fields' owner.
 * @host: name or address; IPv6 without brackets
 */
typedef struct {
    gboolean tls;
    char *host;
    guint16 port;
} XdOrigin;

/**
 * xd_origin_parse: reads "https://HOST[:PORT][/]". No user info, path, query or fragment.
 *
 * Errors: CONFIG; SECRET_LITERAL where there is user info; the text is not in the message then.
 */
XdOrigin *xd_origin_parse(const char *url, GError **error);

/* The same scheme and port at another host, e.g. of HOST_IS_SLAVE. Errors: REDIRECTED. */
XdOrigin *xd_origin_at(const XdOrigin *origin, const char *host, GError **error);

XdOrigin *xd_origin_copy(const XdOrigin *origin);
void xd_origin_free(XdOrigin *origin);
gboolean xd_origin_equal(const XdOrigin *a, const XdOrigin *b);
gboolean xd_origin_is_loopback(const XdOrigin *origin); /* an address, never a name */
char *xd_origin_to_string(const XdOrigin *origin);      /* "https://[::1]:443" */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdOrigin, xd_origin_free)

G_END_DECLS
