/* Is all that happened up to now in the mirror? */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

typedef void (*XdBarrierDone)(XdConnection *connection, const GError *error, gpointer data);

/**
 * xd_barrier: tells @done from the loop when everything that had happened in the pool when it
 * was called is in the mirror: touches the pool's object (event.inject) and waits until the
 * mirror's token has reached the one that this gave (verified-sequences 1.2). Costs one request
 * and some 50 ms.
 */
void
xd_barrier(XdConnection *connection, GCancellable *cancellable, XdBarrierDone done, gpointer data);

G_END_DECLS
