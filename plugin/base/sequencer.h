/* One long operation: a table of steps with their undo beside them, run to the end or rolled back. */
#pragma once

#include "base/clock.h"
#include "base/error.h"

G_BEGIN_DECLS

typedef struct _XdOp XdOp;

/**
 * XdStepFunc: starts one piece of work and ends in exactly one tail call:
 * xd_op_next(), xd_op_fail(), xd_op_retry(), xd_op_each(), xd_op_try(), or one of xd_op_call(), xd_op_task(),
 * xd_op_transfer(), xd_op_wait() of xenapi/steps.h. None, or two, is a mistake that the sequencer
 * reports. @data is the operation's state, or the item of an xd_op_each().
 */
typedef void (*XdStepFunc)(XdOp *op, gpointer data);

/**
 * XdStep: one line of an operation's table; the table ends with a line without @run.
 * @name: in messages, log and progress
 * @run: does it
 * @undo: (nullable): takes it back. Registered before @run starts, since a reply may get lost:
 *   finds its objects by itself, and finds none to be success
 * @weight: share of the progress, in any unit
 * @timeout_s: for the step as a whole, its retries and items included
 */
typedef struct {
    const char *name;
    XdStepFunc run;
    XdStepFunc undo;
    guint weight;
    guint timeout_s;
} XdStep;

/**
 * XdOpPlan: what an operation would do; see xd_op_get_plan().
 */
typedef struct {
    char *step;
    gboolean has_undo;
    GPtrArray *calls; /* (element-type XdOpPlanCall) */
} XdOpPlanStep;

typedef struct {
    char *method;
    char *parameters; /* as text, secrets masked */
} XdOpPlanCall;

typedef struct {
    GPtrArray *steps; /* (element-type XdOpPlanStep) */
} XdOpPlan;

XdOpPlan *xd_op_plan_new(void);
void xd_op_plan_free(XdOpPlan *plan);

/**
 * XdRunOptions: of one operation; everything is borrowed until it has ended.
 * @what: opens every error message, e.g. "spawn web-1"
 * @context: where timers run and results arrive
 * @settle: (nullable): runs before the first undo: waits for what may still be under way, so that the
 *   undos see all that there is to undo
 * @catch_up: (nullable): runs after the last undo: whoever is told of the failure finds what was undone
 *   in the mirror
 * @judge: (nullable): the last word about a failure after which there is nothing to undo; takes and gives
 *   the error
 * @undo_timeout_s: for each undo
 * @timeout_ms: for all steps together; 0: none
 * @plan: (nullable): collect steps and calls instead of making them
 * @progress: (nullable): with @operation and @subject filled in
 */
typedef struct {
    const char *what;
    const char *operation;
    const char *subject;
    XdClock *clock;
    XdStepFunc settle;
    XdStepFunc catch_up;
    GError *(*judge)(gpointer state, GError *error);
    guint undo_timeout_s;
    guint timeout_ms;
    XdOpPlan *plan;
    HvdProgressFunc progress;
    gpointer progress_data;
    void (*on_undo_failed)(const char *undo, const GError *error, gpointer data);
    gpointer on_undo_failed_data;
} XdRunOptions;

/**
 * xd_op_run: runs @steps on @state and returns @task's result, a pointer set with
 * xd_op_set_result(), or the first error.
 *
 * - One step of a table at a time; steps that end at once do not grow the stack.
 * - The first error wins. Then every undo runs, newest first, with a deadline of its own and a fresh
 *   cancellable; one that fails is added to the error's leftovers, the code becomes LEFTOVERS, and the
 *   next runs.
 * - Time-out and cancellation cancel the pending call and wait for its answer: nothing comes back
 *   after the operation has ended. Cancellation is ignored once rollback began, or the point of no
 *   return was passed; when the last step has succeeded the result is success.
 */
void xd_op_run(GTask *task, const XdStep *steps, gpointer state, GDestroyNotify free_state,
               const XdRunOptions *options);

/* ---- tail calls ---- */

void xd_op_next(XdOp *op);
void xd_op_fail(XdOp *op, GError *error); /* (transfer full) */
/* The same step again after @delay_ms, unless it ran @attempts times: then it fails with @error. */
void xd_op_retry(XdOp *op, GError *error, guint attempts, guint delay_ms);
/* @steps over every item (element-type of @items is @steps' @data), @width of them at a time. */
void xd_op_each(XdOp *op, GPtrArray *items, const XdStep *steps, guint width);
/* @steps once, on @data: a nested table. */
void xd_op_table(XdOp *op, const XdStep *steps, gpointer data);
/* The same, and what fails there is no failure of this step: it is told in @caught, and the step ends. It
 * is one when the operation itself is stopped. */
void xd_op_try(XdOp *op, const XdStep *steps, gpointer data, GError **caught);
/* From here on nothing that was done is taken back, and cancelling is too late. */
void xd_op_commit(XdOp *op);
/* From here on cancelling is too late; a failure or the end of the time still takes back what was done. */
void xd_op_ignore_cancelling(XdOp *op);
/* xd_op_commit() as a step. */
void xd_op_point_of_no_return(XdOp *op, gpointer data);

/* A step function for an undo that went forward instead of back: what was wanted is the case, so the
 * operation succeeds, unless another undo fails. */
void xd_op_make_good(XdOp *op, gpointer data);

/**
 * xd_op_pend: for makers of tail calls: something asynchronous has been started. Give the returned
 * cancellable to it (borrowed), and end it with xd_op_complete(), which takes @error.
 */
GCancellable *xd_op_pend(XdOp *op);
void xd_op_complete(XdOp *op, GError *error);
/* The same, but the step runs again after @delay_ms unless it ran @attempts times. */
void xd_op_complete_again(XdOp *op, GError *error, guint attempts, guint delay_ms);

/* ---- for the use of steps ---- */

gpointer xd_op_get_state(XdOp *op); /* of the operation, also below xd_op_each() */
XdOpPlan *xd_op_get_plan(XdOp *op); /* (nullable) */
void xd_op_plan_call(XdOp *op, const char *method, const char *parameters);
gboolean xd_op_is_rolling_back(XdOp *op);
const GError *xd_op_get_error(XdOp *op); /* of an undo: why there is something to take back */
/* Somebody cancelled the operation, or its time is over: no step may go on as if nothing was. */
gboolean xd_op_is_stopped(XdOp *op);
const char *xd_op_get_step_name(XdOp *op);
const char *xd_op_get_name(XdOp *op); /* XdRunOptions.operation */
void xd_op_set_result(XdOp *op, gpointer result, GDestroyNotify free_result);
/* Shortens the deadline of the running step, counted from now. */
void xd_op_limit(XdOp *op, guint timeout_s);
/* The running step consists of parts, and another one begins, which has so long; 0: as long as the step. */
void xd_op_begin_part(XdOp *op, guint timeout_s);
/* How far the running step is; bytes are shown as they are, 0 where there are none. */
void xd_op_set_progress(XdOp *op, double fraction, guint64 bytes_done, guint64 bytes_total);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdOpPlan, xd_op_plan_free)

G_END_DECLS
