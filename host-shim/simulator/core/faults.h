/* Faults on request: which request goes wrong, when and how. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

typedef enum {
    SIM_FAULT_ERROR,
    SIM_FAULT_DROP,
    SIM_FAULT_HOLD,
    SIM_FAULT_GARBAGE,
    SIM_FAULT_STATUS,
    SIM_FAULT_REDIRECT,
    SIM_FAULT_TRUNCATE,
    SIM_FAULT_DOUBLE,
    SIM_FAULT_TASK_FAIL,
    SIM_FAULT_TASK_HANG,
    SIM_FAULT_TASK_VANISH,
    SIM_FAULT_STOP_AFTER,
    /* of transfers alone */
    SIM_FAULT_LENGTH, /* the answer announces @text as its length */
    SIM_FAULT_SHORT,  /* the bytes end here, and the task calls it a success */
    SIM_FAULT_FLOOD,  /* from here on the answer never ends */
} SimFaultAction;

typedef struct {
    guint references;
    char *id;
    char *method;   /* "VM.create", "/import_raw_vdi" or "*" */
    guint nth;      /* the first request, of those that fit, that goes wrong */
    guint count;    /* how many from there on; 0: all */
    gboolean after; /* executed first */
    /* Executed as far as @step, which is not: 0: all that it locks is locked. A call with fewer steps stands
     * before its end, with all its effects made. */
    gboolean middle;
    guint step;
    SimFaultAction action;
    SimValue *error;  /* code and parameters */
    gboolean in_task; /* the task of an Async. call fails, not the call; that of a status as well */
    /* Of a transfer: after how many body bytes; -1: at its beginning, or a task's at its end. Whatever
     * a task is made to say in the middle, the bytes go on. */
    gint64 bytes;
    char *text;         /* of a status: "404 Not Found" */
    char *tag;          /* NULL: any request */
    gboolean transfers; /* "*" counts data handlers too */
    guint seen;
    guint fired;
    gboolean released;
    GPtrArray *held; /* of SimHold */
} SimFault;

typedef void (*SimHoldFunc)(gpointer data);
typedef struct _SimHold SimHold;

SimFaults *sim_faults_new(Sim *sim);
void sim_faults_free(SimFaults *faults);
/* Reads one rule; %FALSE with @problem. */
gboolean sim_faults_add(SimFaults *faults, const SimValue *rule, char **problem);
/* @id: NULL: all. Held requests are released. */
void sim_faults_clear(SimFaults *faults, const char *id);
/* (transfer full) (nullable): counts the request with every rule that fits; the first that is
 * due is returned */
SimFault *
sim_faults_match(SimFaults *faults, const char *method, const char *tag, gboolean transfer);
void sim_fault_unref(SimFault *fault);
SimFault *sim_fault_ref(SimFault *fault);
/* It strikes inside the call, not the request or its answer. */
gboolean sim_fault_is_of_task(const SimFault *fault);

/* The rule takes effect now: whoever waits for it is told. */
void sim_faults_fired(SimFaults *faults, SimFault *fault);
/* Parks a request; @func is called at release. */
SimHold *sim_faults_hold(SimFaults *faults, SimFault *fault, SimHoldFunc func, gpointer data);
void sim_faults_unhold(SimHold *hold); /* its request is gone */
gboolean sim_faults_release(SimFaults *faults, const char *id);
/* Calls @func, perhaps at once, when the rule has fired. %FALSE: no such rule. */
gboolean sim_faults_wait(SimFaults *faults, const char *id, SimHoldFunc func, gpointer data);
void sim_faults_forget_waiter(SimFaults *faults, gpointer data);
SimValue *sim_faults_describe(SimFaults *faults);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimFault, sim_fault_unref)

G_END_DECLS
