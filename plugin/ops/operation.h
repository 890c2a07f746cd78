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

/**
 * XdInstanceState: the head of the state of operations on one instance.
 * @instance: its uuid
 * @vm: reference of its VM, once xd_step_find_instance() has run
 */
typedef struct {
    XdOperation base;
    char *instance;
    char *vm;
} XdInstanceState;

void xd_instance_state_init(XdInstanceState *state, const char *instance);
void xd_instance_state_clear(gpointer state); /* XdOperationClass.clear_state */
/* (nullable): its VM as it is now */
const XdVM *xd_instance_vm(XdInstanceState *state);
/* (nullable): the same for a step that needs one. Whatever the operation has waited for, somebody may have
 * destroyed the VM meanwhile: NULL, and the step has failed with NOT_FOUND. */
const XdVM *xd_op_get_vm(XdOp *op, XdInstanceState *state);

/* A step: finds the VM, or fails with NOT_FOUND. */
void xd_step_find_instance(XdOp *op, gpointer state);
#define XD_STEP_FIND_INSTANCE                                                                      \
    {                                                                                              \
        "find-instance", xd_step_find_instance, NULL, 0, 5                                         \
    }

/* A last step: the result is the instance's document. */
void xd_step_tell_instance(XdOp *op, gpointer state);
#define XD_STEP_TELL_INSTANCE                                                                      \
    {                                                                                              \
        "tell-instance", xd_step_tell_instance, NULL, 0, 5                                         \
    }

G_END_DECLS
