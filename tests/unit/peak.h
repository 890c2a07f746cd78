/* The most memory that a piece of a test takes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* KiB that the process has had at the most; from now on the peak is counted anew. */
guint64 peak_begin(void);
/* Fails where it has become more than @most KiB beyond @before. Sanitizers and valgrind have memory of their
 * own in it: there nothing is asserted. */
void peak_assert(guint64 before, guint64 most);

G_END_DECLS
