/* What only the pool itself can tell, and no event does. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

/* list_nodes with %HVD_CALL_ASK: the coordinator's document has "login". */
void xd_ask_nodes_async(XdConnection *connection, const HvdCall *call, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
