/* The parts of an operation that take time, and its cancellation between them. */
#include "core/call-private.h"
#include "core/task.h"

static void on_step_due(gpointer data);

#define MOMENT 0.25 /* of the pace of storage */

static double
time_of(const SimOptions *options, double share)
{
    if (share == SIM_STORAGE_PACE)
        return options->storage_pace_ms;
    if (share == SIM_MOMENT)
        return options->storage_pace_ms * MOMENT;
    return share * options->pace_ms;
}

/* ---- in the middle ---- */

static void
on_released(gpointer data)
{
    SimCall *call = data;
    SimAnswer held = call->held;

    call->hold = NULL;
    call->held = (SimAnswer){0};
    if (held.value != NULL || held.error != NULL)
        sim_call_finish(call, &held, call->held_as_cancelled);
    else
        on_step_due(call);
}

gboolean
sim_call_stand(SimCall *call, SimAnswer *answer, gboolean as_cancelled)
{
    SimFault *fault = call->fault;

    if (fault == NULL || !fault->middle || fault->fired > 0 || call->sim->calls->abandoning ||
        (answer == NULL && call->n_steps < fault->step))
        return FALSE;
    if (answer != NULL) {
        call->held = *answer;
        call->held_as_cancelled = as_cancelled;
    }
    call->hold = sim_faults_hold(call->sim->faults, fault, on_released, call);
    return TRUE;
}

/* ---- steps ---- */

static void
schedule_step(SimCall *call)
{
    double wait_ms = time_of(&call->sim->options, call->steps->share);

    call->timer = sim_clock_after_ms(call->sim->clock, wait_ms, on_step_due, call);
}

static void
finish_cancelled(SimCall *call)
{
    SimAnswer answer = {NULL, NULL, FALSE};
    SimObject *task = sim_call_task(call);

    answer.error =
        sim_strings("TASK_CANCELLED", task != NULL ? sim_object_get_ref(task) : SIM_NULL_REF, NULL);
    sim_call_finish(call, &answer, TRUE);
}

static void
on_step_due(gpointer data)
{
    g_autoptr(SimCall) call = sim_call_ref(data);
    const SimStep *step = call->steps;
    SimObject *task = sim_call_task(call);

    call->timer = 0;
    if (sim_call_stand(call, NULL, FALSE))
        return;
    if (call->cancelled && call->cancellable && !call->tidies_up) {
        finish_cancelled(call);
        return;
    }
    if (task != NULL && step->progress >= 0)
        sim_object_set(task, "progress", sim_float(step->progress));
    call->n_steps++;
    if (step->run(call) && !call->over)
        sim_call_continue(call);
}

void
sim_call_continue(SimCall *call)
{
    call->steps++;
    if (call->steps->run != NULL)
        schedule_step(call);
    else
        sim_call_return(call, g_steal_pointer(&call->result));
}

void
sim_call_repeat(SimCall *call)
{
    call->steps--;
}

void
sim_call_run(SimCall *call, const SimStep *steps, gpointer state, GDestroyNotify free_state)
{
    call->steps = steps;
    call->state = state;
    call->free_state = free_state;
    sim_call_set_cancellable(call, TRUE);
    schedule_step(call);
}

typedef struct {
    SimCall *parent;
    void (*done)(SimCall *call, const SimValue *result);
} Spawn;

static void
on_spawned(SimCall *call, const SimAnswer *answer, gpointer data)
{
    Spawn *spawn = data;
    g_autoptr(SimCall) parent = spawn->parent;
    void (*done)(SimCall *, const SimValue *) = spawn->done;

    (void) call;
    g_free(spawn);
    if (parent->over || answer == NULL)
        return;
    if (answer->error != NULL) {
        sim_call_fail_with(parent, sim_value_ref(answer->error));
        return;
    }
    if (done != NULL)
        done(parent, answer->value);
    sim_call_continue(parent);
}

void
sim_call_spawn(SimCall *call, const char *method, SimValue *params,
               void (*done)(SimCall *call, const SimValue *result))
{
    g_autoptr(SimValue) taken = params;
    Spawn *spawn = g_new0(Spawn, 1);
    SimCallStart start = {
        .method = method,
        .params = taken,
        .node = call->node,
        .trusted = TRUE,
        .parent = call,
        .done = on_spawned,
        .data = spawn,
    };

    spawn->parent = sim_call_ref(call);
    spawn->done = done;
    sim_call_start(call->sim, &start);
}

void
sim_call_stop_steps(SimCall *call)
{
    sim_clock_cancel(call->sim->clock, call->timer);
    call->timer = 0;
}

gpointer
sim_call_state(const SimCall *call)
{
    return call->state;
}

void
sim_call_set_result(SimCall *call, SimValue *value)
{
    g_clear_pointer(&call->result, sim_value_unref);
    call->result = value;
}

void
sim_call_set_orphan(SimCall *call, void (*orphan)(SimCall *call))
{
    call->orphan = orphan;
}

void
sim_call_go_on_alone(SimCall *call, const SimObject *host)
{
    const SimNode *node = sim_node_of_host(call->sim, host);
    void (*orphan)(SimCall *) = call->orphan;

    if (node == NULL || node->crashed)
        return;
    while (call->orphan == orphan && call->steps->run != NULL && call->steps->run(call))
        call->steps++;
}

void
sim_call_set_abort(SimCall *call, void (*abort)(SimCall *call))
{
    call->abort = abort;
}

void
sim_call_set_cancellable(SimCall *call, gboolean cancellable)
{
    SimObject *task = sim_call_task(call);

    call->cancellable = cancellable;
    if (task != NULL)
        sim_task_set_cancellable(task, cancellable);
}

gboolean
sim_call_is_cancellable(const SimCall *call)
{
    return call->cancellable;
}

void
sim_call_handle_cancel(SimCall *call)
{
    call->tidies_up = TRUE;
}

gboolean
sim_call_is_cancelled(const SimCall *call)
{
    return call->cancelled && call->cancellable;
}

void
sim_call_end_cancelled(SimCall *call)
{
    finish_cancelled(call);
}

void
sim_call_cancel(SimCall *call)
{
    call->cancelled = TRUE;
    if (!call->waiting)
        return;
    call->waiting = FALSE;
    finish_cancelled(call);
}
