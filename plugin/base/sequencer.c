#include "base/sequencer.h"

#define PROGRESS_INTERVAL_MS 50

typedef struct {
    const char *name;
    XdStepFunc func;
    gpointer data;
} Undo;

typedef struct _Run Run;

/* A branch: one walk through one table. The root walks the operation's table, each item of an
 * xd_op_each() has one, and so has each undo. */
struct _XdOp {
    Run *run;
    XdOp *parent;
    const XdStep *steps;
    guint index;
    gpointer data;
    GError *error;

    guint tail_calls; /* of the running step: exactly one */
    gboolean pending; /* xd_op_pend() awaits xd_op_complete() */
    gboolean turning; /* op_turn() is on the stack */
    gboolean again;   /* ... and shall go round once more */
    gboolean timed_out;
    guint attempt;   /* of the running step, from 0 */
    guint limit_s;   /* its time limit */
    double fraction; /* of the running step */
    GCancellable *cancellable;
    GSource *deadline;
    GSource *delay;

    GPtrArray *items; /* of xd_op_each() */
    const XdStep *item_steps;
    guint width;
    guint next_item;
    guint done_items;
    gboolean launching;
    GError **caught;     /* of xd_op_try(): where failures go */
    GPtrArray *children; /* (element-type XdOp): running ones, borrowed */
};

struct _Run {
    GTask *task;
    XdRunOptions options;
    gpointer state;
    GDestroyNotify free_state;
    GArray *undo; /* (element-type Undo) */
    GError *error;
    GError *stop; /* cancelled from outside, or out of time */
    gboolean rolling_back;
    gboolean no_return;
    gboolean made_good;
    XdOp *current; /* the root, later the running undo */
    XdStep undo_steps[2];
    GSource *user_cancel;
    GSource *deadline;
    gpointer result;
    GDestroyNotify free_result;
    double reported;
    gint64 reported_at;
};

static void op_turn(XdOp *op);
static void run_undo(Run *run);

/* ---- plan ---- */

static void
plan_call_free(gpointer data)
{
    XdOpPlanCall *call = data;

    g_free(call->method);
    g_free(call->parameters);
    g_free(call);
}

static void
plan_step_free(gpointer data)
{
    XdOpPlanStep *step = data;

    g_free(step->step);
    g_ptr_array_unref(step->calls);
    g_free(step);
}

XdOpPlan *
xd_op_plan_new(void)
{
    XdOpPlan *plan = g_new0(XdOpPlan, 1);

    plan->steps = g_ptr_array_new_with_free_func(plan_step_free);
    return plan;
}

void
xd_op_plan_free(XdOpPlan *plan)
{
    g_ptr_array_unref(plan->steps);
    g_free(plan);
}

static void
plan_step(XdOpPlan *plan, const XdStep *step)
{
    XdOpPlanStep *entry = g_new0(XdOpPlanStep, 1);

    entry->step = g_strdup(step->name);
    entry->has_undo = step->undo != NULL;
    entry->calls = g_ptr_array_new_with_free_func(plan_call_free);
    g_ptr_array_add(plan->steps, entry);
}

void
xd_op_plan_call(XdOp *op, const char *method, const char *parameters)
{
    XdOpPlan *plan = op->run->options.plan;
    XdOpPlanStep *step = g_ptr_array_index(plan->steps, plan->steps->len - 1);
    XdOpPlanCall *call = g_new0(XdOpPlanCall, 1);

    call->method = g_strdup(method);
    call->parameters = g_strdup(parameters);
    g_ptr_array_add(step->calls, call);
}

/* ---- progress ---- */

static double
op_fraction(const XdOp *op)
{
    double done = 0, total = 0, part = op->fraction;

    for (guint i = 0; op->steps[i].run != NULL; i++) {
        total += op->steps[i].weight;
        if (i < op->index)
            done += op->steps[i].weight;
    }
    if (total <= 0)
        return op->steps[op->index].run == NULL ? 1 : 0;
    if (op->items != NULL && op->items->len > 0) {
        part = op->done_items;
        for (guint i = 0; i < op->children->len; i++)
            part += op_fraction(g_ptr_array_index(op->children, i));
        part /= op->items->len;
    }
    if (op->steps[op->index].run != NULL)
        done += part * op->steps[op->index].weight;
    return done / total;
}

static guint
count_steps(const XdStep *steps)
{
    guint n = 0;

    while (steps[n].run != NULL)
        n++;
    return n;
}

static XdOp *
op_root(XdOp *op)
{
    while (op->parent != NULL)
        op = op->parent;
    return op;
}

static void
report(XdOp *op, guint64 bytes_done, guint64 bytes_total, gboolean now)
{
    Run *run = op->run;
    XdOp *root = op_root(op);
    gint64 clock_ms = xd_clock_now_ms(run->options.clock);
    g_autofree char *step = NULL;
    HvdProgress progress = {.struct_size = sizeof progress};

    if (run->options.progress == NULL || run->options.plan != NULL)
        return;
    if (!now && clock_ms - run->reported_at < PROGRESS_INTERVAL_MS)
        return;
    run->reported_at = clock_ms;
    if (!run->rolling_back)
        run->reported = MAX(run->reported, op_fraction(root));
    step = g_strconcat(run->rolling_back ? "undo " : "", root->steps[root->index].name, NULL);
    progress.operation = run->options.operation;
    progress.step = step;
    progress.subject = run->options.subject;
    progress.step_index = root->index;
    progress.n_steps = count_steps(root->steps);
    progress.fraction = run->reported;
    progress.bytes_done = bytes_done;
    progress.bytes_total = bytes_total;
    run->options.progress(&progress, run->options.progress_data);
}

void
xd_op_set_progress(XdOp *op, double fraction, guint64 bytes_done, guint64 bytes_total)
{
    op->fraction = CLAMP(fraction, 0, 1);
    report(op, bytes_done, bytes_total, FALSE);
}

/* ---- branches ---- */

static XdOp *
op_new(Run *run, XdOp *parent, const XdStep *steps, gpointer data)
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

static void
op_free(XdOp *op)
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
    op_turn(op);
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

/* Stops whatever the branch waits for. Its end always comes from the loop, through
 * xd_op_complete(), so that callers may walk over branches. */
static void
op_cancel(XdOp *op)
{
    g_cancellable_cancel(op->cancellable);
    if (op->delay != NULL)
        op_delay(op, 0);
    for (guint i = 0; i < op->children->len; i++)
        op_cancel(g_ptr_array_index(op->children, i));
}

static gboolean
on_deadline(gpointer data)
{
    XdOp *op = data;

    op->timed_out = TRUE;
    op_cancel(op);
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
        op_arm(op, run->rolling_back && op->parent == NULL ? run->options.undo_timeout_s
                                                           : step->timeout_s);
        if (run->options.plan != NULL)
            plan_step(run->options.plan, step);
        if (step->undo != NULL && !run->rolling_back) {
            Undo undo = {step->name, step->undo, op->data};

            g_array_append_val(run->undo, undo);
        }
        report(op, 0, 0, op->parent == NULL);
    }
    op->tail_calls = 0;
    step->run(op, op->data);
    if (op->tail_calls == 1)
        return;
    g_critical("step %s ended in %u tail calls instead of one", step->name, op->tail_calls);
    if (op->tail_calls == 0)
        xd_op_fail(op, xd_error_new(HVD_ERROR_FAILED, "the step did not say how it ended"));
}

static void op_finish(XdOp *op);

/* A trampoline: pieces that end at once do not grow the stack. */
static void
op_turn(XdOp *op)
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
    op_turn(op);
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

        op_turn(op_new(op->run, op, op->item_steps, item));
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
            op_cancel(g_ptr_array_index(op->children, i));
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
    Undo settle = {"settle", run->options.settle, run->state};
    Undo catch_up = {"catch-up", run->options.catch_up, run->state};

    if (catch_up.func != NULL)
        g_array_prepend_val(run->undo, catch_up);
    if (settle.func != NULL)
        g_array_append_val(run->undo, settle);
}

static void
op_finish(XdOp *op)
{
    Run *run = op->run;
    XdOp *parent = op->parent;

    if (parent != NULL) {
        each_child_ended(parent, op);
        op_free(op);
        return;
    }
    run->current = NULL;
    if (run->rolling_back) {
        if (op->error != NULL)
            run_add_leftover(run, op->steps[0].name, op->error);
    } else {
        run->error = g_steal_pointer(&op->error);
    }
    op_free(op);
    if (run->error == NULL) {
        run_finish(run);
        return;
    }
    if (!run->rolling_back && run->undo->len > 0)
        run_frame_undo(run);
    run->rolling_back = TRUE;
    run_undo(run);
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
    run->undo_steps[0] = (XdStep){.name = undo.name, .run = undo.func, .weight = 1};
    run->undo_steps[1] = (XdStep){0};
    run->current = op_new(run, NULL, run->undo_steps, undo.data);
    op_turn(run->current);
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
        op_cancel(run->current);
}

static gboolean
on_user_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    run_stop(data, g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled"));
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
    run->state = state;
    run->free_state = free_state;
    run->undo = g_array_new(FALSE, FALSE, sizeof(Undo));
    run_arm(run);
    run->current = op_new(run, NULL, steps, state);
    op_turn(run->current);
}

void
xd_op_point_of_no_return(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    g_array_set_size(op->run->undo, 0);
    op->run->no_return = TRUE;
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
    return op->run->stop != NULL && !op->run->rolling_back;
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
