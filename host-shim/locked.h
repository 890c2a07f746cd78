/* Memory for secrets: locked where it may be, in no core file and in no child. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (nullable): @size bytes of zeros */
char *locked_new(gsize size);
/* Wipes it first. @memory: (nullable) */
void locked_free(char *memory, gsize size);

G_END_DECLS
