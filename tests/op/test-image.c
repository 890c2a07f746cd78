/* An image that is no file to read, or that nobody can open now: whoever waits for it does so no longer than
 * he wants to. */
#include "base/error.h"
#include "ops/spawn.h"
#include "world.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static TestPool *pool;

/* A place for one file. */
typedef struct {
    char *directory;
    char *path;
} Place;

static Place *
place_new(void)
{
    Place *place = g_new0(Place, 1);

    place->directory = g_dir_make_tmp("test-image-XXXXXX", NULL);
    g_assert_nonnull(place->directory);
    place->path = g_build_filename(place->directory, "image", NULL);
    return place;
}

static void
place_free(Place *place)
{
    g_unlink(place->path);
    g_rmdir(place->directory);
    g_free(place->directory);
    g_free(place->path);
    g_free(place);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Place, place_free)

static void
begin_spawn(World *world, const Place *place)
{
    g_autofree char *document =
        g_strdup_printf("{\"uuid\":\"" INSTANCE "\",\"name\":\"web\",\"memory_bytes\":268435456,"
                        "\"vcpus\":1,\"image\":{\"source\":\"file\",\"format\":\"raw\","
                        "\"path\":\"%s\"}}",
                        place->path);

    world_begin(world);
    xd_spawn_async(world->connection, document, NULL, NULL, world->cancellable, world_on_ended,
                   world);
}

/* Opening it would wait for somebody who writes into it. */
static void
test_fifo(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "");
    g_autofree char *before = test_pool_picture(pool);
    g_autoptr(Place) place = place_new();

    g_assert_cmpint(mkfifo(place->path, 0600), ==, 0);
    begin_spawn(world, place);
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_INVALID, "it is empty, or no regular file");
    test_pool_assert_picture(pool, before);
}

/* ---- a file that is there, and whose opening waits: somebody has a lease on it ---- */

static void
let_time_pass(World *world)
{
    xd_clock_advance(world->clock, 60000);
}

static const struct {
    const char *name;
    void (*give_up)(World *world);
} reasons[] = {{"time", let_time_pass}, {"cancelled", world_give_up}, {"closed", world_close}};

/* -1: this file system has no leases */
static int
lease(const Place *place)
{
    int fd = open(place->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, "image", 5), ==, 5);
    if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0)
        return fd;
    close(fd);
    return -1;
}

static void
test_hangs(gconstpointer data)
{
    guint i = GPOINTER_TO_UINT(data);
    g_autoptr(World) world = world_new_prepared(pool, "");
    g_autofree char *before = test_pool_picture(pool);
    g_autoptr(Place) place = place_new();
    int fd = lease(place);

    if (fd < 0) {
        g_test_skip("there are no leases here");
        return;
    }
    world->still = TRUE;
    begin_spawn(world, place);
    while (fcntl(fd, F_GETLEASE) == F_WRLCK) /* until somebody wants to open it, and waits */
        g_main_context_iteration(NULL, FALSE);
    g_assert_false(world->ended);
    world->still = FALSE;
    reasons[i].give_up(world);
    world_wait(world);
    if (reasons[i].give_up == let_time_pass)
        world_assert_refused(world, HVD_ERROR_TIMED_OUT, "open-image: not done within 60 s");
    else
        g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpint(fcntl(fd, F_GETLEASE), !=, F_UNLCK); /* it waits still */
    close(fd);
    test_pool_assert_picture(pool, before);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_log_set_fatal_mask("xd-ops", G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
    signal(SIGIO, SIG_IGN); /* which a lease that somebody breaks is told by */
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/spawn/image/fifo", test_fifo);
    for (guint i = 0; i < G_N_ELEMENTS(reasons); i++) {
        g_autofree char *path = g_strconcat("/op/spawn/image/hangs/", reasons[i].name, NULL);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_hangs);
    }
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
