/* Where this program lies, and what lies beside it: a build tree, or an installed one. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (nullable): @relative to the program's directory, where something is there */
char *place_find(const char *relative);

G_END_DECLS
