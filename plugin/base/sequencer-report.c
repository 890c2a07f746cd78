#include "base/sequencer-internal.h"

#define PROGRESS_INTERVAL_MS 50

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

void
xd_op_plan_step(XdOpPlan *plan, const XdStep *step)
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

XdOp *
xd_op_root(XdOp *op)
{
    while (op->parent != NULL)
        op = op->parent;
    return op;
}

void
xd_op_report(XdOp *op, guint64 bytes_done, guint64 bytes_total, gboolean now)
{
    Run *run = op->run;
    XdOp *root = xd_op_root(op);
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
    progress.step_index = run->rolling_back ? run->undo_index : root->index;
    progress.n_steps = count_steps(run->steps);
    progress.fraction = run->reported;
    progress.bytes_done = bytes_done;
    progress.bytes_total = bytes_total;
    run->options.progress(&progress, run->options.progress_data);
}

void
xd_op_set_progress(XdOp *op, double fraction, guint64 bytes_done, guint64 bytes_total)
{
    op->fraction = CLAMP(fraction, 0, 1);
    xd_op_report(op, bytes_done, bytes_total, FALSE);
}
