/* Power: what others do meanwhile, what forbids a start and for whom, and where an instance starts. */
#include "base/error.h"
#include "ops/power.h"
#include "world.h"

#include <string.h>

static TestPool *pool;

/* (transfer full): a field of the instance that is text, as the pool has it */
static char *
ask(const char *field)
{
    g_autofree char *ref = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *method = g_strconcat("VM.get_", field, NULL);
    g_autofree char *vm = g_strdup_printf("[\"%s\"]", ref);

    return g_strdup(json_node_get_string(test_pool_call(pool, method, vm)));
}

static void
await_state(const char *state)
{
    for (;;) {
        g_autofree char *now = ask("power_state");

        if (strcmp(now, state) == 0)
            return;
        g_main_context_iteration(NULL, TRUE);
    }
}

/* ---- what others do meanwhile ---- */

/* Its guest shuts down, and another tool destroys it: the driver is told of both at once. */
static void
test_gone(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *host = test_pool_find_ref(pool, "host", "xapisim2");

    test_pool_control(
        pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"e\",\"method\":\"event.from\",\"nth\":1,"
              "\"when\":\"before\",\"action\":\"hold\"}}");
    test_pool_set(pool, "host", host, "name_description", "\"news\"");
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"e\"}");
    world_start(world, operation_find("power-off"), NULL);
    await_state("Halted");
    test_pool_destroy_vm(pool, "web");
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"e\"}");
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "stop: instance " INSTANCE " is gone");
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/power/gone", test_gone);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
