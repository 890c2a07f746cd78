/* Forbidding every kind of start, and whose prohibition it is. */
#pragma once

#include "xenapi/steps.h"

G_BEGIN_DECLS

/* Reasons as operators see them in OPERATION_BLOCKED; the mark of the operation stands behind them. The
 * pool has one text for each kind of start: where several forbid it, theirs are joined by "; ". */
#define XD_BLOCK_SOFT_DELETED "soft-deleted (hvd)"
#define XD_BLOCK_NOT_BOOTABLE "not bootable (hvd)"
#define XD_BLOCK_DESTROYED    "being destroyed (hvd)"

/* (transfer full): @reason with a mark of @operation */
char *xd_block_new(const XdOperation *operation, const char *reason);
gboolean xd_is_blocked(const XdVM *vm, const char *reason);
/* Every kind of start: nobody has taken a part of it back, so it has not been started since. */
gboolean xd_is_wholly_blocked(const XdVM *vm, const char *reason);
/* (nullable) (transfer full): the mark of the operation that blocked it for @reason */
char *xd_block_get_tag(const XdVM *vm, const char *reason);

/**
 * xd_blocked_operations: VM.blocked_operations as it shall be: what is blocked for other reasons stays so,
 * ours for @reason comes as @block, or goes.
 * @block: (nullable): NULL: it goes
 */
GVariant *xd_blocked_operations(const XdVM *vm, const char *reason, const char *block);

G_END_DECLS
