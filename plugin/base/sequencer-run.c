#include "base/sequencer-internal.h"

/* ---- the run ---- */

static void
run_finish(Run *run)
{
    xd_clear_source(&run->user_cancel);
    xd_clear_source(&run->deadline);
    if (run->error != NULL) {
        g_prefix_error(&run->error, "%s: ", run->options.what);
        g_task_return_error(run->task, g_steal_pointer(&run->error));
    } else {
        g_task_return_pointer(run->task, g_steal_pointer(&run->result), run->free_result);
    }
    if (run->result != NULL && run->free_result != NULL)
        run->free_result(run->result);
    g_clear_error(&run->stop);
    g_array_unref(run->undo);
    if (run->free_state != NULL)
        run->free_state(run->state);
    g_object_unref(run->task);
    g_free(run);
}

/* The message stays the first error's; what could not be undone goes beside it. */
static void
run_add_leftover(Run *run, const char *undo, GError *error)
{
    g_autoptr(GError) first = g_steal_pointer(&run->error);
    g_autofree char *leftover = g_strdup_printf("%s: %s", undo, error->message);
    const char *const *left = xd_error_get_leftovers(first);

    if (run->options.on_undo_failed != NULL)
        run->options.on_undo_failed(undo, error, run->options.on_undo_failed_data);
    run->error = xd_error_new(HVD_ERROR_LEFTOVERS, "%s", first->message);
    if (xd_error_get_failure(first) != NULL)
        xd_error_set_failure(run->error, xd_error_get_failure(first));
    for (guint i = 0; left != NULL && left[i] != NULL; i++)
        xd_error_add_leftover(run->error, left[i]);
    xd_error_add_leftover(run->error, leftover);
}

/* What comes before the first undo, and after the last. */
static void
run_frame_undo(Run *run)
{
    guint first = g_array_index(run->undo, Undo, 0).index;
    guint last = g_array_index(run->undo, Undo, run->undo->len - 1).index;
    Undo settle = {"settle", run->options.settle, run->state, last};
    Undo catch_up = {"catch-up", run->options.catch_up, run->state, first};

    if (catch_up.func != NULL)
        g_array_prepend_val(run->undo, catch_up);
    if (settle.func != NULL)
        g_array_append_val(run->undo, settle);
}

static void
run_undo(Run *run)
{
    Undo undo;

    if (run->undo->len == 0) {
        if (run->made_good && !xd_error_is(run->error, HVD_ERROR_LEFTOVERS))
            g_clear_error(&run->error);
        run_finish(run);
        return;
    }
    undo = g_array_index(run->undo, Undo, run->undo->len - 1);
    g_array_set_size(run->undo, run->undo->len - 1);
    run->undo_index = undo.index;
    run->undo_steps[0] = (XdStep){.name = undo.name, .run = undo.func, .weight = 1};
    run->undo_steps[1] = (XdStep){0};
    run->current = xd_op_new(run, NULL, run->undo_steps, undo.data);
    xd_op_turn(run->current);
}

void
xd_run_branch_ended(Run *run, XdOp *op)
{
    run->current = NULL;
    if (run->rolling_back) {
        if (op->error != NULL)
            run_add_leftover(run, op->steps[0].name, op->error);
    } else {
        run->error = g_steal_pointer(&op->error);
    }
    xd_op_free(op);
    if (run->error == NULL) {
        run_finish(run);
        return;
    }
    if (!run->rolling_back && run->undo->len > 0)
        run_frame_undo(run);
    else if (!run->rolling_back && run->options.judge != NULL)
        run->error = run->options.judge(run->state, run->error);
    run->rolling_back = TRUE;
    run_undo(run);
}

static void
run_stop(Run *run, GError *reason)
{
    if (run->stop != NULL || run->rolling_back || run->no_return) {
        g_error_free(reason);
        return;
    }
    run->stop = reason;
    if (run->current != NULL)
        xd_op_cancel(run->current);
}

static gboolean
on_user_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    Run *run = data;

    if (!run->ignores_cancelling)
        run_stop(run, g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled"));
    return G_SOURCE_REMOVE;
}

static gboolean
on_run_deadline(gpointer data)
{
    Run *run = data;

    run_stop(run, xd_error_new(HVD_ERROR_TIMED_OUT, "not done within the %u ms that were given",
                               run->options.timeout_ms));
    return G_SOURCE_REMOVE;
}

static void
run_arm(Run *run)
{
    GCancellable *user = g_task_get_cancellable(run->task);
    GMainContext *context = g_task_get_context(run->task);

    /* The answer must tell what happened, not that somebody asked to stop. */
    g_task_set_check_cancellable(run->task, FALSE);
    if (user != NULL) {
        run->user_cancel = g_cancellable_source_new(user);
        g_source_set_callback(run->user_cancel, G_SOURCE_FUNC(on_user_cancelled), run, NULL);
        g_source_attach(run->user_cancel, context);
        if (g_cancellable_is_cancelled(user))
            on_user_cancelled(user, run);
    }
    if (run->options.timeout_ms > 0)
        run->deadline = xd_clock_add(run->options.clock, context, run->options.timeout_ms,
                                     on_run_deadline, run);
}

void
xd_op_run(GTask *task, const XdStep *steps, gpointer state, GDestroyNotify free_state,
          const XdRunOptions *options)
{
    Run *run = g_new0(Run, 1);

    run->task = task;
    run->options = *options;
    run->steps = steps;
    run->state = state;
    run->free_state = free_state;
    run->undo = g_array_new(FALSE, FALSE, sizeof(Undo));
    run_arm(run);
    run->current = xd_op_new(run, NULL, steps, state);
    xd_op_turn(run->current);
}

void
xd_op_commit(XdOp *op)
{
    if (op->run->rolling_back)
        return;
    g_array_set_size(op->run->undo, 0);
    op->run->no_return = TRUE;
}

void
xd_op_ignore_cancelling(XdOp *op)
{
    op->run->ignores_cancelling = TRUE;
}

void
xd_op_point_of_no_return(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    xd_op_commit(op);
    xd_op_next(op);
}

void
xd_op_make_good(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    op->run->made_good = TRUE;
    xd_op_next(op);
}

gpointer
xd_op_get_state(XdOp *op)
{
    return op->run->state;
}

XdOpPlan *
xd_op_get_plan(XdOp *op)
{
    return op->run->options.plan;
}

gboolean
xd_op_is_rolling_back(XdOp *op)
{
    return op->run->rolling_back;
}

gboolean
xd_op_is_stopped(XdOp *op)
{
    return op->run->stop != NULL && !op->run->rolling_back && !op->run->no_return;
}

const GError *
xd_op_get_error(XdOp *op)
{
    return op->run->error;
}

const char *
xd_op_get_step_name(XdOp *op)
{
    return op->steps[op->index].name;
}

const char *
xd_op_get_name(XdOp *op)
{
    return op->run->options.operation;
}

void
xd_op_set_result(XdOp *op, gpointer result, GDestroyNotify free_result)
{
    Run *run = op->run;

    if (run->result != NULL && run->free_result != NULL)
        run->free_result(run->result);
    run->result = result;
    run->free_result = free_result;
}
