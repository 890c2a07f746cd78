#include "core/task.h"

#include "api/families.h"

#include <string.h>

static void
task_create(SimCall *call)
{
    SimObject *task = sim_task_new(sim_call_sim(call), sim_call_text(call, 0),
                                   sim_call_text(call, 1), sim_call_session(call));

    sim_call_return(call, sim_string(sim_object_get_ref(task)));
}

/* A pending task is destroyed when it ends. */
static void
task_destroy(SimCall *call)
{
    SimObject *task = sim_call_object(call, 0);

    if (task == NULL)
        return;
    if (sim_task_is_pending(task))
        sim_task_note_wish(sim_call_sim(call), task, "destroy");
    else
        sim_db_destroy(task);
    sim_call_return(call, NULL);
}

/* Returns at once, also where there is nothing left to cancel. */
static void
task_cancel(SimCall *call)
{
    SimObject *task = sim_call_object(call, 0);
    SimCall *target;

    if (task == NULL)
        return;
    if (sim_task_is_pending(task)) {
        sim_task_note_wish(sim_call_sim(call), task, "cancel");
        target = sim_calls_find_task(sim_call_sim(call)->calls, task);
        if (target != NULL)
            sim_call_cancel(target);
    }
    sim_call_return(call, NULL);
}

static void
task_set_status(SimCall *call)
{
    SimObject *task = sim_call_object(call, 0);

    if (task == NULL)
        return;
    /* Whoever says that it is over does not say when (captures: task_get_all_records). */
    sim_object_set_text(task, "status", sim_call_text(call, 1));
    sim_call_return(call, NULL);
}

const SimHandlerEntry sim_task_handlers[] = {
    {"task.create", task_create},
    {"task.destroy", task_destroy},
    {"task.cancel", task_cancel},
    {"task.set_status", task_set_status},
    {NULL, NULL},
};
