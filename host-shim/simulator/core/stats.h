/* What was asked of the pool: counts by method, and the last requests in order. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

SimStats *sim_stats_new(void);
void sim_stats_free(SimStats *stats);
void sim_stats_reset(SimStats *stats);
/* @method: as on the wire; @tag: (nullable): the header that names the caller's operation */
void sim_stats_note(SimStats *stats, const char *method, const char *tag, gboolean transfer);
SimValue *sim_stats_describe(const SimStats *stats);

G_END_DECLS
