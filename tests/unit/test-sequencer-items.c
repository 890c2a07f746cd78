/* The sequencer's tail calls over items and nested tables. */
#include "sequencer-world.h"

STEP_NEXT(first)
STEP_NEXT(second)
STEP_NEXT(undo_first)
STEP_NEXT(undo_second)
STEP_ASK(call)

static void
give_up(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    xd_op_fail(op, trouble());
}

static void
item_call(XdOp *op, gpointer data)
{
    World *world = xd_op_get_state(op);

    g_string_append_printf(world->trace, " +%s", (const char *) data);
    ask(op, world);
}

static void
item_undo(XdOp *op, gpointer data)
{
    World *world = xd_op_get_state(op);

    g_string_append_printf(world->trace, " -%s", (const char *) data);
    xd_op_next(op);
}

static const XdStep item_steps[] = {{"item", item_call, item_undo, 1, 5}, {0}};

static void
each_wide(XdOp *op, gpointer data)
{
    World *world = data;

    xd_op_each(op, world->items, item_steps, 2);
}

static void
add_items(World *world)
{
    g_ptr_array_add(world->items, (gpointer) "a");
    g_ptr_array_add(world->items, (gpointer) "b");
    g_ptr_array_add(world->items, (gpointer) "c");
}

static const XdStep each_steps[] = {
    {"each", each_wide, undo_first, 3, 60},
    {"second", second, NULL, 1, 5},
    {0},
};

static void
test_each(void)
{
    g_autoptr(World) world = world_new();
    g_autoptr(World) empty = world_new();

    add_items(world);
    start(world, each_steps);
    g_assert_cmpstr(world->trace->str, ==, " +a +b");
    answer(world, 1, NULL);
    g_assert_cmpstr(world->trace->str, ==, " +a +b +c");
    answer(world, 0, NULL);
    answer(world, 0, NULL);
    g_assert_cmpstr(world->trace->str, ==, " +a +b +c second");
    g_assert_no_error(world->error);

    start(empty, each_steps);
    g_assert_cmpstr(empty->trace->str, ==, " second");
    g_assert_true(empty->ended);
}

static void
test_each_fails(void)
{
    g_autoptr(World) world = world_new();

    add_items(world);
    start(world, each_steps);
    answer(world, 1, trouble());
    /* the sibling is stopped and awaited, the third never starts, undo goes newest first */
    g_assert_cmpstr(world->trace->str, ==, " +a +b <cancelled> -b -a undo_first");
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_BUSY);
    g_assert_cmpstr(world->error->message, ==, "test it: each: item: trouble");
}

static void
test_each_cancelled(void)
{
    g_autoptr(World) world = world_new();

    add_items(world);
    start(world, each_steps);
    g_cancellable_cancel(world->cancellable);
    spin();
    g_assert_cmpstr(world->trace->str, ==, " +a +b <cancelled> <cancelled> -b -a undo_first");
    g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* The deadline of the step that holds the items covers them together. */
static void
test_each_deadline(void)
{
    static const XdStep steps[] = {{"each", each_wide, NULL, 3, 4}, {0}};
    g_autoptr(World) world = world_new();

    add_items(world);
    start(world, steps);
    advance(world, 4000);
    g_assert_cmpstr(world->trace->str, ==, " +a +b <cancelled> <cancelled> -b -a");
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_TIMED_OUT);
    g_assert_cmpstr(world->error->message, ==, "test it: each: not done within 4 s");
}

static void
nested(XdOp *op, gpointer data)
{
    static const XdStep inner[] = {
        {"first", first, undo_first, 1, 5},
        {"give-up", give_up, undo_second, 1, 5},
        {0},
    };

    xd_op_table(op, inner, data);
}

static void
test_table(void)
{
    static const XdStep steps[] = {{"nested", nested, NULL, 1, 9}, {0}};
    g_autoptr(World) world = world_new();

    start(world, steps);
    g_assert_cmpstr(world->trace->str, ==, " first undo_second undo_first");
    g_assert_cmpstr(world->error->message, ==, "test it: nested: give-up: trouble");
}

/* ---- what may fail ---- */

static void
try_call(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {{"call", call, NULL, 1, 30}, {0}};

    xd_op_try(op, steps, data, &((World *) data)->caught);
}

static const XdStep try_steps[] = {
    {"try", try_call, NULL, 1, 10},
    {"second", second, NULL, 1, 10},
    {0},
};

static void
test_try(void)
{
    g_autoptr(World) world = world_new();

    start(world, try_steps);
    answer(world, 0, trouble());
    g_assert_true(world->ended);
    g_assert_no_error(world->error);
    g_assert_cmpstr(world->caught->message, ==, "call: trouble");
    g_assert_nonnull(strstr(world->trace->str, " second"));
}

static void
test_try_succeeds(void)
{
    g_autoptr(World) world = world_new();

    start(world, try_steps);
    answer(world, 0, NULL);
    g_assert_no_error(world->error);
    g_assert_no_error(world->caught);
}

/* Its time is over: that is what is told, and the operation goes on with the next step. */
static void
test_try_deadline(void)
{
    g_autoptr(World) world = world_new();

    start(world, try_steps);
    advance(world, 10000);
    g_assert_true(world->ended);
    g_assert_no_error(world->error);
    g_assert_true(xd_error_is(world->caught, HVD_ERROR_TIMED_OUT));
}

/* Who is stopped does not go on as if a part had failed. */
static void
test_try_cancelled(void)
{
    g_autoptr(World) world = world_new();

    start(world, try_steps);
    g_cancellable_cancel(world->cancellable);
    spin();
    g_assert_true(world->ended);
    g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_no_error(world->caught);
}

static void
conclude(XdOp *op, gpointer data)
{
    ((World *) data)->op = op;
    xd_op_pend(op);
}

/* Who was stopped too late goes on, and what may fail still may. */
static void
test_try_concluded(void)
{
    static const XdStep steps[] = {
        {"conclude", conclude, NULL, 1, 10},
        {"try", try_call, NULL, 1, 10},
        {"second", second, NULL, 1, 10},
        {0},
    };
    g_autoptr(World) world = world_new();

    start(world, steps);
    g_cancellable_cancel(world->cancellable);
    spin();
    xd_op_commit(world->op);
    xd_op_complete(world->op, NULL);
    spin();
    answer(world, 0, trouble());
    g_assert_true(world->ended);
    g_assert_no_error(world->error);
    g_assert_cmpstr(world->caught->message, ==, "call: trouble");
    g_assert_nonnull(strstr(world->trace->str, " second"));
}

static void
on_progress(const HvdProgress *progress, gpointer data)
{
    World *world = data;

    g_assert_cmpuint(progress->struct_size, ==, sizeof *progress);
    g_string_append_printf(world->trace, " [%s %u/%u %.0f%%]", progress->step, progress->step_index,
                           progress->n_steps, progress->fraction * 100);
}

static void
test_progress(void)
{
    g_autoptr(World) world = world_new();

    add_items(world);
    start_with(world, each_steps, (XdRunOptions){.progress = on_progress, .progress_data = world});
    answer(world, 0, NULL);
    xd_clock_advance(world->clock, 60);
    answer(world, 0, NULL);
    answer(world, 0, NULL);
    g_assert_cmpstr(world->trace->str, ==, " [each 0/2 0%] +a +b +c [second 1/2 75%] second");
}

/* The numbers are those of the operation's own table, whatever table the step stands in. */
static void
test_progress_undo(void)
{
    static const XdStep steps[] = {
        {"first", first, undo_first, 1, 5}, {"each", each_wide, NULL, 3, 60}, {0}};
    g_autoptr(World) world = world_new();

    add_items(world);
    start_with(world, steps, (XdRunOptions){.progress = on_progress, .progress_data = world});
    g_string_set_size(world->trace, 0);
    answer(world, 1, trouble());
    g_assert_cmpstr(world->trace->str, ==,
                    " <cancelled> [undo item 1/2 25%] -b [undo item 1/2 25%] -a"
                    " [undo first 0/2 25%] undo_first");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/sequencer/each", test_each);
    g_test_add_func("/base/sequencer/each-fails", test_each_fails);
    g_test_add_func("/base/sequencer/each-cancelled", test_each_cancelled);
    g_test_add_func("/base/sequencer/each-deadline", test_each_deadline);
    g_test_add_func("/base/sequencer/table", test_table);
    g_test_add_func("/base/sequencer/try", test_try);
    g_test_add_func("/base/sequencer/try-succeeds", test_try_succeeds);
    g_test_add_func("/base/sequencer/try-deadline", test_try_deadline);
    g_test_add_func("/base/sequencer/try-cancelled", test_try_cancelled);
    g_test_add_func("/base/sequencer/try-concluded", test_try_concluded);
    g_test_add_func("/base/sequencer/progress", test_progress);
    g_test_add_func("/base/sequencer/progress-undo", test_progress_undo);
    return g_test_run();
}
