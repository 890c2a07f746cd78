/* The session goes, the toolstack starts anew, another node becomes coordinator, in the middle of every
 * operation, before the call is executed: it ends, the pool is then as before or as after, and the mirror is
 * complete again. What a toolstack leaves that ends in the middle of a call is the toolstack's. */
#include "base/error.h"
#include "sweep.h"
#include "xenapi/mirror.h"

#include <string.h>

#define SEEDS 20
#define HELD  "\"when\":\"before\",\"action\":\"hold\""

typedef enum {
    SESSION_LOST,
    RESTARTED,
    REPLACED,
    N_OUTAGES,
} Outage;

static const struct {
    const char *name;
    const char *rule;
    const char *command; /* (nullable): of the control socket, while the call is held */
} outages[N_OUTAGES] = {
    [SESSION_LOST] =
        {"session lost",
         "\"when\":\"before\",\"action\":\"error\",\"error\":[\"SESSION_INVALID\",\"x\"]"},
    [RESTARTED] = {"toolstack restarted", HELD, "{\"cmd\":\"restart\"}"},
    [REPLACED] = {"coordinator replaced", HELD, "{\"cmd\":\"coordinator\",\"node\":2}"},
};

static TestPool *pool;

/* That the pool is out of sight for a while is what this is about. */
static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, const char *const *fields G_GNUC_UNUSED,
       gpointer data G_GNUC_UNUSED)
{
}

static void
strike(World *world, Outage outage)
{
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    test_pool_control(pool, "%s", outages[outage].command);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    world_hang(world);
}

/* Meson's time limit is for those who wait in vain. */
static void
wait_for_mirror(World *world)
{
    while (!xd_mirror_is_fresh(world->connection->mirror))
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(xd_mirror_is_complete(world->connection->mirror));
}

static void
run_with_outage(const Sweep *sweep, guint seed)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    guint call = (guint) g_rand_int_range(random, 1, (gint32) sweep->calls + 1);
    Outage outage = (Outage) g_rand_int_range(random, 0, N_OUTAGES);
    g_autofree char *what = g_strdup_printf("%s, seed %u: %s at call %u", sweep->operation->name,
                                            seed, outages[outage].name, call);
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    g_autoptr(World) world = NULL;

    sweep_restore(sweep);
    world = world_new_with(pool, TRUE, NULL, &callbacks);
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"*\",\"nth\":%u,"
                      "\"transfers\":true,%s}}",
                      call, outages[outage].rule);
    world_start(world, sweep->operation, NULL);
    if (outages[outage].command != NULL)
        strike(world, outage);
    world_wait(world);
    /* who has started anew has forgotten its tasks: nobody can say that nothing has happened */
    if (outages[outage].command != NULL && world->error != NULL &&
        strstr(world->error->message, "its reply was lost") != NULL)
        g_assert_true(xd_error_is(world->error, HVD_ERROR_UNKNOWN_OUTCOME));
    wait_for_mirror(world);
    test_pool_control(pool, "{\"cmd\":\"coordinator\",\"node\":1}");
    if (!sweep_check(sweep, FALSE, what,
                     world->error != NULL ? world->error->message : "succeeded") &&
        world->error == NULL && strcmp(sweep->before, sweep->after) != 0)
        g_error("%s: success, but nothing has changed", what);
    wait_for_mirror(world);
}

static void
test_outage(gconstpointer data)
{
    g_autoptr(Sweep) sweep = sweep_new(pool, data);

    for (guint seed = 0; seed < SEEDS && sweep->calls > 0; seed++)
        run_with_outage(sweep, seed);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\",\"name\":\"fresh\"}");
    for (guint i = 0; i < n_operations; i++) {
        g_autofree char *path = g_strdup_printf("/op/%s/outage", operations[i].name);

        g_test_add_data_func(path, &operations[i], test_outage);
    }
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
