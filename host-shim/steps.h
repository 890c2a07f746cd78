/* What a driver calls its steps and operations, in words for people. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full): of "create-disk", of "undo create-disk", of "live-migration: move"; what is not
 * known stays as it is. For the plan and for progress. */
char *steps_describe(const char *name);

G_END_DECLS
