/* Bulk transfers: a disk's bytes straight to or from a node that has its storage. */
#include "xenapi/call.h"
#include "xenapi/lost.h"
#include "xenapi/session.h"
#include "xenapi/steps.h"
#include "xenapi/task.h"

#include <string.h>

/* How long the server may take to notice that the connection is gone. */
#define TASK_END_MS 10000
/* The step's own limit is for the bytes: before and after them only the pool is waited for. */
#define TASK_MADE_S 60
#define TASK_DONE_S 900
/* What the slowest storage that is worth waiting for takes in a second. */
#define LEAST_BYTES (10 * 1024 * 1024)
/* Longer than whoever fetches an image tries to get at it again. */
#define SILENCE_S 600

typedef struct {
    XdOp *op;
    XdOperation *operation;
    XdStepTransfer transfer;
    char *vdi;
    char *tag;
    char *task;
    XdOrigin *origin;
    GCancellable *cancellable;
    XdExchange *exchange;
    guint generation; /* of the session that it goes with */
    guint64 moved;
    gboolean second_answer;
    gboolean was_sent;
    GError *error;        /* what went wrong first */
    GError *doubt;        /* what is wrong with an exchange that ended well */
    GCancellable *enough; /* of waiting for the task */
    GSource *timer;
    GSource *silence; /* (nullable): while the source gives nothing */
} Moving;

static void
moving_end(Moving *moving, GError *error)
{
    XdOp *op = moving->op;

    if (moving->transfer.source != NULL)
        moving->transfer.source->wake = NULL;
    if (moving->transfer.drain != NULL)
        moving->transfer.drain->wake = NULL;
    xd_clear_source(&moving->timer);
    xd_clear_source(&moving->silence);
    g_clear_object(&moving->enough);
    g_clear_error(&moving->error);
    g_clear_error(&moving->doubt);
    g_clear_pointer(&moving->origin, xd_origin_free);
    g_object_unref(moving->cancellable);
    g_free(moving->vdi);
    g_free(moving->tag);
    g_free(moving->task);
    g_free(moving);
    xd_op_complete(op, error);
}

static GError *
with_bytes(Moving *moving, GError *error)
{
    g_autofree char *text = NULL;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return error;
    text = g_strdup_printf("after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes: ",
                           moving->moved, moving->transfer.size);
    g_prefix_error_literal(&error, text);
    return error;
}

/* ---- the verdict: the exchange, the task, our own count, the digest ---- */

static void
on_drained(gpointer data, GError *error)
{
    moving_end(data, error);
}

/* It ended well, but with too little or too much. */
static GError *
find_doubt(const Moving *moving)
{
    if (moving->second_answer)
        return xd_error_new(HVD_ERROR_INTEGRITY, "the node took it back in a second answer");
    if (moving->moved != moving->transfer.size)
        return xd_error_new(HVD_ERROR_INTEGRITY, "the node ended it there, and calls it whole");
    return NULL;
}

/* What the task says explains more than our doubt, unless it was we who ended it. Where nobody waits any
 * more, nobody has to know what a silent one was about to do: it is ended, and its disk goes. */
static GError *
judge(Moving *moving, const XdTaskEnd *end, const GError *task_error)
{
    XdSource *source = moving->transfer.source;
    GError *error = NULL;

    if (moving->error != NULL)
        return g_steal_pointer(&moving->error);
    if (end->vanished && g_cancellable_set_error_if_cancelled(moving->cancellable, &error))
        return error;
    if (task_error != NULL && !g_cancellable_is_cancelled(moving->enough))
        return g_error_copy(task_error);
    if (moving->doubt != NULL)
        return g_steal_pointer(&moving->doubt);
    if (source != NULL && source->klass->verify != NULL)
        source->klass->verify(source, &error);
    return error;
}

static void
on_task_ended(const XdTaskEnd *end, const GError *task_error, gpointer data)
{
    Moving *moving = data;
    XdDrain *drain = moving->transfer.drain;
    GError *error = judge(moving, end, task_error);

    if (error != NULL || drain == NULL) {
        moving_end(moving, error != NULL ? with_bytes(moving, error) : NULL);
        return;
    }
    drain->finished = on_drained;
    drain->klass->finish(drain, moving->cancellable);
}

static gboolean
on_enough(gpointer data)
{
    Moving *moving = data;

    xd_clear_source(&moving->timer);
    /* some refusals leave the task pending for good (observed.md) */
    xd_task_end(moving->operation->connection, moving->task);
    g_cancellable_cancel(moving->enough); /* bounds the wait for its end */
    return G_SOURCE_REMOVE;
}

/* The status line was not the outcome, the task is (protocol 5.1). */
static void
await_task(Moving *moving)
{
    XdConnection *connection = moving->operation->connection;
    gboolean failed = moving->error != NULL || moving->doubt != NULL;

    moving->enough = g_cancellable_new();
    xd_op_begin_part(moving->op, TASK_DONE_S);
    if (failed) /* what no node has heard of ends no task: there is nothing to wait for */
        moving->timer = xd_clock_add(connection->clock, connection->context,
                                     moving->was_sent ? TASK_END_MS : 0, on_enough, moving);
    xd_task_follow(connection, moving->task, failed ? moving->enough : moving->cancellable, NULL,
                   on_task_ended, moving);
}

/* ---- the exchange ---- */

/* libcurl does not count the time in which it waits for us. */
static gboolean
on_silence(gpointer data)
{
    Moving *moving = data;

    xd_clear_source(&moving->silence);
    moving->error = xd_error_new(
        HVD_ERROR_TIMED_OUT, "the image gave nothing, nor its end, for %u s", (guint) SILENCE_S);
    xd_exchange_cancel(moving->exchange);
    return G_SOURCE_REMOVE;
}

static void
note_silence(Moving *moving, gboolean silent)
{
    XdConnection *connection = moving->operation->connection;

    if (!silent)
        xd_clear_source(&moving->silence);
    else if (moving->silence == NULL)
        moving->silence = xd_clock_add(connection->clock, connection->context, SILENCE_S * 1000,
                                       on_silence, moving);
}

static XdFlow
on_read_body(XdExchange *exchange G_GNUC_UNUSED, char *buffer, gsize size, gsize *length,
             gpointer data, GError **error)
{
    Moving *moving = data;
    XdSource *source = moving->transfer.source;
    XdFlow flow = source->klass->read(source, buffer, size, length, error);

    note_silence(moving, flow == XD_FLOW_PAUSE);
    if (flow != XD_FLOW_GO)
        return flow;
    moving->moved += *length;
    xd_op_set_progress(moving->op, (double) moving->moved / (double) moving->transfer.size,
                       moving->moved, moving->transfer.size);
    return flow;
}

/* A request that has waited for its turn comes with the session of when it began to wait. */
static GError *
session_error(void)
{
    GError *error = xd_error_new(HVD_ERROR_BUSY, "the node refused it with HTTP status 401: the "
                                                 "session has ended before it could begin");

    xd_error_set_advice(error, N_("try again later"));
    return error;
}

/* 401: xapi does not know the session; 403: its role is too small (protocol 5.1) */
static gboolean
on_head(XdExchange *exchange G_GNUC_UNUSED, guint status, const char *type G_GNUC_UNUSED,
        gpointer data G_GNUC_UNUSED, GError **error)
{
    if (status == 200 || (status >= 300 && status < 400))
        return TRUE;
    if (status == 401)
        g_propagate_error(error, session_error());
    else
        xd_set_error(error, status == 403 ? HVD_ERROR_DENIED : HVD_ERROR_FAILED,
                     "the node refused it with HTTP status %u", status);
    return FALSE;
}

static XdFlow
on_data(XdExchange *exchange G_GNUC_UNUSED, const char *bytes, gsize length, gpointer data,
        GError **error)
{
    Moving *moving = data;
    XdDrain *drain = moving->transfer.drain;
    XdFlow flow;

    if (drain == NULL) { /* an upload has no answer but its head; a second one is bad news */
        moving->second_answer = TRUE;
        return XD_FLOW_GO;
    }
    flow = drain->klass->write(drain, bytes, length, error);
    if (flow != XD_FLOW_GO)
        return flow;
    moving->moved += length;
    xd_op_set_progress(moving->op, (double) moving->moved / (double) moving->transfer.size,
                       moving->moved, moving->transfer.size);
    return flow;
}

static void
on_done(XdExchange *exchange, const GError *error, gpointer data)
{
    Moving *moving = data;

    moving->exchange = NULL;
    moving->was_sent = xd_exchange_was_sent(exchange);
    if (xd_exchange_get_status(exchange) == 401)
        xd_session_lost(moving->operation->connection->session, moving->generation);
    note_silence(moving, FALSE);
    if (moving->error == NULL && error != NULL)
        moving->error = g_error_copy(error);
    else if (error == NULL)
        moving->doubt = find_doubt(moving);
    await_task(moving);
}

static const XdExchangeClass exchange_class = {
    .read_body = on_read_body, .head = on_head, .data = on_data, .done = on_done};

static void
on_wake(gpointer data)
{
    Moving *moving = data;

    if (moving->exchange != NULL)
        xd_exchange_resume(moving->exchange);
}

static void
exchange_start(Moving *moving)
{
    XdConnection *connection = moving->operation->connection;
    XdStepTransfer *transfer = &moving->transfer;
    g_autofree char *task = g_uri_escape_string(moving->task, NULL, FALSE);
    g_autofree char *vdi = g_uri_escape_string(moving->vdi, NULL, FALSE);
    gboolean upload = transfer->source != NULL;
    g_autofree char *path =
        g_strdup_printf("%s?task_id=%s&vdi=%s&format=raw",
                        upload ? "/import_raw_vdi" : "/export_raw_vdi", task, vdi);
    g_autofree char *header = g_strconcat("X-Http-Other-Config-hvd: ", moving->tag, NULL);
    const char *headers[] = {header, NULL};
    XdHttpRequest request = {
        .origin = moving->origin,
        .method = upload ? "PUT" : "GET",
        .path = path,
        .content_type = upload ? "application/octet-stream" : NULL,
        .headers = headers,
        .session = xd_session_get_ref(connection->session),
        .body_size = upload ? (gint64) transfer->size : -1,
        .lane = XD_LANE_LONG,
        .low_speed_limit = xd_config_get_uint(connection->config, XD_CONFIG_HTTP_LOW_SPEED_LIMIT),
        .low_speed_s = xd_config_get_uint(connection->config, XD_CONFIG_HTTP_LOW_SPEED_TIME),
        /* one byte more than there should be, to see that there is one */
        .max_body = upload ? 4096 : transfer->size + 1,
        .bulk = TRUE,
    };

    moving->generation = xd_session_get_generation(connection->session);
    if (upload) {
        transfer->source->wake = on_wake;
        transfer->source->wake_data = moving;
    } else {
        transfer->drain->wake = on_wake;
        transfer->drain->wake_data = moving;
    }
    moving->exchange =
        xd_http_send(connection->http, &request, &exchange_class, moving, moving->cancellable);
}

/* The step's own limit is enough for any but the largest disks. */
static guint
bytes_limit_s(const XdStepTransfer *transfer)
{
    return (guint) MIN(MAX(transfer->size / LEAST_BYTES, XD_TRANSFER_S), (guint64) G_MAXUINT);
}

/* It may have been lost since the task was made. */
static void
on_session(XdConnection *connection G_GNUC_UNUSED, const GError *error, gpointer data)
{
    Moving *moving = data;

    if (error != NULL) {
        moving->error = g_error_copy(error);
        await_task(moving);
        return;
    }
    xd_op_begin_part(moving->op, bytes_limit_s(&moving->transfer));
    exchange_start(moving);
}

static void
begin(Moving *moving, const char *task)
{
    moving->task = g_strdup(task);
    xd_session_when_ready(moving->operation->connection->session, moving->cancellable, on_session,
                          moving);
}

static void
on_searched(const XdLostEnd *end, const GError *error, gpointer data)
{
    Moving *moving = data;

    if (error != NULL || end->ref == NULL) {
        moving_end(moving, g_steal_pointer(&moving->error));
        return;
    }
    g_clear_error(&moving->error);
    begin(moving, end->ref);
}

static void
on_task_made(XdConnection *connection, const XdReply *reply, const GError *error, gpointer data)
{
    Moving *moving = data;

    if (error == NULL) {
        begin(moving, g_variant_get_string(reply->value, NULL));
    } else if (reply->unknown) {
        moving->error = g_error_copy(error);
        xd_lost_find(connection, "task.create", moving->tag, moving->cancellable, on_searched,
                     moving);
    } else {
        moving_end(moving, g_error_copy(error));
    }
}

/* ---- the tail call ---- */

const XdHost *
xd_node_of_storage(const XdMirror *mirror, const char *sr)
{
    const GPtrArray *pbds = xd_mirror_find(mirror, XD_BY_PBD_SR, sr);
    const XdHost *best = NULL;

    for (guint i = 0; i < pbds->len; i++) {
        const XdPBD *pbd = g_ptr_array_index(pbds, i);
        const XdHost *host = xd_get_host(mirror, pbd->host);
        const XdHostMetrics *metrics =
            host != NULL ? xd_get_host_metrics(mirror, host->metrics) : NULL;

        if (!pbd->currently_attached || metrics == NULL || !metrics->live)
            continue;
        if (best == NULL || (host->enabled && !best->enabled) ||
            (host->enabled == best->enabled && strcmp(host->uuid, best->uuid) < 0))
            best = host;
    }
    return best;
}

static void
plan_transfer(XdOp *op, const XdStepTransfer *transfer)
{
    g_autofree char *vdi = g_strdup_printf("[\"%s\"]", transfer->vdi);

    xd_op_plan_call(op, "task.create", "[]");
    xd_op_plan_call(op, transfer->source != NULL ? "PUT /import_raw_vdi" : "GET /export_raw_vdi",
                    vdi);
    xd_op_next(op);
}

void
xd_op_transfer(XdOp *op, const XdStepTransfer *transfer)
{
    XdOperation *operation = xd_op_get_state(op);
    XdConnection *connection = operation->connection;
    const XdHost *node = xd_node_of_storage(connection->mirror, transfer->sr);
    Moving *moving;
    XdCall call = {.method = "task.create"};
    GError *error = NULL;
    XdOrigin *origin = NULL;

    if (xd_op_get_plan(op) != NULL) {
        plan_transfer(op, transfer);
        return;
    }
    if (node == NULL)
        error = xd_error_new(HVD_ERROR_STATE, "no node that is up has the disk's storage plugged");
    else
        origin = xd_origin_at(xd_session_get_origin(connection->session), node->address, &error);
    if (error != NULL) {
        xd_op_fail(op, error);
        return;
    }
    moving = g_new0(Moving, 1);
    moving->op = op;
    moving->operation = operation;
    moving->transfer = *transfer;
    moving->vdi = g_strdup(transfer->vdi);
    moving->tag = xd_operation_tag(operation, transfer->kind, 0);
    moving->origin = origin;
    xd_op_begin_part(op, TASK_MADE_S);
    moving->cancellable = g_object_ref(xd_op_pend(op));
    call.parameters = g_variant_new("(ss)", moving->tag, xd_op_get_name(op));
    call.tag = moving->tag;
    xd_call(connection, &call, moving->cancellable, on_task_made, moving);
}
