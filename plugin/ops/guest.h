/* What operations on a guest's power ask and say. */
#pragma once

#include "ops/operation.h"

G_BEGIN_DECLS

/* In @state, and nothing is being done with it. */
gboolean xd_instance_is_in(XdInstanceState *instance, XdVmPowerState state);
/* FALSE: a destruction of it has begun and was given up, and the step has failed. */
gboolean xd_op_check_destruction(XdOp *op, const XdVM *vm);
/* @advice: (nullable) */
void xd_op_fail_state(XdOp *op, const char *what, const char *advice);

G_END_DECLS
