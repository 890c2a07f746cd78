#include "sweep.h"

#include <string.h>

void
sweep_free(Sweep *sweep)
{
    g_free(sweep->state);
    g_free(sweep->before);
    g_free(sweep->after);
    g_free(sweep->between);
    g_free(sweep);
}

static void
restore(TestPool *pool, const char *state)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    test_pool_control(pool, "{\"cmd\":\"restore-state\",\"name\":\"%s\"}", state);
}

void
sweep_restore(const Sweep *sweep)
{
    restore(sweep->pool, sweep->state);
}

static void
plant(TestPool *pool)
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
picture_between(TestPool *pool, const char *name)
{
    static const Operation stopped = {.before = "spawn power-off-hard"};
    g_autoptr(World) world = NULL;

    if (strcmp(name, "restore") != 0)
        return NULL;
    restore(pool, "fresh");
    world = world_new(pool, TRUE, NULL);
    world_prepare(world, &stopped);
    plant(pool);
    return test_pool_picture(pool);
}

Sweep *
sweep_new(TestPool *pool, const Operation *operation, gboolean restarted)
{
    Sweep *sweep = g_new0(Sweep, 1);
    g_autoptr(World) world = NULL;

    sweep->pool = pool;
    sweep->operation = operation;
    sweep->state = g_strconcat("before-", operation->name, NULL);
    sweep->between = picture_between(pool, operation->name);
    restore(pool, "fresh");
    world = world_new(pool, TRUE, NULL);
    world_prepare(world, operation);
    plant(pool);
    if (restarted) {
        g_clear_pointer(&world, world_free);
        test_pool_control(pool, "{\"cmd\":\"restart\"}");
        world = world_new(pool, TRUE, NULL);
    }
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\",\"name\":\"%s\"}", sweep->state);
    sweep->before = test_pool_picture(pool);
    test_pool_reset_stats(pool);
    world_run(world, operation);
    g_assert_no_error(world->error);
    sweep->calls = test_pool_count_requests(pool);
    sweep->after = test_pool_picture(pool);
    return sweep;
}

gboolean
sweep_fits(const Sweep *sweep, const char *picture)
{
    return strcmp(picture, sweep->before) == 0 || strcmp(picture, sweep->after) == 0 ||
           g_strcmp0(picture, sweep->between) == 0;
}

gboolean
sweep_check(const Sweep *sweep, gboolean killed, const char *what, const char *said)
{
    g_autofree char *now = test_pool_picture(sweep->pool);

    if (strcmp(now, sweep->after) == 0)
        return TRUE;
    if (strcmp(now, sweep->before) == 0 || (killed && g_strcmp0(now, sweep->between) == 0))
        return FALSE;
    g_printerr("%s: %s\n", what, said);
    test_pool_print_difference("before", sweep->before, now);
    test_pool_print_difference("after", sweep->after, now);
    g_test_fail();
    return FALSE;
}
