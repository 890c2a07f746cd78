#include "base/sequencer-internal.h"

/* ---- branches ---- */

XdOp *
xd_op_new(Run *run, XdOp *parent, const XdStep *steps, gpointer data)
{
    XdOp *op = g_new0(XdOp, 1);

    op->run = run;
    op->parent = parent;
    op->steps = steps;
    op->data = data;
    op->cancellable = g_cancellable_new();
    op->children = g_ptr_array_new();
    if (parent != NULL)
        g_ptr_array_add(parent->children, op);
    return op;
}

void
xd_op_free(XdOp *op)
{
    xd_clear_source(&op->deadline);
    xd_clear_source(&op->delay);
    g_clear_error(&op->error);
    g_clear_pointer(&op->items, g_ptr_array_unref);
    g_ptr_array_unref(op->children);
    g_object_unref(op->cancellable);
    g_free(op);
}

static gboolean
on_delay(gpointer data)
{
    XdOp *op = data;

    xd_clear_source(&op->delay);
    if (g_cancellable_is_cancelled(op->cancellable)) {
        xd_op_complete(op, g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled"));
        return G_SOURCE_REMOVE;
    }
    op->pending = FALSE;
    op->attempt++;
    xd_op_turn(op);
    return G_SOURCE_REMOVE;
}

static void
op_delay(XdOp *op, guint delay_ms)
{
    Run *run = op->run;

    xd_clear_source(&op->delay);
    op->delay =
        xd_clock_add(run->options.clock, g_task_get_context(run->task), delay_ms, on_delay, op);
}

void
xd_op_cancel(XdOp *op)
{
    g_cancellable_cancel(op->cancellable);
    if (op->delay != NULL)
        op_delay(op, 0);
    for (guint i = 0; i < op->children->len; i++)
        xd_op_cancel(g_ptr_array_index(op->children, i));
}

static gboolean
on_deadline(gpointer data)
{
    XdOp *op = data;

    op->timed_out = TRUE;
    xd_op_cancel(op);
    return G_SOURCE_REMOVE;
}

static void
op_set_deadline(XdOp *op, guint timeout_s)
{
    Run *run = op->run;

    xd_clear_source(&op->deadline);
    op->limit_s = timeout_s;
    if (timeout_s > 0)
        op->deadline = xd_clock_add(run->options.clock, g_task_get_context(run->task),
                                    (gint64) timeout_s * 1000, on_deadline, op);
}

void
xd_op_limit(XdOp *op, guint timeout_s)
{
    if (op->limit_s == 0 || timeout_s < op->limit_s)
        op_set_deadline(op, timeout_s);
}

static guint
op_step_limit(const XdOp *op)
{
    const Run *run = op->run;

    return run->rolling_back && op->parent == NULL ? run->options.undo_timeout_s
                                                   : op->steps[op->index].timeout_s;
}

void
xd_op_begin_part(XdOp *op, guint timeout_s)
{
    if (!op->timed_out)
        op_set_deadline(op, timeout_s > 0 ? timeout_s : op_step_limit(op));
}

static void
op_arm(XdOp *op, guint timeout_s)
{
    op->timed_out = FALSE;
    if (g_cancellable_is_cancelled(op->cancellable)) {
        g_object_unref(op->cancellable);
        op->cancellable = g_cancellable_new();
    }
    op_set_deadline(op, timeout_s);
}

/* The reason for which no further step may start, or NULL. */
static GError *
run_stopped(Run *run)
{
    if (run->rolling_back || run->no_return || run->stop == NULL)
        return NULL;
    return g_error_copy(run->stop);
}

static GError *
timed_out_error(const XdOp *op, GError *error)
{
    if (!op->timed_out || !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return error;
    g_error_free(error);
    return xd_error_new(HVD_ERROR_TIMED_OUT, "not done within %u s", op->limit_s);
}

static void
op_step_failed(XdOp *op, GError *error)
{
    const char *name = op->steps[op->index].name;

    error = timed_out_error(op, error);
    if (op->run->stop != NULL && !op->run->rolling_back &&
        g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        g_clear_error(&error);
        error = g_error_copy(op->run->stop);
    }
    g_prefix_error(&error, "%s: ", name);
    g_assert(op->error == NULL);
    op->error = error;
}

static void
op_begin_step(XdOp *op)
{
    Run *run = op->run;
    const XdStep *step = &op->steps[op->index];
    GError *stopped = run_stopped(run);

    if (stopped != NULL) {
        op_step_failed(op, stopped);
        op->again = TRUE;
        return;
    }
    if (op->attempt == 0) {
        op->fraction = 0;
        op_arm(op, op_step_limit(op));
        if (run->options.plan != NULL)
            xd_op_plan_step(run->options.plan, step);
        if (step->undo != NULL && !run->rolling_back) {
            Undo undo = {step->name, step->undo, op->data, xd_op_root(op)->index};

            g_array_append_val(run->undo, undo);
        }
        xd_op_report(op, 0, 0, op->parent == NULL);
    }
    op->tail_calls = 0;
    step->run(op, op->data);
    if (op->tail_calls == 1)
        return;
    g_critical("step %s ended in %u tail calls instead of one", step->name, op->tail_calls);
    if (op->tail_calls == 0)
        xd_op_fail(op, xd_error_new(HVD_ERROR_FAILED, "the step did not say how it ended"));
}

static void each_child_ended(XdOp *op, XdOp *child);

static void
op_finish(XdOp *op)
{
    XdOp *parent = op->parent;

    if (parent == NULL) {
        xd_run_branch_ended(op->run, op);
        return;
    }
    each_child_ended(parent, op);
    xd_op_free(op);
}

/* A trampoline: pieces that end at once do not grow the stack. */
void
xd_op_turn(XdOp *op)
{
    op->again = TRUE;
    if (op->turning)
        return;
    op->turning = TRUE;
    while (op->again) {
        op->again = FALSE;
        if (op->error != NULL || op->steps[op->index].run == NULL) {
            op_finish(op);
            return;
        }
        op_begin_step(op);
    }
    op->turning = FALSE;
}

static void
op_step_ended(XdOp *op, GError *error)
{
    if (error != NULL) {
        op_step_failed(op, error);
    } else {
        op->index++;
        op->attempt = 0;
    }
    xd_clear_source(&op->deadline);
    xd_op_turn(op);
}

/* Counts tail calls; FALSE: this one is too many and must do nothing. */
static gboolean
op_tail(XdOp *op)
{
    return op->tail_calls++ == 0;
}

void
xd_op_next(XdOp *op)
{
    if (op_tail(op))
        op_step_ended(op, NULL);
}

void
xd_op_fail(XdOp *op, GError *error)
{
    if (op_tail(op))
        op_step_ended(op, error);
    else
        g_error_free(error);
}

static void
op_again(XdOp *op, GError *error, guint attempts, guint delay_ms)
{
    if (op->attempt + 1 >= attempts && !g_cancellable_is_cancelled(op->cancellable)) {
        op_step_ended(op, error);
        return;
    }
    g_error_free(error);
    op->pending = TRUE;
    op_delay(op, g_cancellable_is_cancelled(op->cancellable) ? 0 : delay_ms);
}

void
xd_op_retry(XdOp *op, GError *error, guint attempts, guint delay_ms)
{
    if (op_tail(op))
        op_again(op, error, attempts, delay_ms);
    else
        g_error_free(error);
}

GCancellable *
xd_op_pend(XdOp *op)
{
    if (op_tail(op))
        op->pending = TRUE;
    return op->cancellable;
}

void
xd_op_complete(XdOp *op, GError *error)
{
    g_return_if_fail(op->pending);
    op->pending = FALSE;
    op_step_ended(op, error);
}

void
xd_op_complete_again(XdOp *op, GError *error, guint attempts, guint delay_ms)
{
    g_return_if_fail(op->pending);
    op->pending = FALSE;
    op_again(op, error, attempts, delay_ms);
}

/* ---- items ---- */

static void
each_launch(XdOp *op)
{
    if (op->launching)
        return;
    op->launching = TRUE;
    while (op->error == NULL && !g_cancellable_is_cancelled(op->cancellable) &&
           op->children->len < op->width && op->next_item < op->items->len) {
        gpointer item = g_ptr_array_index(op->items, op->next_item++);

        xd_op_turn(xd_op_new(op->run, op, op->item_steps, item));
    }
    op->launching = FALSE;
}

static void
each_settle(XdOp *op)
{
    GError *error = NULL;

    each_launch(op);
    if (op->children->len > 0 || op->launching)
        return;
    error = g_steal_pointer(&op->error);
    if (error == NULL && op->done_items < op->items->len)
        error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
    g_clear_pointer(&op->items, g_ptr_array_unref);
    if (op->caught != NULL && error != NULL && !xd_op_is_stopped(op)) {
        g_clear_error(op->caught);
        *op->caught = timed_out_error(op, g_steal_pointer(&error));
    }
    op->caught = NULL;
    xd_op_complete(op, error);
}

static void
each_child_ended(XdOp *op, XdOp *child)
{
    g_ptr_array_remove(op->children, child);
    if (child->error == NULL) {
        op->done_items++;
    } else if (op->error == NULL) {
        op->error = g_steal_pointer(&child->error);
        for (guint i = 0; i < op->children->len; i++)
            xd_op_cancel(g_ptr_array_index(op->children, i));
    }
    if (!op->launching)
        each_settle(op);
}

void
xd_op_each(XdOp *op, GPtrArray *items, const XdStep *steps, guint width)
{
    if (!op_tail(op))
        return;
    op->pending = TRUE;
    op->items = g_ptr_array_ref(items);
    op->item_steps = steps;
    op->width = op->run->options.plan != NULL ? 1 : MAX(width, 1);
    op->next_item = op->done_items = 0;
    each_settle(op);
}

void
xd_op_table(XdOp *op, const XdStep *steps, gpointer data)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new();

    g_ptr_array_add(one, data);
    xd_op_each(op, one, steps, 1);
}

void
xd_op_try(XdOp *op, const XdStep *steps, gpointer data, GError **caught)
{
    if (op->tail_calls == 0)
        op->caught = caught;
    xd_op_table(op, steps, data);
}
