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

/* Marks the wish in current_operations; the entry has no task to name (captures:
 * task_get_record_cancelled). */
static void
note_wish(SimCall *call, SimObject *task, const char *wish)
{
    g_autofree char *uuid = sim_ids_uuid(sim_call_sim(call)->ids);
    g_autofree char *key = g_strdup_printf("DummyRef:|%s|task.%s", uuid, wish);

    sim_object_map_set(task, "current_operations", key, wish);
}

/* A pending task is destroyed when it ends. */
static void
task_destroy(SimCall *call)
{
    SimObject *task = sim_call_object(call, 0);

    if (task == NULL)
        return;
    if (sim_task_is_pending(task))
        note_wish(call, task, "destroy");
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
        note_wish(call, task, "cancel");
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
    const char *status = sim_call_text(call, 1);
    Sim *sim = sim_call_sim(call);

    if (task == NULL)
        return;
    sim_object_set_text(task, "status", status);
    if (strcmp(status, "pending") != 0)
        sim_object_set(task, "finished", sim_date(sim_clock_now(sim->clock)));
    sim_call_return(call, NULL);
}

const SimHandlerEntry sim_task_handlers[] = {
    {"task.create", task_create},
    {"task.destroy", task_destroy},
    {"task.cancel", task_cancel},
    {"task.set_status", task_set_status},
    {NULL, NULL},
};
