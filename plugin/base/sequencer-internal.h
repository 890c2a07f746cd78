/* What the files of the sequencer share: sequencer.c walks through tables, sequencer-run.c begins and ends
 * a run and takes back, sequencer-report.c tells what is planned and how far it is. */
#pragma once

#include "base/sequencer.h"

G_BEGIN_DECLS

typedef struct {
    const char *name;
    XdStepFunc func;
    gpointer data;
    guint index; /* of the step in the operation's table */
} Undo;

typedef struct _Run Run;

/* A branch: one walk through one table. The root walks the operation's table, each item of an
 * xd_op_each() has one, and so has each undo. */
struct _XdOp {
    Run *run;
    XdOp *parent;
    const XdStep *steps;
    guint index;
    gpointer data;
    GError *error;

    guint tail_calls; /* of the running step: exactly one */
    gboolean pending; /* xd_op_pend() awaits xd_op_complete() */
    gboolean turning; /* op_turn() is on the stack */
    gboolean again;   /* ... and shall go round once more */
    gboolean timed_out;
    guint attempt;   /* of the running step, from 0 */
    guint limit_s;   /* its time limit */
    double fraction; /* of the running step */
    GCancellable *cancellable;
    GSource *deadline;
    GSource *delay;

    GPtrArray *items; /* of xd_op_each() */
    const XdStep *item_steps;
    guint width;
    guint next_item;
    guint done_items;
    gboolean launching;
    GError **caught;     /* of xd_op_try(): where failures go */
    GPtrArray *children; /* (element-type XdOp): running ones, borrowed */
};

struct _Run {
    GTask *task;
    XdRunOptions options;
    const XdStep *steps; /* the operation's table */
    gpointer state;
    GDestroyNotify free_state;
    GArray *undo; /* (element-type Undo) */
    GError *error;
    GError *stop; /* cancelled from outside, or out of time */
    gboolean rolling_back;
    gboolean no_return;
    gboolean ignores_cancelling;
    gboolean made_good;
    XdOp *current; /* the root, later the running undo */
    XdStep undo_steps[2];
    guint undo_index; /* of the step that is being taken back */
    GSource *user_cancel;
    GSource *deadline;
    gpointer result;
    GDestroyNotify free_result;
    double reported;
    gint64 reported_at;
};

XdOp *xd_op_new(Run *run, XdOp *parent, const XdStep *steps, gpointer data);
void xd_op_free(XdOp *op);
void xd_op_turn(XdOp *op);
XdOp *xd_op_root(XdOp *op);
/* Stops whatever the branch waits for. Its end always comes from the loop, through
 * xd_op_complete(), so that callers may walk over branches. */
void xd_op_cancel(XdOp *op);

/* The operation's own branch has ended, or an undo. */
void xd_run_branch_ended(Run *run, XdOp *op);

void xd_op_plan_step(XdOpPlan *plan, const XdStep *step);
/* @now: also if something was reported a moment ago */
void xd_op_report(XdOp *op, guint64 bytes_done, guint64 bytes_total, gboolean now);

G_END_DECLS
