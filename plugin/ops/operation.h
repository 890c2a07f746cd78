/* How an operation runs: its table, the caller's wishes, the connection's life, the log. */
#pragma once

#include "xenapi/steps.h"

G_BEGIN_DECLS

/**
     * XdOperationClass:
     * @name: as in logs and plans: "spawn"
     * @clear_state: (nullable): frees what the state holds beside its head
     */
typedef struct _XdOperationClass {
    const char *name;
    const XdStep *steps;
    void (*clear_state)(gpointer state);
} XdOperationClass;

/**
     * xd_operation_run: takes @state, whose first member is an #XdOperation that is not initialized
     * yet, and runs @klass on it. The task's result is what a step has set with xd_op_set_result(),
     * JSON text; of a plan the plan document.
     * @subject: the instance's uuid, or what else it is about
     * @name: (nullable): a word for people about it, in error messages
     */
void xd_operation_run(const XdOperationClass *klass, gpointer state, XdConnection *connection,
                      const char *subject, const char *name, const HvdCall *call,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);

/* An operation that cannot even begin: @error (transfer full) is its end. */
void xd_operation_refuse(GError *error, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);

/* A caller's HvdCall, as large as it was when the caller was compiled; defaults for the rest.
     */
void xd_call_options(const HvdCall *call, HvdCall *options);

/* The first step of every operation: nothing is planned on an old picture of the pool. */
void xd_step_see_pool(XdOp *op, gpointer state);
#define XD_STEP_SEE_POOL                                                                           \
    {                                                                                              \
        "see-pool", xd_step_see_pool, NULL, 0, 60                                                  \
    }

G_END_DECLS
