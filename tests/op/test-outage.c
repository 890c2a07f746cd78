/* The session goes, the toolstack starts anew, the coordinator is killed and another node takes over: before a
 * call of an operation, in its middle, or after it when its answer is on its way. The driver is back two seconds
 * after somebody answers, and its mirror is complete. The operation ends, and the pool is then as before
 * or as after; or it has said that it does not know, and reconciling makes it so. What a toolstack has made, and
 * told nobody, is its own. */
#include "base/error.h"
#include "sweep.h"
#include "xenapi/mirror.h"

#include <string.h>

#ifndef SEEDS
#define SEEDS 20
#endif
#define MAX_STEP      4
#define MAX_ABSENCE_S 120
#define BACK_MS       2000
#define PIECE_MS      50

typedef enum {
    SESSION_LOST,
    RESTARTED,
    REPLACED,
    N_OUTAGES,
} Outage;

static const struct {
    const char *name;
    const char *strikes; /* a command */
    const char *ends;    /* (nullable): and what ends it */
    const char *mends;   /* (nullable): once the operation has ended */
} outages[N_OUTAGES] = {
    [SESSION_LOST] = {"session-lost", "{\"cmd\":\"logout\"}", NULL, NULL},
    [RESTARTED] = {"toolstack-restarted", "{\"cmd\":\"stop\"}", "{\"cmd\":\"start\"}", NULL},
    [REPLACED] = {"coordinator-replaced", "{\"cmd\":\"node-kill\",\"node\":1}",
                  "{\"cmd\":\"coordinator\",\"node\":2}", "{\"cmd\":\"node-revive\",\"node\":1}"},
};

static const char *const moments[] = {"before", "middle", "after"};

typedef struct {
    const Sweep *sweep;
    Outage outage;
    guint call;
    guint moment;
    guint step;
    gint64 bytes;
    gint64 absence_ms;
    char *what;
} Run;

typedef struct {
    const Operation *operation;
    Outage outage;
} Subject;

static TestPool *pool;

/* That the pool is out of sight for a while is what this is about. */
static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, const char *const *fields G_GNUC_UNUSED,
       gpointer data G_GNUC_UNUSED)
{
}

static void
run_init(Run *run, const Sweep *sweep, Outage outage, guint seed)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    static const gint64 bytes[] = {0, IMAGE_BYTES / 2, IMAGE_BYTES};

    run->sweep = sweep;
    run->outage = outage;
    run->call = (guint) g_rand_int_range(random, 1, (gint32) sweep->calls + 1);
    run->moment = seed % G_N_ELEMENTS(moments);
    run->step = (guint) g_rand_int_range(random, 0, MAX_STEP);
    run->bytes = bytes[run->moment];
    run->absence_ms =
        outages[outage].ends != NULL ? g_rand_int_range(random, 0, MAX_ABSENCE_S * 1000) : 0;
    run->what = g_strdup_printf("%s, seed %u: %s %s call %u", sweep->operation->name, seed,
                                outages[outage].name, moments[run->moment], run->call);
}

static void
run_clear(Run *run)
{
    g_free(run->what);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* ---- the outage ---- */

static gboolean
never(const World *world G_GNUC_UNUSED)
{
    return FALSE;
}

static void
expect_back(const Run *run, World *world)
{
    gint64 ms = world_pass(world, BACK_MS + 1, PIECE_MS, world_sees_pool);

    if (ms > BACK_MS) {
        g_printerr("%s: not back %" G_GINT64_FORMAT " ms after the pool\n", run->what, ms);
        g_test_fail();
        return;
    }
    g_assert_true(xd_mirror_is_complete(world->connection->mirror));
}

static void
strike(const Run *run, World *world)
{
    world->still = TRUE; /* on a slow machine its time would be over before it comes there */
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    test_pool_control(pool, "%s", outages[run->outage].strikes);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    world_pass(world, run->absence_ms, PIECE_MS, never);
    if (outages[run->outage].ends != NULL)
        test_pool_control(pool, "%s", outages[run->outage].ends);
    expect_back(run, world);
}

#define RUNS    "VM \"web\" name_label=\"web\" power_state=\"Running\" resident_on=host "
#define RUNS_ON RUNS "\"xapisim1\""

/* What did not run before may run anywhere: there was one node less to choose from. */
static void
bring_home(const Run *run)
{
    g_autofree char *now = test_pool_picture(pool);
    g_autofree char *vm = NULL;
    g_autofree char *host = NULL;
    g_autofree char *parameters = NULL;

    if (strstr(run->sweep->before, RUNS) != NULL || strstr(run->sweep->after, RUNS_ON) == NULL ||
        strstr(now, RUNS) == NULL || strstr(now, RUNS_ON) != NULL)
        return;
    vm = test_pool_find_ref(pool, "VM", "web");
    host = test_pool_find_ref(pool, "host", "xapisim1");
    parameters = g_strdup_printf("[\"%s\",\"%s\",{\"live\":\"true\"}]", vm, host);
    test_pool_call(pool, "VM.pool_migrate", parameters);
}

/* The pool is whole again, and led as before. */
static void
mend(const Run *run)
{
    if (outages[run->outage].mends == NULL)
        return;
    test_pool_control(pool, "%s", outages[run->outage].mends);
    test_pool_control(pool, "{\"cmd\":\"coordinator\",\"node\":1}");
    bring_home(run);
}

/* ---- what became of it ---- */

static gboolean
fits_now(const Sweep *sweep)
{
    g_autofree char *now = test_pool_picture(pool);

    return sweep_fits(sweep, now);
}

/* What an operator does whom the error tells of what nobody but the toolstack can account for: "VDI 1a2b..." */
static const struct {
    const char *class;
    const char *removes[3];
} removable[] = {
    {"VDI", {"VDI.destroy"}},
    {"PBD", {"PBD.unplug", "PBD.destroy"}},
};

static void
remove_object(guint kind, const char *uuid)
{
    g_autofree char *get = g_strconcat(removable[kind].class, ".get_by_uuid", NULL);
    g_autofree char *by_uuid = g_strdup_printf("[\"%s\"]", uuid);
    g_autofree char *ref =
        g_strdup_printf("[\"%s\"]", json_node_get_string(test_pool_call(pool, get, by_uuid)));

    for (guint i = 0; removable[kind].removes[i] != NULL; i++)
        test_pool_call(pool, removable[kind].removes[i], ref);
}

static void
remove_leftovers(const GError *error)
{
    const char *const *leftovers = xd_error_get_leftovers(error);
    g_autofree char *text =
        leftovers != NULL ? g_strjoinv("\n", (char **) leftovers) : g_strdup("");

    for (guint kind = 0; kind < G_N_ELEMENTS(removable); kind++) {
        g_autofree char *word = g_strconcat(removable[kind].class, " ", NULL);

        for (const char *place = strstr(text, word); place != NULL; place = strstr(place, word)) {
            g_autofree char *uuid = g_strndup(place += strlen(word), 36);

            if (g_uuid_string_is_valid(uuid))
                remove_object(kind, uuid);
        }
    }
}

static void
reconcile(const Run *run, const GError *error)
{
    static const char *const at_once[] = {"reconcile.grace=0", NULL};
    g_autoptr(World) world = NULL;

    test_pool_control(pool, "{\"cmd\":\"clock\",\"advance\":1000}");
    world = world_new(pool, TRUE, at_once);
    world_run(world, operation_find("reconcile"));
    g_assert_no_error(world->error);
    if (!fits_now(run->sweep))
        remove_leftovers(error);
    sweep_check(run->sweep, TRUE, run->what, error->message);
}

static gboolean
says_that_it_does_not_know(const GError *error)
{
    return xd_error_is(error, HVD_ERROR_UNKNOWN_OUTCOME) || xd_error_is(error, HVD_ERROR_LEFTOVERS);
}

static void
check(const Run *run, const GError *error)
{
    const Sweep *sweep = run->sweep;

    if (error == NULL || !says_that_it_does_not_know(error)) {
        if (!sweep_check(sweep, FALSE, run->what, error != NULL ? error->message : "succeeded") &&
            error == NULL && strcmp(sweep->before, sweep->after) != 0) {
            g_printerr("%s: success, but not as after\n", run->what);
            g_test_fail();
        }
    } else if (!fits_now(sweep)) {
        reconcile(run, error);
    }
}

/* (transfer full) (nullable): how the operation ended */
static GError *
run_through(const Run *run)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    const Sweep *sweep = run->sweep;
    g_autoptr(World) world = NULL;
    GError *error;

    sweep_restore(sweep);
    world = world_new_with(pool, TRUE, NULL, &callbacks);
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"*\",\"nth\":%u,"
                      "\"transfers\":true,\"action\":\"hold\",\"when\":\"%s\",\"step\":%u,"
                      "\"bytes\":%" G_GINT64_FORMAT "}}",
                      run->call, moments[run->moment], run->step, run->bytes);
    world_start(world, sweep->operation, NULL);
    strike(run, world);
    world_wait(world);
    error = g_steal_pointer(&world->error);
    g_clear_pointer(&world, world_free);
    mend(run);
    check(run, error);
    return error;
}

static void
run_with_outage(const Sweep *sweep, Outage outage, guint seed)
{
    g_auto(Run) run = {0};
    g_autoptr(GError) error = NULL;

    run_init(&run, sweep, outage, seed);
    error = run_through(&run);
}

static void
test_outage(gconstpointer data)
{
    const Subject *subject = data;
    g_autoptr(Sweep) sweep = sweep_new(pool, subject->operation, TRUE);

    for (guint seed = 0; seed < SEEDS && sweep->calls > 0; seed++)
        run_with_outage(sweep, subject->outage, seed);
}

/* The storage has made the copy, and the toolstack ends before it says that it is a snapshot: a disk without a
 * name and a mark stays, and only who remembers what was there before can tell of it. */
static void
test_half_made(void)
{
    g_autoptr(Sweep) sweep = sweep_new(pool, operation_find("snapshot"), TRUE);
    const Run run = {.sweep = sweep,
                     .outage = RESTARTED,
                     .call = 1, /* VDI.snapshot */
                     .moment = 1,
                     .step = 1,
                     .what = (char *) "snapshot, half-made"};
    g_autoptr(GError) error = run_through(&run);

    g_assert_true(xd_error_is(error, HVD_ERROR_LEFTOVERS));
    g_assert_nonnull(strstr(xd_error_get_leftovers(error)[0], "may be the snapshot"));
}

/* (transfer full): its uuid. At a snapshot of a VHD sm puts what both disks share aside (FileSR.py), and a scan
 * finds it without a name. */
static char *
hide_base_copy(const World *world)
{
    const GPtrArray *roots =
        xd_mirror_find(world->connection->mirror, XD_BY_VDI_INSTANCE, INSTANCE);
    const XdVDI *root = g_ptr_array_index(roots, 0);
    char *uuid = g_uuid_string_random();
    g_autofree char *parameters = g_strdup_printf(
        "[\"%s\",\"\",\"\",\"%s\",\"user\",false,true,{},\"%s\",{},{},false,\"%" G_GINT64_FORMAT
        "\",\"0\",\"\",false,\"19700101T00:00:00Z\",\"OpaqueRef:NULL\"]",
        uuid, root->sr, uuid, root->virtual_size);

    test_pool_call(pool, "VDI.introduce", parameters);
    return uuid;
}

/* What the storage keeps beside is not told for the snapshot. */
static void
test_base_copy(void)
{
    static const Run run = {.outage = RESTARTED, .what = (char *) "snapshot, base copy"};
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    const Operation *snapshot = operation_find("snapshot");
    g_autofree char *base = NULL;
    g_autoptr(World) world = NULL;
    const char *told;

    test_pool_control(pool, "{\"cmd\":\"restore-state\",\"name\":\"fresh\"}");
    world = world_new_with(pool, TRUE, NULL, &callbacks);
    world_prepare(world, snapshot);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"VDI.snapshot\","
                            "\"nth\":1,\"action\":\"hold\",\"when\":\"middle\",\"step\":1}}");
    world_start(world, snapshot, NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    base = hide_base_copy(world);
    strike(&run, world);
    world_wait(world);
    g_assert_true(xd_error_is(world->error, HVD_ERROR_LEFTOVERS));
    told = xd_error_get_leftovers(world->error)[0];
    g_assert_nonnull(strstr(told, "VDI "));
    g_assert_null(strstr(told, base));
}

int
main(int argc, char **argv)
{
    g_autofree Subject *subjects = g_new0(Subject, N_OUTAGES * n_operations);
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\",\"name\":\"fresh\"}");
    for (guint i = 0; i < N_OUTAGES * n_operations; i++) {
        Subject *subject = &subjects[i];
        g_autofree char *path = NULL;

        subject->outage = i / n_operations;
        subject->operation = &operations[i % n_operations];
        path = g_strdup_printf("/op/outage/%s/%s", outages[subject->outage].name,
                               subject->operation->name);
        g_test_add_data_func(path, subject, test_outage);
    }
    g_test_add_func("/op/outage/toolstack-restarted/snapshot-half-made", test_half_made);
    g_test_add_func("/op/outage/toolstack-restarted/snapshot-base-copy", test_base_copy);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
