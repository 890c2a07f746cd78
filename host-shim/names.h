/* What a pool had when it was last looked at: completion offers it, without asking any pool. */
#pragma once

#include "shim.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Writes down what the open pool has: answered from the driver's mirror, nothing travels. Where it
 * cannot be written nothing is said: completion will know less. */
void names_remember(Shim *shim);
/* (nullable): an object with "instances" and "nodes" of the pool that @arguments name, each an array
 * of objects with "name" and "uuid" */
JsonNode *names_recall(const Arguments *arguments);

G_END_DECLS
