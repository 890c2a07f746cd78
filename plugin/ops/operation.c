#include "ops/operation.h"

#include "model/key.h"
#include "ops/describe.h"

#include <string.h>

#define UNDO_TIMEOUT_S 600
#define MAX_SHOWN_NAME 255 /* as the schema of an instance has it */

typedef struct {
    const XdOperationClass *klass;
    GTask *task; /* the caller's */
    XdConnection *connection;
    XdOperation *state;
    char *subject;
    char *what;
    char *trace;
    XdOpPlan *plan;
    GCancellable *cancellable; /* ours: the caller's, or the connection's end */
    GSource *user_cancel;
    gint64 started_ms;
} Runner;

void
xd_call_options(const HvdCall *call, HvdCall *options)
{
    *options = (HvdCall){.struct_size = sizeof *options};
    if (call != NULL)
        memcpy(options, call, MIN(call->struct_size, sizeof *options));
}

/* ---- plans ---- */

static GPtrArray *
plan_calls(const XdOpPlanStep *from)
{
    GPtrArray *calls = g_ptr_array_new();

    for (guint i = 0; i < from->calls->len; i++) {
        const XdOpPlanCall *call = g_ptr_array_index(from->calls, i);
        XdPlanCall *entry = g_new0(XdPlanCall, 1);

        entry->method = g_strdup(call->method);
        entry->parameters = g_strdup(call->parameters);
        g_ptr_array_add(calls, entry);
    }
    return calls;
}

static char *
print_plan(Runner *runner)
{
    g_auto(XdPlan) document = {0};

    document.operation = g_strdup(runner->klass->name);
    document.subject = g_strdup(runner->subject);
    document.steps = g_ptr_array_new();
    for (guint i = 0; i < runner->plan->steps->len; i++) {
        const XdOpPlanStep *from = g_ptr_array_index(runner->plan->steps, i);
        XdPlanStep *step = g_new0(XdPlanStep, 1);

        step->name = g_strdup(from->step);
        step->undo = from->has_undo ? g_strconcat("undo ", from->step, NULL) : NULL;
        step->calls = plan_calls(from);
        g_ptr_array_add(document.steps, step);
    }
    return xd_plan_print(&document, XD_PRINT_MASKED);
}

/* ---- the end ---- */

static void
runner_log(Runner *runner, const GError *error)
{
    XdLogFields fields = {.op = runner->klass->name,
                          .ref = runner->subject,
                          .trace = runner->trace,
                          .ms = xd_clock_now_ms(runner->connection->clock) - runner->started_ms};
    gboolean cancelled = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

    if (error == NULL)
        xd_log(runner->connection->log, G_LOG_LEVEL_INFO, "xd-ops", &fields, "%s: done",
               runner->what);
    else
        xd_log(runner->connection->log, cancelled ? G_LOG_LEVEL_INFO : G_LOG_LEVEL_MESSAGE,
               "xd-ops", &fields, "%s", error->message);
}

static void
runner_free(Runner *runner)
{
    xd_clear_source(&runner->user_cancel);
    xd_connection_leave(runner->connection, runner->cancellable);
    xd_connection_unref(runner->connection);
    g_clear_pointer(&runner->plan, xd_op_plan_free);
    g_object_unref(runner->cancellable);
    g_object_unref(runner->task);
    g_free(runner->subject);
    g_free(runner->what);
    g_free(runner->trace);
    g_free(runner);
}

/* A leftover that nobody is told of is lost: it goes to the log beside the error. */
static void
on_undo_failed(const char *undo, const GError *error, gpointer data)
{
    Runner *runner = data;
    XdLogFields fields = {.op = runner->klass->name, .step = undo, .ref = runner->subject};

    xd_log(runner->connection->log, G_LOG_LEVEL_WARNING, "xd-ops", &fields,
           "%s: not undone: %s: %s", runner->what, undo, error->message);
}

static void
on_run_ended(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Runner *runner = data;
    GError *error = NULL;
    char *text = g_task_propagate_pointer(G_TASK(result), &error);

    runner_log(runner, error);
    if (error != NULL) {
        g_task_return_error(runner->task, error);
    } else if (runner->plan != NULL) {
        g_free(text);
        g_task_return_pointer(runner->task, print_plan(runner), g_free);
    } else {
        g_task_return_pointer(runner->task, text != NULL ? text : g_strdup("{}"), g_free);
    }
    runner_free(runner);
}

/* Not done in time, or not reached: so says the last call, but not one before it. */
static GError *
judge(gpointer state, GError *error)
{
    g_autoptr(GError) first = error;
    gboolean denies =
        xd_error_is(error, HVD_ERROR_TIMED_OUT) || xd_error_is(error, HVD_ERROR_NOT_REACHABLE);

    if (!((XdOperation *) state)->unsure || !denies)
        return g_steal_pointer(&first);
    return xd_error_new(HVD_ERROR_UNKNOWN_OUTCOME, "%s", first->message);
}

/* ---- the start ---- */

static gboolean
on_user_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    g_cancellable_cancel(((Runner *) data)->cancellable);
    return G_SOURCE_REMOVE;
}

static void
runner_watch(Runner *runner, GCancellable *user)
{
    runner->cancellable = g_cancellable_new();
    xd_connection_enter(runner->connection, runner->cancellable);
    if (g_cancellable_is_cancelled(user) || g_cancellable_is_cancelled(runner->connection->closing))
        g_cancellable_cancel(runner->cancellable);
    if (user == NULL)
        return;
    runner->user_cancel = g_cancellable_source_new(user);
    g_source_set_callback(runner->user_cancel, G_SOURCE_FUNC(on_user_cancelled), runner, NULL);
    g_source_attach(runner->user_cancel, runner->connection->context);
}

void
xd_operation_refuse(GError *error, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);

    g_task_set_check_cancellable(task, FALSE);
    g_task_return_error(task, error);
}

static Runner *
runner_new(const XdOperationClass *klass, XdOperation *state, XdConnection *connection,
           const char *subject, const char *name, const HvdCall *options)
{
    Runner *runner = g_new0(Runner, 1);
    g_autofree char *shown = xd_escape(name != NULL ? name : subject, -1, MAX_SHOWN_NAME);

    runner->klass = klass;
    runner->state = state;
    runner->connection = xd_connection_ref(connection);
    runner->subject = g_strdup(subject);
    runner->what = g_strjoin(" ", klass->name, shown, NULL);
    runner->trace = g_strdup(options->trace_parent);
    runner->started_ms = xd_clock_now_ms(connection->clock);
    if ((options->flags & HVD_CALL_PLAN_ONLY) != 0)
        runner->plan = xd_op_plan_new();
    return runner;
}

static void
state_free(gpointer data)
{
    XdOperation *state = data;
    const XdOperationClass *klass = state->klass;

    if (klass->clear_state != NULL)
        klass->clear_state(state);
    xd_operation_clear(state);
    g_free(state);
}

void
xd_operation_run(const XdOperationClass *klass, gpointer state, XdConnection *connection,
                 const char *subject, const char *name, const HvdCall *call,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    HvdCall options;
    Runner *runner;
    GTask *inner;

    xd_operation_init(state, connection);
    ((XdOperation *) state)->klass = klass;
    xd_call_options(call, &options);
    if (options.request_id != NULL && !xd_is_identifier(options.request_id)) {
        state_free(state);
        xd_operation_refuse(xd_error_new(HVD_ERROR_INVALID,
                                         "%s: a request id has 1 to 64 of A-Z a-z 0-9 . _ : -",
                                         klass->name),
                            cancellable, callback, user_data);
        return;
    }
    runner = runner_new(klass, state, connection, subject, name, &options);
    runner->task = g_task_new(NULL, cancellable, callback, user_data);
    g_task_set_check_cancellable(runner->task, FALSE);
    runner_watch(runner, cancellable);
    inner = g_task_new(NULL, runner->cancellable, on_run_ended, runner);
    xd_op_run(inner, klass->steps, state, state_free,
              &(XdRunOptions){.what = runner->what,
                              .operation = klass->name,
                              .subject = runner->subject,
                              .clock = connection->clock,
                              .settle = xd_op_settle,
                              .catch_up = xd_op_catch_up,
                              .judge = judge,
                              .undo_timeout_s = UNDO_TIMEOUT_S,
                              .timeout_ms = options.timeout_ms,
                              .plan = runner->plan,
                              .progress = options.progress,
                              .progress_data = options.progress_data,
                              .on_undo_failed = on_undo_failed,
                              .on_undo_failed_data = runner});
}

/* ---- a step that all share ---- */

static gboolean
sees_pool(XdOperation *operation, gpointer data G_GNUC_UNUSED)
{
    return xd_mirror_is_fresh(operation->connection->mirror);
}

void
xd_step_see_pool(XdOp *op, gpointer state G_GNUC_UNUSED)
{
    xd_op_wait(op, NULL, sees_pool, NULL);
}

/* ---- operations on one instance ---- */

void
xd_instance_state_init(XdInstanceState *state, const char *instance)
{
    state->instance = g_strdup(instance);
}

void
xd_instance_state_clear(gpointer data)
{
    XdInstanceState *state = data;

    g_free(state->instance);
    g_free(state->vm);
}

const XdVM *
xd_instance_vm(XdInstanceState *state)
{
    return xd_get_vm(state->base.connection->mirror, state->vm);
}

const XdVM *
xd_op_get_vm(XdOp *op, XdInstanceState *state)
{
    const XdVM *vm = xd_instance_vm(state);

    if (vm == NULL)
        xd_op_fail(op, xd_error_new(HVD_ERROR_NOT_FOUND, "the instance is gone"));
    return vm;
}

void
xd_step_find_instance(XdOp *op, gpointer data)
{
    XdInstanceState *state = data;
    GError *error = NULL;
    const XdVM *vm = xd_find_instance(state->base.connection->mirror, state->instance, &error);

    if (vm == NULL) {
        xd_op_fail(op, error);
        return;
    }
    state->vm = g_strdup(vm->parent.ref);
    xd_op_next(op);
}

void
xd_step_tell_instance(XdOp *op, gpointer data)
{
    XdInstanceState *state = data;
    const XdVM *vm;

    if (xd_op_get_plan(op) != NULL) {
        xd_op_next(op);
        return;
    }
    vm = xd_op_get_vm(op, state);
    if (vm == NULL)
        return;
    xd_op_set_result(op, xd_print_instance(state->base.connection->mirror, vm), g_free);
    xd_op_next(op);
}
