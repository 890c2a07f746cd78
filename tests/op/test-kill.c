/* Every operation in a process of its own that is killed at every call: reconciling leaves the pool as it
 * was before, or as it is after, and what belongs to others untouched (SEC-20, SEC-24). */
#include "base/error.h"
#include "victim.h"

#include <string.h>

typedef struct {
    const Operation *operation;
    char *state;
    char *before;
    char *after;
    char *between; /* (nullable): of an operation whose half is something that people do */
    guint calls;
} Sweep;

static TestPool *pool;
static char *self;

static void
sweep_free(Sweep *sweep)
{
    g_free(sweep->state);
    g_free(sweep->before);
    g_free(sweep->after);
    g_free(sweep->between);
    g_free(sweep);
}

static void
restore(const char *state)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    test_pool_control(pool, "{\"cmd\":\"restore-state\",\"name\":\"%s\"}", state);
}

/* Another tool's snapshot of what is there: marks and all are inherited. */
static void
plant(void)
{
    JsonArray *refs =
        json_node_get_array(test_pool_call(pool, "VM.get_by_name_label", "[\"web\"]"));
    g_autofree char *parameters = NULL;

    if (json_array_get_length(refs) == 0)
        return;
    parameters =
        g_strdup_printf("[\"%s\",\"backup of web\"]", json_array_get_string_element(refs, 0));
    test_pool_call(pool, "VM.snapshot", parameters);
}

/* Half-way between soft-deleted and running an instance is shut down, and may be started. */
static char *
picture_between(const char *name)
{
    static const Operation stopped = {.before = "spawn power-off-hard"};
    g_autoptr(World) world = NULL;

    if (strcmp(name, "restore") != 0)
        return NULL;
    restore("fresh");
    world = world_new(pool, TRUE, NULL);
    world_prepare(world, &stopped);
    plant();
    return test_pool_picture(pool);
}

static Sweep *
sweep_new(const Operation *operation)
{
    Sweep *sweep = g_new0(Sweep, 1);
    g_autoptr(World) world = NULL;

    sweep->operation = operation;
    sweep->between = picture_between(operation->name);
    restore("fresh");
    sweep->state = g_strconcat("before-", operation->name, NULL);
    world = world_new(pool, TRUE, NULL);
    world_prepare(world, operation);
    plant();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\",\"name\":\"%s\"}", sweep->state);
    sweep->before = test_pool_picture(pool);
    test_pool_reset_stats(pool);
    world_run(world, operation);
    g_assert_no_error(world->error);
    sweep->calls = test_pool_count_requests(pool);
    sweep->after = test_pool_picture(pool);
    return sweep;
}

/* ---- what is left of it ---- */

static gboolean
is_whole(const Sweep *sweep, const char *now)
{
    return strcmp(now, sweep->before) == 0 || strcmp(now, sweep->after) == 0 ||
           g_strcmp0(now, sweep->between) == 0;
}

static void
assert_whole(const Sweep *sweep, const World *world, const char *what)
{
    g_autofree char *now = test_pool_picture(pool);

    if (is_whole(sweep, now))
        return;
    g_printerr("%s: %s\n", what, world->result);
    test_pool_print_difference("before", sweep->before, now);
    test_pool_print_difference("after", sweep->after, now);
    g_test_fail();
}

static void
run_killed(const Sweep *sweep, guint call, const char *when)
{
    static const char *const at_once[] = {"reconcile.grace=0", NULL};
    g_autofree char *what =
        g_strdup_printf("%s: killed %s call %u", sweep->operation->name, when, call);
    g_autoptr(World) world = NULL;

    restore(sweep->state);
    victim_kill_at(pool, self, sweep->operation->name, call, when);
    victim_is_long_gone(pool);
    world = world_new(pool, TRUE, at_once);
    world_run(world, operation_find("reconcile"));
    g_assert_no_error(world->error);
    assert_whole(sweep, world, what);
    world_run(world, operation_find("reconcile"));
    g_assert_no_error(world->error);
    if (strstr(world->result, "\"completed\":[],\"removed\":[]") == NULL)
        g_error("%s: reconciled twice: %s", what, world->result);
}

static void
test_kill(gconstpointer data)
{
    Sweep *sweep = sweep_new(data);

    for (guint call = 1; call <= sweep->calls; call++) {
        run_killed(sweep, call, "before");
        run_killed(sweep, call, "after");
    }
    g_test_message("%s: %u calls, %u killed", sweep->operation->name, sweep->calls,
                   2 * sweep->calls);
    sweep_free(sweep);
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
