/* A reply was lost: what became of the call? Looked up in the pool, never asked again. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

/**
 * XdLostEnd:
 * @ref: (nullable): of the object that the call has made
 * @task: (nullable): of the task that runs it, or ran it
 *
 * Neither: the pool knows nothing of it.
 */
typedef struct {
    const char *ref;
    const char *task;
} XdLostEnd;

typedef void (*XdLostDone)(const XdLostEnd *end, const GError *error, gpointer data);

/**
 * xd_lost_find: looks for what the call of @method with @tag has made: after a barrier by its
 * mark in the mirror (a task by its name), else by the task that carries the mark; a task of a plain
 * call that still runs is waited for. @error: the pool does not answer, or @cancellable.
 */
void xd_lost_find(XdConnection *connection, const char *method, const char *tag,
                  GCancellable *cancellable, XdLostDone done, gpointer data);

G_END_DECLS
