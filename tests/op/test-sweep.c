/* Every operation, broken at every call in every way: the pool is then as before or as after, and what
 * belongs to others is untouched (SEC-20); so it is where the caller cancels (SEC-25). */
#include "base/error.h"
#include "sweep.h"

#include <string.h>

typedef enum {
    REFUSED,    /* the call fails */
    TASK_FAILS, /* its task fails */
    LOST,       /* executed, and the connection is cut before the answer */
    CUT,        /* the connection is cut before it is executed */
    HUNG,       /* never executed, never answered: the deadline comes */
    UNANSWERED, /* executed, never answered */
    CANCELLED,  /* cancelled by the caller while it waits for the answer, executed */
    N_FAULTS,
} Fault;

static const struct {
    const char *name;
    const char *rule;
    gboolean holds;
} faults[N_FAULTS] = {
    [REFUSED] =
        {"refused",
         "\"when\":\"before\",\"action\":\"error\",\"error\":[\"INTERNAL_ERROR\",\"planted\"]"},
    [TASK_FAILS] =
        {"task-fails",
         "\"when\":\"before\",\"action\":\"task-fail\",\"error\":[\"INTERNAL_ERROR\",\"planted\"]"},
    [LOST] = {"lost", "\"when\":\"after\",\"action\":\"drop\""},
    [CUT] = {"cut", "\"when\":\"before\",\"action\":\"drop\""},
    [HUNG] = {"hung", "\"when\":\"before\",\"action\":\"hold\"", TRUE},
    [UNANSWERED] = {"unanswered", "\"when\":\"after\",\"action\":\"hold\"", TRUE},
    [CANCELLED] = {"cancelled", "\"when\":\"after\",\"action\":\"hold\"", TRUE},
};

static TestPool *pool;

static void
wait_for_hold(World *world)
{
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    world_hang(world);
}

static void
run_with_fault(const Sweep *sweep, Fault fault, guint call)
{
    g_autofree char *what =
        g_strdup_printf("%s: %s at call %u", sweep->operation->name, faults[fault].name, call);
    g_autoptr(World) world = NULL;
    gboolean as_after;

    sweep_restore(sweep);
    world = world_new(pool, TRUE, NULL);
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"*\",\"nth\":%u,"
                      "\"transfers\":true,%s}}",
                      call, faults[fault].rule);
    world_start(world, sweep->operation, NULL);
    if (faults[fault].holds) {
        wait_for_hold(world);
        if (fault == CANCELLED)
            g_cancellable_cancel(world->cancellable);
    }
    world_wait(world);
    as_after =
        sweep_check(sweep, FALSE, what, world->error != NULL ? world->error->message : "succeeded");
    if (strcmp(sweep->before, sweep->after) == 0)
        return;
    /* a success must have had its effect, and what was stopped must not */
    if (!as_after && world->error == NULL)
        g_error("%s: success, but nothing has changed", what);
    if (as_after && (g_error_matches(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
                     xd_error_is(world->error, HVD_ERROR_TIMED_OUT))) {
        g_printerr("%s: it has happened: %s\n", what, world->error->message);
        g_test_fail();
    }
}

static void
test_sweep(gconstpointer data)
{
    g_autoptr(Sweep) sweep = sweep_new(pool, data, FALSE);

    for (guint call = 1; call <= sweep->calls; call++) {
        for (guint fault = 0; fault < N_FAULTS; fault++)
            run_with_fault(sweep, fault, call);
    }
    g_test_message("%s: %u calls, %u runs", sweep->operation->name, sweep->calls,
                   sweep->calls * N_FAULTS);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_log_set_fatal_mask("xd-ops", G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\",\"name\":\"fresh\"}");
    for (guint i = 0; i < n_operations; i++) {
        g_autofree char *path = g_strdup_printf("/op/%s/sweep", operations[i].name);

        g_test_add_data_func(path, &operations[i], test_sweep);
    }
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
