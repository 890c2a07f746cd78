/* Volumes: attach and detach. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

void
xd_attach_volume_async(XdConnection *connection, const char *instance, const char *connection_info,
                       const char *mountpoint, const HvdCall *call, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data);
void
xd_detach_volume_async(XdConnection *connection, const char *instance, const char *connection_info,
                       const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data);

G_END_DECLS
