/* Forbidding every kind of start, and whose prohibition it is. */
#pragma once

#include "xenapi/steps.h"

G_BEGIN_DECLS

/* Reasons as operators see them in OPERATION_BLOCKED; the mark of the operation stands behind them. */
#define XD_BLOCK_SOFT_DELETED "soft-deleted (hvd)"
#define XD_BLOCK_NOT_BOOTABLE "not bootable (hvd)"

/* (transfer full): @reason with a mark of @operation */
char *xd_block_new(const XdOperation *operation, const char *reason);
gboolean xd_is_blocked(const XdVM *vm, const char *reason);
/* (nullable) (transfer none): the mark of the operation that blocked it for @reason */
const char *xd_block_get_tag(const XdVM *vm, const char *reason);

/**
 * xd_blocked_operations: VM.blocked_operations as it shall be: what others have blocked stays, ours for
 * @reason comes as @block, or goes.
 * @block: (nullable) where it goes
 */
GVariant *
xd_blocked_operations(const XdVM *vm, const char *reason, const char *block, gboolean comes);

G_END_DECLS
