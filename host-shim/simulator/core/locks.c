/* current_operations: who is doing what to which object, and who waits for it. */
#include "core/call-private.h"

#include <string.h>

typedef struct {
    SimObject *object;
    char *operation;
} SimMark;

static void
mark_free(gpointer data)
{
    SimMark *mark = data;

    sim_object_unref(mark->object);
    g_free(mark->operation);
    g_free(mark);
}

static const SimPolicy *
find_policy(Sim *sim, const SimObject *object)
{
    return g_hash_table_lookup(sim->calls->policies, sim_object_class(object)->name);
}

void
sim_calls_add_policies(SimCalls *calls, const SimPolicy *policies)
{
    for (; policies->class_name != NULL; policies++)
        g_hash_table_insert(calls->policies, (gpointer) policies->class_name, (gpointer) policies);
}

void
sim_update_allowed(Sim *sim, SimObject *object)
{
    const SimPolicy *policy = find_policy(sim, object);

    if (sim_object_is_alive(object) && policy != NULL && policy->update_allowed != NULL)
        policy->update_allowed(object);
}

void
sim_call_mark(SimCall *call, SimObject *object, const char *operation)
{
    SimMark *mark = g_new0(SimMark, 1);

    g_ptr_array_set_free_func(call->marks, mark_free);
    mark->object = sim_object_ref(object);
    mark->operation = g_strdup(operation);
    g_ptr_array_add(call->marks, mark);
    sim_object_map_set(object, "current_operations", call->key, operation);
    sim_update_allowed(call->sim, object);
}

static void
on_retry(gpointer data)
{
    SimCalls *calls = data;
    g_autoptr(GPtrArray) waiting = g_ptr_array_new_with_free_func((GDestroyNotify) sim_call_unref);

    calls->retry_timer = 0;
    for (guint i = 0; i < calls->running->len; i++) {
        SimCall *call = g_ptr_array_index(calls->running, i);

        if (call->waiting)
            g_ptr_array_add(waiting, sim_call_ref(call));
    }
    for (guint i = 0; i < waiting->len; i++) {
        SimCall *call = g_ptr_array_index(waiting, i);

        if (!call->waiting || call->over)
            continue;
        call->waiting = FALSE;
        sim_call_execute(call);
    }
}

static void
remove_mark(SimCall *call, SimMark *mark)
{
    if (!sim_object_is_alive(mark->object))
        return;
    sim_object_map_remove(mark->object, "current_operations", call->key);
    sim_update_allowed(call->sim, mark->object);
}

static void
retry_others(SimCalls *calls)
{
    if (calls->retry_timer == 0)
        calls->retry_timer = sim_clock_after_ms(calls->sim->clock, 0, on_retry, calls);
}

void
sim_call_unmark(SimCall *call, SimObject *object)
{
    for (guint i = 0; i < call->marks->len; i++) {
        SimMark *mark = g_ptr_array_index(call->marks, i);

        if (mark->object != object)
            continue;
        remove_mark(call, mark);
        g_ptr_array_remove_index(call->marks, i);
        retry_others(call->sim->calls);
        return;
    }
}

/* Newest first, so that the VM, which is entered first, is released last. */
static void
remove_all_marks(SimCall *call)
{
    while (call->marks->len > 0) {
        remove_mark(call, g_ptr_array_index(call->marks, call->marks->len - 1));
        g_ptr_array_set_size(call->marks, (gint) call->marks->len - 1);
    }
}

void
sim_call_unmark_all(SimCall *call)
{
    gboolean had_marks = call->marks->len > 0;

    remove_all_marks(call);
    if (had_marks)
        retry_others(call->sim->calls);
}

/* Nobody is told of the marks that go here: they were made in this very turn of the loop. */
void
sim_call_wait(SimCall *call)
{
    remove_all_marks(call);
    call->waiting = TRUE;
    sim_call_set_cancellable(call, TRUE);
}

gboolean
sim_call_lock(SimCall *call, SimObject *object, const char *operation)
{
    const SimPolicy *policy = find_policy(call->sim, object);

    if (policy != NULL && policy->may_run != NULL && !policy->may_run(object, operation)) {
        sim_call_wait(call);
        return FALSE;
    }
    sim_call_mark(call, object, operation);
    return TRUE;
}

SimCall *
sim_calls_find_key(SimCalls *calls, const char *key)
{
    for (guint i = 0; i < calls->running->len; i++) {
        SimCall *call = g_ptr_array_index(calls->running, i);

        if (strcmp(call->key, key) == 0)
            return call;
    }
    return NULL;
}

SimCall *
sim_calls_find_task(SimCalls *calls, const SimObject *task)
{
    return sim_calls_find_key(calls, sim_object_get_ref(task));
}
