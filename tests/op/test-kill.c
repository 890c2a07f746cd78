/* Every operation in a process of its own that is killed at every call: reconciling leaves the pool as it
 * was before, or as it is after, and what belongs to others untouched (SEC-20, SEC-24). */
#include "sweep.h"
#include "victim.h"

#include <string.h>

static TestPool *pool;
static char *self;

static void
run_killed(const Sweep *sweep, guint call, const char *when)
{
    static const char *const at_once[] = {"reconcile.grace=0", NULL};
    g_autofree char *what =
        g_strdup_printf("%s: killed %s call %u", sweep->operation->name, when, call);
    g_autoptr(World) world = NULL;

    sweep_restore(sweep);
    victim_kill_at(pool, self, sweep->operation->name, call, when);
    victim_is_long_gone(pool);
    world = world_new(pool, TRUE, at_once);
    world_run(world, operation_find("reconcile"));
    g_assert_no_error(world->error);
    sweep_check(sweep, TRUE, what, world->result);
    world_run(world, operation_find("reconcile"));
    g_assert_no_error(world->error);
    if (strstr(world->result, "\"completed\":[],\"removed\":[]") == NULL)
        g_error("%s: reconciled twice: %s", what, world->result);
}

static void
test_kill(gconstpointer data)
{
    g_autoptr(Sweep) sweep = sweep_new(pool, data, FALSE);

    for (guint call = 1; call <= sweep->calls; call++) {
        run_killed(sweep, call, "before");
        run_killed(sweep, call, "after");
    }
    g_test_message("%s: %u calls, %u killed", sweep->operation->name, sweep->calls,
                   2 * sweep->calls);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    if (victim_is_wanted(argv))
        return victim_run(argv);
    self = argv[0];
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\",\"name\":\"fresh\"}");
    for (guint i = 0; i < n_operations; i++) {
        g_autofree char *path = g_strdup_printf("/op/%s/killed", operations[i].name);

        g_test_add_data_func(path, &operations[i], test_kill);
    }
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
