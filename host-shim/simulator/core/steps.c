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
    if (call->cancelled && call->cancellable && !call->tidies_up) {
        finish_cancelled(call);
        return;
    }
    if (task != NULL && step->progress >= 0)
        sim_object_set(task, "progress", sim_float(step->progress));
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
