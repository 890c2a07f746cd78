/* The pool goes in the middle of an operation and never comes back, or a task there never ends: nobody waits
 * without end, and who does not know what has happened says so. */
#include "base/error.h"
#include "sweep.h"

#include <string.h>

/* The longest step has six hours, for the bytes of a disk; then come its grace and ten minutes for each undo. */
#define PATIENCE_MS (G_GINT64_CONSTANT(7) * 3600 * 1000)
/* The longest one that waits for the pool, a live migration, has two. */
#define GONE_MS  (G_GINT64_CONSTANT(3) * 3600 * 1000)
#define PIECE_MS 5000

/* Each attempt to connect is one of the real world. */
static const char *const seldom[] = {"session.reconnect-max=3600", NULL};

static TestPool *pool;

static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, const char *const *fields G_GNUC_UNUSED,
       gpointer data G_GNUC_UNUSED)
{
}

static World *
begin(const Sweep *sweep, guint call, const char *rule)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    World *world;

    sweep_restore(sweep);
    world = world_new_with(pool, TRUE, seldom, &callbacks);
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"*\",\"nth\":%u,"
                      "\"transfers\":true,%s}}",
                      call, rule);
    world_start(world, sweep->operation, NULL);
    world->still = TRUE; /* on a slow machine its time would be over before it comes there */
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    world->still = FALSE;
    return world;
}

static void
expect_end(World *world, const char *what)
{
    gint64 ms = world_pass(world, GONE_MS, PIECE_MS, world_has_ended);

    if (!world->ended)
        g_error("%s: does not end", what);
    g_test_message("%s: after %" G_GINT64_FORMAT " s: %s", what, ms / 1000,
                   world->error != NULL ? world->error->message : "succeeded");
}

/* What it says, when the pool is there again to say what is true. A success is what was seen before. */
static void
expect_truth(const Sweep *sweep, const GError *error, const char *what)
{
    gboolean denies =
        xd_error_is(error, HVD_ERROR_NOT_REACHABLE) || xd_error_is(error, HVD_ERROR_TIMED_OUT);
    gboolean doubts =
        xd_error_is(error, HVD_ERROR_UNKNOWN_OUTCOME) || xd_error_is(error, HVD_ERROR_LEFTOVERS);
    gboolean happened;

    if (error != NULL && !denies && !doubts)
        g_error("%s: %s", what, error->message);
    if (doubts || strcmp(sweep->before, sweep->after) == 0)
        return;
    happened = sweep_check(sweep, FALSE, what, error != NULL ? error->message : "succeeded");
    if (happened != (error == NULL))
        g_error("%s: %s", what,
                happened ? "it has happened, and is said not to have" : "nothing has happened");
}

static void
lose_pool(const Sweep *sweep, guint call, const char *when)
{
    g_autofree char *what = g_strdup_printf("%s, %s call %u", sweep->operation->name, when, call);
    g_autofree char *rule = g_strdup_printf(
        "\"action\":\"hold\",\"when\":\"%s\",\"step\":1,\"bytes\":%d", when, IMAGE_BYTES / 2);
    g_autoptr(World) world = begin(sweep, call, rule);
    g_autoptr(GError) error = NULL;

    test_pool_control(pool, "{\"cmd\":\"stop\"}");
    expect_end(world, what);
    error = g_steal_pointer(&world->error);
    g_clear_pointer(&world, world_free); /* without the pool, too */
    test_pool_control(pool, "{\"cmd\":\"start\"}");
    expect_truth(sweep, error, what);
}

static void
test_pool_gone(gconstpointer data)
{
    static const char *const moments[] = {"before", "middle", "after"};
    g_autoptr(Sweep) sweep = sweep_new(pool, data, TRUE);

    for (guint call = 1; call <= sweep->calls; call++)
        lose_pool(sweep, call, moments[call % G_N_ELEMENTS(moments)]);
}

/* ---- a task that never ends, and does not let itself be cancelled ---- */

static void
hang(const Sweep *sweep, guint call)
{
    g_autofree char *what = g_strdup_printf("%s, call %u hangs", sweep->operation->name, call);
    g_autoptr(World) world = begin(sweep, call, "\"action\":\"task-hang\"");
    gint64 begun = xd_clock_now_ms(world->clock);

    world->still = TRUE;
    while (!world->ended && xd_clock_now_ms(world->clock) - begun < PATIENCE_MS) {
        if (!g_main_context_iteration(NULL, FALSE))
            xd_clock_advance(world->clock, PIECE_MS);
    }
    if (!world->ended)
        g_error("%s: does not end", what);
    world->still = FALSE;
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    /* on a slow machine it may be a look at the task that hangs: then it succeeds, if that is true */
    if (world->error == NULL && !sweep_check(sweep, FALSE, what, "succeeded"))
        g_error("%s: it says that it has happened", what);
}

static void
test_task_hangs(gconstpointer data)
{
    g_autoptr(Sweep) sweep = sweep_new(pool, data, FALSE);

    for (guint call = 1; call <= sweep->calls; call++)
        hang(sweep, call);
}

/* ---- a poll that is never answered: closing does not wait for what it would have told ---- */

/* Until there has been one request beside the poll. */
static void
turn_once(World *world)
{
    while (xd_http_get_busy(world->connection->http) < 2)
        g_main_context_iteration(NULL, TRUE);
    while (xd_http_get_busy(world->connection->http) > 1)
        g_main_context_iteration(NULL, TRUE);
}

static void
test_blind(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");

    g_clear_pointer(&world, world_free);
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"method\":\"event.from\",\"nth\":2,\"count\":0,"
                      "\"action\":\"hold\"}}");
    world = world_new(pool, TRUE, NULL);
    world->still = TRUE;
    world_start(world, operation_find("pause"), NULL);
    turn_once(world); /* the task is there, and nobody tells us */
    xd_clock_advance(world->clock, 5000);
    turn_once(world); /* we ask for a sign */
    g_cancellable_cancel(world->cancellable);
    turn_once(world); /* we have the task cancelled */
    while (!world->ended) {
        xd_clock_advance(world->clock, 60000);
        g_main_context_iteration(NULL, TRUE);
    }
    g_assert_nonnull(world->error);
    g_clear_pointer(&world, world_free);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
}

/* ---- nodes that point at each other, while one takes over: that passes ---- */

/* Whoever answers a log-in so for a while does not end what is under way. */
static void
pause_after(const char *code, const char *argument)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    g_autoptr(World) world = world_new_with(pool, TRUE, NULL, &callbacks);

    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"method\":\"session.login_with_password\","
                      "\"count\":20,\"action\":\"error\",\"error\":[\"%s\",\"%s\"]}}",
                      code, argument);
    test_pool_control(pool, "{\"cmd\":\"logout\"}");
    world_run(world, operation_find("pause"));
    g_assert_no_error(world->error);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
}

static void
test_pointing(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *host = test_pool_find_ref(pool, "host", "xapisim2");
    g_autofree char *parameters = g_strdup_printf("[\"%s\"]", host);
    g_autofree char *address =
        g_strdup(json_node_get_string(test_pool_call(pool, "host.get_address", parameters)));

    g_clear_pointer(&world, world_free);
    pause_after("HOST_IS_SLAVE", address);
}

/* A toolstack that has just started: it does not reach its directory of accounts yet (xenapi-protocol 2.3). */
static void
test_not_itself_yet(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");

    g_clear_pointer(&world, world_free);
    pause_after("INTERNAL_ERROR", "directory");
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\",\"name\":\"fresh\"}");
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/patience/blind", test_blind);
    g_test_add_func("/op/patience/pointing", test_pointing);
    g_test_add_func("/op/patience/not-itself-yet", test_not_itself_yet);
    for (guint i = 0; i < n_operations; i++) {
        g_autofree char *gone = g_strdup_printf("/op/patience/pool-gone/%s", operations[i].name);
        g_autofree char *hung = g_strdup_printf("/op/patience/task-hangs/%s", operations[i].name);

        g_test_add_data_func(gone, &operations[i], test_pool_gone);
        g_test_add_data_func(hung, &operations[i], test_task_hangs);
    }
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
