/* After a crash: what operations of processes that are gone have left half-done. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

void xd_reconcile_async(XdConnection *connection, const HvdCall *call, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
