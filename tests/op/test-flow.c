/* How long a transfer may last, and who ends it: bytes that flow are let flow, and what does not end by itself
 * is ended. */
#include "base/error.h"
#include "bytes.h"

#include <string.h>
#include <unistd.h>

#define SILENCE_S 600

static TestPool *pool;

/* The only rule from now on. */
static void
plant(const char *path, const char *rule)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
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

/* ---- all bytes have arrived, and the task does not end ---- */

typedef struct {
    const char *operation;
    const char *path;
    const char *step;
} Way;

static const Way ways[] = {
    {"spawn", "/import_raw_vdi", "import-image"},
    {"snapshot", "/export_raw_vdi", "export"},
};

static void
begin_endless(World *world, const Way *way)
{
    plant(way->path, "\"action\":\"task-hang\"");
    world_start(world, operation_find(way->operation), NULL);
    wait_for_fault(world);
    world->still = TRUE;
    while (xd_http_get_busy(world->connection->http) > 1)
        g_main_context_iteration(NULL, TRUE);
    world->still = FALSE;
    g_assert_false(world->ended);
}

static const char *const hasty[] = {"task.cancel-grace=5", NULL};

static void
test_endless(gconstpointer data)
{
    const Way *way = data;
    g_autofree char *late = g_strconcat(way->step, ": not done within 900 s", NULL);
    g_autoptr(World) world = world_new_prepared(pool, operation_find(way->operation)->before);
    g_autofree char *before = test_pool_picture(pool);

    g_clear_pointer(&world, world_free);
    world = world_new(pool, TRUE, hasty);
    begin_endless(world, way);
    world_give_up(world);
    world_wait(world);
    g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    test_pool_assert_picture(pool, before);
    bytes_assert_no_task_pending(pool);

    g_object_unref(world->cancellable);
    world->cancellable = g_cancellable_new();
    begin_endless(world, way);
    xd_clock_advance(world->clock, 900000);
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_TIMED_OUT, late);
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
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autofree char *path = g_strdup_printf("/op/%s/flow/endless-task", ways[i].operation);

        g_test_add_data_func(path, &ways[i], test_endless);
    }
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
