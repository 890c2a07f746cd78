/* A task of the server, followed to its end. */
#pragma once

#include "xenapi/mirror.h"

G_BEGIN_DECLS

/**
 * XdTaskEnd:
 * @result: (nullable): what the task has made, still in the server's XML
 * @vanished: it is gone without having told its outcome: the toolstack was restarted, or it was
 *   pushed out by newer ones. Look at the object
 */
typedef struct {
    const char *result;
    gboolean vanished;
} XdTaskEnd;

typedef void (*XdTaskDone)(const XdTaskEnd *end, const GError *error, gpointer data);
typedef void (*XdTaskProgress)(double fraction, gpointer data);

/**
 * xd_task_follow: tells @done from the loop how @task ended. Cancelling asks the server to
 * cancel the task and waits for its real end, `task.cancel-grace` seconds at most; an end in
 * success is a success then as well.
 */
void xd_task_follow(XdConnection *connection, const char *task, GCancellable *cancellable,
                    XdTaskProgress progress, XdTaskDone done, gpointer data);

/* Ends a task that task.create has made: no call runs it, so cancelling does not. */
void xd_task_end(XdConnection *connection, const char *task);

/* (transfer full) (nullable): what a finished task has made: its reference */
char *xd_task_get_made(const XdTask *task, XdArena *arena);

G_END_DECLS
