/* Power: what others do meanwhile, what forbids a start and for whom, and where an instance starts. */
#include "base/error.h"
#include "ops/find.h"
#include "ops/power.h"
#include "world.h"
#include "xenapi/barrier.h"

#include <string.h>

static TestPool *pool;

/* (transfer full): a field of the instance that is text, as the pool has it */
static char *
ask(const char *field)
{
    g_autofree char *ref = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *method = g_strconcat("VM.get_", field, NULL);
    g_autofree char *vm = g_strdup_printf("[\"%s\"]", ref);

    return g_strdup(json_node_get_string(test_pool_call(pool, method, vm)));
}

static void
await_state(const char *state)
{
    for (;;) {
        g_autofree char *now = ask("power_state");

        if (strcmp(now, state) == 0)
            return;
        g_main_context_iteration(NULL, TRUE);
    }
}

static void
on_barrier(XdConnection *connection G_GNUC_UNUSED, const GError *error, gpointer data)
{
    g_assert_no_error(error);
    *(gboolean *) data = TRUE;
}

/* Until the driver sees what others have done. */
static void
catch_up(World *world)
{
    gboolean done = FALSE;

    xd_barrier(world->connection, NULL, on_barrier, &done);
    while (!done)
        g_main_context_iteration(NULL, TRUE);
}

/* ---- what others do meanwhile ---- */

/* Its guest shuts down, and another tool destroys it: the driver is told of both at once. */
static void
test_gone(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *host = test_pool_find_ref(pool, "host", "xapisim2");

    test_pool_control(
        pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"e\",\"method\":\"event.from\",\"nth\":1,"
              "\"when\":\"before\",\"action\":\"hold\"}}");
    test_pool_set(pool, "host", host, "name_description", "\"news\"");
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"e\"}");
    world_start(world, operation_find("power-off"), NULL);
    await_state("Halted");
    test_pool_destroy_vm(pool, "web");
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"e\"}");
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "stop: the instance is gone");
}

/* The last call succeeds, and before its answer comes there is no instance any more to tell of. */
static void
test_gone_at_the_end(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    const XdMirror *mirror = world->connection->mirror;

    test_pool_hold(pool, "b", "VM.set_blocked_operations", "after");
    world_start(world, operation_find("set-unbootable"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"b\"}");
    test_pool_destroy_vm(pool, "web");
    while (xd_mirror_find(mirror, XD_BY_VM_INSTANCE, INSTANCE)->len > 0)
        g_main_context_iteration(NULL, TRUE);
    test_pool_let_go(pool, "b");
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "the instance is gone");
}

/* ---- what forbids a start, and for whom ---- */

static void
set_bootable(World *world, gboolean bootable)
{
    world_begin(world);
    xd_set_bootable_async(world->connection, INSTANCE, bootable, NULL, world->cancellable,
                          world_on_ended, world);
    world_wait(world);
    g_assert_no_error(world->error);
}

static void
run(World *world, const char *name)
{
    world_run(world, operation_find(name));
}

static void
refuse(const char *method)
{
    test_pool_control(
        pool,
        "{\"cmd\":\"fault\",\"add\":{\"id\":\"%s\",\"method\":\"%s\",\"nth\":1,\"count\":0,"
        "\"when\":\"before\",\"action\":\"error\",\"error\":[\"INTERNAL_ERROR\",\"no\"]}}",
        method, method);
}

/* Another tool's blocks, as the driver sees them too. */
static void
block_from_outside(World *world, const char *map)
{
    g_autofree char *vm = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *parameters = g_strdup_printf("[\"%s\",%s]", vm, map);

    test_pool_call(pool, "VM.set_blocked_operations", parameters);
    catch_up(world);
}

/* What was not soft-deleted is not when its restoring has failed, either. */
static void
test_restore_of_nothing(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn pause");
    g_autofree char *paused = test_pool_picture(pool);
    g_autofree char *halted = NULL;

    run(world, "restore");
    world_assert_refused(world, HVD_ERROR_STATE, "neither running nor shut down");
    test_pool_assert_picture(pool, paused);
    run(world, "power-off-hard");
    halted = test_pool_picture(pool);
    refuse("VM.start");
    run(world, "restore");
    g_assert_nonnull(world->error);
    test_pool_assert_picture(pool, halted);
}

/* A block that was there before is nothing that a failure takes back. */
static void
test_soft_delete_again(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = NULL;

    block_from_outside(world,
                       "{\"start\":\"soft-deleted (hvd)\",\"start_on\":\"soft-deleted (hvd)\"}");
    before = test_pool_picture(pool);
    refuse("VM.clean_shutdown");
    refuse("VM.hard_shutdown");
    run(world, "soft-delete");
    g_assert_nonnull(world->error);
    test_pool_assert_picture(pool, before);
}

/* Soft-deleted and not bootable, in whichever order: each is lifted by its own operation, and neither lets
 * the instance start while the other one holds. */
static void
test_both(gconstpointer soft_deleted_first)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *both = NULL;

    run(world, soft_deleted_first != NULL ? "soft-delete" : "set-unbootable");
    g_assert_no_error(world->error);
    run(world, soft_deleted_first != NULL ? "set-unbootable" : "soft-delete");
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"soft_deleted\":true"));
    g_assert_nonnull(strstr(world->result, "\"bootable\":false"));
    both = test_pool_picture(pool);
    run(world, "restore");
    world_assert_refused(world, HVD_ERROR_STATE, "not bootable");
    g_assert_nonnull(strstr(xd_error_get_advice(world->error), "make it bootable"));
    test_pool_assert_picture(pool, both);
    set_bootable(world, TRUE);
    g_assert_nonnull(strstr(world->result, "\"bootable\":true"));
    run(world, "power-on");
    world_assert_refused(world, HVD_ERROR_STATE, "soft-deleted");
    run(world, "restore");
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"state\":\"running\""));
}

/* What others have written stands as they wrote it when ours is gone, be it nothing. */
static void
test_blocks_of_others(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn power-off-hard");
    g_autofree char *before = NULL;

    block_from_outside(world, "{\"destroy\":\"mine; all of it\",\"start\":\"\",\"start_on\":\"no\","
                              "\"resume\":\"no; not bootable\",\"resume_on\":\"; \"}");
    before = test_pool_picture(pool);
    set_bootable(world, FALSE);
    g_assert_nonnull(strstr(world->result, "\"bootable\":false"));
    set_bootable(world, TRUE);
    g_assert_nonnull(strstr(world->result, "\"bootable\":true"));
    test_pool_assert_picture(pool, before);
}

/* ---- where it starts ---- */

static void
assert_node(const char *name)
{
    g_autofree char *now = ask("resident_on");
    g_autofree char *host = test_pool_find_ref(pool, "host", name);

    g_assert_cmpstr(now, ==, host);
}

/* Another tool's call about the instance. */
static void
call_outside(const char *method, const char *ref)
{
    g_autofree char *vm = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *parameters = g_strdup_printf("[\"%s\",\"%s\"]", vm, ref);

    test_pool_call(pool, method, parameters);
}

/* Spawn was told no node, but then it was moved. */
static void
test_where_it_was_moved(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");

    assert_node("xapisim1");
    run(world, "live-migrate");
    run(world, "suspend");
    run(world, "resume");
    assert_node("xapisim2");
    run(world, "power-off-hard");
    run(world, "power-on");
    assert_node("xapisim2");
}

/* Its node has lost its way to the disk meanwhile. */
static void
test_start_where_its_disk_is(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn-elsewhere power-off-hard");
    const XdMirror *mirror = world->connection->mirror;
    const XdHost *host = (const XdHost *) xd_mirror_find_one(mirror, XD_BY_HOST_NAME, "xapisim2");
    const XdSR *sr = xd_find_storage(mirror, NULL, NULL);
    g_autofree char *pbd = g_strdup_printf(
        "[\"%s\"]", xd_find_pbd(mirror, sr->parent.ref, host->parent.ref)->parent.ref);

    test_pool_call(pool, "PBD.unplug", pbd);
    catch_up(world);
    run(world, "power-on");
    g_assert_no_error(world->error);
    assert_node("xapisim1");
}

/* Another tool has named a node that has no way to the image. */
static void
test_resume_where_its_memory_is(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *there = test_pool_find_ref(pool, "host", "xapisim2");
    g_autofree char *uuid = test_pool_find_local_storage(pool, "xapisim1");
    const XdSR *sr = xd_find_storage(world->connection->mirror, uuid, NULL);

    call_outside("VM.set_suspend_SR", sr->parent.ref);
    run(world, "suspend");
    call_outside("VM.set_affinity", there);
    catch_up(world);
    run(world, "resume");
    g_assert_no_error(world->error);
    assert_node("xapisim1");
}

/* ---- what a guest, or a pool, cannot do ---- */

static void
test_guest_cannot(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    const XdVM *vm = world_find_vm(world);

    test_pool_set(pool, "VM_guest_metrics", vm->guest_metrics, "other", "{}");
    test_pool_set(pool, "VM_guest_metrics", vm->guest_metrics, "PV_drivers_detected", "false");
    run(world, "reboot");
    world_assert_refused(world, HVD_ERROR_UNSUPPORTED, "VM_LACKS_FEATURE");
    g_assert_nonnull(strstr(xd_error_get_advice(world->error), "guest tools"));
    run(world, "suspend");
    world_assert_refused(world, HVD_ERROR_UNSUPPORTED, "VM_LACKS_FEATURE");
    run(world, "reboot-hard");
    g_assert_no_error(world->error);
}

static void
test_nowhere_to_suspend(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    const XdMirror *mirror = world->connection->mirror;
    const XdRecord *record;
    XdMirrorIter iter;

    test_pool_set(pool, "pool", xd_mirror_get_pool(mirror)->parent.ref, "suspend_image_SR",
                  "\"OpaqueRef:NULL\"");
    xd_mirror_iter_init(&iter, mirror, &xd_class_host);
    while ((record = xd_mirror_iter_next(&iter)) != NULL)
        test_pool_set(pool, "host", record->ref, "suspend_image_sr", "\"OpaqueRef:NULL\"");
    run(world, "suspend");
    world_assert_refused(world, HVD_ERROR_NO_RESOURCES, "VM_NO_SUSPEND_SR");
}

/* One that is shut down is started: whoever asks for a reboot wants it to run. */
static void
test_reboot_halted(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn power-off-hard");

    run(world, "reboot");
    g_assert_no_error(world->error);
    g_assert_cmpint(world_find_vm(world)->power_state, ==, XD_VM_POWER_STATE_RUNNING);
    run(world, "pause");
    run(world, "reboot");
    world_assert_refused(world, HVD_ERROR_STATE, "");
}

/* ---- how long a guest has ---- */

/* As long as the caller says, be it longer than what a configuration may say. */
static void
test_patient(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");

    test_pool_control(
        pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"h\",\"method\":\"VM.clean_shutdown\",\"nth\":1,"
              "\"when\":\"before\",\"action\":\"task-hang\"}}");
    world_begin(world);
    xd_power_off_async(world->connection, INSTANCE, 7200, NULL, world->cancellable, world_on_ended,
                       world);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"h\"}");
    catch_up(world);
    test_pool_reset_stats(pool);
    xd_clock_advance(world->clock, 7000 * 1000);
    catch_up(world);
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
    xd_clock_advance(world->clock, 300 * 1000);
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_cmpuint(test_pool_count_requests(pool), >, 0);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/power/gone", test_gone);
    g_test_add_func("/op/power/gone-at-the-end", test_gone_at_the_end);
    g_test_add_func("/op/power/restore-of-nothing", test_restore_of_nothing);
    g_test_add_func("/op/power/soft-delete-again", test_soft_delete_again);
    g_test_add_data_func("/op/power/soft-deleted-first", "first", test_both);
    g_test_add_data_func("/op/power/unbootable-first", NULL, test_both);
    g_test_add_func("/op/power/blocks-of-others", test_blocks_of_others);
    g_test_add_func("/op/power/where-it-was-moved", test_where_it_was_moved);
    g_test_add_func("/op/power/start-where-its-disk-is", test_start_where_its_disk_is);
    g_test_add_func("/op/power/resume-where-its-memory-is", test_resume_where_its_memory_is);
    g_test_add_func("/op/power/guest-cannot", test_guest_cannot);
    g_test_add_func("/op/power/nowhere-to-suspend", test_nowhere_to_suspend);
    g_test_add_func("/op/power/reboot-halted", test_reboot_halted);
    g_test_add_func("/op/power/patient", test_patient);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
