/* SEC-5: what is left behind of a secret: the whole writable memory of the process is searched. */
#pragma once

#include "base/secret.h"

/* Not under sanitizers, where most of memory is shadow. MALLOC_PERTURB_ has to be 0. */
guint copies_count(const XdSecret *secret);

/* Made at run time: as a literal it would stand in the program's data. */
XdSecret *copies_make_canary(XdArena *arena, const char *salt);
