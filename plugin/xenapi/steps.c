#include "xenapi/steps.h"

#include "wire/datetime.h"
#include "wire/json-write.h"
#include "wire/rpc.h"
#include "wire/value.h"
#include "xenapi/call.h"
#include "xenapi/gates.h"
#include "xenapi/lost.h"
#include "xenapi/session.h"
#include "xenapi/tag.h"
#include "xenapi/task.h"

#include <string.h>

/* ---- operations and their marks ---- */

void
xd_operation_init(XdOperation *operation, XdConnection *connection)
{
    operation->connection = xd_connection_ref(connection);
    operation->id = xd_tag_operation_new(g_get_real_time() / G_USEC_PER_SEC);
}

void
xd_operation_clear(XdOperation *operation)
{
    if (operation->turn != NULL)
        xd_gate_leave(operation->connection->turns, operation->turn);
    g_clear_pointer(&operation->turn, g_free);
    g_clear_pointer(&operation->connection, xd_connection_unref);
    g_clear_pointer(&operation->id, g_free);
}

char *
xd_operation_tag(const XdOperation *operation, const char *kind, guint index)
{
    const XdConnection *connection = operation->connection;

    return xd_tag_print(operation->id, kind, index, connection->owner, connection->epoch,
                        xd_session_get_uuid(connection->session));
}

char *
xd_operation_made(XdOperation *operation, const char *tag)
{
    const XdConnection *connection = operation->connection;
    const XdTask *task =
        (const XdTask *) xd_mirror_find_one(connection->mirror, XD_BY_TASK_TAG, tag);

    return task != NULL ? xd_task_get_made(task, connection->arena) : NULL;
}

/* ---- a call under way ---- */

typedef struct {
    XdOp *op;
    XdOperation *operation;
    XdStepCall call;
    GPtrArray *secrets;
    GVariant *parameters;
    char *gate; /* taken, or waited for */
    gboolean inside;
    char *tag;
    gboolean async;
    GCancellable *cancellable;
    GCancellable
        *patience; /* of the search for a lost reply: cancelling does not end it, time does */
    GSource *patience_timer;
    GError *cause;    /* (nullable): why the reply was lost */
    guint generation; /* of the session that it was sent with */
} Running;

static void
running_free(Running *running)
{
    if (running->inside)
        xd_gate_leave(running->operation->connection->gates, running->gate);
    g_clear_pointer(&running->parameters, g_variant_unref);
    g_ptr_array_unref(running->secrets);
    g_object_unref(running->cancellable);
    xd_clear_source(&running->patience_timer);
    g_clear_object(&running->patience);
    g_clear_error(&running->cause);
    g_free(running->gate);
    g_free(running->call.about);
    g_free(running->tag);
    g_free(running);
}

static gboolean
is_among(const GError *error, const char *const *codes)
{
    const char *code = xd_error_get_failure_code(error);

    return code != NULL && codes != NULL && g_strv_contains(codes, code);
}

/* The last element is the state to reason about, in small letters (verified-sequences 3.3). */
static gboolean
is_already(const GError *error, const char *state)
{
    const char *const *failure = xd_error_get_failure(error);
    guint n = failure != NULL ? g_strv_length((char **) failure) : 0;

    return state != NULL && n >= 4 && strcmp(failure[0], "VM_BAD_POWER_STATE") == 0 &&
           g_ascii_strcasecmp(failure[n - 1], state) == 0;
}

static void
log_optional(Running *running, const GError *error)
{
    XdLogFields fields = {.op = xd_op_get_name(running->op),
                          .step = xd_op_get_step_name(running->op),
                          .method = running->call.method};

    xd_log(running->operation->connection->log, G_LOG_LEVEL_INFO, "xd-ops", &fields,
           "%s: %s; going on", fields.step, error->message);
}

static void
running_end(Running *running, GError *error)
{
    XdOp *op = running->op;
    XdStepCall call = running->call;

    if (error != NULL && (is_among(error, call.done) || is_already(error, call.already)))
        g_clear_error(&error);
    if (error == NULL && call.concludes)
        xd_op_commit(op);
    if (error != NULL && call.optional && !xd_op_is_stopped(op)) {
        running->operation->unsure |= xd_error_is(error, HVD_ERROR_UNKNOWN_OUTCOME);
        log_optional(running, error);
        g_clear_error(&error);
    }
    if (error != NULL && call.about != NULL &&
        !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        g_autofree char *about = g_strconcat(call.about, ": ", NULL);

        g_prefix_error_literal(&error, about);
    }
    running_free(running);
    if (error != NULL && is_among(error, call.retry))
        xd_op_complete_again(op, error, call.attempts, call.delay_s * 1000);
    else
        xd_op_complete(op, error);
}

static void
running_succeed(Running *running, const char *result)
{
    char **out = running->call.out;

    if (out != NULL) {
        g_free(*out);
        *out = g_strdup(result);
    }
    running_end(running, NULL);
}

/* A result that is no text. FALSE: the caller wants none of these. */
static gboolean
take_result(const XdStepCall *call, const XdReply *reply)
{
    if (call->out_secret != NULL && reply->secret != NULL) {
        g_clear_pointer(call->out_secret, xd_secret_unref);
        *call->out_secret = xd_secret_ref(reply->secret);
    } else if (call->out_secrets != NULL && reply->secrets != NULL) {
        g_clear_pointer(call->out_secrets, g_hash_table_unref);
        *call->out_secrets = g_hash_table_ref(reply->secrets);
    } else if (call->out_value != NULL && reply->value != NULL) {
        g_clear_pointer(call->out_value, g_variant_unref);
        *call->out_value = g_variant_ref(reply->value);
    } else {
        return FALSE;
    }
    return TRUE;
}

static void
running_take_time(Running *running, const char *text)
{
    GError *error = NULL;

    if (!xd_datetime_parse(text, strlen(text), running->call.out_time))
        error =
            xd_error_new(HVD_ERROR_PROTOCOL, "%s: expected a point in time", running->call.method);
    running_end(running, error);
}

/* The outcome is not known: does what the call is for hold? */
static void
running_doubt(Running *running, GError *error)
{
    if (running->call.holds == NULL ||
        !running->call.holds(running->operation, running->call.data)) {
        running_end(running, error);
        return;
    }
    g_error_free(error);
    running_end(running, NULL);
}

static void
on_task_progress(double fraction, gpointer data)
{
    xd_op_set_progress(((Running *) data)->op, fraction, 0, 0);
}

/* What was cancelled may have happened all the same (verified-sequences 1.5). */
static void
on_task_failed(Running *running, const XdTaskEnd *end, const GError *error)
{
    gboolean cancelled = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    const char *method = running->call.method;
    GError *told = g_error_copy(error);

    if (cancelled && running->call.whole) {
        g_clear_error(&told);
        told = xd_error_new(HVD_ERROR_UNKNOWN_OUTCOME, "%s: it was stopped half-way", method);
    } else if (!cancelled) {
        g_prefix_error(&told, "%s: ", method);
    }
    if (end->vanished || cancelled)
        running_doubt(running, told);
    else
        running_end(running, told);
}

static void
on_task_ended(const XdTaskEnd *end, const GError *error, gpointer data)
{
    Running *running = data;
    g_autoptr(XdValueSink) value = xd_value_sink_new(G_VARIANT_TYPE_STRING);
    g_autoptr(GVariant) result = NULL;
    GError *broken = NULL;

    if (error != NULL) {
        on_task_failed(running, end, error);
        return;
    }
    if (running->call.out == NULL) {
        running_end(running, NULL);
        return;
    }
    if (!xd_task_result_decode(end->result, xd_value_sink_get_sink(value),
                               running->operation->connection->arena, &broken)) {
        running_end(running, broken);
        return;
    }
    result = xd_value_sink_steal(value);
    running_succeed(running, g_variant_get_string(result, NULL));
}

static void
follow(Running *running, const char *task)
{
    xd_task_follow(running->operation->connection, task, running->cancellable, on_task_progress,
                   on_task_ended, running);
}

/* ---- lost replies: whatever the reason, it is looked up what became of the call ---- */

static GError *
no_trace_error(Running *running)
{
    const GError *cause = running->cause;
    guint generation = xd_session_get_generation(running->operation->connection->session);

    /* tasks end with the toolstack, so one that has started anew cannot say what has been done */
    if (generation != running->generation)
        return xd_error_new(HVD_ERROR_UNKNOWN_OUTCOME,
                            "%s: its reply was lost, and the session has changed since",
                            running->call.method);
    if (cause == NULL || cause->domain != XD_ERROR)
        return xd_error_new(HVD_ERROR_NOT_REACHABLE,
                            "%s: its reply was lost, and the pool shows no trace of it",
                            running->call.method);
    return xd_error_new((HvdError) cause->code,
                        "%s: its reply was lost (%s), and the pool shows no trace of it",
                        running->call.method, cause->message);
}

static void
on_searched(const XdLostEnd *end, const GError *error, gpointer data)
{
    Running *running = data;
    GError *told = NULL;

    if (error != NULL)
        running_end(running, xd_error_new(HVD_ERROR_UNKNOWN_OUTCOME,
                                          "%s: its reply was lost, and the pool does not say what "
                                          "became of it",
                                          running->call.method));
    else if (end->task != NULL)
        follow(running, end->task); /* cancelled before, it is cancelled there as well */
    else if (end->ref != NULL)
        running_succeed(running, end->ref);
    else if (g_cancellable_set_error_if_cancelled(running->cancellable, &told))
        running_doubt(running, told);
    else
        running_doubt(running, no_trace_error(running));
}

static gboolean
on_patience_over(gpointer data)
{
    Running *running = data;

    xd_clear_source(&running->patience_timer);
    g_cancellable_cancel(running->patience);
    return G_SOURCE_REMOVE;
}

static void
search(Running *running)
{
    XdConnection *connection = running->operation->connection;
    guint grace_s = xd_config_get_uint(connection->config, XD_CONFIG_TASK_CANCEL_GRACE);

    running->patience = g_cancellable_new();
    running->patience_timer = xd_clock_add(connection->clock, connection->context,
                                           (gint64) grace_s * 1000, on_patience_over, running);
    xd_lost_find(connection, running->call.method, running->tag, running->patience, on_searched,
                 running);
}

static void
on_reply(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply, const GError *error,
         gpointer data)
{
    Running *running = data;

    if (error != NULL && (reply->unknown || (reply->sent && running->call.holds != NULL))) {
        running->cause = g_error_copy(reply->cause);
        running->generation = reply->generation;
        search(running);
    } else if (error != NULL) {
        running_end(running, g_error_copy(error));
    } else if (running->async) {
        follow(running, g_variant_get_string(reply->value, NULL));
    } else if (running->call.out_time != NULL) {
        running_take_time(running, g_variant_get_string(reply->value, NULL));
    } else if (!take_result(&running->call, reply) && reply->value != NULL &&
               g_variant_is_of_type(reply->value, G_VARIANT_TYPE_STRING)) {
        running_succeed(running, g_variant_get_string(reply->value, NULL));
    } else {
        running_end(running, NULL);
    }
}

static void
send(Running *running)
{
    XdCall call = {.method = running->call.method,
                   .parameters = running->parameters,
                   .secrets = (XdSecret *const *) running->secrets->pdata,
                   .n_secrets = running->secrets->len,
                   .tag = running->tag,
                   .session = running->call.session,
                   .flags = running->async ? XD_CALL_ASYNC : 0};

    xd_call(running->operation->connection, &call, running->cancellable, on_reply, running);
}

static void
on_gate_open(gpointer data, GError *error)
{
    Running *running = data;

    if (error != NULL) {
        running_end(running, error);
        return;
    }
    running->inside = TRUE;
    send(running);
}

/* ---- plans ---- */

/* Parameters as JSON, every secret as "<hidden>". */
static char *
print_parameters(XdArena *arena, const XdStepCall *call)
{
    g_autoptr(GVariant) parameters =
        g_variant_ref_sink(call->parameters != NULL ? call->parameters : g_variant_new("()"));
    g_autoptr(GPtrArray) hidden = g_ptr_array_new_with_free_func((GDestroyNotify) xd_secret_unref);
    g_auto(XdVault) text = {0};
    XdJsonWriter writer;

    for (guint i = 0; i < call->n_secrets; i++)
        g_ptr_array_add(hidden, xd_secret_new(arena, "<hidden>", 8));
    xd_vault_init(&text, arena);
    xd_json_writer_init(&writer, &text, FALSE);
    writer.parent.klass->begin(&writer.parent, FALSE);
    for (gsize i = 0; i < g_variant_n_children(parameters); i++) {
        g_autoptr(GVariant) value = g_variant_get_child_value(parameters, i);

        xd_value_walk(value, (XdSecret *const *) hidden->pdata, &writer.parent);
    }
    writer.parent.klass->end(&writer.parent);
    g_clear_error(&writer.parent.error);
    return g_strdup(text.data);
}

static void
note_call(XdOp *op, const XdStepCall *call, gboolean async)
{
    XdOperation *operation = xd_op_get_state(op);
    g_autofree char *method = g_strconcat(async ? "Async." : "", call->method, NULL);
    g_autofree char *parameters = print_parameters(operation->connection->arena, call);

    xd_op_plan_call(op, method, parameters);
}

/* In a plan only questions travel; what else would come back is named after the call. */
static void
plan_call(XdOp *op, const XdStepCall *call)
{
    if (call->out != NULL) {
        g_free(*call->out);
        *call->out = g_strdup_printf("<%s>", call->method);
    }
    g_free(call->about);
    xd_op_next(op);
}

/* ---- the tail calls ---- */

/* What a call without a mark of its own is known by: no two of an operation may be taken for each other
 * when a reply was lost. */
static char *
call_tag(XdOperation *operation, const XdStepCall *call)
{
    if (call->kind != NULL)
        return xd_operation_tag(operation, call->kind, call->index);
    return xd_operation_tag(operation, call->method, ++operation->n_calls);
}

static void
start(XdOp *op, const XdStepCall *call, gboolean async)
{
    XdOperation *operation = xd_op_get_state(op);
    g_autoptr(GVariant) parameters =
        call->parameters != NULL ? g_variant_ref_sink(call->parameters) : NULL;
    Running *running;

    if (xd_op_get_plan(op) != NULL) {
        note_call(op, call, async);
        if (!call->asks) {
            plan_call(op, call);
            return;
        }
    }
    if (call->whole)
        xd_op_ignore_cancelling(op);
    running = g_new0(Running, 1);
    running->op = op;
    running->operation = operation;
    running->call = *call;
    running->async = async;
    running->parameters = g_steal_pointer(&parameters);
    running->secrets = g_ptr_array_new_with_free_func((GDestroyNotify) xd_secret_unref);
    for (guint i = 0; i < call->n_secrets; i++)
        g_ptr_array_add(running->secrets, xd_secret_ref(call->secrets[i]));
    running->tag = call_tag(operation, call);
    running->gate = g_strdup(call->gate);
    running->cancellable = g_object_ref(xd_op_pend(op));
    if (running->gate != NULL)
        xd_gate_enter(operation->connection->gates, running->gate, running->cancellable,
                      on_gate_open, running);
    else
        send(running);
}

void
xd_op_call(XdOp *op, const XdStepCall *call)
{
    start(op, call, FALSE);
}

void
xd_op_task(XdOp *op, const XdStepCall *call)
{
    start(op, call, TRUE);
}

/* ---- waiting ---- */

typedef struct {
    XdOp *op;
    XdOperation *operation;
    XdPredicate holds;
    gpointer data;
    gboolean optional;
    XdWatch *watch;
    GSource *cancelled;
} Waiting;

static void
waiting_end(Waiting *waiting, GError *error)
{
    XdOp *op = waiting->op;

    xd_mirror_unwatch(waiting->operation->connection->mirror, waiting->watch);
    xd_clear_source(&waiting->cancelled);
    g_free(waiting);
    xd_op_complete(op, error);
}

static void
on_change(gpointer data)
{
    Waiting *waiting = data;

    if (waiting->holds(waiting->operation, waiting->data))
        waiting_end(waiting, NULL);
}

static gboolean
on_wait_cancelled(GCancellable *cancellable, gpointer data)
{
    GError *error = NULL;

    if (!((Waiting *) data)->optional)
        g_cancellable_set_error_if_cancelled(cancellable, &error);
    waiting_end(data, error);
    return G_SOURCE_REMOVE;
}

static void
wait_for(XdOp *op, const char *ref, XdPredicate holds, gpointer data, gboolean optional)
{
    XdOperation *operation = xd_op_get_state(op);
    Waiting *waiting;

    if ((optional && xd_op_get_plan(op) != NULL) || holds(operation, data)) {
        xd_op_next(op);
        return;
    }
    waiting = g_new0(Waiting, 1);
    waiting->op = op;
    waiting->operation = operation;
    waiting->holds = holds;
    waiting->data = data;
    waiting->optional = optional;
    waiting->watch = xd_mirror_watch(operation->connection->mirror, ref, on_change, waiting);
    waiting->cancelled = g_cancellable_source_new(xd_op_pend(op));
    g_source_set_callback(waiting->cancelled, G_SOURCE_FUNC(on_wait_cancelled), waiting, NULL);
    g_source_attach(waiting->cancelled, operation->connection->context);
}

void
xd_op_wait(XdOp *op, const char *ref, XdPredicate holds, gpointer data)
{
    wait_for(op, ref, holds, data, FALSE);
}

void
xd_op_see(XdOp *op, const char *ref, XdPredicate holds, gpointer data)
{
    wait_for(op, ref, holds, data, TRUE);
}

/* ---- turns ---- */

typedef struct {
    XdOp *op;
    XdOperation *operation;
    char *key;
} Turn;

static void
on_turn(gpointer data, GError *error)
{
    g_autofree Turn *turn = data;

    if (error == NULL)
        turn->operation->turn = g_steal_pointer(&turn->key);
    g_free(turn->key);
    xd_op_complete(turn->op, error);
}

void
xd_op_take_turn(XdOp *op, const char *key)
{
    XdOperation *operation = xd_op_get_state(op);
    Turn *turn = g_new0(Turn, 1);

    *turn = (Turn){op, operation, g_strdup(key)};
    xd_gate_enter(operation->connection->turns, key, xd_op_pend(op), on_turn, turn);
}
