/* What reconciling touches, and above all what it does not. */
#include "base/error.h"
#include "victim.h"
#include "xenapi/mirror.h"

#include <string.h>

static TestPool *pool;
static char *self;

static void
fresh(void)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    test_pool_control(pool, "{\"cmd\":\"restore-state\",\"sessions\":false}");
}

/* Runs operations to their end, in a process that then ends well: an epoch of the past. */
static void
past(const char *names)
{
    const Operation operation = {.before = names};
    g_autoptr(World) world = world_new(pool, TRUE, NULL);

    world_prepare(world, &operation);
}

static World *
reconciled(const char *setting)
{
    const char *settings[] = {setting, NULL};
    World *world = world_new(pool, TRUE, settings);

    world_run(world, operation_find("reconcile"));
    g_assert_no_error(world->error);
    g_test_message("%s", world->result);
    return world;
}

static void
assert_untouched(const char *setting)
{
    g_autofree char *before = test_pool_picture(pool);
    g_autoptr(World) world = reconciled(setting);

    test_pool_assert_picture(pool, before);
    g_assert_nonnull(strstr(world->result, "\"completed\":[],\"removed\":[]"));
}

static guint
count(const char *class_name)
{
    JsonObject *dump = test_pool_control(pool, "{\"cmd\":\"dump\"}");

    return json_object_has_member(dump, class_name)
               ? json_object_get_size(json_object_get_object_member(dump, class_name))
               : 0;
}

/* ---- who is there is left in peace ---- */

/* It has a session that was in use a moment ago. */
static void
test_living(void)
{
    fresh();
    victim_kill_at(pool, self, "spawn", 5, "after");
    assert_untouched("reconcile.grace=0");
}

/* Its session is idle, but its marks are young. */
static void
test_young(void)
{
    fresh();
    victim_kill_at(pool, self, "spawn", 5, "after");
    victim_is_long_gone(pool);
    assert_untouched("reconcile.grace=900");
}

/* By the server's clock, which was put back, its session was last in use in the future: that is no reason to
 * take it for gone. When the clock is right again it is. */
static void
test_clock_put_back(void)
{
    g_autoptr(World) world = NULL;

    fresh();
    victim_kill_at(pool, self, "spawn", 5, "after");
    victim_is_long_gone(pool);
    test_pool_control(pool, "{\"cmd\":\"clock\",\"advance\":-100000}");
    assert_untouched("reconcile.grace=0");
    test_pool_control(pool, "{\"cmd\":\"clock\",\"advance\":100000}");
    world = reconciled("reconcile.grace=0");
    g_assert_nonnull(strstr(world->result, "\"removed\":[{"));
}

static void
test_another_owner(void)
{
    static const char *const settings[] = {"reconcile.grace=0", "pool.owner=somebody-else", NULL};
    g_autofree char *before = NULL;
    g_autoptr(World) world = NULL;

    fresh();
    victim_kill_at(pool, self, "spawn", 5, "after");
    victim_is_long_gone(pool);
    before = test_pool_picture(pool);
    world = world_new(pool, TRUE, settings);
    world_run(world, operation_find("reconcile"));
    g_assert_no_error(world->error);
    g_assert_cmpstr(world->result, ==, "{\"completed\":[],\"removed\":[],\"leftovers\":[]}");
    test_pool_assert_picture(pool, before);
}

/* Whole instances, running or not, with volumes, of a process that ended long ago. */
static void
test_whole(void)
{
    fresh();
    past("spawn-rich attach-first attach-guarded attach-disk");
    victim_is_long_gone(pool);
    assert_untouched("reconcile.grace=0");
    past("detach-guarded power-off-hard");
    victim_is_long_gone(pool);
    assert_untouched("reconcile.grace=0");
    past("soft-delete");
    victim_is_long_gone(pool);
    assert_untouched("reconcile.grace=0");
}

/* ---- what cannot be attributed is told, and stays ---- */

/* Another tool's clone of the half-made VM has all its marks. */
static void
test_clone(void)
{
    g_autofree char *vm = NULL;
    g_autofree char *parameters = NULL;
    g_autofree char *before = NULL;
    g_autoptr(World) world = NULL;

    fresh();
    victim_kill_at(pool, self, "spawn", 6, "after");
    vm = test_pool_find_ref(pool, "VM", "web");
    parameters = g_strdup_printf("[\"%s\",\"web\"]", vm);
    test_pool_call(pool, "VM.clone", parameters);
    victim_is_long_gone(pool);
    before = test_pool_picture(pool);
    world = reconciled("reconcile.grace=0");
    test_pool_assert_picture(pool, before);
    g_assert_nonnull(strstr(world->result, "another object carries the same mark"));
}

/* Somebody has taken the root disk from an instance and removed that: it looks like the disk of a spawn that
 * was killed, but it has contents. */
static void
test_kept_disk(gconstpointer restarted)
{
    g_autofree char *vm = NULL;
    g_autofree char *parameters = NULL;
    g_autofree char *before = NULL;
    g_autoptr(World) world = NULL;

    fresh();
    past("spawn power-off-hard");
    vm = test_pool_find_ref(pool, "VM", "web");
    parameters = g_strdup_printf("[\"%s\"]", vm);
    test_pool_call(pool, "VM.destroy", parameters);
    if (restarted != NULL) /* no task of the spawn is left */
        test_pool_control(pool, "{\"cmd\":\"restart\"}");
    victim_is_long_gone(pool);
    before = test_pool_picture(pool);
    world = reconciled("reconcile.grace=0");
    test_pool_assert_picture(pool, before);
    g_assert_nonnull(strstr(world->result, "it has contents"));
}

/* sm hides what it keeps for other disks' sake (VDI.managed): it is the storage's alone, marks or not. */
static void
test_hidden(void)
{
    g_autofree char *root = NULL;
    g_autoptr(World) world = NULL;

    fresh();
    victim_kill_at(pool, self, "spawn", 1, "after");
    victim_is_long_gone(pool);
    world = world_new(pool, TRUE, NULL);
    root =
        g_strdup(((const XdRecord *) g_ptr_array_index(
                      xd_mirror_find(world->connection->mirror, XD_BY_VDI_INSTANCE, INSTANCE), 0))
                     ->ref);
    g_clear_pointer(&world, world_free);
    test_pool_set(pool, "VDI", root, "managed", "false");
    assert_untouched("reconcile.grace=0");
    test_pool_set(pool, "VDI", root, "managed", "true");
    world = reconciled("reconcile.grace=0");
    g_assert_nonnull(strstr(world->result, "\"removed\":[{\"kind\":\"VDI\""));
}

/* ---- a destruction that was given up ---- */

/* (transfer full) (nullable): the result, where it is text */
static char *
call(const char *method, const char *ref, const char *more)
{
    g_autofree char *parameters = g_strdup_printf("[\"%s\"%s]", ref, more);
    JsonNode *result = test_pool_call(pool, method, parameters);

    return JSON_NODE_HOLDS_VALUE(result) ? g_strdup(json_node_get_string(result)) : NULL;
}

static void
act(const char *method, const char *ref, const char *more)
{
    g_free(call(method, ref, more));
}

static void
assert_spared(const char *reason)
{
    g_autofree char *before = NULL;
    g_autoptr(World) world = NULL;

    victim_is_long_gone(pool);
    before = test_pool_picture(pool);
    world = reconciled("reconcile.grace=0");
    test_pool_assert_picture(pool, before);
    g_assert_nonnull(strstr(world->result, reason));
}

/* That a destruction fails is what the test is about. */
static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, const char *const *fields G_GNUC_UNUSED,
       gpointer data G_GNUC_UNUSED)
{
}

/* Its storage was away: it is not started again by us, and what others have started is not taken from
 * them afterwards. */
static void
test_given_up(void)
{
    static const char *const starts[] = {"power-on", "reboot-hard", "restore"};
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    g_autofree char *vm = NULL;
    g_autoptr(World) world = NULL;

    fresh();
    past("spawn power-off-hard");
    vm = test_pool_find_ref(pool, "VM", "web");
    world = world_new_with(pool, TRUE, NULL, &callbacks);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"d\",\"method\":\"VDI.destroy\","
                            "\"nth\":1,\"count\":0,\"when\":\"before\",\"action\":\"error\","
                            "\"error\":[\"SR_NOT_ATTACHED\",\"it\"]}}");
    world_run(world, operation_find("destroy"));
    g_assert_true(xd_error_is(world->error, HVD_ERROR_LEFTOVERS));
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    for (guint i = 0; i < G_N_ELEMENTS(starts); i++) {
        world_run(world, operation_find(starts[i]));
        world_assert_refused(world, HVD_ERROR_STATE, "its destruction has begun");
        g_assert_nonnull(strstr(xd_error_get_advice(world->error), "reconcile"));
    }
    g_clear_pointer(&world, world_free);
    act("VM.remove_from_blocked_operations", vm, ",\"start\"");
    act("VM.start", vm, ",false,false");
    act("VM.hard_shutdown", vm, "");
    assert_spared("somebody has allowed it to start");
}

/* (transfer full): the only device of @vm with a disk that is its own */
static char *
find_device(const char *vm)
{
    g_autoptr(World) world = world_new(pool, TRUE, NULL);
    const GPtrArray *vbds = xd_mirror_find(world->connection->mirror, XD_BY_VBD_VM, vm);

    g_assert_cmpuint(vbds->len, ==, 1);
    return g_strdup(((const XdRecord *) g_ptr_array_index(vbds, 0))->ref);
}

/* It is suspended, and its disks are doomed when the process dies. Somebody resumes it. Then the disk is taken
 * off, and kept. */
static void
test_resumed(gconstpointer reconciled_before)
{
    g_autofree char *vm = NULL;
    g_autofree char *device = NULL;
    g_autoptr(World) world = NULL;

    fresh();
    past("spawn suspend");
    victim_kill_at(pool, self, "destroy", 3, "after");
    victim_is_long_gone(pool);
    vm = test_pool_find_ref(pool, "VM", "web");
    world = world_new(pool, TRUE, NULL);
    world_run(world, operation_find("resume"));
    world_assert_refused(world, HVD_ERROR_STATE, "its destruction has begun");
    g_clear_pointer(&world, world_free);
    if (reconciled_before != NULL)
        act("VM.remove_from_blocked_operations", vm, ",\"resume\"");
    else
        test_pool_set(pool, "VM", vm, "blocked_operations", "{}");
    act("VM.resume", vm, ",false,false");
    if (reconciled_before != NULL) {
        world = reconciled("reconcile.grace=0");
        g_assert_nonnull(strstr(world->result, "\"completed\":[{\"kind\":\"VM\""));
        g_clear_pointer(&world, world_free);
    }
    device = find_device(vm);
    act("VM.hard_shutdown", vm, "");
    act("VBD.destroy", device, "");
    assert_spared(reconciled_before != NULL ? "it has contents" : "its instance is still there");
}

/* ---- what is done ---- */

static void
test_spawn_again(void)
{
    g_autoptr(World) world = NULL;
    HvdCall call = {.struct_size = sizeof call, .request_id = "again"};

    fresh();
    victim_kill_at(pool, self, "spawn", 6, "after");
    victim_is_long_gone(pool);
    world = world_new(pool, TRUE, (const char *const[]){"reconcile.grace=0", NULL});
    world_start(world, operation_find("spawn"), &call);
    world_wait(world);
    g_assert_true(xd_error_is(world->error, HVD_ERROR_EXISTS));
    g_assert_nonnull(strstr(xd_error_get_advice(world->error), "reconcile"));
    world_run(world, operation_find("reconcile"));
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"instance\":\"" INSTANCE "\""));
    g_assert_nonnull(strstr(world->result, "its spawn did not come to its end"));
    world_run(world, operation_find("spawn"));
    g_assert_no_error(world->error);
}

static World *
planned(void)
{
    World *world = world_new(pool, TRUE, (const char *const[]){"reconcile.grace=0", NULL});
    HvdCall call = {.struct_size = sizeof call, .flags = HVD_CALL_PLAN_ONLY};

    world_start(world, operation_find("reconcile"), &call);
    world_wait(world);
    g_assert_no_error(world->error);
    g_test_message("%s", world->result);
    return world;
}

/* A plan threatens nobody who is there: it asks, as the operation does, and changes nothing. */
static void
test_plan(void)
{
    g_autofree char *before = NULL;
    g_autoptr(World) world = NULL;

    fresh();
    victim_kill_at(pool, self, "spawn", 6, "after");
    before = test_pool_picture(pool);
    world = planned();
    g_assert_null(strstr(world->result, ".destroy"));
    g_clear_pointer(&world, world_free);
    victim_is_long_gone(pool);
    world = planned();
    g_assert_nonnull(strstr(world->result, "VM.destroy"));
    g_assert_nonnull(strstr(world->result, "session.logout"));
    test_pool_assert_picture(pool, before);
    g_assert_cmpuint(count("session"), ==, 2);
}

/* The session of the dead goes as well: it is an administrator's. */
static void
test_sessions(void)
{
    g_autoptr(World) world = NULL;

    fresh();
    g_assert_cmpuint(count("session"), ==, 0);
    victim_kill_at(pool, self, "spawn", 4, "after");
    g_assert_cmpuint(count("session"), ==, 1);
    victim_is_long_gone(pool);
    world = reconciled("reconcile.grace=0");
    g_assert_cmpuint(count("session"), ==, 1); /* ours */
}

static void
test_secret(void)
{
    g_autoptr(World) world = NULL;

    fresh();
    past("spawn");
    victim_kill_at(pool, self, "attach-guarded", 2, "before");
    g_assert_cmpuint(count("secret"), ==, 1 + POOL_SECRETS);
    victim_is_long_gone(pool);
    world = reconciled("reconcile.grace=0");
    g_assert_nonnull(strstr(world->result, "\"kind\":\"secret\""));
    g_assert_null(strstr(world->result, TARGET_PASSWORD));
    g_assert_cmpuint(count("secret"), ==, POOL_SECRETS);
}

/* (transfer full): the reference of a disk behind a target */
static char *
find_unit(World *world)
{
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, world->connection->mirror, &xd_class_vdi);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        if (xd_map_get(&((const XdVDI *) record)->sm_config, "LUNid") != NULL)
            return g_strdup(record->ref);
    }
    g_assert_not_reached();
}

/* Until it asks whose the remains are that it has found. */
static void
start_and_hold(World *world)
{
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"h\",\"method\":\"session.get_by_uuid\","
                      "\"nth\":1,\"when\":\"before\",\"action\":\"hold\"}}");
    world_start(world, operation_find("reconcile"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"h\"}");
}

static void
release_and_find_nothing(World *world)
{
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"h\"}");
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_cmpstr(world->result, ==, "{\"completed\":[],\"removed\":[],\"leftovers\":[]}");
}

static void
give_disk(const char *vm, const char *vdi)
{
    g_autofree char *device = g_strdup_printf(
        "[{\"VM\":\"%s\",\"VDI\":\"%s\",\"userdevice\":\"7\",\"bootable\":false,\"mode\":\"RW\","
        "\"type\":\"Disk\",\"unpluggable\":true,\"empty\":false,\"other_config\":{},"
        "\"qos_algorithm_type\":\"\",\"qos_algorithm_params\":{}}]",
        vm, vdi);

    test_pool_call(pool, "VBD.create", device);
}

/* While it is asked whose it is another tool gives a unit of the storage to a machine: that stays, and nobody
 * is told that it went. */
static void
test_used_meanwhile(void)
{
    g_autoptr(World) world = NULL;
    g_autofree char *vm = NULL;
    g_autofree char *unit = NULL;

    fresh();
    past("spawn");
    victim_kill_at(pool, self, "attach-first", 3, "after");
    victim_is_long_gone(pool);
    vm = test_pool_find_ref(pool, "VM", "web");
    world = world_new(pool, TRUE, (const char *const[]){"reconcile.grace=0", NULL});
    start_and_hold(world);
    unit = find_unit(world);
    give_disk(vm, unit);
    while (xd_mirror_find(world->connection->mirror, XD_BY_VBD_VDI, unit)->len == 0)
        g_main_context_iteration(NULL, TRUE);
    release_and_find_nothing(world);
}

/* The same with a half-made machine, which somebody starts. */
static void
test_started_meanwhile(void)
{
    g_autoptr(World) world = NULL;
    g_autofree char *vm = NULL;
    g_autofree char *state = NULL;

    fresh();
    victim_kill_at(pool, self, "spawn", 6, "after");
    victim_is_long_gone(pool);
    vm = test_pool_find_ref(pool, "VM", "web");
    world = world_new(pool, TRUE, (const char *const[]){"reconcile.grace=0", NULL});
    start_and_hold(world);
    act("VM.start", vm, ",false,false");
    while (xd_get_vm(world->connection->mirror, vm)->power_state != XD_VM_POWER_STATE_RUNNING)
        g_main_context_iteration(NULL, TRUE);
    release_and_find_nothing(world);
    state = call("VM.get_power_state", vm, "");
    g_assert_cmpstr(state, ==, "Running");
}

/* (transfer full): another tool's machine, halted, made of an instance that is gone */
static char *
stranger(void)
{
    g_autofree char *vm = NULL;
    g_autofree char *copy = NULL;

    past("spawn power-off-hard");
    vm = test_pool_find_ref(pool, "VM", "web");
    copy = call("VM.clone", vm, ",\"stranger\"");
    act("VM.remove_from_other_config", copy, ",\"nova_uuid\"");
    past("destroy");
    return g_steal_pointer(&copy);
}

/* (transfer full): the reference of the instance's disk that no machine has */
static char *
find_loose_disk(const World *world)
{
    const XdMirror *mirror = world->connection->mirror;
    const GPtrArray *disks = xd_mirror_find(mirror, XD_BY_VDI_INSTANCE, INSTANCE);

    for (guint i = 0; i < disks->len; i++) {
        const char *ref = ((const XdRecord *) g_ptr_array_index(disks, i))->ref;

        if (xd_mirror_find(mirror, XD_BY_VBD_VDI, ref)->len == 0)
            return g_strdup(ref);
    }
    g_assert_not_reached();
}

/* And with the disk of a spawn, which another machine gets that is off. */
static void
test_given_meanwhile(void)
{
    g_autoptr(World) world = NULL;
    g_autofree char *vm = NULL;
    g_autofree char *disk = NULL;

    fresh();
    vm = stranger();
    victim_kill_at(pool, self, "spawn", 1, "after");
    victim_is_long_gone(pool);
    world = world_new(pool, TRUE, (const char *const[]){"reconcile.grace=0", NULL});
    disk = find_loose_disk(world);
    start_and_hold(world);
    give_disk(vm, disk);
    while (xd_mirror_find(world->connection->mirror, XD_BY_VBD_VDI, disk)->len == 0)
        g_main_context_iteration(NULL, TRUE);
    release_and_find_nothing(world);
    g_free(call("VDI.get_uuid", disk, "")); /* it is there */
}

/* One thing that cannot be removed is told, and the others are removed all the same. */
static void
test_refused(void)
{
    g_autoptr(World) world = NULL;

    fresh();
    past("spawn");
    victim_kill_at(pool, self, "attach-guarded", 5, "after");
    /* ours and the connection's own copy */
    g_assert_cmpuint(count("secret"), ==, 2 + POOL_SECRETS);
    victim_is_long_gone(pool);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"s\",\"method\":"
                            "\"SR.forget\",\"nth\":1,\"count\":0,\"when\":\"before\","
                            "\"action\":\"error\",\"error\":[\"INTERNAL_ERROR\",\"no\"]}}");
    world = reconciled("reconcile.grace=0");
    g_assert_nonnull(strstr(world->result, "\"leftovers\":[{\"kind\":\"SR\""));
    g_assert_nonnull(strstr(world->result, "SR.forget: INTERNAL_ERROR"));
    g_assert_null(strstr(world->result, "ended_early"));
    g_assert_cmpuint(count("secret"), ==, 1 + POOL_SECRETS);
}

/* A step that comes later fails: who may not see secrets, or is not answered, is told what was removed all the
 * same. */
static void
test_fails_later(gconstpointer method)
{
    g_autoptr(World) world = NULL;

    fresh();
    victim_kill_at(pool, self, "spawn", 6, "after");
    victim_is_long_gone(pool);
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"s\",\"method\":\"%s\","
                      "\"nth\":1,\"when\":\"before\",\"action\":\"error\",\"error\":"
                      "[\"RBAC_PERMISSION_DENIED\",\"it\",\"no\"]}}",
                      (const char *) method);
    world = reconciled("reconcile.grace=0");
    g_assert_nonnull(strstr(world->result, "\"removed\":[{\"kind\":\"VM\""));
    g_assert_nonnull(strstr(world->result, "\"ended_early\":\""));
    g_assert_nonnull(strstr(world->result, method));
}

/* So is who stops it: what is gone does not come back. */
static void
test_stopped(void)
{
    g_autoptr(World) world = NULL;

    fresh();
    victim_kill_at(pool, self, "spawn-rich", 5, "after");
    victim_is_long_gone(pool);
    world = world_new(pool, TRUE, (const char *const[]){"reconcile.grace=0", NULL});
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"h\",\"method\":\"VDI.destroy\","
                            "\"nth\":2,\"when\":\"before\",\"action\":\"hold\"}}");
    world_start(world, operation_find("reconcile"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"h\"}");
    g_cancellable_cancel(world->cancellable);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"h\"}");
    world_wait(world);
    g_assert_no_error(world->error);
    g_test_message("%s", world->result);
    g_assert_nonnull(strstr(world->result, "\"removed\":[{\"kind\":\"VDI\""));
    g_assert_nonnull(strstr(world->result, "reconcile was stopped before"));
    g_assert_nonnull(strstr(world->result, "\"ended_early\":\"mend-parts: cancelled\""));
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    if (victim_is_wanted(argv))
        return victim_run(argv);
    self = argv[0];
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/reconcile/living", test_living);
    g_test_add_func("/op/reconcile/young", test_young);
    g_test_add_func("/op/reconcile/clock-put-back", test_clock_put_back);
    g_test_add_func("/op/reconcile/another-owner", test_another_owner);
    g_test_add_func("/op/reconcile/whole", test_whole);
    g_test_add_func("/op/reconcile/clone", test_clone);
    g_test_add_data_func("/op/reconcile/kept-disk", NULL, test_kept_disk);
    g_test_add_data_func("/op/reconcile/kept-disk-restarted", "restarted", test_kept_disk);
    g_test_add_func("/op/reconcile/hidden", test_hidden);
    g_test_add_func("/op/reconcile/given-up", test_given_up);
    g_test_add_data_func("/op/reconcile/resumed", NULL, test_resumed);
    g_test_add_data_func("/op/reconcile/resumed-and-forgotten", "reconciled", test_resumed);
    g_test_add_func("/op/reconcile/spawn-again", test_spawn_again);
    g_test_add_func("/op/reconcile/sessions", test_sessions);
    g_test_add_func("/op/reconcile/secret", test_secret);
    g_test_add_func("/op/reconcile/refused", test_refused);
    g_test_add_func("/op/reconcile/used-meanwhile", test_used_meanwhile);
    g_test_add_func("/op/reconcile/started-meanwhile", test_started_meanwhile);
    g_test_add_func("/op/reconcile/given-meanwhile", test_given_meanwhile);
    g_test_add_data_func("/op/reconcile/secrets-denied", "secret.get_all", test_fails_later);
    g_test_add_data_func("/op/reconcile/fails-later", "secret.get_other_config", test_fails_later);
    g_test_add_func("/op/reconcile/stopped", test_stopped);
    g_test_add_func("/op/reconcile/plan", test_plan);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
