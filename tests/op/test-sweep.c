/* Every operation, broken at every call in every way: the pool is then as before or as after, and what
 * belongs to others is untouched. */
#include "base/error.h"
#include "world.h"

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

typedef struct {
    const Operation *operation;
    char *state; /* name of the pool's saved state */
    char *before;
    char *after;
    guint calls;
} Sweep;

static TestPool *pool;

static void
sweep_free(gpointer data)
{
    Sweep *sweep = data;

    g_free(sweep->state);
    g_free(sweep->before);
    g_free(sweep->after);
    g_free(sweep);
}

/* Another tool's snapshot and clone of what is there: marks and all are inherited. */
static void
plant(void)
{
    g_autofree char *vms = NULL;
    JsonArray *refs;
    g_autofree char *parameters = NULL;

    refs = json_node_get_array(test_pool_call(pool, "VM.get_by_name_label", "[\"web\"]"));
    if (json_array_get_length(refs) == 0)
        return;
    vms = g_strdup(json_array_get_string_element(refs, 0));
    parameters = g_strdup_printf("[\"%s\",\"backup of web\"]", vms);
    test_pool_call(pool, "VM.snapshot", parameters);
}

static void
restore(const char *state)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    test_pool_control(pool, "{\"cmd\":\"restore-state\",\"name\":\"%s\"}", state);
}

/* One run without a fault: what the pool looks like before and after, and how many calls it takes. */
static Sweep *
sweep_new(const Operation *operation)
{
    Sweep *sweep = g_new0(Sweep, 1);
    g_autoptr(World) world = NULL;

    restore("fresh");
    sweep->operation = operation;
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

static void
wait_for_hold(World *world)
{
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    world_hang(world);
}

static void
assert_whole(const Sweep *sweep, World *world, const char *what)
{
    g_autofree char *now = test_pool_picture(pool);

    if (strcmp(now, sweep->before) == 0 || strcmp(now, sweep->after) == 0) {
        /* a success must have had its effect */
        if (world->error == NULL && strcmp(now, sweep->after) != 0)
            g_error("%s: success, but nothing has changed", what);
        return;
    }
    g_printerr("%s: %s\n", what, world->error != NULL ? world->error->message : "succeeded");
    test_pool_print_difference("before", sweep->before, now);
    test_pool_print_difference("after", sweep->after, now);
    g_test_fail();
}

static void
run_with_fault(const Sweep *sweep, Fault fault, guint call)
{
    g_autofree char *what =
        g_strdup_printf("%s: %s at call %u", sweep->operation->name, faults[fault].name, call);
    g_autoptr(World) world = NULL;

    restore(sweep->state);
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
    assert_whole(sweep, world, what);
}

static void
test_sweep(gconstpointer data)
{
    Sweep *sweep = sweep_new(data);

    for (guint call = 1; call <= sweep->calls; call++) {
        for (guint fault = 0; fault < N_FAULTS; fault++)
            run_with_fault(sweep, fault, call);
    }
    g_test_message("%s: %u calls, %u runs", sweep->operation->name, sweep->calls,
                   sweep->calls * N_FAULTS);
    sweep_free(sweep);
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
