/* The beginning of a call's arguments and its ends. */
#include "core/call-private.h"
#include "core/task.h"

#include <stdarg.h>
#include <string.h>

SimCall *
sim_call_ref(SimCall *call)
{
    call->references++;
    return call;
}

void
sim_call_unref(SimCall *call)
{
    if (--call->references > 0)
        return;
    if (call->free_state != NULL)
        call->free_state(call->state);
    g_clear_pointer(&call->result, sim_value_unref);
    g_clear_pointer(&call->task, sim_object_unref);
    g_clear_pointer(&call->fault, sim_fault_unref);
    g_ptr_array_unref(call->args);
    g_ptr_array_unref(call->marks);
    g_free(call->session);
    g_free(call->key);
    g_free(call);
}

Sim *
sim_call_sim(const SimCall *call)
{
    return call->sim;
}

SimDatabase *
sim_call_db(const SimCall *call)
{
    return call->sim->db;
}

const SimMessage *
sim_call_message(const SimCall *call)
{
    return call->message;
}

const char *
sim_call_name(const SimCall *call)
{
    return call->message->full_name;
}

const SimNode *
sim_call_node(const SimCall *call)
{
    return call->node;
}

const char *
sim_call_session(const SimCall *call)
{
    return call->session;
}

SimObject *
sim_call_task(const SimCall *call)
{
    return call->task != NULL && sim_object_is_alive(call->task) ? call->task : NULL;
}

void
sim_call_forward(SimCall *call, const SimObject *host)
{
    SimObject *task = sim_call_task(call);

    if (task != NULL)
        sim_object_set_ref(task, "resident_on", host);
}

const char *
sim_call_key(const SimCall *call)
{
    return call->key;
}

gboolean
sim_call_is_over(const SimCall *call)
{
    return call->over;
}

guint
sim_call_n_args(const SimCall *call)
{
    return call->args->len;
}

const SimValue *
sim_call_arg(const SimCall *call, guint index)
{
    return index < call->args->len ? g_ptr_array_index(call->args, index) : NULL;
}

const char *
sim_call_text(const SimCall *call, guint index)
{
    return sim_value_text(sim_call_arg(call, index));
}

SimObject *
sim_call_find(SimCall *call, const char *class_name, const char *ref)
{
    SimObject *object = sim_db_find(call->sim->db, class_name, ref);

    if (object == NULL)
        sim_call_fail(call, "HANDLE_INVALID", class_name, ref, NULL);
    return object;
}

SimObject *
sim_call_object(SimCall *call, guint index)
{
    return sim_call_find(call, call->message->params[index].type->name, sim_call_text(call, index));
}

/* What is left of a task whose end goes wrong on request. */
static void
spoil_task(SimCall *call, SimObject *task)
{
    sim_faults_fired(call->sim->faults, call->fault);
    if (call->fault->action == SIM_FAULT_TASK_VANISH)
        sim_db_destroy(task);
    else if (call->fault->action != SIM_FAULT_TASK_HANG)
        sim_task_fail(call->sim, task, call->fault->error);
}

/* A cancelled task has no error_info; a synchronous caller sees TASK_CANCELLED (captures:
 * task_get_record_cancelled; xenapi-protocol 3.4). */
static void
finish_task(SimCall *call, const SimAnswer *answer, gboolean as_cancelled)
{
    SimObject *task = sim_call_task(call);
    g_autofree char *result = NULL;

    if (task == NULL)
        return;
    if (!call->async) {
        sim_db_destroy(task);
        return;
    }
    if (call->fault != NULL && call->fault->after) {
        spoil_task(call, task);
    } else if (as_cancelled) {
        sim_task_cancelled(call->sim, task);
    } else if (answer->error != NULL) {
        sim_task_fail(call->sim, task, answer->error);
    } else {
        result = sim_task_result_of(answer->value);
        sim_task_succeed(call->sim, task, result);
    }
}

void
sim_call_finish(SimCall *call, SimAnswer *answer, gboolean as_cancelled)
{
    g_autoptr(SimCall) hold G_GNUC_UNUSED = sim_call_ref(call);

    g_return_if_fail(!call->over);
    if (sim_call_stand(call, answer, as_cancelled))
        return;
    sim_call_stop_steps(call);
    if (answer->error != NULL && call->abort != NULL && !call->sim->calls->abandoning)
        call->abort(call);
    call->over = TRUE;
    sim_call_unmark_all(call);
    finish_task(call, answer, as_cancelled);
    g_ptr_array_remove(call->sim->calls->running, call);
    if (call->done != NULL)
        call->done(call, answer, call->data);
    sim_answer_clear(answer);
}

void
sim_call_return(SimCall *call, SimValue *value)
{
    SimAnswer answer = {value != NULL ? value : sim_string(""), NULL, FALSE};

    sim_call_finish(call, &answer, FALSE);
}

void
sim_call_fail_with(SimCall *call, SimValue *error)
{
    SimAnswer answer = {NULL, error, FALSE};

    sim_call_finish(call, &answer, FALSE);
}

void
sim_call_fail(SimCall *call, const char *code, ...)
{
    SimValue *error = sim_strings(code, NULL);
    const char *param;
    va_list list;

    va_start(list, code);
    while ((param = va_arg(list, const char *)) != NULL)
        sim_array_add(error, sim_string(param));
    va_end(list);
    sim_call_fail_with(call, error);
}

void
sim_call_fail_internal(SimCall *call, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list list;

    va_start(list, format);
    text = g_strdup_vprintf(format, list);
    va_end(list);
    sim_call_fail(call, "INTERNAL_ERROR", text, NULL);
}

void
sim_calls_forget(SimCalls *calls, gpointer data)
{
    for (guint i = calls->running->len; i > 0; i--) {
        SimCall *call = g_ptr_array_index(calls->running, i - 1);

        if (call->data != data || call->done == NULL)
            continue;
        call->done = NULL;
        if (g_str_has_prefix(call->message->full_name, "event."))
            sim_call_fail(call, "SESSION_INVALID", call->session, NULL);
    }
}

static void
abandon_call(SimCall *call)
{
    g_autoptr(SimCall) hold G_GNUC_UNUSED = sim_call_ref(call);
    SimCallDone done = call->done;

    call->done = NULL;
    if (call->hold != NULL)
        sim_faults_unhold(g_steal_pointer(&call->hold));
    sim_answer_clear(&call->held);
    if (!call->over)
        sim_call_fail(call, "HOST_STILL_BOOTING", NULL);
    if (done != NULL)
        done(call, NULL, call->data);
}

void
sim_calls_abandon(SimCalls *calls)
{
    calls->abandoning = TRUE;
    while (calls->running->len > 0) {
        g_autoptr(SimCall) call = sim_call_ref(g_ptr_array_index(calls->running, 0));

        if (call->orphan != NULL)
            call->orphan(call);
        abandon_call(call);
    }
    calls->abandoning = FALSE;
}

void
sim_calls_end(SimCalls *calls)
{
    calls->abandoning = TRUE;
    while (calls->running->len > 0)
        abandon_call(g_ptr_array_index(calls->running, 0));
    calls->abandoning = FALSE;
}

void
sim_calls_abandon_work(SimCalls *calls)
{
    g_autoptr(GPtrArray) work = g_ptr_array_new_with_free_func((GDestroyNotify) sim_call_unref);

    for (guint i = 0; i < calls->running->len; i++) {
        SimCall *call = g_ptr_array_index(calls->running, i);

        if (!g_str_has_prefix(call->message->full_name, "event."))
            g_ptr_array_add(work, sim_call_ref(call));
    }
    calls->abandoning = TRUE;
    for (guint i = 0; i < work->len; i++) {
        if (!sim_call_is_over(g_ptr_array_index(work, i)))
            abandon_call(g_ptr_array_index(work, i));
    }
    calls->abandoning = FALSE;
}
