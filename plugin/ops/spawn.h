/* Spawn: an instance from an image. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

void xd_spawn_async(XdConnection *connection, const char *document, GInputStream *image,
                    const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data);

G_END_DECLS
