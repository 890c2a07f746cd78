/* Task objects: how they begin, how each kind of end is written. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

SimObject *sim_task_new(Sim *sim, const char *label, const char *description, const char *session);
void sim_task_set_cancellable(SimObject *task, gboolean cancellable);
/* The toolstack writes the status last, so whoever sees the status sees the rest. */
void sim_task_succeed(Sim *sim, SimObject *task, const char *result);
void sim_task_fail(Sim *sim, SimObject *task, const SimValue *error);
void sim_task_cancelled(Sim *sim, SimObject *task);
gboolean sim_task_is_pending(const SimObject *task);
/* Marks in current_operations what somebody wants of it: "cancel" or "destroy". The entry has no
 * task to name (captures: task_get_record_cancelled). */
void sim_task_note_wish(Sim *sim, SimObject *task, const char *wish);
/* "<value>...</value>", as task.result holds it whatever the encoding of the call */
char *sim_task_result_of(const SimValue *value);
/* Drops what has been finished for 65 minutes, and the oldest finished ones beyond 200. */
void sim_tasks_collect(Sim *sim);

G_END_DECLS
