/* What the sequencer's tests stand on: a remote that answers when the test says so. */
#pragma once

#include "base/sequencer.h"

G_BEGIN_DECLS

typedef struct {
    GString *trace; /* what ran, in order */
    GPtrArray *items;
    GPtrArray *waiting; /* (element-type Call): asked and not answered yet */
    XdClock *clock;
    GCancellable *cancellable;
    char *result;
    GError *error;
    GError *caught; /* by xd_op_try() */
    gboolean ended;
    guint failures; /* of "flaky" */
    XdOp *op;       /* of "in-parts" */
} World;

typedef struct _Call Call;

World *world_new(void);
void world_free(World *world);
/* Stands for xd_op_call(): pends until the test answers. */
void ask(XdOp *op, World *world);
/* Runs @steps and turns the loop until nothing moves. */
void start(World *world, const XdStep *steps);
void start_with(World *world, const XdStep *steps, XdRunOptions options);
/* Ends a call, with @error (transfer full), and nothing else. */
void call_end(Call *call, GError *error);
/* Ends the call number @index of those that wait, with @error (transfer full). */
void answer(World *world, guint index, GError *error);
void advance(World *world, gint64 ms);
void spin(void);
GError *trouble(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

#define STEP_NEXT(NAME)                                                                            \
    static void NAME(XdOp *op, gpointer data G_GNUC_UNUSED)                                        \
    {                                                                                              \
        g_string_append(((World *) xd_op_get_state(op))->trace, " " #NAME);                        \
        xd_op_next(op);                                                                            \
    }
#define STEP_ASK(NAME)                                                                             \
    static void NAME(XdOp *op, gpointer data G_GNUC_UNUSED)                                        \
    {                                                                                              \
        g_string_append(((World *) xd_op_get_state(op))->trace, " " #NAME);                        \
        ask(op, xd_op_get_state(op));                                                              \
    }

G_END_DECLS
