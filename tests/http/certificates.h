/* The certificates of make-certificates, for the time of a test program. */
#pragma once

#include <gio/gio.h>

/* Makes them in a directory of their own with @script. */
void certificates_make(const char *script);
void certificates_remove(void);

/* (transfer full): "good-ca" and ".pem" */
char *certificates_path(const char *name, const char *suffix);
/* (transfer full): "HOST=sha256//..." */
char *certificates_pin(const char *host, const char *name);
GTlsCertificate *certificates_load(const char *name);
