/* The destination's side of a storage migration, or of one to another pool: small commands of the
 * source, which conducts. The source may be another simulator (data/services.c) or this one. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

#define SIM_TRAVELLING_KEY "config-drive" /* of a disk's other_config */

/* (transfer full): the answer, or NULL with @error (out) (transfer full). @command: a map with the
 * name in "do" */
SimValue *sim_receive(Sim *sim, const SimValue *command, SimValue **error);

G_END_DECLS
