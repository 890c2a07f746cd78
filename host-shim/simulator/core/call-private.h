/* The inside of a call, for the files of core/ that share it. */
#pragma once

#include "core/call.h"
#include "core/policy.h"

G_BEGIN_DECLS

struct _SimCall {
    guint references;
    Sim *sim;
    const SimMessage *message;
    SimHandler handler;
    const SimNode *node;
    char *session;
    char *key;       /* in current_operations */
    SimObject *task; /* NULL: none in the database */
    gboolean async;
    gboolean trusted;
    GPtrArray *args;
    SimCallDone done;
    gpointer data;
    SimFault *fault; /* that concerns the task; NULL: none */

    GPtrArray *marks; /* of SimMark: current_operations that are ours */
    const SimStep *steps;
    gpointer state;
    GDestroyNotify free_state;
    SimValue *result;
    void (*abort)(SimCall *call);
    void (*orphan)(SimCall *call);
    guint n_steps;  /* that have run */
    SimHold *hold;  /* in the middle; NULL: it is not held there */
    SimAnswer held; /* what it ends with when it is released */
    gboolean held_as_cancelled;
    guint timer;
    gboolean waiting; /* for a lock */
    gboolean cancellable;
    gboolean cancelled;
    gboolean tidies_up; /* before it ends as cancelled, by itself */
    gboolean over;
};

struct _SimCalls {
    Sim *sim;
    GHashTable *handlers; /* full name -> SimHandlerEntry */
    GHashTable *policies; /* class name -> SimPolicy */
    GPtrArray *running;   /* of SimCall, each holding a reference */
    guint retry_timer;
    gboolean abandoning;
};

/* The process ends: nothing goes on. */
void sim_calls_end(SimCalls *calls);
void sim_call_unmark_all(SimCall *call);
void sim_call_stop_steps(SimCall *call);
/* TRUE: a rule wants the call to stand here; at its end with @answer, which is taken, else before a step. */
gboolean sim_call_stand(SimCall *call, SimAnswer *answer, gboolean as_cancelled);
/* Ends the call; takes the members of @answer. */
void sim_call_finish(SimCall *call, SimAnswer *answer, gboolean as_cancelled);
/* Calls the handler, or answers for messages that need none. */
void sim_call_execute(SimCall *call);

/* Of dispatch.c and generic.c. */
void sim_generic_run(SimCall *call);

G_END_DECLS
