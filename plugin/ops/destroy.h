/* Destroy, and cleaning up after an instance that is gone. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

void xd_destroy_async(XdConnection *connection, const char *instance, const HvdCall *call,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void xd_cleanup_async(XdConnection *connection, const char *instance, const HvdCall *call,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
