/* From a method name and parameters to a running call, with the checks in the toolstack's order:
 * name, count, types, session, then the task, and inside of it the role. */
#include "core/call-private.h"
#include "core/sessions.h"
#include "core/task.h"

#include <string.h>

#define ASYNC_PREFIX "Async."

SimCalls *
sim_calls_new(Sim *sim)
{
    SimCalls *calls = g_new0(SimCalls, 1);

    calls->sim = sim;
    calls->handlers = g_hash_table_new(g_str_hash, g_str_equal);
    calls->policies = g_hash_table_new(g_str_hash, g_str_equal);
    calls->running = g_ptr_array_new_with_free_func((GDestroyNotify) sim_call_unref);
    return calls;
}

void
sim_calls_free(SimCalls *calls)
{
    sim_calls_end(calls);
    sim_clock_cancel(calls->sim->clock, calls->retry_timer);
    g_hash_table_unref(calls->handlers);
    g_hash_table_unref(calls->policies);
    g_ptr_array_unref(calls->running);
    g_free(calls);
}

void
sim_calls_register(SimCalls *calls, const SimHandlerEntry *entries)
{
    for (; entries->method != NULL; entries++) {
        if (sim_model_find_message(calls->sim->model, entries->method) == NULL)
            g_error("%s is no message of the model", entries->method);
        g_hash_table_insert(calls->handlers, (gpointer) entries->method, (gpointer) entries);
    }
}

gboolean
sim_calls_implements(SimCalls *calls, const char *method)
{
    const SimMessage *message = sim_model_find_message(calls->sim->model, method);

    if (message == NULL || message->removed)
        return FALSE;
    return g_hash_table_contains(calls->handlers, method) ||
           (message->kind != SIM_MESSAGE_CUSTOM && message->kind != SIM_MESSAGE_CREATE &&
            message->kind != SIM_MESSAGE_DESTROY);
}

static void
answer_error(const SimCallStart *start, SimValue *error)
{
    SimAnswer answer = {NULL, error, FALSE};

    start->done(NULL, &answer, start->data);
    sim_answer_clear(&answer);
}

static void
answer_type_error(const SimCallStart *start, const char *problem)
{
    g_autofree char *text = g_strdup_printf("Failure(\"%s\")", problem);

    answer_error(start, sim_strings("INTERNAL_ERROR", text, NULL));
}

/* The numbers exclude the session; with none at all "-1" is received (observed.md). A message with
 * optional parameters takes any number of them and more. */
static gboolean
check_count(const SimCallStart *start, const SimMessage *message)
{
    gint received = (gint) sim_value_size(start->params);
    g_autofree char *expected_text = g_strdup_printf("%u", message->n_required);
    g_autofree char *received_text = NULL;

    if (sim_value_kind(start->params) != SIM_ARRAY)
        return TRUE; /* its type is wrong */
    if (message->needs_session && !start->trusted)
        received--;
    if (message->hidden && received >= 0)
        return TRUE;
    if (received >= (gint) message->n_required &&
        (message->n_required < message->n_params || received == (gint) message->n_params))
        return TRUE;
    received_text = g_strdup_printf("%d", received);
    answer_error(start, sim_strings("MESSAGE_PARAMETER_COUNT_MISMATCH", message->full_name,
                                    expected_text, received_text, NULL));
    return FALSE;
}

/* (nullable): what is missing in the record of a create is an error like a wrong type */
static char *
find_missing_member(const SimMessage *message, const SimValue *record)
{
    const SimValue *required = message->class->required;

    for (guint i = 0; i < sim_value_size(required); i++) {
        const char *member = sim_value_text(sim_value_at(required, i));

        if (sim_map_get(record, member) == NULL)
            return g_strdup_printf("Server_helpers.Dispatcher_FieldNotFound(\"%s\")", member);
    }
    return NULL;
}

/* The record of a create with its members in their types; unknown ones are dropped. */
static SimValue *
accept_constructor(const SimMessage *message, const SimValue *record, char **problem)
{
    g_autoptr(SimValue) accepted = sim_map();

    for (guint i = 0; i < sim_value_size(record); i++) {
        const char *name = sim_map_key(record, i);
        const SimField *field = sim_class_find_field(message->class, name);
        SimValue *member;

        if (field == NULL || !field->constructed)
            continue;
        member = sim_type_accept(field->type, sim_value_at(record, i), problem);
        if (member == NULL)
            return NULL;
        sim_map_set(accepted, name, member);
    }
    return g_steal_pointer(&accepted);
}

static SimValue *
accept_param(const SimMessage *message, guint index, const SimValue *value, char **problem)
{
    const SimType *type = message->params[index].type;

    if (message->kind == SIM_MESSAGE_CREATE && type->kind == SIM_TYPE_RECORD &&
        sim_value_kind(value) == SIM_MAP)
        return accept_constructor(message, value, problem);
    return sim_type_accept(type, value, problem);
}

/* (nullable): the parameters in their types, without the session */
static GPtrArray *
accept_params(const SimCallStart *start, const SimMessage *message)
{
    g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func((GDestroyNotify) sim_value_unref);
    guint first = message->needs_session && !start->trusted ? 1 : 0;
    guint count = MIN(sim_value_size(start->params) - first, message->n_params);

    for (guint i = 0; i < count; i++) {
        const SimValue *param = sim_value_at(start->params, first + i);
        g_autofree char *problem = NULL;
        g_autofree char *missing = NULL;
        SimValue *arg;

        if (message->kind == SIM_MESSAGE_CREATE && sim_value_kind(param) == SIM_MAP)
            missing = find_missing_member(message, param);
        if (missing != NULL) {
            answer_error(start, sim_strings("INTERNAL_ERROR", missing, NULL));
            return NULL;
        }
        arg = accept_param(message, i, param, &problem);
        if (arg == NULL) {
            answer_type_error(start, problem);
            return NULL;
        }
        g_ptr_array_add(args, arg);
    }
    return g_steal_pointer(&args);
}

/* Named parameters come as one, which is not a text (observed.md). */
static gboolean
check_session_type(const SimCallStart *start, const SimMessage *message)
{
    const SimValue *session = start->params;
    g_autofree char *seen = NULL;
    g_autofree char *problem = NULL;

    if (sim_value_kind(session) == SIM_ARRAY) {
        if (!message->needs_session || start->trusted)
            return TRUE;
        session = sim_value_at(session, 0);
    }
    if (sim_value_kind(session) == SIM_STRING)
        return TRUE;
    seen = sim_value_describe(session);
    problem = g_strdup_printf("Expected string, got '%s'", seen);
    answer_type_error(start, problem);
    return FALSE;
}

/* A member takes nothing but what is meant for it alone; all else is the coordinator's. */
static gboolean
check_session(Sim *sim, const SimCallStart *start, const SimMessage *message)
{
    SimSession *session;
    const char *ref;

    if (!message->needs_session || start->trusted)
        return TRUE;
    ref = sim_value_text(sim_value_at(start->params, 0));
    session = sim_sessions_find(sim->sessions, ref);
    if (session != NULL && session->local && session->node == start->node->number)
        return TRUE;
    if (start->node != sim_coordinator(sim)) {
        answer_error(start, sim_strings("HOST_IS_SLAVE", sim_coordinator(sim)->address, NULL));
        return FALSE;
    }
    if (session == NULL || session->local) {
        answer_error(start, sim_strings("SESSION_INVALID", ref, NULL));
        return FALSE;
    }
    sim_sessions_touch(sim->sessions, session);
    return TRUE;
}

static gboolean
check_form(const SimCallStart *start, const SimMessage *message, gboolean async)
{
    g_autofree char *text = NULL;

    if (message->removed) {
        answer_error(start, sim_strings("MESSAGE_REMOVED", NULL));
        return FALSE;
    }
    if (!async || message->has_async)
        return TRUE;
    text = g_strdup_printf("No async mode for this operation (rpc: %s)", message->full_name);
    answer_error(start, sim_strings("Fault", text, NULL));
    return FALSE;
}

/* Names the roles that may, from the greatest down, as the toolstack does (rbac.ml). */
static void
fail_permission(SimCall *call)
{
    g_autofree char *permission = g_ascii_strdown(call->message->full_name, -1);
    g_autoptr(GString) text =
        g_string_new("No permission in user session. (Roles with this permission: ");

    for (gint role = SIM_N_ROLES - 1; role >= (gint) call->message->role; role--) {
        if (role < SIM_N_ROLES - 1)
            g_string_append(text, ", ");
        g_string_append(text, sim_role_name((SimRole) role));
    }
    g_string_append_c(text, ')');
    sim_call_fail(call, "RBAC_PERMISSION_DENIED", permission, text->str, NULL);
}

static gboolean
has_permission(SimCall *call)
{
    SimSession *session;

    if (call->trusted || !call->message->needs_session)
        return TRUE;
    session = sim_sessions_find(call->sim->sessions, call->session);
    return session == NULL || session->role >= call->message->role;
}

/* A fault that strikes instead of the work. A task that hangs does so for good. */
static void
apply_fault(SimCall *call)
{
    SimObject *task = sim_call_task(call);

    sim_faults_fired(call->sim->faults, call->fault);
    if (call->fault->action == SIM_FAULT_TASK_HANG)
        return;
    if (call->fault->action == SIM_FAULT_TASK_VANISH && task != NULL)
        sim_db_destroy(task);
    sim_call_fail_with(call, sim_value_ref(call->fault->error));
}

void
sim_call_execute(SimCall *call)
{
    g_autoptr(SimCall) hold G_GNUC_UNUSED = sim_call_ref(call);

    if (call->fault != NULL && !call->fault->after && !call->fault->middle)
        apply_fault(call);
    else if (!has_permission(call))
        fail_permission(call);
    else if (call->handler != NULL)
        call->handler(call);
    else if (call->message->kind != SIM_MESSAGE_CUSTOM)
        sim_generic_run(call);
    else
        sim_call_fail(call, "NOT_IMPLEMENTED", call->message->full_name, NULL);
}

static void
make_task(SimCall *call, const SimCallStart *start)
{
    Sim *sim = call->sim;
    SimObject *task;

    if (!call->message->has_async) {
        g_autofree char *uuid = sim_ids_uuid(sim->ids);

        call->key = g_strdup_printf("DummyRef:|%s|%s", uuid, call->message->full_name);
        return;
    }
    task = sim_task_new(sim, start->method, "", call->session);
    if (start->parent != NULL && sim_call_task(start->parent) != NULL)
        sim_object_set_ref(task, "subtask_of", sim_call_task(start->parent));
    if (start->task_config != NULL)
        sim_object_set(task, "other_config", sim_value_ref(start->task_config));
    call->task = sim_object_ref(task);
    call->key = g_strdup(sim_object_get_ref(task));
}

static SimCall *
call_new(Sim *sim, const SimCallStart *start, const SimMessage *message, GPtrArray *args)
{
    SimCall *call = g_new0(SimCall, 1);
    const SimHandlerEntry *entry = g_hash_table_lookup(sim->calls->handlers, message->full_name);

    call->references = 1;
    call->sim = sim;
    call->message = message;
    call->handler = entry != NULL ? entry->handler : NULL;
    call->node = start->node;
    call->trusted = start->trusted;
    call->session = g_strdup(message->needs_session && !start->trusted
                                 ? sim_value_text(sim_value_at(start->params, 0))
                                 : "");
    call->args = args;
    call->marks = g_ptr_array_new();
    call->done = start->done;
    call->data = start->data;
    call->fault = start->fault != NULL ? sim_fault_ref(start->fault) : NULL;
    make_task(call, start);
    return call;
}

static void
on_async_begin(gpointer data)
{
    SimCall *call = data;

    call->timer = 0;
    sim_call_execute(call);
}

/* The reference of the task is the answer; the work begins in the next turn of the loop. */
static void
begin_async(SimCall *call)
{
    SimAnswer answer = {sim_string(call->key), NULL, FALSE};
    SimCallDone done = call->done;

    call->async = TRUE;
    call->done = NULL;
    call->timer = sim_clock_after_ms(call->sim->clock, 0, on_async_begin, call);
    done(call, &answer, call->data);
    sim_answer_clear(&answer);
}

static void
begin(Sim *sim, const SimCallStart *start, const SimMessage *message, gboolean async)
{
    GPtrArray *args;
    SimCall *call;

    if (!check_count(start, message) || !check_session_type(start, message))
        return;
    args = accept_params(start, message);
    if (args == NULL)
        return;
    if (!check_session(sim, start, message) || !check_form(start, message, async)) {
        g_ptr_array_unref(args);
        return;
    }
    call = call_new(sim, start, message, args);
    g_ptr_array_add(sim->calls->running, call);
    if (async)
        begin_async(call);
    else
        sim_call_execute(call);
}

/* The one method without a class, and the one answer without an envelope. */
static void
list_methods(Sim *sim, const SimCallStart *start)
{
    SimAnswer answer = {sim_array(), NULL, TRUE};

    for (guint i = 0; i < sim_model_n_messages(sim->model); i++)
        sim_array_add(answer.value, sim_string(sim_model_message_at(sim->model, i)->full_name));
    start->done(NULL, &answer, start->data);
    sim_answer_clear(&answer);
}

void
sim_call_start(Sim *sim, const SimCallStart *start)
{
    gboolean async = g_str_has_prefix(start->method, ASYNC_PREFIX);
    const char *name = start->method + (async ? strlen(ASYNC_PREFIX) : 0);
    const SimMessage *message = sim_model_find_message(sim->model, name);

    if (strcmp(name, "system.listMethods") == 0)
        list_methods(sim, start);
    else if (message == NULL)
        answer_error(start, sim_strings("MESSAGE_METHOD_UNKNOWN", name, NULL));
    else
        begin(sim, start, message, async);
}
