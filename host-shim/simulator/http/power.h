/* The life of the toolstack and of the nodes: what a restart, a crash, a change of coordinator do
 * to sessions, tasks, connections and the database. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

/* The toolstack does not answer any more: connections are refused. Guests go on. */
void sim_power_stop(Sim *sim);
/* It is back: nobody is logged in, no task is known, and the coordinator has put its records in order. */
gboolean sim_power_start(Sim *sim, GError **error);
gboolean sim_power_is_running(const Sim *sim);
/* As by kill -9: what came after the snapshot @back_to is gone; NULL: nothing is. */
void sim_power_crash(Sim *sim, const SimValue *back_to);

/* The node is down with all that ran there. Where it was the coordinator the others name it all the same,
 * until another takes over. */
void sim_power_node_crash(Sim *sim, SimNode *node);
gboolean sim_power_node_boot(Sim *sim, SimNode *node, GError **error);
/* The same of its toolstack alone: guests go on, and the pool does not notice. */
void sim_power_node_kill(Sim *sim, SimNode *node);
gboolean sim_power_node_revive(Sim *sim, SimNode *node, GError **error);
/* @node takes over, with the database as it is. One that was coordinator and is down stays down; else it is
 * a member now. */
void sim_power_set_coordinator(Sim *sim, SimNode *node);

G_END_DECLS
