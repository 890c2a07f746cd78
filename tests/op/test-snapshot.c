/* A snapshot of a disk that others use, too. */
#include "base/error.h"
#include "world.h"
#include "xenapi/mirror.h"

#include <string.h>

static TestPool *pool;

static void
begin_held(World *world, const char *method, const char *when)
{
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"h\",\"method\":\"%s\",\"when\":\"%s\","
                      "\"action\":\"hold\"}}",
                      method, when);
    world_start(world, operation_find("snapshot"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"h\"}");
}

/* (transfer full): the reference of the only object of @class whose @field is @value */
static char *
find_by(const char *class, const char *field, const char *value)
{
    JsonObject *all =
        json_object_get_object_member(test_pool_control(pool, "{\"cmd\":\"dump\"}"), class);
    g_autoptr(GList) refs = json_object_get_members(all);
    const char *found = NULL;

    for (GList *link = refs; link != NULL; link = link->next) {
        JsonObject *object = json_object_get_object_member(all, link->data);

        if (strcmp(json_object_get_string_member(object, field), value) != 0)
            continue;
        g_assert_null(found);
        found = link->data;
    }
    g_assert_nonnull(found);
    return g_strdup(found);
}

static void
call(const char *method, const char *ref, const char *more)
{
    g_autofree char *parameters = g_strdup_printf("[\"%s\"%s]", ref, more);

    test_pool_call(pool, method, parameters);
}

static char *
find_root(World *world)
{
    const GPtrArray *disks =
        xd_mirror_find(world->connection->mirror, XD_BY_VDI_INSTANCE, INSTANCE);

    g_assert_cmpuint(disks->len, ==, 1);
    return g_strdup(((const XdRecord *) g_ptr_array_index(disks, 0))->ref);
}

/* Somebody has destroyed ours, with the task that has made it, and has taken one of his own: we know which was
 * ours, and that it is gone. */
static void
test_other_snapshot(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *root = find_root(world);
    g_autofree char *task = NULL;
    g_autofree char *ours = NULL;

    begin_held(world, "VDI.add_to_other_config", "before");
    task = find_by("task", "name_label", "Async.VDI.snapshot");
    ours = find_by("VDI", "snapshot_of", root);
    call("VDI.destroy", ours, "");
    call("task.destroy", task, "");
    call("VDI.snapshot", root, ",{}");
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"h\"}");
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "mark-snapshot: ");
    g_assert_null(xd_error_get_leftovers(world->error));
}

/* Nothing is left to take the bytes of. */
static void
test_gone(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);
    g_autofree char *root = find_root(world);
    g_autofree char *ours = NULL;

    begin_held(world, "VDI.add_to_other_config", "after");
    ours = find_by("VDI", "snapshot_of", root);
    call("VDI.destroy", ours, "");
    while (xd_get_vdi(world->connection->mirror, ours) != NULL)
        g_main_context_iteration(NULL, TRUE);
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"h\"}");
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "export: the snapshot is gone");
    test_pool_assert_picture(pool, before);
}

/* Its task does not tell; that it is gone does. */
static void
test_destroyed_silently(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);

    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"method\":\"VDI.destroy\","
                            "\"when\":\"after\",\"action\":\"task-vanish\"}}");
    world_run(world, operation_find("snapshot"));
    g_assert_no_error(world->error);
    g_assert_nonnull(world->result);
    test_pool_assert_picture(pool, before);
}

/* The disk has grown since it was looked at. */
static void
test_resized(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn power-off-hard");
    g_autofree char *root = find_root(world);

    begin_held(world, "VDI.snapshot", "before");
    call("VDI.resize", root, ",4194304");
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"h\"}");
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_cmpuint(g_memory_output_stream_get_data_size(G_MEMORY_OUTPUT_STREAM(world->sink)), ==,
                     4194304);
    g_assert_nonnull(strstr(world->result, "4194304"));
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_log_set_fatal_mask("xd-ops", G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/snapshot/other-snapshot", test_other_snapshot);
    g_test_add_func("/op/snapshot/gone", test_gone);
    g_test_add_func("/op/snapshot/destroyed-silently", test_destroyed_silently);
    g_test_add_func("/op/snapshot/resized", test_resized);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
