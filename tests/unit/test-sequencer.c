/* The sequencer on its own, with a remote that answers when the test says so. */
#include "sequencer-world.h"

STEP_NEXT(first)
STEP_NEXT(second)
STEP_NEXT(undo_first)
STEP_NEXT(undo_second)
STEP_ASK(call)
STEP_ASK(undo_call)

static void
give_result(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    xd_op_set_result(op, g_strdup("result"), g_free);
    xd_op_next(op);
}

static void
give_up(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    xd_op_fail(op, trouble());
}

static void
test_order(void)
{
    static const XdStep steps[] = {
        {"first", first, undo_first, 1, 5},
        {"call", call, NULL, 1, 5},
        {"second", second, undo_second, 1, 5},
        {"give-result", give_result, NULL, 1, 5},
        {0},
    };
    g_autoptr(World) world = world_new();

    start(world, steps);
    g_assert_cmpstr(world->trace->str, ==, " first call");
    answer(world, 0, NULL);
    g_assert_no_error(world->error);
    g_assert_cmpstr(world->result, ==, "result");
    g_assert_cmpstr(world->trace->str, ==, " first call second");
}

static void
test_rollback(void)
{
    static const XdStep steps[] = {
        {"first", first, undo_first, 1, 5},
        {"second", second, undo_second, 1, 5},
        {"call", call, undo_call, 1, 5},
        {0},
    };
    g_autoptr(World) world = world_new();

    start(world, steps);
    answer(world, 0, trouble());
    answer(world, 0, NULL); /* the undo's own call */
    g_assert_cmpstr(world->trace->str, ==, " first second call undo_call undo_second undo_first");
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_BUSY);
    g_assert_cmpstr(world->error->message, ==, "test it: call: trouble");
}

STEP_ASK(settle)
STEP_ASK(catch_up)

/* What may still be under way is waited for, before the first undo and only where there is one. */
static void
test_settle(void)
{
    static const XdStep steps[] = {
        {"first", first, undo_first, 1, 5}, {"call", call, NULL, 1, 5}, {0}};
    static const XdStep bare[] = {{"call", call, NULL, 1, 5}, {0}};
    g_autoptr(World) world = world_new();
    g_autoptr(World) nothing = world_new();

    start_with(world, steps, (XdRunOptions){.settle = settle});
    answer(world, 0, trouble());
    g_assert_cmpstr(world->trace->str, ==, " first call settle");
    answer(world, 0, NULL);
    g_assert_cmpstr(world->trace->str, ==, " first call settle undo_first");
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_BUSY);

    start_with(nothing, bare, (XdRunOptions){.settle = settle});
    answer(nothing, 0, trouble());
    g_assert_cmpstr(nothing->trace->str, ==, " call");
    g_assert_true(nothing->ended);
}

/* ... and after the last one the picture is brought up to date. */
static void
test_catch_up(void)
{
    static const XdStep steps[] = {
        {"first", first, undo_first, 1, 5}, {"call", call, NULL, 1, 5}, {0}};
    g_autoptr(World) world = world_new();

    start_with(world, steps, (XdRunOptions){.settle = settle, .catch_up = catch_up});
    answer(world, 0, trouble());
    answer(world, 0, NULL);
    g_assert_cmpstr(world->trace->str, ==, " first call settle undo_first catch_up");
    g_assert_false(world->ended);
    answer(world, 0, NULL);
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_BUSY);
}

static void
test_leftovers(void)
{
    static const XdStep steps[] = {
        {"first", first, undo_first, 1, 5},
        {"call", call, undo_call, 1, 5},
        {0},
    };
    g_autoptr(World) world = world_new();

    start(world, steps);
    answer(world, 0, trouble());
    answer(world, 0, xd_error_new(HVD_ERROR_NOT_REACHABLE, "gone"));
    g_assert_cmpstr(world->trace->str, ==, " first call undo_call undo_first");
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_LEFTOVERS);
    g_assert_cmpstr(world->error->message, ==, "test it: call: trouble");
    g_assert_cmpstr(xd_error_get_leftovers(world->error)[0], ==, "call: call: gone");
    g_assert_null(xd_error_get_leftovers(world->error)[1]);
}

static void
test_cancel(void)
{
    static const XdStep steps[] = {
        {"first", first, undo_first, 1, 5},
        {"call", call, undo_call, 1, 5},
        {0},
    };
    g_autoptr(World) world = world_new();

    start(world, steps);
    g_cancellable_cancel(world->cancellable);
    spin();
    /* the pending call was waited for, and the undo's call does not inherit the cancellation */
    g_assert_cmpstr(world->trace->str, ==, " first call <cancelled> undo_call");
    answer(world, 0, NULL);
    g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_cancel_before(void)
{
    static const XdStep steps[] = {{"first", first, undo_first, 1, 5}, {0}};
    g_autoptr(World) world = world_new();

    g_cancellable_cancel(world->cancellable);
    start(world, steps);
    g_assert_cmpstr(world->trace->str, ==, "");
    g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Cancelled while the last call is answered: what happened counts. */
static void
test_cancel_late(void)
{
    static const XdStep steps[] = {
        {"give-result", give_result, NULL, 1, 5},
        {"call", call, undo_call, 1, 5},
        {0},
    };
    g_autoptr(World) world = world_new();
    Call *last;

    start(world, steps);
    last = g_ptr_array_index(world->waiting, 0);
    g_cancellable_cancel(world->cancellable);
    call_end(last, NULL);
    spin();
    g_assert_no_error(world->error);
    g_assert_cmpstr(world->result, ==, "result");
}

static void
test_deadline(void)
{
    static const XdStep steps[] = {{"call", call, undo_call, 1, 5}, {0}};
    g_autoptr(World) world = world_new();

    start(world, steps);
    advance(world, 4999);
    g_assert_cmpstr(world->trace->str, ==, " call");
    advance(world, 1);
    g_assert_cmpstr(world->trace->str, ==, " call <cancelled> undo_call");
    advance(world, 7000); /* the undo has a deadline as well */
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_LEFTOVERS);
    g_assert_cmpstr(world->error->message, ==, "test it: call: not done within 5 s");
}

static void
in_parts(XdOp *op, gpointer data)
{
    World *world = data;

    world->op = op;
    xd_op_begin_part(op, 2);
    ask(op, world);
}

/* Each part has its own time. */
static void
test_parts(void)
{
    static const XdStep steps[] = {{"in-parts", in_parts, undo_call, 1, 5}, {0}};
    g_autoptr(World) world = world_new();

    start(world, steps);
    advance(world, 1999);
    xd_op_begin_part(world->op, 9);
    advance(world, 8999);
    xd_op_begin_part(world->op, 0);
    advance(world, 4999);
    g_assert_cmpuint(world->waiting->len, ==, 1);
    g_assert_cmpstr(world->trace->str, ==, "");
    advance(world, 1);
    g_assert_cmpstr(world->trace->str, ==, " <cancelled> undo_call");
    answer(world, 0, NULL);
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_TIMED_OUT);
    g_assert_cmpstr(world->error->message, ==, "test it: in-parts: not done within 5 s");
}

static void
on_progress(const HvdProgress *progress, gpointer data)
{
    g_string_append_printf(((World *) data)->trace, " [%s %u/%u]", progress->step,
                           progress->step_index, progress->n_steps);
}

/* When a step begins, however short the one before was; and in the middle of one every 50 ms. */
static void
test_progress(void)
{
    static const XdStep steps[] = {{"a", first, NULL, 1, 5},
                                   {"b", second, undo_second, 1, 5},
                                   {"c", in_parts, NULL, 8, 5},
                                   {0}};
    g_autoptr(World) world = world_new();

    start_with(world, steps, (XdRunOptions){.progress = on_progress, .progress_data = world});
    g_assert_cmpstr(world->trace->str, ==, " [a 0/3] first [b 1/3] second [c 2/3]");
    g_string_set_size(world->trace, 0);
    for (guint i = 0; i < 100; i++) {
        xd_op_set_progress(world->op, i / 100.0, 0, 0);
        xd_op_set_progress(world->op, i / 100.0, 0, 0);
        advance(world, 1);
    }
    g_assert_cmpstr(world->trace->str, ==, " [c 2/3]"); /* the first of them came with the step */
    g_string_set_size(world->trace, 0);
    answer(world, 0, trouble());
    g_assert_cmpstr(world->trace->str, ==, " [undo b 1/3] undo_second");
}

static void
test_total_deadline(void)
{
    static const XdStep steps[] = {{"call", call, NULL, 1, 5}, {"more", call, NULL, 1, 5}, {0}};
    g_autoptr(World) world = world_new();

    start_with(world, steps, (XdRunOptions){.timeout_ms = 6000});
    advance(world, 4000);
    answer(world, 0, NULL);
    advance(world, 2000);
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_TIMED_OUT);
}

static void
flaky(XdOp *op, gpointer data)
{
    World *world = data;

    g_string_append(world->trace, " flaky");
    if (world->failures == 0) {
        xd_op_next(op);
        return;
    }
    world->failures--;
    xd_op_retry(op, trouble(), 3, 1000);
}

static void
test_retry(void)
{
    static const XdStep steps[] = {{"flaky", flaky, NULL, 1, 5}, {0}};
    g_autoptr(World) good = world_new();
    g_autoptr(World) bad = world_new();

    good->failures = 2;
    start(good, steps);
    advance(good, 1000);
    g_assert_false(good->ended);
    advance(good, 1000);
    g_assert_true(good->ended);
    g_assert_no_error(good->error);
    g_assert_cmpstr(good->trace->str, ==, " flaky flaky flaky");

    bad->failures = 9;
    start(bad, steps);
    advance(bad, 1000);
    advance(bad, 1000);
    g_assert_error(bad->error, XD_ERROR, HVD_ERROR_BUSY);
}

/* The deadline covers the attempts together, and cancelling ends the delay. */
static void
test_retry_stopped(void)
{
    static const XdStep steps[] = {{"flaky", flaky, NULL, 1, 1}, {0}};
    g_autoptr(World) late = world_new();
    g_autoptr(World) cancelled = world_new();

    late->failures = cancelled->failures = 9;
    start(late, steps);
    advance(late, 999);
    g_assert_false(late->ended);
    advance(late, 1);
    g_assert_true(late->ended);
    g_assert_error(late->error, XD_ERROR, HVD_ERROR_TIMED_OUT);

    start(cancelled, steps);
    g_cancellable_cancel(cancelled->cancellable);
    spin();
    g_assert_error(cancelled->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpstr(cancelled->trace->str, ==, " flaky");
}

/* After the point of no return nothing before it is undone and cancelling is too late. */
static void
test_no_return(void)
{
    static const XdStep steps[] = {
        {"first", first, undo_first, 1, 5},
        {"point-of-no-return", xd_op_point_of_no_return, NULL, 0, 1},
        {"call", call, undo_second, 1, 5},
        {"give-up", give_up, NULL, 1, 5},
        {0},
    };
    g_autoptr(World) world = world_new();

    start(world, steps);
    g_cancellable_cancel(world->cancellable);
    spin();
    answer(world, 0, NULL);
    g_assert_cmpstr(world->trace->str, ==, " first call undo_second");
    g_assert_error(world->error, XD_ERROR, HVD_ERROR_BUSY);
}

/* An undo may go forward: then the operation has succeeded after all, unless something is left. */
static void
test_make_good(void)
{
    static const XdStep good[] = {
        {"give-up", give_up, xd_op_make_good, 1, 5},
        {0},
    };
    static const XdStep left[] = {
        {"call", call, undo_call, 1, 5},
        {"give-up", give_up, xd_op_make_good, 1, 5},
        {0},
    };
    g_autoptr(World) world = world_new();
    g_autoptr(World) leaves = world_new();

    start(world, good);
    g_assert_true(world->ended);
    g_assert_no_error(world->error);

    start(leaves, left);
    answer(leaves, 0, NULL);
    answer(leaves, 0, trouble()); /* the undo of the first step */
    g_assert_error(leaves->error, XD_ERROR, HVD_ERROR_LEFTOVERS);
}

static void
no_tail(XdOp *op G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
}

static void
two_tails(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    xd_op_next(op);
    xd_op_fail(op, trouble());
}

static void
test_tail_calls(void)
{
    static const XdStep none[] = {{"no-tail", no_tail, undo_first, 1, 5}, {0}};
    static const XdStep two[] = {
        {"two-tails", two_tails, NULL, 1, 5}, {"s", second, NULL, 1, 5}, {0}};
    g_autoptr(World) a = world_new();
    g_autoptr(World) b = world_new();

    g_test_expect_message("xd-base", G_LOG_LEVEL_CRITICAL, "*no-tail ended in 0 tail calls*");
    start(a, none);
    g_test_assert_expected_messages();
    g_assert_error(a->error, XD_ERROR, HVD_ERROR_FAILED);
    g_assert_cmpstr(a->trace->str, ==, " undo_first");

    g_test_expect_message("xd-base", G_LOG_LEVEL_CRITICAL, "*two-tails ended in 2 tail calls*");
    start(b, two);
    g_test_assert_expected_messages();
    g_assert_no_error(b->error);
    g_assert_cmpstr(b->trace->str, ==, " second");
}

static void
item_quick(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    xd_op_next(op);
}

static void
each_quick(XdOp *op, gpointer data)
{
    static const XdStep quick[] = {{"quick", item_quick, NULL, 1, 1}, {0}};

    xd_op_each(op, ((World *) data)->items, quick, 4);
}

/* A hundred thousand items that end at once need no deep stack. */
static void
test_trampoline(void)
{
    static const XdStep steps[] = {{"each", each_quick, NULL, 1, 5}, {0}};
    g_autoptr(World) world = world_new();

    for (guint i = 0; i < 100000; i++)
        g_ptr_array_add(world->items, (gpointer) "x");
    start(world, steps);
    g_assert_true(world->ended);
    g_assert_no_error(world->error);
}

static void
plan_step(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    xd_op_plan_call(op, "VM.start", "[]");
    xd_op_next(op);
}

static void
test_plan(void)
{
    static const XdStep steps[] = {
        {"first", first, undo_first, 1, 5},
        {"start", plan_step, NULL, 1, 5},
        {0},
    };
    g_autoptr(World) world = world_new();
    g_autoptr(XdOpPlan) plan = xd_op_plan_new();
    const XdOpPlanStep *step;

    start_with(world, steps, (XdRunOptions){.plan = plan});
    g_assert_no_error(world->error);
    g_assert_cmpuint(plan->steps->len, ==, 2);
    step = g_ptr_array_index(plan->steps, 0);
    g_assert_cmpstr(step->step, ==, "first");
    g_assert_true(step->has_undo);
    step = g_ptr_array_index(plan->steps, 1);
    g_assert_cmpuint(step->calls->len, ==, 1);
    g_assert_cmpstr(((XdOpPlanCall *) g_ptr_array_index(step->calls, 0))->method, ==, "VM.start");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/sequencer/order", test_order);
    g_test_add_func("/base/sequencer/rollback", test_rollback);
    g_test_add_func("/base/sequencer/settle", test_settle);
    g_test_add_func("/base/sequencer/catch-up", test_catch_up);
    g_test_add_func("/base/sequencer/leftovers", test_leftovers);
    g_test_add_func("/base/sequencer/cancel", test_cancel);
    g_test_add_func("/base/sequencer/cancel-before", test_cancel_before);
    g_test_add_func("/base/sequencer/cancel-late", test_cancel_late);
    g_test_add_func("/base/sequencer/deadline", test_deadline);
    g_test_add_func("/base/sequencer/parts", test_parts);
    g_test_add_func("/base/sequencer/progress", test_progress);
    g_test_add_func("/base/sequencer/total-deadline", test_total_deadline);
    g_test_add_func("/base/sequencer/retry", test_retry);
    g_test_add_func("/base/sequencer/retry-stopped", test_retry_stopped);
    g_test_add_func("/base/sequencer/no-return", test_no_return);
    g_test_add_func("/base/sequencer/make-good", test_make_good);
    g_test_add_func("/base/sequencer/tail-calls", test_tail_calls);
    g_test_add_func("/base/sequencer/trampoline", test_trampoline);
    g_test_add_func("/base/sequencer/plan", test_plan);
    return g_test_run();
}
