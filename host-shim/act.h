/* What most commands do: one operation on one instance. */
#pragma once

#include "present.h"

G_BEGIN_DECLS

/* Calls a slot for the instance @uuid; as runner_instance() does. */
typedef char *(*ActFunc)(Shim *shim, const char *uuid, GError **error);

/* Opens the pool, finds the instance that the first operand means, calls @act, presents what it gave
 * by @show. */
gboolean act_on_instance(Shim *shim, ActFunc act, PresentFunc show, GError **error);

/* PresentFunc of slots that give an instance-info document. */
void act_show_instance(Output *output, JsonNode *info);

/* Opens the pool; the uuid that the first operand means, from now on the subject of progress. */
char *act_begin(Shim *shim, GError **error);
/* (transfer full): "web-1 (UUID)", or the uuid alone where that is what was typed */
char *act_describe(Shim *shim, const char *uuid);

G_END_DECLS
