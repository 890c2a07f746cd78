/* Hosts that go down and come back. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

/* What the toolstack finds when a host has booted: its guests are gone. */
void sim_node_note_boot(Sim *sim, const SimNode *node);

G_END_DECLS
