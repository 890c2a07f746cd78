/* Instances that have changed, told to the host once they have come to rest. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

/* XdConnectionOptions.watch: from now on HvdHostCallbacks.lifecycle is called, if there is one. */
void xd_lifecycle_watch(XdConnection *connection);

G_END_DECLS
