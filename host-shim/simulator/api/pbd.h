/* A host's connection to storage. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

/* With copies of the secrets that @config names. (nullable): fails @call where one is missing */
SimObject *
sim_pbd_create(SimCall *call, const SimObject *sr, const SimObject *host, const SimValue *config);
/* The same outside of a call; (nullable): @bad (out) is one that is missing */
SimObject *sim_pbd_new(Sim *sim, const SimObject *sr, const SimObject *host, const SimValue *config,
                       const char **bad);
/* With its own secrets. */
void sim_pbd_delete(Sim *sim, SimObject *pbd);

G_END_DECLS
