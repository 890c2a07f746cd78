/* What a certificate says that GIO does not hand out. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (nullable): "sha256//BASE64" of the public key (its SubjectPublicKeyInfo), as it is pinned; NULL
 * where @der is no certificate. */
char *certificate_make_pin(const guint8 *der, gsize length);

G_END_DECLS
