#include "xenapi/task.h"

#include "wire/rpc.h"
#include "wire/value.h"
#include "xenapi/barrier.h"
#include "xenapi/call.h"
#include "xenapi/failure.h"
#include "xenapi/internal.h"
#include "xenapi/mirror.h"

/* After so long without a sign of a task its absence is worth a closer look. */
#define UNSEEN_MS 3000

typedef struct {
    XdConnection *connection;
    char *task;
    XdTaskProgress progress;
    XdTaskDone done;
    gpointer data;
    XdWatch *watch;        /* on the task */
    XdWatch *watch_of_all; /* on the mirror becoming whole again */
    GSource *cancelled;
    GSource *timer; /* until it is missed, or until cancelling is given up */
    gboolean seen;
    gboolean cancelling;
    GCancellable *check; /* of the barrier that is under way, or NULL */
    gboolean ended;
} Follow;

static void
follow_end(Follow *follow, const XdTaskEnd *end, GError *error)
{
    XdMirror *mirror = follow->connection->mirror;
    g_autoptr(GError) told = error;

    xd_mirror_unwatch(mirror, follow->watch);
    xd_mirror_unwatch(mirror, follow->watch_of_all);
    xd_clear_source(&follow->cancelled);
    xd_clear_source(&follow->timer);
    follow->ended = TRUE;
    follow->done(end, told, follow->data);
    if (follow->check != NULL) {
        g_cancellable_cancel(follow->check); /* the barrier's answer frees it */
        return;
    }
    xd_connection_leave_call(follow->connection);
    g_free(follow->task);
    g_free(follow);
}

static void
follow_lost(Follow *follow)
{
    XdTaskEnd end = {.vanished = TRUE};

    follow_end(follow, &end,
               xd_error_new(HVD_ERROR_UNKNOWN_OUTCOME,
                            "the task is gone without having told its outcome"));
}

static GError *
task_error(Follow *follow, const XdTask *task)
{
    g_autoptr(GPtrArray) failure = g_ptr_array_new();
    gboolean cancelled = task->status == XD_TASK_STATUS_TYPE_CANCELLED;

    for (guint i = 0; i < task->error_info.n; i++)
        g_ptr_array_add(failure, (gpointer) task->error_info.items[i]);
    g_ptr_array_add(failure, NULL);
    if (follow->cancelling && (cancelled || g_strcmp0(failure->pdata[0], "TASK_CANCELLED") == 0))
        return g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
    if (failure->len == 1) /* the server cancels with empty error_info (verified-sequences 1.5) */
        return xd_error_new(HVD_ERROR_BUSY, cancelled ? "somebody cancelled its task"
                                                      : "its task failed without a reason");
    return xd_failure_to_error((const char *const *) failure->pdata, follow->connection->arena);
}

/* Looks at the task as the mirror has it; the record is borrowed only until something is told. */
static void
on_changed(gpointer data)
{
    Follow *follow = data;
    const XdTask *task = xd_get_task(follow->connection->mirror, follow->task);
    XdTaskEnd end = {0};

    if (task == NULL) {
        if (follow->seen)
            follow_lost(follow);
        return;
    }
    follow->seen = TRUE;
    if (!follow->cancelling)
        xd_clear_source(&follow->timer);
    if (task->status == XD_TASK_STATUS_TYPE_SUCCESS) {
        end.result = task->result;
        follow_end(follow, &end, NULL);
    } else if (task->status == XD_TASK_STATUS_TYPE_FAILURE ||
               task->status == XD_TASK_STATUS_TYPE_CANCELLED) {
        follow_end(follow, &end, task_error(follow, task));
    } else if (follow->progress != NULL) {
        follow->progress(task->progress, follow->data);
    }
}

static gboolean
on_first_look(gpointer data)
{
    Follow *follow = data;

    xd_clear_source(&follow->timer);
    follow->timer = NULL;
    on_changed(follow);
    return G_SOURCE_REMOVE;
}

static gboolean on_unseen(gpointer data);

static void
on_checked(XdConnection *connection, const GError *error, gpointer data)
{
    Follow *follow = data;

    g_clear_object(&follow->check);
    if (follow->ended) {
        xd_connection_leave_call(connection);
        g_free(follow->task);
        g_free(follow);
        return;
    }
    if (error == NULL)
        follow->seen = TRUE; /* if it is not there now, it is nowhere */
    else if (!follow->seen && !follow->cancelling)
        follow->timer =
            xd_clock_add(connection->clock, connection->context, UNSEEN_MS, on_unseen, follow);
    on_changed(follow);
}

/* Not seen for long: an old task may have been swept, or the toolstack may have been restarted. */
static gboolean
on_unseen(gpointer data)
{
    Follow *follow = data;

    xd_clear_source(&follow->timer);
    follow->check = g_cancellable_new();
    xd_barrier(follow->connection, follow->check, on_checked, follow);
    return G_SOURCE_REMOVE;
}

static gboolean
on_grace_over(gpointer data)
{
    Follow *follow = data;
    XdTaskEnd end = {.vanished = TRUE};

    xd_clear_source(&follow->timer);
    follow_end(
        follow, &end,
        xd_error_new(HVD_ERROR_UNKNOWN_OUTCOME, "its task does not let itself be cancelled"));
    return G_SOURCE_REMOVE;
}

static void
on_cancel_sent(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply G_GNUC_UNUSED,
               const GError *error G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
    /* the task's own end is what counts; a call that failed changes nothing about it */
}

static gboolean
on_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    Follow *follow = data;
    XdConnection *connection = follow->connection;
    guint grace_s = xd_config_get_uint(connection->config, XD_CONFIG_TASK_CANCEL_GRACE);
    XdCall call = {.method = "task.cancel", .parameters = g_variant_new("(s)", follow->task)};

    xd_clear_source(&follow->cancelled);
    xd_clear_source(&follow->timer);
    follow->cancelling = TRUE;
    follow->timer = xd_clock_add(connection->clock, connection->context, (gint64) grace_s * 1000,
                                 on_grace_over, follow);
    xd_call(connection, &call, NULL, on_cancel_sent, NULL);
    return G_SOURCE_REMOVE;
}

void
xd_task_follow(XdConnection *connection, const char *task, GCancellable *cancellable,
               XdTaskProgress progress, XdTaskDone done, gpointer data)
{
    Follow *follow = g_new0(Follow, 1);
    gboolean known = xd_get_task(connection->mirror, task) != NULL;

    follow->connection = connection;
    follow->task = g_strdup(task);
    follow->seen = known; /* it may be gone before the first look */
    follow->progress = progress;
    follow->done = done;
    follow->data = data;
    xd_connection_enter_call(connection);
    follow->watch = xd_mirror_watch(connection->mirror, task, on_changed, follow);
    follow->watch_of_all = xd_mirror_watch(connection->mirror, NULL, on_changed, follow);
    follow->timer = xd_clock_add(connection->clock, connection->context, known ? 0 : UNSEEN_MS,
                                 known ? on_first_look : on_unseen, follow);
    if (cancellable != NULL) {
        follow->cancelled = g_cancellable_source_new(cancellable);
        g_source_set_callback(follow->cancelled, G_SOURCE_FUNC(on_cancelled), follow, NULL);
        g_source_attach(follow->cancelled, connection->context);
    }
}

static void
on_status_set(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply G_GNUC_UNUSED,
              const GError *error G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
}

void
xd_task_end(XdConnection *connection, const char *task)
{
    XdCall call = {.method = "task.set_status",
                   .parameters = g_variant_new("(ss)", task, "cancelled")};

    xd_call(connection, &call, NULL, on_status_set, NULL);
}

char *
xd_task_get_made(const XdTask *task, XdArena *arena)
{
    g_autoptr(XdValueSink) value = xd_value_sink_new(G_VARIANT_TYPE_STRING);
    g_autoptr(GVariant) ref = NULL;

    if (task->status != XD_TASK_STATUS_TYPE_SUCCESS ||
        !xd_task_result_decode(task->result, xd_value_sink_get_sink(value), arena, NULL))
        return NULL;
    ref = xd_value_sink_steal(value);
    return ref != NULL ? g_variant_dup_string(ref, NULL) : NULL;
}
