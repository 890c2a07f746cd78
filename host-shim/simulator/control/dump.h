/* The whole pool as one JSON value, for tests to compare. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

/* {"CLASS": {REF: RECORD, ...}, ...}, with secrets; of sessions only what is no reference.
 * @disks: with the digest of each disk's bytes */
SimValue *sim_dump(Sim *sim, gboolean disks);

G_END_DECLS
