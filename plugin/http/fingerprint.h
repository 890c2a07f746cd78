/* What a certificate's public key is called in tls.pins. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full) (nullable): "sha256//BASE64" of the public key of the certificate that @pem begins with;
 * NULL where there is none. */
char *xd_fingerprint_of_pem(const char *pem);

G_END_DECLS
