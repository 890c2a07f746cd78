#include "sequencer-world.h"

struct _Call {
    World *world;
    XdOp *op;
    GSource *cancelled;
};

void
call_end(Call *call, GError *error)
{
    XdOp *op = call->op;

    xd_clear_source(&call->cancelled);
    g_ptr_array_remove(call->world->waiting, call);
    g_free(call);
    xd_op_complete(op, error);
}

static gboolean
on_call_cancelled(GCancellable *cancellable, gpointer data)
{
    Call *call = data;
    GError *error = NULL;

    g_cancellable_set_error_if_cancelled(cancellable, &error);
    g_string_append(call->world->trace, " <cancelled>");
    call_end(call, error);
    return G_SOURCE_REMOVE;
}

/* Stands for xd_op_call(): pends until the test answers. */
void
ask(XdOp *op, World *world)
{
    Call *call = g_new0(Call, 1);
    GCancellable *cancellable = xd_op_pend(op);

    call->world = world;
    call->op = op;
    call->cancelled = g_cancellable_source_new(cancellable);
    g_source_set_callback(call->cancelled, G_SOURCE_FUNC(on_call_cancelled), call, NULL);
    g_source_attach(call->cancelled, NULL);
    g_ptr_array_add(world->waiting, call);
}

World *
world_new(void)
{
    World *world = g_new0(World, 1);

    world->trace = g_string_new(NULL);
    world->items = g_ptr_array_new();
    world->waiting = g_ptr_array_new();
    world->clock = xd_clock_new_manual();
    world->cancellable = g_cancellable_new();
    return world;
}

void
world_free(World *world)
{
    g_assert_cmpuint(world->waiting->len, ==, 0);
    g_string_free(world->trace, TRUE);
    g_ptr_array_unref(world->items);
    g_ptr_array_unref(world->waiting);
    xd_clock_unref(world->clock);
    g_object_unref(world->cancellable);
    g_free(world->result);
    g_clear_error(&world->error);
    g_clear_error(&world->caught);
    g_free(world);
}

static void
on_ended(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    World *world = data;

    g_assert_false(world->ended);
    world->ended = TRUE;
    world->result = g_task_propagate_pointer(G_TASK(result), &world->error);
}

void
spin(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

void
start_with(World *world, const XdStep *steps, XdRunOptions options)
{
    GTask *task = g_task_new(NULL, world->cancellable, on_ended, world);

    options.what = "test it";
    options.operation = "test";
    options.clock = world->clock;
    options.undo_timeout_s = 7;
    xd_op_run(task, steps, world, NULL, &options);
    g_assert_false(world->ended); /* never before the caller's return */
    spin();
}

void
start(World *world, const XdStep *steps)
{
    start_with(world, steps, (XdRunOptions){0});
}

void
answer(World *world, guint index, GError *error)
{
    g_assert_cmpuint(index, <, world->waiting->len);
    call_end(g_ptr_array_index(world->waiting, index), error);
    spin();
}

void
advance(World *world, gint64 ms)
{
    xd_clock_advance(world->clock, ms);
    spin();
}

GError *
trouble(void)
{
    return xd_error_new(HVD_ERROR_BUSY, "trouble");
}
