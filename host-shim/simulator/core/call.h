/* A running API call: parameters, task, locks, steps, and its one end. */
#pragma once

#include "core/faults.h"
#include "core/sim.h"
#include "wire/rpc.h"

G_BEGIN_DECLS

/* Takes note of the end of a call; @answer belongs to the call, and is NULL where none will
 * ever come because the toolstack is gone. */
typedef void (*SimCallDone)(SimCall *call, const SimAnswer *answer, gpointer data);

/* What starts a call. */
typedef struct {
    const char *method;     /* as on the wire, with "Async." or not */
    const SimValue *params; /* array, with the session where the call takes one */
    const SimNode *node;    /* that was asked */
    gboolean trusted;       /* from inside: no session among the parameters, every right */
    SimCall *parent;        /* (nullable): whose task ours is a subtask of */
    SimValue *task_config;  /* (nullable): other_config of its task, from request headers */
    SimFault *fault;        /* (nullable): one that concerns the task */
    SimCallDone done;
    gpointer data;
} SimCallStart;

typedef void (*SimHandler)(SimCall *call);

typedef struct {
    const char *method;
    SimHandler handler;
} SimHandlerEntry;

#define SIM_STORAGE_PACE (-1.0) /* the time that storage takes */
#define SIM_MOMENT       (-2.0) /* a part of that: long enough to be seen */

/**
 * SimStep:
 *
 * A part of an operation that takes time: after @share of the pace, or one of the above, and at
 * least one turn of the loop, the task's progress is set (-1: left alone) and @run is called. It
 * goes on where it returns %TRUE; where it returns %FALSE it has failed or finished the call
 * itself, or will call sim_call_continue().
 */
typedef struct {
    gboolean (*run)(SimCall *call);
    double share;
    double progress;
} SimStep;

SimCalls *sim_calls_new(Sim *sim);
void sim_calls_free(SimCalls *calls);
void sim_calls_register(SimCalls *calls, const SimHandlerEntry *entries); /* ended by NULL */
gboolean sim_calls_implements(SimCalls *calls, const char *method);
/* Every call that runs or waits ends without an answer: the toolstack is gone. What others do for
 * them is done to the end on nodes that are up. */
void sim_calls_abandon(SimCalls *calls);
/* Calls that do something end, and all that was done for them; those that wait for events go on. */
void sim_calls_abandon_work(SimCalls *calls);

/* Starts a call. It may end, and @done be called, before this returns. @done gets NULL for the
 * call where there never was one. */
void sim_call_start(Sim *sim, const SimCallStart *start);
/* Nobody waits for the answers of @data any more; calls that only wait for events end. */
void sim_calls_forget(SimCalls *calls, gpointer data);

/* The ends; exactly one of them. */
void sim_call_return(SimCall *call, SimValue *value); /* takes @value; NULL: void */
void sim_call_fail(SimCall *call, const char *code, ...) G_GNUC_NULL_TERMINATED;
void sim_call_fail_with(SimCall *call, SimValue *error); /* takes @error */
void sim_call_fail_internal(SimCall *call, const char *format, ...) G_GNUC_PRINTF(2, 3);
gboolean sim_call_is_over(const SimCall *call);

SimCall *sim_call_ref(SimCall *call);
void sim_call_unref(SimCall *call);
Sim *sim_call_sim(const SimCall *call);
SimDatabase *sim_call_db(const SimCall *call);
const SimMessage *sim_call_message(const SimCall *call);
const char *sim_call_name(const SimCall *call); /* "VM.start" */
const SimNode *sim_call_node(const SimCall *call);
const char *sim_call_session(const SimCall *call); /* "" where there is none */
SimObject *sim_call_task(const SimCall *call);     /* (nullable) */
/* The work is done on @host: that is where its task is. */
void sim_call_forward(SimCall *call, const SimObject *host);
/* The key of current_operations: the task, or a made-up one. */
const char *sim_call_key(const SimCall *call);

/* Parameters, the session not counted, already of their types. */
guint sim_call_n_args(const SimCall *call);
const SimValue *sim_call_arg(const SimCall *call, guint index); /* (nullable): left out */
const char *sim_call_text(const SimCall *call, guint index);
/* (nullable): fails the call with HANDLE_INVALID where the reference is dead */
SimObject *sim_call_object(SimCall *call, guint index);
/* (nullable): the same for a reference from elsewhere */
SimObject *sim_call_find(SimCall *call, const char *class_name, const char *ref);

/* All that a setter does: writes the parameters into the field of its object, and returns. */
void sim_call_set_field(SimCall *call, const char *field);
void sim_call_add_to_field(SimCall *call, const char *field);
void sim_call_remove_from_field(SimCall *call, const char *field);

/**
 * sim_call_lock:
 *
 * Enters @operation into current_operations of @object until the call ends. Where another
 * operation is in the way the call waits for its end and its handler is called again from the
 * start, as the toolstack tries again.
 *
 * Returns: %FALSE where the call waits, or has failed: the handler returns at once
 */
gboolean sim_call_lock(SimCall *call, SimObject *object, const char *operation);
/* The same where something else than the object's own operations is in the way. */
void sim_call_wait(SimCall *call);
/* The same without a question: for the parts of a larger operation. */
void sim_call_mark(SimCall *call, SimObject *object, const char *operation);
void sim_call_unmark(SimCall *call, SimObject *object);

/* @state is freed with @free_state when the call ends. */
void sim_call_run(SimCall *call, const SimStep *steps, gpointer state, GDestroyNotify free_state);
void sim_call_continue(SimCall *call);
/* The step that runs now runs once more before the next. */
void sim_call_repeat(SimCall *call);
/* Starts another call as a part of a step: with a task of its own, a subtask of ours. Where it
 * fails ours fails likewise; else @done is told of the result, and ours goes on. Takes @params.
 */
void sim_call_spawn(SimCall *call, const char *method, SimValue *params,
                    void (*done)(SimCall *call, const SimValue *result));
gpointer sim_call_state(const SimCall *call);
/* What the call returns when its last step is done; takes @value. */
void sim_call_set_result(SimCall *call, SimValue *value);
/* Called where the call fails or is cancelled after this, before its locks go. */
void sim_call_set_abort(SimCall *call, void (*abort)(SimCall *call));
/* Called where the toolstack ends in the middle of the call: what others go on with, who are not
 * the toolstack. NULL: nothing. */
void sim_call_set_orphan(SimCall *call, void (*orphan)(SimCall *call));
/* For an orphan: who runs the domains of @host was told what to do, and does it where @host is up: the
 * steps that are left, up to one that sets another orphan, or none. */
void sim_call_go_on_alone(SimCall *call, const SimObject *host);
/* The point of no return: from here on task.cancel has no effect. */
void sim_call_set_cancellable(SimCall *call, gboolean cancellable);
gboolean sim_call_is_cancellable(const SimCall *call);
/* From here on the call looks for itself whether it was cancelled, for it has to tidy up first,
 * and ends with sim_call_end_cancelled(). */
void sim_call_handle_cancel(SimCall *call);
gboolean sim_call_is_cancelled(const SimCall *call);
void sim_call_end_cancelled(SimCall *call);
/* Asks a call to end as cancelled; it does at its next step. */
void sim_call_cancel(SimCall *call);
/* (nullable) */
SimCall *sim_calls_find_task(SimCalls *calls, const SimObject *task);
SimCall *sim_calls_find_key(SimCalls *calls, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimCall, sim_call_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimCalls, sim_calls_free)

G_END_DECLS
