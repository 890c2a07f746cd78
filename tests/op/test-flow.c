/* How long a transfer may last, and who ends it: bytes that flow are let flow, and what does not end by itself
 * is ended. */
#include "base/error.h"
#include "bytes.h"
#include "xenapi/session.h"

#include <string.h>
#include <unistd.h>

#define SILENCE_S 600
#define LEAST_S   21600

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

/* ---- a disk that takes longer than any step may ---- */

#define LARGE 246960619520 /* 230 GiB */
#define PACE  500

typedef struct {
    guint64 bytes;
} Seen;

static void
on_progress(const HvdProgress *progress, gpointer data)
{
    ((Seen *) data)->bytes = progress->bytes_done;
}

/* As long as there comes something it has the time that so much takes. Then nothing comes any more. */
static void
test_large(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "");
    g_autofree char *before = test_pool_picture(pool);
    Seen seen = {0};
    HvdCall call = {.struct_size = sizeof call, .progress = on_progress, .progress_data = &seen};
    int other;
    g_autoptr(GInputStream) image = bytes_open_pipe(1, &other);

    plant("/import_raw_vdi", "\"when\":\"middle\",\"action\":\"hold\",\"bytes\":1");
    bytes_begin_spawn(world, image, BYTES_DOCUMENT(BYTES_SIZE(LARGE)), &call);
    wait_for_fault(world);
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"f\"}");
    for (guint i = 1; i <= LEAST_S / PACE + 2; i++) {
        turn();
        xd_clock_advance(world->clock, PACE * 1000);
        g_assert_cmpint(write(other, "x", 1), ==, 1);
        while (seen.bytes <= i && !world->ended)
            g_main_context_iteration(NULL, TRUE);
        g_assert_false(world->ended);
    }
    xd_clock_advance(world->clock, SILENCE_S * 1000);
    world_wait(world);
    close(other);
    world_assert_refused(world, HVD_ERROR_TIMED_OUT, "bytes: the image gave nothing");
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

/* ---- the session ends while a transfer waits for its turn ---- */

#define SECOND                                                                                     \
    "{\"uuid\":\"7a1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f55\",\"name\":\"second\","                      \
    "\"memory_bytes\":268435456,\"vcpus\":1,"                                                      \
    "\"image\":{\"source\":\"stream\",\"format\":\"raw\",\"size_bytes\":1000}}"

static const char *const one_at_a_time[] = {"http.connections-total=4", "http.connections-short=3",
                                            NULL};

static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED, const char *message,
       const char *const *fields G_GNUC_UNUSED, gpointer tasks)
{
    *(guint *) tasks += g_str_has_prefix(message, "task.create: done");
}

/* Both have their task: the exchange of the one is held by the node, that of the other has not left yet. */
static void
begin_two(World *world, World *second, const guint *tasks)
{
    int other;
    g_autoptr(GInputStream) image = bytes_open_pipe(1000, &other);

    close(other);
    plant("/import_raw_vdi", "\"when\":\"middle\",\"action\":\"hold\",\"bytes\":5000");
    world_start(world, operation_find("spawn"), NULL);
    wait_for_fault(world);
    second->connection = world->connection;
    bytes_begin_spawn(second, image, SECOND, NULL);
    while (*tasks < 2)
        g_main_context_iteration(NULL, TRUE);
    turn();
    g_assert_false(second->ended);
}

static void
lose_session(World *world)
{
    const XdSession *session = world->connection->session;
    guint generation = xd_session_get_generation(session);

    test_pool_control(pool, "{\"cmd\":\"logout\"}");
    while (xd_session_get_generation(session) == generation || !world_sees_pool(world))
        g_main_context_iteration(NULL, TRUE);
}

static void
test_session_ends(void)
{
    guint tasks = 0;
    HvdHostCallbacks callbacks = {
        .struct_size = sizeof callbacks, .log = on_log, .user_data = &tasks};
    g_autoptr(World) world = world_new_prepared(pool, "");
    World second = {0};

    g_clear_pointer(&world, world_free);
    world = world_new_with(pool, TRUE, one_at_a_time, &callbacks);
    begin_two(world, &second, &tasks);
    lose_session(world);
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"f\"}");
    world_wait(world);
    world_wait(&second);
    world_assert_refused(&second, HVD_ERROR_BUSY, "the session has ended");
    g_assert_cmpstr(xd_error_get_advice(second.error), ==, "try again later");
    g_clear_error(&second.error);
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
    g_test_add_func("/op/spawn/flow/large", test_large);
    g_test_add_func("/op/spawn/flow/session-ends", test_session_ends);
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autofree char *path = g_strdup_printf("/op/%s/flow/endless-task", ways[i].operation);

        g_test_add_data_func(path, &ways[i], test_endless);
    }
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
