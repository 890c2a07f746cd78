/* The destination's side of a storage migration, or of one to another pool: small commands of the
 * source, which conducts. The source may be another simulator (data/services.c) or this one. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

/* (transfer full): the answer, or NULL with @error (out) (transfer full). @command: a map with the
 * name in "do" */
SimValue *sim_receive(Sim *sim, const SimValue *command, SimValue **error);

/* While a daemon on @host reads or writes a disk, its record says so (scenario
 * live_migrate_to_other_pool). */
void sim_vdi_note_reader(SimObject *vdi, const SimObject *host);

G_END_DECLS
