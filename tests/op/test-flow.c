/* How long a transfer may last, and who ends it: bytes that flow are let flow, and what does not end by itself
 * is ended. */
#include "base/error.h"
#include "bytes.h"

#include <string.h>
#include <unistd.h>

#define SILENCE_S 600

static TestPool *pool;

static void
plant(const char *path, const char *rule)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"%s\",%s}}", path,
                      rule);
}

static void
wait_for_fault(World *world)
{
    gboolean still = world->still;

    world->still = TRUE;
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    world->still = still;
}

static void
turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* ---- an image that has given all, and does not end ---- */

static void
test_open_end(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "");
    g_autofree char *before = test_pool_picture(pool);
    int other;
    g_autoptr(GInputStream) image = bytes_open_pipe(10000, &other);

    plant("/import_raw_vdi", "\"when\":\"middle\",\"action\":\"hold\",\"bytes\":9999");
    bytes_begin_spawn(world, image, BYTES_DOCUMENT(BYTES_SIZE(10000)), NULL);
    wait_for_fault(world);
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"f\"}");
    turn();
    xd_clock_advance(world->clock, (SILENCE_S - 1) * 1000);
    turn();
    g_assert_false(world->ended);
    xd_clock_advance(world->clock, 1000);
    world_wait(world);
    close(other);
    world_assert_refused(world, HVD_ERROR_TIMED_OUT,
                         "import-image: after 9999 of 10000 bytes: the image gave nothing, nor its "
                         "end, for 600 s");
    test_pool_assert_picture(pool, before);
    bytes_assert_no_task_pending(pool);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_log_set_fatal_mask("xd-ops", G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/spawn/flow/open-end", test_open_end);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
