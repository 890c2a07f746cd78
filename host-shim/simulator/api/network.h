/* Networks as hosts see them. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

/* What a member does when it starts: it makes the coordinator's VLANs its own (toolstack,
 * sync_networking.ml; captures: host_get_record_back). */
void sim_host_copy_vlans(Sim *sim, const SimObject *host);

G_END_DECLS
