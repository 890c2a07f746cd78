/* Snapshot: a copy of the root disk while the instance goes on. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

void xd_snapshot_async(XdConnection *connection, const char *instance, GOutputStream *sink,
                       const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data);

G_END_DECLS
