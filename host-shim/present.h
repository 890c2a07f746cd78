/* From what a slot gave to what is printed. */
#pragma once

#include "document.h"
#include "shim.h"

G_BEGIN_DECLS

typedef void (*PresentFunc)(Output *output, JsonNode *answer);

/**
 * present: prints @text as it is with --json, as a plan with --plan, else as @show does.
 * @text: (nullable) (transfer full): a slot's answer; NULL: it failed, and so does this
 */
gboolean present(Shim *shim, char *text, PresentFunc show);

/* Steps and calls of a plan (plan.schema.json). */
void present_plan(Output *output, JsonNode *plan);

G_END_DECLS
