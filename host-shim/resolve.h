/* Whom the words of a command mean: uuids, names, addresses. */
#pragma once

#include "document.h"
#include "shim.h"

G_BEGIN_DECLS

/* (transfer full): a uuid. What looks like one is taken as one, without asking. Errors: NOT_FOUND;
 * AMBIGUOUS, which lists the candidates. */
char *resolve_instance(Shim *shim, const char *word, GError **error);
char *resolve_node(Shim *shim, const char *word, GError **error);

/* (transfer full): what failure_add_candidate() takes. @node: (nullable): its name */
JsonObject *resolve_make_candidate(JsonObject *object, const char *node);

/* (transfer full): the parsed answer of a slot that reads; never a plan of it.
 * @instance: (nullable): for slots that are about one */
JsonNode *resolve_read(Shim *shim, const char *slot, const char *instance, GError **error);

G_END_DECLS
