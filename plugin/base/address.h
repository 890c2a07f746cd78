/* What may stand where an address names a machine. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A name, or an IPv4 or IPv6 address without brackets and without a zone. */
gboolean xd_is_host(const char *host);

G_END_DECLS
