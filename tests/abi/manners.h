/* What a guest must leave as it found it. */
#pragma once

#include <glib.h>

/* To be called first: puts handlers of our own where the driver could put its. */
void manners_prepare(void);

/* (transfer full): everything that belongs to the process and not to the driver, a line each; two that
 * are equal mean that nothing of it has changed in between. */
char *manners_describe(void);
