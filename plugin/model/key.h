/* What an instance, a request or a port is known by: the pool keeps it where anybody may write. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* As documents have them: formats "uuid" and "identifier" of schemas/. */
gboolean xd_is_uuid(const char *text);
gboolean xd_is_identifier(const char *text);

G_END_DECLS
