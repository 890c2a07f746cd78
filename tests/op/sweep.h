/* An operation that is to be broken at every call: what the pool looks like before and after. */
#pragma once

#include "world.h"

G_BEGIN_DECLS

/**
 * Sweep:
 * @state: name of the pool's saved state
 * @between: (nullable): of an operation whose half is something that people do: who is killed there may
 *   leave it so
 * @calls: requests of a run without a fault
 */
typedef struct {
    const Operation *operation;
    TestPool *pool;
    char *state;
    char *before;
    char *after;
    char *between;
    guint calls;
} Sweep;

/* One run without a fault, on the state saved as "fresh". Another tool's snapshot is planted before it:
 * marks and all are inherited. @restarted: and the toolstack has started since, so that another start
 * changes nothing. */
Sweep *sweep_new(TestPool *pool, const Operation *operation, gboolean restarted);
void sweep_free(Sweep *sweep);
/* The pool is as before, as after or as between. */
gboolean sweep_fits(const Sweep *sweep, const char *picture);
/* The pool as it was before the operation, without faults. */
void sweep_restore(const Sweep *sweep);
/* The pool is as before or as after, or for one who was @killed as between; else what differs is printed, with @said, and the test fails. TRUE: it
 * is as after. */
gboolean sweep_check(const Sweep *sweep, gboolean killed, const char *what, const char *said);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sweep, sweep_free)

G_END_DECLS
