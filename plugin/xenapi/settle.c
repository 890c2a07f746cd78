/* What stands before and after a rollback: the operation's own tasks have ended, and the mirror shows it. */
#include "xenapi/barrier.h"
#include "xenapi/steps.h"
#include "xenapi/tag.h"
#include "xenapi/task.h"

typedef struct {
    XdOp *op;
    XdOperation *operation;
    GCancellable *cancellable;
    char *stray;      /* the task that is waited for */
    GHashTable *told; /* tasks that were told to end, and waited for */
} Settling;

static void settle_next(Settling *settling);

static void
settling_end(Settling *settling, const GError *error)
{
    XdOp *op = settling->op;

    g_object_unref(settling->cancellable);
    g_hash_table_unref(settling->told);
    g_free(settling->stray);
    g_free(settling);
    xd_op_complete(op, error != NULL ? g_error_copy(error) : NULL);
}

static void
on_stray_ended(const XdTaskEnd *end G_GNUC_UNUSED, const GError *error G_GNUC_UNUSED, gpointer data)
{
    Settling *settling = data;

    g_hash_table_add(settling->told, g_steal_pointer(&settling->stray));
    settle_next(settling);
}

/* Has task.create made it, to be handed to a transfer that never began? It carries the mark as its name. */
static gboolean
is_made(const XdTask *task, const XdOperation *operation)
{
    return xd_tag_is_of(task->name_label, operation->id);
}

/* (nullable): a task of ours that still runs, and is not among @but (nullable) */
static const XdTask *
find_stray(XdOperation *operation, GHashTable *but)
{
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, operation->connection->mirror, &xd_class_task);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        const XdTask *task = (const XdTask *) record;

        if (task->status == XD_TASK_STATUS_TYPE_PENDING &&
            (but == NULL || !g_hash_table_contains(but, record->ref)) &&
            (is_made(task, operation) ||
             xd_tag_is_of(xd_map_get(&task->other_config, XD_TASK_TAG_KEY), operation->id)))
            return task;
    }
    return NULL;
}

/* What they still do nobody takes back. */
static void
tell_endless(Settling *settling)
{
    const XdTask *stray = find_stray(settling->operation, NULL);
    g_autoptr(GError) error = NULL;

    if (stray != NULL)
        error = xd_error_new(HVD_ERROR_LEFTOVERS, "task %s does not end", stray->uuid);
    settling_end(settling, error);
}

static void
settle_next(Settling *settling)
{
    const XdTask *stray = find_stray(settling->operation, settling->told);
    g_autoptr(GCancellable) at_once = NULL;
    g_autoptr(GError) stopped = NULL;

    if (g_cancellable_set_error_if_cancelled(settling->cancellable, &stopped)) {
        settling_end(settling, stopped);
        return;
    }
    if (stray == NULL) {
        tell_endless(settling);
        return;
    }
    settling->stray = g_strdup(stray->parent.ref);
    if (is_made(stray, settling->operation))
        xd_task_end(settling->operation->connection, settling->stray);
    at_once = g_cancellable_new();
    g_cancellable_cancel(at_once); /* asks the server to cancel it, and waits for its end */
    xd_task_follow(settling->operation->connection, settling->stray, at_once, NULL, on_stray_ended,
                   settling);
}

static void
on_settle_barrier(XdConnection *connection G_GNUC_UNUSED, const GError *error, gpointer data)
{
    Settling *settling = data;

    if (error != NULL)
        settling_end(settling, error);
    else
        settle_next(settling);
}

/* A plan that fails has started nothing. */
static gboolean
is_planned(XdOp *op)
{
    if (xd_op_get_plan(op) == NULL)
        return FALSE;
    xd_op_next(op);
    return TRUE;
}

void
xd_op_settle(XdOp *op, gpointer data)
{
    Settling *settling;

    if (is_planned(op))
        return;
    settling = g_new0(Settling, 1);
    settling->op = op;
    settling->operation = data;
    settling->cancellable = g_object_ref(xd_op_pend(op));
    settling->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    xd_barrier(settling->operation->connection, settling->cancellable, on_settle_barrier, settling);
}

static void
on_caught_up(XdConnection *connection G_GNUC_UNUSED, const GError *error G_GNUC_UNUSED,
             gpointer data)
{
    xd_op_complete(data, NULL);
}

void
xd_op_catch_up(XdOp *op, gpointer data)
{
    XdOperation *operation = data;

    if (!is_planned(op))
        xd_barrier(operation->connection, xd_op_pend(op), on_caught_up, op);
}
