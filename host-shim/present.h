/* From what a slot gave to what is printed. */
#pragma once

#include "document.h"
#include "shim.h"

G_BEGIN_DECLS

typedef void (*PresentFunc)(Output *output, JsonNode *answer);

/**
 * present: prints @text as it is with --json, as a plan with --plan, else as @show does.
 * @text: (nullable) (transfer full): a slot's answer; NULL: it failed, and so does this
 * @show: (nullable): the command goes on to say it itself where present_is_for_eyes()
 */
gboolean present(Shim *shim, char *text, PresentFunc show);
/* Neither --json nor --plan: somebody wants to read what has come of it. */
gboolean present_is_for_eyes(const Shim *shim);

/* Steps and calls of a plan (plan.schema.json). */
void present_plan(Output *output, JsonNode *plan);

G_END_DECLS
