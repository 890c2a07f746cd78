/* Measurements in bulk: GET /rrd_updates, /vm_rrd, /host_rrd. */
#pragma once

#include "http/server.h"

G_BEGIN_DECLS

extern const SimRoute sim_rrd_routes[]; /* ended by NULL */

G_END_DECLS
