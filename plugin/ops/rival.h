/* Who else has a disk: two that write would spoil it. */
#pragma once

#include "ops/operation.h"

G_BEGIN_DECLS

/**
 * xd_rival_error: (nullable) (transfer full): BUSY, where another machine has @vdi and cannot have it together
 * with @own: one of the two would write. A suspended machine counts: it has the disk when it comes back, and
 * nothing asks then.
 * @own: (nullable): the device that is to be plugged, or is
 * @writes: what it would do
 */
GError *xd_rival_error(const XdMirror *mirror, const XdVDI *vdi, const XdVBD *own, gboolean writes);

/* The same for all disks of @vm, which is about to have them. FALSE: the step has failed. */
gboolean xd_op_check_rivals(XdOp *op, const XdInstanceState *state, const XdVM *vm);

G_END_DECLS
