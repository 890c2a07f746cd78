/* What operations on a guest's power ask and say. */
#pragma once

#include "ops/operation.h"

G_BEGIN_DECLS

/* In @state, and nothing is being done with it. */
gboolean xd_instance_is_in(XdInstanceState *instance, XdVmPowerState state);
/* @advice: (nullable) */
void xd_op_fail_state(XdOp *op, const char *what, const char *advice);

G_END_DECLS
