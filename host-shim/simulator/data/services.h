/* What one simulated pool tells another while a machine moves between them. The words are ours: no
 * client sees them (xenapi-protocol 5, "/services"). */
#pragma once

#include "http/server.h"

G_BEGIN_DECLS

extern const SimRoute sim_service_routes[]; /* ended by NULL */

G_END_DECLS
