#include "core/task.h"

#include "wire/rpc.h"

#include <string.h>

/* toolstack, xapi_globs.ml and db_gc_util.ml */
#define FINISHED_TIMEOUT_S (65 * 60)
#define PENDING_TIMEOUT_S  (24 * 60 * 60)
#define COLLECTION_S       30
#define MAX_TASKS          200

SimObject *
sim_task_new(Sim *sim, const char *label, const char *description, const char *session)
{
    SimObject *task = sim_db_create(sim->db, "task");

    (void) session;
    sim_object_set_text(task, "name_label", label);
    sim_object_set_text(task, "name_description", description);
    sim_object_set(task, "created", sim_date(sim_clock_now(sim->clock)));
    sim_object_set_text(task, "status", "pending");
    sim_object_set_text(task, "type", "<none/>");
    sim_object_set_ref(task, "resident_on", sim_coordinator_host(sim));
    return task;
}

void
sim_task_set_cancellable(SimObject *task, gboolean cancellable)
{
    sim_object_set(task, "allowed_operations",
                   cancellable ? sim_strings("cancel", NULL) : sim_array());
}

gboolean
sim_task_is_pending(const SimObject *task)
{
    return strcmp(sim_object_text(task, "status"), "pending") == 0;
}

void
sim_task_note_wish(Sim *sim, SimObject *task, const char *wish)
{
    g_autofree char *uuid = sim_ids_uuid(sim->ids);
    g_autofree char *key = g_strdup_printf("DummyRef:|%s|task.%s", uuid, wish);

    sim_object_map_set(task, "current_operations", key, wish);
}

/* The end: a task whose destruction was asked for goes now. */
static void
settle(Sim *sim, SimObject *task)
{
    const SimValue *wishes = sim_object_get(task, "current_operations");

    for (guint i = 0; i < sim_value_size(wishes); i++) {
        if (strcmp(sim_value_text(sim_value_at(wishes, i)), "destroy") == 0) {
            sim_db_destroy(task);
            break;
        }
    }
    sim_tasks_collect(sim);
}

static void
finish(Sim *sim, SimObject *task)
{
    sim_object_set(task, "finished", sim_date(sim_clock_now(sim->clock)));
    sim_object_set(task, "progress", sim_float(1.0));
}

void
sim_task_succeed(Sim *sim, SimObject *task, const char *result)
{
    if (!sim_task_is_pending(task))
        return;
    sim_task_set_cancellable(task, FALSE);
    finish(sim, task);
    sim_object_set_text(task, "result", result);
    sim_object_set_text(task, "status", "success");
    settle(sim, task);
}

void
sim_task_fail(Sim *sim, SimObject *task, const SimValue *error)
{
    if (!sim_task_is_pending(task))
        return;
    sim_task_set_cancellable(task, FALSE);
    finish(sim, task);
    sim_object_set(task, "error_info", sim_value_ref(error));
    sim_object_set_text(task, "status", "failure");
    settle(sim, task);
}

/* Here alone the status comes before allowed_operations: xenapi-protocol 3.2. */
void
sim_task_cancelled(Sim *sim, SimObject *task)
{
    if (!sim_task_is_pending(task))
        return;
    finish(sim, task);
    sim_object_set_text(task, "status", "cancelled");
    sim_task_set_cancellable(task, FALSE);
    settle(sim, task);
}

char *
sim_task_result_of(const SimValue *value)
{
    GString *out = g_string_new(NULL);

    sim_xml_print_value(out, value);
    return g_string_free(out, FALSE);
}

/* A task that was declared over has no time of its end, and goes with the first collection: the
 * collector comes by every half minute. */
static gboolean
is_stale(const SimObject *task, gint64 now)
{
    if (now - sim_object_int(task, "created") < COLLECTION_S)
        return FALSE;
    if (sim_task_is_pending(task))
        return now - sim_object_int(task, "created") > PENDING_TIMEOUT_S;
    return now - sim_object_int(task, "finished") > FINISHED_TIMEOUT_S;
}

void
sim_tasks_collect(Sim *sim)
{
    const SimClass *class = sim_model_find_class(sim->model, "task");
    gint64 now = sim_clock_now(sim->clock);
    guint surplus = MAX(sim_db_count(sim->db, class), MAX_TASKS) - MAX_TASKS;
    SimObject *task = sim_db_first(sim->db, "task");

    while (task != NULL) {
        SimObject *next = sim_object_next(task);
        gboolean spare = surplus > 0 && !sim_task_is_pending(task);

        if (spare || is_stale(task, now)) {
            surplus -= spare;
            sim_db_destroy(task);
        }
        task = next;
    }
}
