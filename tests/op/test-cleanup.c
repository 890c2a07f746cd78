/* What cleanup and destroy take of an instance, and above all what they do not. */
#include "base/error.h"
#include "ops/destroy.h"
#include "victim.h"
#include "xenapi/mirror.h"

#include <string.h>

static TestPool *pool;
static char *self;

/* A pool on which these operations have run, in a process that has ended well. */
static void
past(const char *names)
{
    const Operation operation = {.before = names};
    g_autoptr(World) world = NULL;

    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    test_pool_control(pool, "{\"cmd\":\"restore-state\",\"sessions\":false}");
    world = world_new(pool, TRUE, NULL);
    world_prepare(world, &operation);
}

static World *
cleaned(void)
{
    World *world = world_new(pool, TRUE, (const char *const[]){"reconcile.grace=0", NULL});

    world_run(world, operation_find("cleanup"));
    return world;
}

/* It is told with its uuid, and why, in the list of what is left. */
static void
assert_told(const World *world, const char *uuid, const char *reason)
{
    const char *const *leftovers;
    guint n = 0;

    g_assert_true(xd_error_is(world->error, HVD_ERROR_LEFTOVERS));
    g_test_message("%s", world->error->message);
    leftovers = xd_error_get_leftovers(world->error);
    for (guint i = 0; leftovers != NULL && leftovers[i] != NULL; i++) {
        g_test_message("%s", leftovers[i]);
        n += strstr(leftovers[i], uuid) != NULL && strstr(leftovers[i], reason) != NULL;
    }
    g_assert_cmpuint(n, ==, 1);
}

/* (transfer full): the reference of the instance's root disk, which is the only one with this mark */
static char *
find_root(void)
{
    g_autoptr(World) world = world_new(pool, TRUE, NULL);
    const GPtrArray *disks =
        xd_mirror_find(world->connection->mirror, XD_BY_VDI_INSTANCE, INSTANCE);
    const XdVDI *root = NULL;

    for (guint i = 0; i < disks->len; i++) {
        const XdVDI *vdi = g_ptr_array_index(disks, i);

        if (g_strcmp0(xd_map_get(&vdi->other_config, "nova_disk_type"), "root") != 0)
            continue;
        g_assert_null(root);
        root = vdi;
    }
    g_assert_nonnull(root);
    return g_strdup(root->parent.ref);
}

/* (transfer full) */
static char *
call(const char *method, const char *ref, const char *more)
{
    g_autofree char *parameters = g_strdup_printf("[\"%s\"%s]", ref, more);
    JsonNode *result = test_pool_call(pool, method, parameters);

    return JSON_NODE_HOLDS_VALUE(result) ? g_strdup(json_node_get_string(result)) : NULL;
}

/* A backup tool's clone of the root has its marks; when the instance is gone nothing else has them. */
static void
test_clone(void)
{
    g_autofree char *root = NULL;
    g_autofree char *clone = NULL;
    g_autofree char *uuid = NULL;
    g_autofree char *before = NULL;
    g_autoptr(World) world = NULL;

    past("spawn");
    root = find_root();
    clone = call("VDI.clone", root, ",{}");
    uuid = call("VDI.get_uuid", clone, "");
    world = world_new(pool, TRUE, NULL);
    world_run(world, operation_find("destroy"));
    g_assert_no_error(world->error);
    g_clear_pointer(&world, world_free);
    victim_is_long_gone(pool);
    before = test_pool_picture(pool);
    world = cleaned();
    test_pool_assert_picture(pool, before);
    assert_told(world, uuid, "it has contents");
}

/* The root of a spawn in another process, which is making its VM. */
static void
test_spawning(void)
{
    g_autofree char *root = NULL;
    g_autofree char *uuid = NULL;
    g_autoptr(World) spawning = NULL;
    g_autoptr(World) world = NULL;

    past("");
    spawning = world_new(pool, TRUE, NULL);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"h\",\"method\":\"VDI.create\","
                            "\"nth\":2,\"when\":\"before\",\"action\":\"hold\"}}");
    world_start(spawning, operation_find("spawn-rich"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"h\"}");
    root = find_root();
    uuid = call("VDI.get_uuid", root, "");
    world = cleaned();
    assert_told(world, uuid, "at work");
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"h\"}");
    world_wait(spawning);
    g_assert_no_error(spawning->error);
}

/* The same in this process: cleanup waits for the spawn, and finds the instance there. */
static void
test_turn(void)
{
    g_autoptr(World) world = NULL;
    World second = {0};

    past("");
    world = world_new(pool, TRUE, NULL);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"h\",\"method\":\"VDI.create\","
                            "\"nth\":2,\"when\":\"before\",\"action\":\"hold\"}}");
    world_start(world, operation_find("spawn-rich"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"h\"}");
    xd_cleanup_async(world->connection, INSTANCE, NULL, NULL, world_on_ended, &second);
    for (guint i = 0; i < 50; i++)
        g_main_context_iteration(NULL, TRUE);
    g_assert_false(second.ended);
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"h\"}");
    world_wait(world);
    g_assert_no_error(world->error);
    world_wait(&second);
    world_assert_refused(&second, HVD_ERROR_STATE, "still there");
    g_clear_error(&second.error);
}

/* Another tool has removed the VM, and its snapshot of it has the mark of the disk: neither is taken, and
 * nobody is told that nothing is left. */
static void
test_snapshot(void)
{
    g_autofree char *root = NULL;
    g_autofree char *uuid = NULL;
    g_autofree char *vm = NULL;
    g_autofree char *snapshot = NULL;
    g_autofree char *before = NULL;
    g_autoptr(World) world = NULL;

    past("spawn power-off-hard");
    root = find_root();
    uuid = call("VDI.get_uuid", root, "");
    vm = test_pool_find_ref(pool, "VM", "web");
    snapshot = call("VM.snapshot", vm, ",\"backup\"");
    g_free(call("VM.destroy", vm, ""));
    victim_is_long_gone(pool);
    before = test_pool_picture(pool);
    world = cleaned();
    test_pool_assert_picture(pool, before);
    assert_told(world, uuid, "same mark");
}

static guint
count_disks(void)
{
    g_autoptr(World) world = world_new(pool, TRUE, NULL);

    return xd_mirror_find(world->connection->mirror, XD_BY_VDI_INSTANCE, INSTANCE)->len;
}

/* sm hides what it keeps for other disks' sake, marks and all (VDI.managed): it is the storage's alone, and no
 * business of ours. */
static void
test_hidden(void)
{
    g_autofree char *root = NULL;
    g_autofree char *before = NULL;
    g_autoptr(World) world = NULL;

    past("");
    victim_kill_at(pool, self, "spawn", 1, "after");
    victim_is_long_gone(pool);
    root = find_root();
    test_pool_set(pool, "VDI", root, "managed", "false");
    before = test_pool_picture(pool);
    world = cleaned();
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, before);
    test_pool_set(pool, "VDI", root, "managed", "true");
    g_clear_pointer(&world, world_free);
    world = cleaned();
    g_assert_no_error(world->error);
    g_assert_cmpuint(count_disks(), ==, 0);
}

/* What a spawn that was killed has made goes; one disk that cannot go is told, and the others go all the
 * same. */
static void
test_killed(gconstpointer refused)
{
    g_autoptr(World) world = NULL;

    past("");
    victim_kill_at(pool, self, "spawn-rich", 4, "after");
    victim_is_long_gone(pool);
    g_assert_cmpuint(count_disks(), >, 1);
    if (refused != NULL)
        test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"r\",\"method\":"
                                "\"VDI.destroy\",\"nth\":1,\"when\":\"before\","
                                "\"action\":\"error\",\"error\":[\"INTERNAL_ERROR\",\"no\"]}}");
    world = cleaned();
    if (refused == NULL)
        g_assert_no_error(world->error);
    else
        assert_told(world, "VDI ", "INTERNAL_ERROR");
    g_assert_cmpuint(count_disks(), ==, refused != NULL ? 1 : 0);
}

/* ---- destroy ---- */

static void
on_log(GLogLevelFlags level, const char *domain G_GNUC_UNUSED, const char *message,
       const char *const *fields G_GNUC_UNUSED, gpointer lines)
{
    if (level == G_LOG_LEVEL_WARNING)
        g_string_append_printf(lines, "%s\n", message);
}

/* Its disk has lost all marks, as after a move by others: it stays, and with the VM goes the last hint whose it
 * was. */
static void
test_unmarked(void)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    HvdHostCallbacks callbacks = {
        .struct_size = sizeof callbacks, .user_data = lines, .log = on_log};
    g_autofree char *root = NULL;
    g_autofree char *uuid = NULL;
    g_autofree char *device = NULL;
    g_autofree char *left = NULL;
    g_autoptr(World) world = NULL;

    past("spawn");
    root = find_root();
    uuid = call("VDI.get_uuid", root, "");
    world = world_new(pool, TRUE, NULL);
    device = g_strdup(((const XdRecord *) g_ptr_array_index(
                           xd_mirror_find(world->connection->mirror, XD_BY_VBD_VDI, root), 0))
                          ->ref);
    g_clear_pointer(&world, world_free);
    test_pool_set(pool, "VDI", root, "other_config", "{}");
    test_pool_set(pool, "VBD", device, "other_config", "{}");
    world = world_new_with(pool, TRUE, NULL, &callbacks);
    world_run(world, operation_find("destroy"));
    g_assert_no_error(world->error);
    left = call("VDI.get_uuid", root, "");
    g_assert_cmpstr(left, ==, uuid);
    g_assert_nonnull(strstr(lines->str, uuid));
    g_clear_pointer(&world, world_free);
}

static gboolean
has_mark(const World *world, const char *ref, const char *mark)
{
    const XdVM *vm = xd_get_vm(world->connection->mirror, ref);

    return g_strcmp0(xd_map_get(&vm->blocked_operations, "start"), mark) == 0;
}

/* Cancelled before anything is taken: its own mark goes, and never one that another process has set since. */
static void
test_mark_of_another(void)
{
#define MARK "being destroyed (hvd) 1;0000000001aaaaaaaabbbbbbbb;destroy;0;tester;e;s"
    g_autofree char *vm = NULL;
    g_autoptr(World) world = NULL;

    past("spawn power-off-hard");
    vm = test_pool_find_ref(pool, "VM", "web");
    world = world_new(pool, TRUE, NULL);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"h\",\"method\":"
                            "\"VM.set_blocked_operations\",\"nth\":1,\"when\":\"after\","
                            "\"action\":\"hold\"}}");
    world_start(world, operation_find("destroy"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"h\"}");
    test_pool_set(pool, "VM", vm, "blocked_operations", "{\"start\":\"" MARK "\"}");
    while (!has_mark(world, vm, MARK))
        g_main_context_iteration(NULL, TRUE);
    g_cancellable_cancel(world->cancellable);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"h\"}");
    world_wait(world);
    g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_true(has_mark(world, vm, MARK));
#undef MARK
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
    g_test_add_func("/op/cleanup/clone", test_clone);
    g_test_add_func("/op/cleanup/spawning", test_spawning);
    g_test_add_func("/op/cleanup/turn", test_turn);
    g_test_add_func("/op/cleanup/snapshot", test_snapshot);
    g_test_add_func("/op/cleanup/hidden", test_hidden);
    g_test_add_data_func("/op/cleanup/killed", NULL, test_killed);
    g_test_add_data_func("/op/cleanup/refused", "refused", test_killed);
    g_test_add_func("/op/destroy/unmarked", test_unmarked);
    g_test_add_func("/op/destroy/mark-of-another", test_mark_of_another);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
