#include "victim.h"

#include <signal.h>
#include <string.h>

#define WORD "--victim"

gboolean
victim_is_wanted(char **argv)
{
    return argv[1] != NULL && strcmp(argv[1], WORD) == 0;
}

/* WORD DIRECTORY VOLUME OPERATION [DOCUMENT] */
int
victim_run(char **argv)
{
    TestPool *pool = test_pool_join(argv[2], argv[3]);
    World *world;

    if (argv[5] != NULL)
        test_pool_keep(pool, argv[5]);
    world = world_new(pool, FALSE, NULL);
    world_start(world, operation_find(argv[4]), NULL);
    world_wait(world); /* never: the pool holds a call until we are dead */
    return 1;
}

void
victim_kill_at(TestPool *pool, const char *program, const char *operation, guint call,
               const char *when)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocess) victim = NULL;

    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"*\",\"nth\":%u,"
                      "\"transfers\":true,\"when\":\"%s\",\"action\":\"hold\"}}",
                      call, when);
    victim = g_subprocess_new(G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error, program, WORD,
                              test_pool_get_directory(pool), test_pool_get_volume(pool), operation,
                              test_pool_get_kept(pool), NULL);
    g_assert_no_error(error);
    test_pool_control(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    g_subprocess_send_signal(victim, SIGKILL);
    g_subprocess_wait(victim, NULL, NULL);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
}

/* What it has sent before it died is read by the pool, and executed, all the same. */
static gboolean
is_heard_of(TestPool *pool)
{
    JsonObject *stats = test_pool_control(pool, "{\"cmd\":\"stats\"}");

    return json_object_get_int_member(stats, "connections") > 0;
}

void
victim_is_long_gone(TestPool *pool)
{
    while (is_heard_of(pool))
        ;
    test_pool_control(pool, "{\"cmd\":\"clock\",\"advance\":1000}");
}
