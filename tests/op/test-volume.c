/* Volumes: what is asked for, what is there before, and what is never taken from others. */
#include "base/error.h"
#include "ops/volume.h"
#include "world.h"
#include "xenapi/mirror.h"

#include <string.h>

static TestPool *pool;

static void
attach(World *world, const char *info, const char *mountpoint)
{
    world_begin(world);
    xd_attach_volume_async(world->connection, INSTANCE, info, mountpoint, NULL, world->cancellable,
                           world_on_ended, world);
    world_wait(world);
}

static void
detach(World *world, const char *info)
{
    world_begin(world);
    xd_detach_volume_async(world->connection, INSTANCE, info, NULL, world->cancellable,
                           world_on_ended, world);
    world_wait(world);
}

#define ISCSI(target, data)                                                                        \
    "{\"driver_volume_type\":\"iscsi\",\"data\":{\"volume_id\":\"v\",\"target_portal\":\"" target  \
    ":3260\",\"target_iqn\":\"" TARGET_IQN "\"" data "}}"
#define CHAP(password)                                                                             \
    ",\"auth_method\":\"CHAP\",\"auth_username\":\"" TARGET_USER                                   \
    "\",\"auth_password\":\"" password "\""

/* ---- what is asked for ---- */

static void
test_documents(void)
{
    static const struct {
        const char *document;
        HvdError code;
        const char *word;
    } cases[] = {
        {"{}", HVD_ERROR_INVALID, "driver_volume_type"},
        {"{\"driver_volume_type\":\"rbd\",\"data\":{}}", HVD_ERROR_INVALID, "/driver_volume_type"},
        {"{\"driver_volume_type\":\"iscsi\",\"data\":{}}", HVD_ERROR_INVALID, "/data/"},
        {"{\"driver_volume_type\":\"iscsi\",\"data\":{\"target_portal\":\"x:1:2\",\"target_iqn\":"
         "\"" TARGET_IQN "\",\"target_lun\":0}}",
         HVD_ERROR_INVALID, "/data/target_portal"},
        {ISCSI(TARGET, ",\"target_lun\":-1"), HVD_ERROR_INVALID, "/data/target_lun"},
        {ISCSI(TARGET, ",\"encrypted\":true"), HVD_ERROR_UNSUPPORTED, "/data/encrypted"},
        {ISCSI(TARGET, ",\"auth_method\":\"CHAP\""), HVD_ERROR_INVALID, "/data/auth_method"},
        {ISCSI(TARGET, ",\"auth_method\":\"KRB5\""), HVD_ERROR_INVALID, "/data/auth_method"},
    };
    g_autoptr(World) world = world_new_prepared(pool, "spawn");

    test_pool_reset_stats(pool);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        attach(world, cases[i].document, NULL);
        world_assert_refused(world, cases[i].code, cases[i].word);
        detach(world, cases[i].document);
        world_assert_refused(world, cases[i].code, cases[i].word);
    }
    attach(world, ISCSI(TARGET, ",\"target_lun\":0"), "/dev/md0");
    world_assert_refused(world, HVD_ERROR_INVALID, "\"/dev/md0\" is no device");
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
}

static void
test_unknown(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);

    attach(world, "{\"driver_volume_type\":\"vdi\",\"data\":{\"vdi_uuid\":\"" INSTANCE "\"}}",
           NULL);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "does not show");
    attach(world, ISCSI(TARGET, ",\"target_lun\":7"), NULL);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "does not show unit 7");
    attach(world,
           "{\"driver_volume_type\":\"xensm\",\"data\":{\"sr_uuid\":\"" INSTANCE "\","
           "\"vdi_uuid\":\"" INSTANCE "\"}}",
           NULL);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "/data/sr_uuid: the pool has no storage " INSTANCE);
    attach(world, ISCSI("192.0.2.99", ",\"target_lun\":0"), NULL);
    g_assert_nonnull(world->error);
    g_assert_nonnull(strstr(world->error->message, "plug-pbd"));
    test_pool_assert_picture(pool, before);
}

/* With two units behind one target nobody guesses which one is meant. */
static void
test_which_unit(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);

    attach(world, ISCSI(TARGET, ""), NULL);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "does not show");
    test_pool_assert_picture(pool, before);
    attach(world, ISCSI(TARGET, ",\"target_lun\":1"), "xvdc");
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"device\":\"2\""));
}

static void
test_positions(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn-rich");
    const char *info = ISCSI(TARGET, ",\"target_lun\":0");

    attach(world, info, "/dev/xvdb");
    world_assert_refused(world, HVD_ERROR_EXISTS, "device 1 of the instance is taken");
    attach(world, info, NULL);
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"device\":\"2\""));
    attach(world, info, NULL); /* once more: it is there */
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"device\":\"2\""));
    attach(world, info, "3");
    world_assert_refused(world, HVD_ERROR_EXISTS, "attached already, as device 2");
}

/* ---- states ---- */

static void
test_states(void)
{
    const char *info = ISCSI(TARGET, ",\"target_lun\":0");
    g_autoptr(World) world = world_new_prepared(pool, "spawn pause");

    attach(world, info, NULL);
    world_assert_refused(world, HVD_ERROR_STATE, "paused or suspended");
    world_run(world, operation_find("unpause"));
    attach(world, info, NULL);
    g_assert_no_error(world->error);
    world_run(world, operation_find("pause"));
    detach(world, info);
    world_assert_refused(world, HVD_ERROR_STATE, "paused or suspended");
}

/* ---- what others have stays ---- */

/* The storage is there for another unit: a failure, and a detach, leave it. */
static void
test_storage_of_others(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first");
    g_autofree char *before = test_pool_picture(pool);

    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"p\",\"method\":\"VBD.plug\","
                            "\"nth\":1,\"when\":\"before\",\"action\":\"task-fail\",\"error\":"
                            "[\"INTERNAL_ERROR\",\"planted\"]}}");
    attach(world, ISCSI(TARGET, ",\"target_lun\":1"), NULL);
    g_assert_nonnull(world->error);
    test_pool_assert_picture(pool, before);
    attach(world, ISCSI(TARGET, ",\"target_lun\":1"), NULL);
    g_assert_no_error(world->error);
    detach(world, ISCSI(TARGET, ",\"target_lun\":1"));
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, before);
}

/* An instance's own disk is no volume of it. */
static void
test_own_disk(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    const XdVM *vm =
        (const XdVM *) xd_mirror_find_one(world->connection->mirror, XD_BY_VM_INSTANCE, INSTANCE);
    const GPtrArray *vbds = xd_mirror_find(world->connection->mirror, XD_BY_VBD_VM, vm->parent.ref);
    const XdVDI *vdi =
        xd_get_vdi(world->connection->mirror, ((const XdVBD *) g_ptr_array_index(vbds, 0))->vdi);
    g_autofree char *info = g_strdup_printf(
        "{\"driver_volume_type\":\"vdi\",\"data\":{\"vdi_uuid\":\"%s\"}}", vdi->uuid);
    g_autofree char *before = test_pool_picture(pool);

    detach(world, info);
    world_assert_refused(world, HVD_ERROR_DENIED, "the instance's own");
    test_pool_assert_picture(pool, before);
}

/* Destroying an instance leaves its volumes and their storage alone. */
static void
test_destroy(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk attach-first destroy");

    g_assert_cmpuint(
        xd_mirror_find(world->connection->mirror, XD_BY_VDI_UUID, test_pool_get_volume(pool))->len,
        ==, 1);
}

/* The instance goes while its second volume waits for the turn of the first one to end. */
static void
test_gone(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    const XdMirror *mirror = world->connection->mirror;
    World second = {.pool = pool};

    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"h\",\"method\":\"SR.introduce\","
                            "\"nth\":1,\"when\":\"before\",\"action\":\"hold\"}}");
    world_start(world, operation_find("attach-first"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"h\"}");
    xd_attach_volume_async(world->connection, INSTANCE, ISCSI(TARGET, ",\"target_lun\":1"), NULL,
                           NULL, NULL, world_on_ended, &second);
    test_pool_destroy_vm(pool, "web");
    while (xd_mirror_find(mirror, XD_BY_VM_INSTANCE, INSTANCE)->len > 0)
        g_main_context_iteration(NULL, TRUE);
    test_pool_control(pool, "{\"cmd\":\"release\",\"id\":\"h\"}");
    world_wait(world);
    g_assert_nonnull(world->error);
    world_wait(&second);
    world_assert_refused(&second, HVD_ERROR_NOT_FOUND, "the instance is gone");
    g_clear_error(&second.error);
}

/* ---- CHAP (SEC-9) ---- */

/* Everything that the pool holds but values of secrets, as text. */
static char *
dump_without_secrets(void)
{
    JsonObject *dump = test_pool_control(pool, "{\"cmd\":\"dump\"}");
    g_autoptr(JsonNode) node = json_node_alloc();
    g_autoptr(JsonNode) copy = NULL;

    json_node_init_object(node, dump);
    copy = json_node_copy(node);
    json_object_remove_member(json_node_get_object(copy), "secret");
    return json_to_string(copy, FALSE);
}

static guint
count_secrets(void)
{
    JsonObject *dump = test_pool_control(pool, "{\"cmd\":\"dump\"}");

    return json_object_has_member(dump, "secret")
               ? json_object_get_size(json_object_get_object_member(dump, "secret")) - POOL_SECRETS
               : 0;
}

static void
test_secret(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-guarded");
    g_autofree char *dump = dump_without_secrets();

    g_assert_null(strstr(dump, TARGET_PASSWORD));
    g_assert_cmpuint(count_secrets(), ==, 1); /* the connection's own copy */
    world_run(world, operation_find("detach-guarded"));
    g_assert_no_error(world->error);
    g_assert_cmpuint(count_secrets(), ==, 0);
}

static void
test_wrong_password(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);

    attach(world, ISCSI(GUARDED_TARGET, ",\"target_lun\":0" CHAP("tiger-canary")), NULL);
    g_assert_nonnull(world->error);
    g_assert_nonnull(strstr(world->error->message, "plug-pbd"));
    g_assert_null(strstr(world->error->message, "canary"));
    test_pool_assert_picture(pool, before);
    g_assert_cmpuint(count_secrets(), ==, 0);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/volume/documents", test_documents);
    g_test_add_func("/op/volume/unknown", test_unknown);
    g_test_add_func("/op/volume/which-unit", test_which_unit);
    g_test_add_func("/op/volume/positions", test_positions);
    g_test_add_func("/op/volume/states", test_states);
    g_test_add_func("/op/volume/storage-of-others", test_storage_of_others);
    g_test_add_func("/op/volume/own-disk", test_own_disk);
    g_test_add_func("/op/volume/destroy", test_destroy);
    g_test_add_func("/op/volume/gone", test_gone);
    g_test_add_func("/op/volume/secret", test_secret);
    g_test_add_func("/op/volume/wrong-password", test_wrong_password);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
