/* What a toolstack puts in order when it starts. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

/* As SimOnStart: the toolstack of @node starts; that of the coordinator looks after the pool's records first. */
void sim_startup(Sim *sim, const SimNode *node);

G_END_DECLS
