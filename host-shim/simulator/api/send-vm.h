/* What the ways of a machine share, wherever it goes: steps, and parts of them. */
#pragma once

#include "api/send.h"

G_BEGIN_DECLS

/* They have given up where the machine is gone, or does not run any more. */
gboolean sim_send_is_gone(SimCall *call);
gboolean sim_send_has_stopped(SimCall *call);

/* Steps: the memory goes over; up to its end that can be cancelled. */
gboolean sim_send_begin_memory(SimCall *call);
gboolean sim_send_half_of_memory(SimCall *call);
gboolean sim_send_memory(SimCall *call);
/* A step: the disks go with their drives, one after the other, as subtasks. */
gboolean sim_send_drop_disk(SimCall *call);

/* To another pool: may it come, and how it goes. */
void sim_send_add_trial_steps(SimSend *send);
void sim_send_add_steps_to_pool(SimSend *send, gboolean running);
/* The marks on disks and interfaces go. */
void sim_send_unmap(SimCall *call);

G_END_DECLS
