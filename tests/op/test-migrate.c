/* Live migration: the nine parts together, what is refused, and who counts as arrived. */
#include "base/error.h"
#include "ops/find.h"
#include "ops/migrate.h"
#include "ops/volume-storage.h"
#include "world.h"
#include "xenapi/mirror.h"

#include <string.h>

typedef void (*Part)(XdConnection *connection, const char *instance, const char *document,
                     const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                     gpointer user_data);

/* Longer than a lost reply is looked for. */
#define LONG_MS 90000

static TestPool *pool;

static void
run(World *world, Part part, const char *document)
{
    world_begin(world);
    part(world->connection, INSTANCE, document, NULL, world->cancellable, world_on_ended, world);
    world_wait(world);
}

static char *
to_node(const char *name)
{
    g_autofree char *node = test_pool_find(pool, "host", name);

    return g_strdup_printf("{\"destination\":\"%s\"}", node);
}

static char *
node_of_instance(void)
{
    g_autofree char *ref = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *vm = g_strdup_printf("[\"%s\"]", ref);
    g_autofree char *host = g_strdup_printf(
        "[\"%s\"]", json_node_get_string(test_pool_call(pool, "VM.get_resident_on", vm)));

    return g_strdup(json_node_get_string(test_pool_call(pool, "host.get_name_label", host)));
}

static void
assert_node(const char *name)
{
    g_autofree char *now = node_of_instance();

    g_assert_cmpstr(now, ==, name);
}

/* Until the driver has seen what a test has set. */
static gboolean
shows(World *world, const char *name, gboolean enabled)
{
    const XdHost *host =
        (const XdHost *) xd_mirror_find_one(world->connection->mirror, XD_BY_HOST_NAME, name);

    return host != NULL && host->enabled == enabled;
}

/* ---- all parts ---- */

static void
test_all(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *document = to_node("xapisim2");
    static const Part parts[] = {
        xd_check_can_live_migrate_destination_async,
        xd_cleanup_live_migration_destination_check_async,
        xd_check_can_live_migrate_source_async,
        xd_pre_live_migration_async,
        xd_live_migration_async,
        xd_post_live_migration_async,
        xd_post_live_migration_at_source_async,
        xd_post_live_migration_at_destination_async,
    };

    assert_node("xapisim1");
    test_pool_reset_stats(pool);
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        run(world, parts[i], document);
        g_assert_no_error(world->error);
        if (i < 4) { /* each hands its document on */
            g_assert_nonnull(strstr(world->result, "\"vdi_uuids\":[\""));
            g_assert_nonnull(strstr(world->result, "\"mac\":\"fa:16:3e:00:00:01\""));
            g_free(document);
            document = g_strdup(world->result);
        }
    }
    g_assert_cmpuint(test_pool_count_requests(pool), <=, 2 + 1); /* where it is at home now */
    assert_node("xapisim2");
    run(world, xd_live_migration_async, document); /* there already: a success without a request */
    g_assert_no_error(world->error);
    run(world, xd_rollback_live_migration_at_destination_async, document);
    world_assert_refused(world, HVD_ERROR_STATE, "no way back");
    assert_node("xapisim2");
}

/* The token that Nova's check left behind was a session of an administrator (SEC-21). */
static void
test_no_session_left(void)
{
    g_autoptr(World) world G_GNUC_UNUSED =
        world_new_prepared(pool, "spawn check-destination check-source pre-migrate");
    JsonObject *dump = test_pool_control(pool, "{\"cmd\":\"dump\"}");
    g_autoptr(GList) sessions =
        json_object_get_members(json_object_get_object_member(dump, "session"));

    g_assert_cmpuint(g_list_length(sessions), ==, 1);
}

/* ---- what is refused, and how it is said ---- */

static void
test_documents(void)
{
    static const struct {
        const char *document;
        HvdError code;
        const char *word;
    } cases[] = {
        {"{}", HVD_ERROR_INVALID, "destination"},
        {"{\"destination\":\"node-2\"}", HVD_ERROR_INVALID, "/destination"},
        {"{\"destination\":\"6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f00\"}", HVD_ERROR_NOT_FOUND,
         "/destination: there is no node 6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f00"},
        {"{\"destination\":\"6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f00\",\"instance\":"
         "\"6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f01\"}",
         HVD_ERROR_INVALID, "/instance"},
        {"{\"destination\":\"6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f00\",\"block_migration\":true}",
         HVD_ERROR_UNSUPPORTED, "/block_migration"},
        {"{\"destination\":\"6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f00\",\"token\":\"x\"}",
         HVD_ERROR_INVALID, "/token"},
    };
    static const Part parts[] = {
        xd_check_can_live_migrate_destination_async,
        xd_check_can_live_migrate_source_async,
        xd_pre_live_migration_async,
        xd_live_migration_async,
        xd_post_live_migration_async,
        xd_post_live_migration_at_destination_async,
        xd_rollback_live_migration_at_destination_async,
    };
    g_autoptr(World) world = world_new_prepared(pool, "spawn");

    test_pool_reset_stats(pool);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (guint k = 0; k < G_N_ELEMENTS(parts); k++) {
            run(world, parts[k], cases[i].document);
            world_assert_refused(world, cases[i].code, cases[i].word);
        }
    }
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
}

static void
test_no_instance(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "");
    g_autofree char *document = to_node("xapisim2");

    run(world, xd_check_can_live_migrate_destination_async, document);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "there is no instance " INSTANCE);
}

/* It goes while one waits for its arrival. */
static void
test_gone(void)
{
    static const Part parts[] = {
        xd_post_live_migration_async,
        xd_post_live_migration_at_source_async,
        xd_post_live_migration_at_destination_async,
    };

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autoptr(World) world = world_new_prepared(pool, "spawn");
        g_autofree char *document = to_node("xapisim2");

        world_begin(world);
        parts[i](world->connection, INSTANCE, document, NULL, world->cancellable, world_on_ended,
                 world);
        test_pool_destroy_vm(pool, "web");
        world_wait(world);
        world_assert_refused(world, HVD_ERROR_NOT_FOUND, "the instance is gone");
    }
}

static void
test_same_node(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *document = to_node("xapisim1");

    run(world, xd_check_can_live_migrate_destination_async, document);
    world_assert_refused(world, HVD_ERROR_STATE, "already");
}

static void
test_halted(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn power-off-hard");
    g_autofree char *document = to_node("xapisim2");

    run(world, xd_check_can_live_migrate_destination_async, document);
    world_assert_refused(world, HVD_ERROR_STATE, "running");
    run(world, xd_check_can_live_migrate_source_async, document);
    world_assert_refused(world, HVD_ERROR_STATE, "running");
    run(world, xd_live_migration_async, document);
    world_assert_refused(world, HVD_ERROR_STATE, "running");
}

static void
test_disabled_node(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *document = to_node("xapisim2");
    g_autofree char *host = test_pool_find_ref(pool, "host", "xapisim2");

    test_pool_set(pool, "host", host, "enabled", "false");
    while (!shows(world, "xapisim2", FALSE))
        g_main_context_iteration(NULL, TRUE);
    run(world, xd_check_can_live_migrate_destination_async, document);
    world_assert_refused(world, HVD_ERROR_NO_RESOURCES, "xapisim2 takes no instances");
    run(world, xd_check_can_live_migrate_source_async, document);
    g_assert_true(xd_error_is(world->error, HVD_ERROR_NO_RESOURCES) ||
                  xd_error_is(world->error, HVD_ERROR_STATE));
    g_assert_nonnull(strstr(world->error->message, "HOST_DISABLED"));
}

/* The guest forgets its drivers, and the driver sees it. */
static void
remove_drivers(World *world)
{
    const XdVM *vm =
        (const XdVM *) xd_mirror_find_one(world->connection->mirror, XD_BY_VM_INSTANCE, INSTANCE);
    g_autofree char *ref = g_strdup(vm->parent.ref);

    test_pool_set(pool, "VM_guest_metrics", vm->guest_metrics, "other", "{}");
    test_pool_set(pool, "VM_guest_metrics", vm->guest_metrics, "PV_drivers_detected", "false");
    test_pool_set(pool, "VM", ref, "name_description", "\"bare\""); /* works out what is allowed */
    do {
        g_main_context_iteration(NULL, TRUE);
        vm = xd_get_vm(world->connection->mirror, ref);
    } while (xd_strings_contains(&vm->allowed_operations, "pool_migrate"));
}

static void
test_no_drivers(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *document = to_node("xapisim2");

    remove_drivers(world);
    run(world, xd_check_can_live_migrate_source_async, document);
    world_assert_refused(world, HVD_ERROR_STATE, "no PV drivers");
    g_assert_nonnull(strstr(xd_error_get_advice(world->error), "guest tools"));
}

static gboolean
is_blocked(const World *world, const char *ref)
{
    const XdVM *vm = xd_get_vm(world->connection->mirror, ref);

    return xd_map_get(&vm->blocked_operations, "pool_migrate") != NULL;
}

/* The setter leaves VM.allowed_operations as it was until something else has it computed anew (captures, scenario
 * rescue_unrescue). */
static void
test_blocked(gconstpointer computed)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *document = to_node("xapisim2");
    g_autofree char *vm = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *parameters = g_strdup_printf("[\"%s\",\"pool_migrate\",\"because\"]", vm);

    if (computed != NULL)
        test_pool_set(pool, "VM", vm, "blocked_operations", "{\"pool_migrate\":\"because\"}");
    else
        test_pool_call(pool, "VM.add_to_blocked_operations", parameters);
    while (!is_blocked(world, vm))
        g_main_context_iteration(NULL, TRUE);
    run(world, xd_check_can_live_migrate_source_async, document);
    world_assert_refused(world, HVD_ERROR_DENIED, "blocked by an administrator");
}

static void
test_local_disk(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn-local");
    g_autofree char *document = to_node("xapisim2");

    run(world, xd_check_can_live_migrate_destination_async, document);
    world_assert_refused(world, HVD_ERROR_UNSUPPORTED, "not shared");
    run(world, xd_pre_live_migration_async, document);
    world_assert_refused(world, HVD_ERROR_STATE, "no connection to storage");
}

static void
test_no_memory(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *document = to_node("xapisim2");

    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"m\",\"method\":"
                            "\"VM.assert_can_boot_here\",\"nth\":1,\"when\":\"before\",\"action\":"
                            "\"error\",\"error\":[\"HOST_NOT_ENOUGH_FREE_MEMORY\",\"2\",\"1\"]}}");
    run(world, xd_check_can_live_migrate_source_async, document);
    world_assert_refused(world, HVD_ERROR_NO_RESOURCES, "HOST_NOT_ENOUGH_FREE_MEMORY");
}

/* ---- who has arrived has arrived (SEC-22) ---- */

static void
test_fails_after_arrival(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *document = to_node("xapisim2");

    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"m\",\"method\":"
                            "\"VM.pool_migrate\",\"nth\":1,\"when\":\"after\",\"action\":"
                            "\"task-fail\",\"error\":[\"INTERNAL_ERROR\",\"planted\"]}}");
    run(world, xd_live_migration_async, document);
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "xapisim2"));
    assert_node("xapisim2");
}

static void
test_fails_before(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *document = to_node("xapisim2");

    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"m\",\"method\":"
                            "\"VM.pool_migrate\",\"nth\":1,\"when\":\"before\",\"action\":"
                            "\"task-fail\",\"error\":[\"HOST_NOT_ENOUGH_FREE_MEMORY\",\"2\","
                            "\"1\"]}}");
    run(world, xd_live_migration_async, document);
    world_assert_refused(world, HVD_ERROR_NO_RESOURCES, "move");
    assert_node("xapisim1");
    run(world, xd_rollback_live_migration_at_destination_async, document);
    g_assert_no_error(world->error);
}

static void
test_not_arrived(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *document = to_node("xapisim2");

    run(world, xd_post_live_migration_at_destination_async, document);
    world_assert_refused(world, HVD_ERROR_STATE, "has not left");
}

static void
test_not_whole(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn live-migrate");
    g_autofree char *node = test_pool_find(pool, "host", "xapisim2");
    g_autofree char *disk =
        g_strdup_printf("{\"destination\":\"%s\",\"vdi_uuids\":[\"" INSTANCE "\"]}", node);
    g_autofree char *nic =
        g_strdup_printf("{\"destination\":\"%s\",\"vifs\":[{\"uuid\":\"" INSTANCE
                        "\",\"mac\":\"fa:16:3e:00:00:01\",\"network\":\"" INSTANCE "\"}]}",
                        node);

    run(world, xd_post_live_migration_at_destination_async, disk);
    world_assert_refused(world, HVD_ERROR_INTEGRITY, "disk " INSTANCE " did not arrive");
    run(world, xd_post_live_migration_at_destination_async, nic);
    world_assert_refused(world, HVD_ERROR_INTEGRITY, "fa:16:3e:00:00:01 did not arrive");
}

/* ---- access to storage ---- */

/* The destination itself uses a disk of the storage meanwhile. */
static void
use_storage(World *world)
{
    const XdMirror *mirror = world->connection->mirror;
    g_autofree char *host = test_pool_find_ref(pool, "host", "xapisim2");
    g_autofree char *domain = g_strdup(xd_get_host(mirror, host)->control_domain);
    const XdVM *vm = (const XdVM *) xd_mirror_find_one(mirror, XD_BY_VM_INSTANCE, INSTANCE);
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, vm->parent.ref);
    g_autofree char *parameters = NULL;

    for (guint i = 0; i < vbds->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);

        if (xd_map_get(&vbd->other_config, "osvol") != NULL)
            parameters = g_strdup_printf(
                "[{\"VM\":\"%s\",\"VDI\":\"%s\",\"userdevice\":\"7\",\"bootable\":false,"
                "\"mode\":\"RO\",\"type\":\"Disk\",\"empty\":false,\"other_config\":{},"
                "\"qos_algorithm_type\":\"\",\"qos_algorithm_params\":{}}]",
                domain, vbd->vdi);
    }
    test_pool_call(pool, "VBD.create", parameters);
    while (xd_mirror_find(mirror, XD_BY_VBD_VM, domain)->len == 0)
        g_main_context_iteration(NULL, TRUE);
}

static void
test_rollback_spares_others(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first pre-migrate-first");
    g_autofree char *before = NULL;

    g_assert_nonnull(strstr(test_pool_get_kept(pool), "\"pbds\":[\""));
    use_storage(world);
    before = test_pool_picture(pool);
    run(world, xd_rollback_live_migration_at_destination_async, test_pool_get_kept(pool));
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, before);
}

/* A document that names what was not made for this: only what belongs to the destination goes. */
static void
test_rollback_of_another_node(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first pre-migrate-first");
    g_autofree char *node = test_pool_find(pool, "host", "xapisim3");
    const char *prepared_part = strstr(test_pool_get_kept(pool), "\"prepared\"");
    g_autofree char *document = g_strdup_printf("{\"destination\":\"%s\",%s", node, prepared_part);
    g_autofree char *before = test_pool_picture(pool);

    run(world, xd_rollback_live_migration_at_destination_async, document);
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, before);
}

static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, const char *const *fields G_GNUC_UNUSED,
       gpointer data G_GNUC_UNUSED)
{
}

static const XdSR *
find_volume_storage(const World *world)
{
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, world->connection->mirror, &xd_class_sr);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        if (xd_is_volume_storage((const XdSR *) record))
            return (const XdSR *) record;
    }
    g_assert_not_reached();
}

static void
test_rollback_after_destroy(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first pre-migrate-first");
    g_autofree char *node = test_pool_find_ref(pool, "host", "xapisim2");
    g_autofree char *sr = g_strdup(find_volume_storage(world)->parent.ref);
    const XdMirror *mirror = world->connection->mirror;

    g_assert_nonnull(xd_find_pbd(mirror, sr, node));
    test_pool_destroy_vm(pool, "web");
    while (xd_mirror_find(mirror, XD_BY_VM_INSTANCE, INSTANCE)->len > 0)
        g_main_context_iteration(NULL, TRUE);
    run(world, xd_rollback_live_migration_at_destination_async, test_pool_get_kept(pool));
    g_assert_no_error(world->error);
    g_assert_null(xd_find_pbd(mirror, sr, node));
}

/* Of two connections it is the second one whose reply is lost: it is not taken for the first. */
static void
test_two_storages(void)
{
    static const char prepared[] = "spawn attach-first attach-guarded";
    g_autoptr(World) world = world_new_prepared(pool, prepared);
    g_autofree char *after = NULL;
    g_auto(GStrv) pbds = NULL;

    world_run(world, operation_find("pre-migrate"));
    g_assert_no_error(world->error);
    after = test_pool_picture(pool);
    g_clear_pointer(&world, world_free);
    world = world_new_prepared(pool, prepared);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"method\":\"PBD.create\",\"nth\":2,"
                            "\"when\":\"after\",\"action\":\"drop\"}}");
    world_run(world, operation_find("pre-migrate"));
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, after);
    pbds = g_strsplit(strstr(world->result, "\"pbds\":["), "\"", -1);
    g_assert_cmpuint(strlen(pbds[3]), ==, 36);
    g_assert_cmpuint(strlen(pbds[5]), ==, 36);
    g_assert_cmpstr(pbds[3], !=, pbds[5]);
}

/* Another tool connects the destination with the storage. (transfer full): the connection's uuid */
static char *
connect_destination(const char *sr)
{
    g_autofree char *host = test_pool_find_ref(pool, "host", "xapisim2");
    g_autofree char *record = g_strdup_printf(
        "[{\"host\":\"%s\",\"SR\":\"%s\",\"other_config\":{},\"device_config\":{"
        "\"target\":\"" TARGET "\",\"port\":\"3260\",\"targetIQN\":\"" TARGET_IQN "\"}}]",
        host, sr);
    g_autofree char *made = g_strdup_printf(
        "[\"%s\"]", json_node_get_string(test_pool_call(pool, "PBD.create", record)));

    test_pool_call(pool, "PBD.plug", made);
    return g_strdup(json_node_get_string(test_pool_call(pool, "PBD.get_uuid", made)));
}

/* Ours was lost with the toolstack, and there is one all the same. (transfer full): its uuid */
static char *
lose_connection(World *world)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"PBD.create\","
                            "\"nth\":1,\"when\":\"before\",\"action\":\"hold\"}}");
    world_start(world, operation_find("pre-migrate-first"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    test_pool_control(pool, "{\"cmd\":\"stop\"}");
    test_pool_control(pool, "{\"cmd\":\"start\"}");
    return connect_destination(find_volume_storage(world)->parent.ref);
}

static void
test_connection_of_others(void)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first");
    g_autofree char *pbd = NULL;
    g_autofree char *before = NULL;

    g_clear_pointer(&world, world_free);
    world = world_new_with(pool, TRUE, NULL, &callbacks);
    pbd = lose_connection(world);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"p\",\"method\":\"PBD.plug\","
                            "\"nth\":1,\"when\":\"before\",\"action\":\"task-fail\",\"error\":"
                            "[\"SR_BACKEND_FAILURE_141\",\"\",\"planted\"]}}");
    before = test_pool_picture(pool);
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_LEFTOVERS, "planted");
    g_assert_nonnull(strstr(xd_error_get_leftovers(world->error)[0], pbd));
    test_pool_assert_picture(pool, before);
}

/* Another process prepares the destination for another instance at the same moment: its connection serves,
 * and stays. */
static void
test_connection_exists(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first");
    g_autofree char *pbd = NULL;
    g_autofree char *before = NULL;

    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"PBD.create\","
                            "\"nth\":1,\"when\":\"before\",\"action\":\"hold\"}}");
    world_start(world, operation_find("pre-migrate-first"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    pbd = connect_destination(find_volume_storage(world)->parent.ref);
    before = test_pool_picture(pool);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_null(strstr(world->result, pbd));
    run(world, xd_rollback_live_migration_at_destination_async, test_pool_get_kept(pool));
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, before);
}

/* Ours was lost, and all goes well: it is the rollback that tells, and what is known to be ours goes. */
static void
test_rollback_tells(void)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first");
    g_autofree char *pbd = NULL;
    g_autofree char *before = NULL;

    g_clear_pointer(&world, world_free);
    world = world_new_with(pool, TRUE, NULL, &callbacks);
    pbd = lose_connection(world);
    before = test_pool_picture(pool);
    world_wait(world);
    g_assert_no_error(world->error);
    run(world, xd_rollback_live_migration_at_destination_async, test_pool_get_kept(pool));
    world_assert_refused(world, HVD_ERROR_LEFTOVERS, "may be the connection");
    g_assert_nonnull(strstr(xd_error_get_leftovers(world->error)[0], pbd));
    test_pool_assert_picture(pool, before);
}

/* A plan of it leaves alone what it would leave alone, and asks nobody. */
static void
test_rollback_plan(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first pre-migrate-first");
    g_autofree char *node = test_pool_find(pool, "host", "xapisim2");
    g_autofree char *host = test_pool_find_ref(pool, "host", "xapisim2");
    const XdPBD *pbd =
        xd_find_pbd(world->connection->mirror, find_volume_storage(world)->parent.ref, host);
    g_autofree char *document =
        g_strdup_printf("{\"destination\":\"%s\",\"prepared\":{\"pbds\":[],\"plugged_pbds\":[],"
                        "\"doubtful_pbds\":[\"%s\"]}}",
                        node, pbd->uuid);
    HvdCall call = {.struct_size = sizeof call, .flags = HVD_CALL_PLAN_ONLY};

    test_pool_reset_stats(pool);
    world_begin(world);
    xd_rollback_live_migration_at_destination_async(world->connection, INSTANCE, document, &call,
                                                    NULL, world_on_ended, world);
    world_wait(world);
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"steps\":["));
    g_assert_null(strstr(world->result, "PBD.destroy"));
}

static gboolean
never(const World *world G_GNUC_UNUSED)
{
    return FALSE;
}

/* It was made, and the toolstack was away longer than anybody asks what became of it. */
static void
test_connection_untold(void)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first");
    g_autofree char *host = test_pool_find_ref(pool, "host", "xapisim2");
    const XdPBD *pbd;

    g_clear_pointer(&world, world_free);
    world = world_new_with(pool, TRUE, NULL, &callbacks);
    world->still = TRUE;
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"PBD.create\","
                            "\"nth\":1,\"when\":\"after\",\"action\":\"hold\"}}");
    world_start(world, operation_find("pre-migrate-first"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    test_pool_control(pool, "{\"cmd\":\"stop\"}");
    world_pass(world, LONG_MS, 50, never);
    test_pool_control(pool, "{\"cmd\":\"start\"}");
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_LEFTOVERS, "the pool does not say");
    pbd = xd_find_pbd(world->connection->mirror, find_volume_storage(world)->parent.ref, host);
    g_assert_nonnull(strstr(xd_error_get_leftovers(world->error)[0], pbd->uuid));
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/migrate/all", test_all);
    g_test_add_func("/op/migrate/no-session-left", test_no_session_left);
    g_test_add_func("/op/migrate/documents", test_documents);
    g_test_add_func("/op/migrate/no-instance", test_no_instance);
    g_test_add_func("/op/migrate/gone", test_gone);
    g_test_add_func("/op/migrate/same-node", test_same_node);
    g_test_add_func("/op/migrate/halted", test_halted);
    g_test_add_func("/op/migrate/disabled-node", test_disabled_node);
    g_test_add_func("/op/migrate/no-drivers", test_no_drivers);
    g_test_add_data_func("/op/migrate/blocked", "computed", test_blocked);
    g_test_add_data_func("/op/migrate/blocked-a-moment-ago", NULL, test_blocked);
    g_test_add_func("/op/migrate/local-disk", test_local_disk);
    g_test_add_func("/op/migrate/no-memory", test_no_memory);
    g_test_add_func("/op/migrate/fails-after-arrival", test_fails_after_arrival);
    g_test_add_func("/op/migrate/fails-before", test_fails_before);
    g_test_add_func("/op/migrate/not-arrived", test_not_arrived);
    g_test_add_func("/op/migrate/not-whole", test_not_whole);
    g_test_add_func("/op/migrate/rollback-spares-others", test_rollback_spares_others);
    g_test_add_func("/op/migrate/connection-of-others", test_connection_of_others);
    g_test_add_func("/op/migrate/connection-exists", test_connection_exists);
    g_test_add_func("/op/migrate/rollback-tells", test_rollback_tells);
    g_test_add_func("/op/migrate/rollback-plan", test_rollback_plan);
    g_test_add_func("/op/migrate/connection-untold", test_connection_untold);
    g_test_add_func("/op/migrate/two-storages", test_two_storages);
    g_test_add_func("/op/migrate/rollback-after-destroy", test_rollback_after_destroy);
    g_test_add_func("/op/migrate/rollback-of-another-node", test_rollback_of_another_node);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
