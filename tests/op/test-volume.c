/* Volumes: what is asked for, what is there before, and what is never taken from others. */
#include "base/error.h"
#include "ops/find.h"
#include "ops/volume-storage.h"
#include "ops/volume.h"
#include "world.h"
#include "xenapi/mirror.h"

#include <string.h>

/* Longer than a lost reply is looked for. */
#define LONG_MS 90000
#define NOBODY  "8d6f3a4e-5b0c-4d21-9e63-7c1a2b3d4e5f" /* no instance at all */

static TestPool *pool;

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
        {"{\"driver_volume_type\":\"xensm\",\"data\":{\"sr_uuid\":\"" INSTANCE "\",\"vdi_uuid\":"
         "\"" INSTANCE "\",\"encrypted\":true}}",
         HVD_ERROR_UNSUPPORTED, "/data/encrypted"},
        {"{\"driver_volume_type\":\"vdi\",\"data\":{\"vdi_uuid\":\"" INSTANCE
         "\",\"encrypted\":true}}",
         HVD_ERROR_UNSUPPORTED, "/data/encrypted"},
        {ISCSI(TARGET, ",\"auth_method\":\"CHAP\""), HVD_ERROR_INVALID, "/data/auth_method"},
        {ISCSI(TARGET, ",\"auth_method\":\"KRB5\""), HVD_ERROR_INVALID, "/data/auth_method"},
    };
    g_autoptr(World) world = world_new_prepared(pool, "spawn");

    test_pool_reset_stats(pool);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        world_attach(world, cases[i].document, NULL);
        world_assert_refused(world, cases[i].code, cases[i].word);
        world_detach(world, cases[i].document);
        world_assert_refused(world, cases[i].code, cases[i].word);
    }
    world_attach(world, ISCSI(TARGET, ",\"target_lun\":0"), "/dev/md0");
    world_assert_refused(world, HVD_ERROR_INVALID, "\"/dev/md0\" is no device");
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
}

static void
test_unknown(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);

    world_attach(world, "{\"driver_volume_type\":\"vdi\",\"data\":{\"vdi_uuid\":\"" INSTANCE "\"}}",
                 NULL);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "does not show");
    world_attach(world, ISCSI(TARGET, ",\"target_lun\":7"), NULL);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "does not show unit 7");
    world_attach(world,
                 "{\"driver_volume_type\":\"xensm\",\"data\":{\"sr_uuid\":\"" INSTANCE "\","
                 "\"vdi_uuid\":\"" INSTANCE "\"}}",
                 NULL);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND,
                         "/data/sr_uuid: the pool has no storage " INSTANCE);
    world_attach(world, ISCSI("192.0.2.99", ",\"target_lun\":0"), NULL);
    world_assert_refused(world, HVD_ERROR_FAILED, "plug-pbd"); /* the pool itself has answered */
    test_pool_assert_picture(pool, before);
}

/* With two units behind one target nobody guesses which one is meant. */
static void
test_which_unit(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);

    world_attach(world, ISCSI(TARGET, ""), NULL);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "does not show");
    test_pool_assert_picture(pool, before);
    world_attach(world, ISCSI(TARGET, ",\"target_lun\":1"), "xvdc");
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"device\":\"2\""));
}

static void
test_positions(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn-rich");
    const char *info = ISCSI(TARGET, ",\"target_lun\":0");

    world_attach(world, info, "/dev/xvdb");
    world_assert_refused(world, HVD_ERROR_EXISTS, "device 1 of the instance is taken");
    world_attach(world, info, NULL);
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"device\":\"2\""));
    world_attach(world, info, NULL); /* once more: it is there */
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"device\":\"2\""));
    world_attach(world, info, "3");
    world_assert_refused(world, HVD_ERROR_EXISTS, "attached already, as device 2");
}

/* ---- states ---- */

static void
test_states(void)
{
    const char *info = ISCSI(TARGET, ",\"target_lun\":0");
    g_autoptr(World) world = world_new_prepared(pool, "spawn pause");

    world_attach(world, info, NULL);
    world_assert_refused(world, HVD_ERROR_STATE, "paused or suspended");
    world_run(world, operation_find("unpause"));
    world_attach(world, info, NULL);
    g_assert_no_error(world->error);
    world_run(world, operation_find("pause"));
    test_pool_reset_stats(pool);
    world_attach(world, info, NULL); /* once more: it is there */
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"device\":\"1\""));
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
    world_detach(world, info);
    world_assert_refused(world, HVD_ERROR_STATE, "paused or suspended");
}

static void
call_on(const char *method, const char *ref)
{
    g_autofree char *parameters = g_strdup_printf("[\"%s\"]", ref);

    test_pool_call(pool, method, parameters);
}

/* ---- which device is taken away ---- */

#define GROWING "192.0.2.12"

static void
set_units(const char *units)
{
    test_pool_control(pool,
                      "{\"cmd\":\"iscsi-target\",\"target\":\"" GROWING "\",\"iqn\":\"" TARGET_IQN
                      "\",\"luns\":[%s]}",
                      units);
}

/* The storage of a volume shows so many units. */
static void
scan(World *world, const char *sr, guint units)
{
    g_autofree char *ref = g_strdup(sr);

    call_on("SR.scan", ref);
    while (xd_mirror_find(world->connection->mirror, XD_BY_VDI_SR, ref)->len != units)
        g_main_context_iteration(NULL, TRUE);
}

static const XdVDI *
find_volume_disk(const World *world)
{
    return xd_get_vdi(world->connection->mirror, world_find_volume(world)->vdi);
}

/* The only unit needed no name when it was attached: it is still the one that the instance has. */
static void
test_second_unit_appears(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);

    set_units("{\"lun\":0,\"size\":1073741824}");
    world_attach(world, ISCSI(GROWING, ""), NULL);
    g_assert_no_error(world->error);
    set_units("{\"lun\":0,\"size\":1073741824},{\"lun\":1,\"size\":1073741824}");
    scan(world, find_volume_disk(world)->sr, 2);
    world_detach(world, ISCSI(GROWING, ""));
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, before);
}

/* With two units attached nobody guesses which one is meant. */
static void
test_which_device(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first attach-second");
    g_autofree char *before = test_pool_picture(pool);

    world_detach(world, ISCSI(TARGET, ""));
    world_assert_refused(world, HVD_ERROR_AMBIGUOUS, "several devices");
    test_pool_assert_picture(pool, before);
}

/* The unit that needed no name is detached already, and one that came later is all that is left: it was
 * attached by its name, and a document without one does not mean it. */
static void
test_another_unit_left(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = NULL;

    set_units("{\"lun\":0,\"size\":1073741824}");
    world_attach(world, ISCSI(GROWING, ""), NULL);
    g_assert_no_error(world->error);
    set_units("{\"lun\":0,\"size\":1073741824},{\"lun\":2,\"size\":1073741824}");
    scan(world, find_volume_disk(world)->sr, 2);
    world_attach(world, ISCSI(GROWING, ",\"target_lun\":2"), NULL);
    g_assert_no_error(world->error);
    world_detach(world, ISCSI(GROWING, ",\"target_lun\":0"));
    g_assert_no_error(world->error);
    before = test_pool_picture(pool);
    world_detach(world, ISCSI(GROWING, ""));
    world_assert_refused(world, HVD_ERROR_AMBIGUOUS, "does not say which");
    test_pool_assert_picture(pool, before);
    g_assert_true(world_find_volume(world)->currently_attached);
    world_detach(world, ISCSI(GROWING, ",\"target_lun\":2"));
    g_assert_no_error(world->error);
}

/* A scan that does not find the unit says nothing about the device. */
static void
test_missing(void)
{
    static const char *const units[] = {ISCSI(GROWING, ",\"target_lun\":0"), ISCSI(GROWING, "")};

    for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
        g_autoptr(World) world = world_new_prepared(pool, "spawn");
        g_autofree char *before = test_pool_picture(pool);

        set_units("{\"lun\":0,\"size\":1073741824}");
        world_attach(world, ISCSI(GROWING, ",\"target_lun\":0"), NULL);
        g_assert_no_error(world->error);
        test_pool_set(pool, "VDI", world_find_volume(world)->vdi, "missing", "true");
        while (!find_volume_disk(world)->missing)
            g_main_context_iteration(NULL, TRUE);
        world_detach(world, units[i]);
        g_assert_no_error(world->error);
        test_pool_assert_picture(pool, before);
    }
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
    world_attach(world, ISCSI(TARGET, ",\"target_lun\":1"), NULL);
    g_assert_nonnull(world->error);
    test_pool_assert_picture(pool, before);
    world_attach(world, ISCSI(TARGET, ",\"target_lun\":1"), NULL);
    g_assert_no_error(world->error);
    world_detach(world, ISCSI(TARGET, ",\"target_lun\":1"));
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, before);
}

/* ---- another process attaches another unit of the target at the same moment ---- */

#define OTHERS_SR "c78e2980-56a7-5fd0-aba3-3694766e0320" /* of the target, whoever introduces it */

static char *
call_for_ref(const char *method, const char *parameters)
{
    return g_strdup(json_node_get_string(test_pool_call(pool, method, parameters)));
}

/* (transfer full): the storage */
static char *
introduce_outside(void)
{
    return call_for_ref("SR.introduce",
                        "[\"" OTHERS_SR "\",\"tempSR\",\"" XD_VOLUME_STORAGE "1;another\","
                        "\"iscsi\",\"\",true,{}]");
}

static void
connect_outside(const char *sr)
{
    g_autofree char *host = test_pool_find_ref(pool, "host", "xapisim1");
    g_autofree char *record = g_strdup_printf(
        "[{\"host\":\"%s\",\"SR\":\"%s\",\"other_config\":{},\"device_config\":{"
        "\"target\":\"" TARGET "\",\"port\":\"3260\",\"targetIQN\":\"" TARGET_IQN "\"}}]",
        host, sr);
    g_autofree char *pbd = call_for_ref("PBD.create", record);

    call_on("PBD.plug", pbd);
}

/* It fails later, and what the other one has introduced stays. */
static void
test_race_fails(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *sr = NULL;
    g_autofree char *before = NULL;

    test_pool_hold(pool, "i", "SR.introduce", "before");
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"method\":\"PBD.plug\",\"nth\":1,"
                      "\"action\":\"task-fail\",\"error\":[\"INTERNAL_ERROR\",\"planted\"]}}");
    world_start(world, operation_find("attach-first"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"i\"}");
    sr = introduce_outside();
    before = test_pool_picture(pool);
    test_pool_let_go(pool, "i");
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_FAILED, "plug-pbd");
    test_pool_assert_picture(pool, before);
}

/* What the other one has made shows later than the answer that says that it is there. */
static void
test_race_late(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *sr = NULL;

    world->still = TRUE;
    test_pool_hold(pool, "i", "SR.introduce", "before");
    world_start(world, operation_find("attach-first"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"i\"}");
    test_pool_hold(pool, "e", "event.from", "before");
    test_pool_set(pool, "VM", world_find_vm(world)->parent.ref, "name_description",
                  "\"next poll\"");
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"e\"}");
    sr = introduce_outside();
    connect_outside(sr);
    test_pool_let_go(pool, "i");
    while (!world->ended && xd_http_get_busy(world->connection->http) > 1)
        g_main_context_iteration(NULL, TRUE);
    test_pool_let_go(pool, "e");
    world->still = FALSE;
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_nonnull(world_find_volume(world));
}

/* ---- what a storage of our own has is ours, whatever was told of it ---- */

static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, const char *const *fields G_GNUC_UNUSED,
       gpointer data G_GNUC_UNUSED)
{
}

static gboolean
never(const World *world G_GNUC_UNUSED)
{
    return FALSE;
}

/* The toolstack is away longer than anybody asks what became of the connection. */
static void
test_connection_untold(void)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);

    g_clear_pointer(&world, world_free);
    world = world_new_with(pool, TRUE, NULL, &callbacks);
    world->still = TRUE;
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"PBD.create\","
                            "\"nth\":1,\"when\":\"after\",\"action\":\"hold\"}}");
    world_start(world, operation_find("attach-first"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    test_pool_control(pool, "{\"cmd\":\"stop\"}");
    world_pass(world, LONG_MS, 50, never);
    test_pool_control(pool, "{\"cmd\":\"start\"}");
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_UNKNOWN_OUTCOME, "the pool does not say");
    test_pool_assert_picture(pool, before);
}

/* An instance's own disk is no volume of it. */
static void
test_own_disk(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    const XdVBD *vbd = g_ptr_array_index(world_devices(world), 0);
    const XdVDI *vdi = xd_get_vdi(world->connection->mirror, vbd->vdi);
    g_autofree char *info = g_strdup_printf(
        "{\"driver_volume_type\":\"vdi\",\"data\":{\"vdi_uuid\":\"%s\"}}", vdi->uuid);
    g_autofree char *before = test_pool_picture(pool);

    world_detach(world, info);
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

/* The storage of what went with the instance is dropped all the same, and only while nobody else uses it. */
static void
test_detach_after_destroy(void)
{
    const char *info = ISCSI(TARGET, ",\"target_lun\":0");
    g_autoptr(World) world = world_new_prepared(pool, "");
    g_autofree char *before = test_pool_picture(pool);
    g_autofree char *connected = NULL;

    world_free(world);
    world = world_new_prepared(pool, "spawn attach-first");
    world_run(world, operation_find("destroy"));
    g_assert_no_error(world->error);
    world_detach(world, info);
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, before);
    world_detach(world, info);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "there is no instance " INSTANCE);
    world_free(world);
    world = world_new_prepared(pool, "spawn attach-first");
    connected = test_pool_picture(pool);
    xd_detach_volume_async(world->connection, NOBODY, info, NULL, NULL, world_on_ended, world);
    world_begin(world);
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "there is no instance " NOBODY);
    test_pool_assert_picture(pool, connected);
}

/* The pool answers, and shows nothing: who asks gets the whole document all the same. */
static void
test_not_shown(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn power-off-hard");
    g_autofree char *vbd = NULL;

    world->still = TRUE;
    test_pool_hold(pool, "e", "event.from", "before");
    test_pool_set(pool, "VM", world_find_vm(world)->parent.ref, "name_description",
                  "\"next poll\"");
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"e\"}");
    world_start(world, operation_find("attach-disk"), NULL);
    while (!world->ended) {
        while (xd_http_get_busy(world->connection->http) > 1 || g_main_context_pending(NULL))
            g_main_context_iteration(NULL, FALSE);
        xd_clock_advance(world->clock, 1000);
    }
    g_assert_no_error(world->error);
    g_assert_null(world_find_volume(world));
    test_pool_let_go(pool, "e");
    while (world_find_volume(world) == NULL)
        g_main_context_iteration(NULL, TRUE);
    vbd = g_strdup_printf("\"vbd_uuid\":\"%s\"", world_find_volume(world)->uuid);
    g_assert_nonnull(strstr(world->result, vbd));
    g_assert_nonnull(strstr(world->result, "\"device\":\"1\""));
    g_assert_nonnull(strstr(world->result, test_pool_get_volume(pool)));
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

/* ---- a device is left as it was found: plugged, or not ---- */

static void
unplug_outside(World *world)
{
    g_autofree char *ref = g_strdup(world_find_volume(world)->parent.ref);

    call_on("VBD.unplug", ref);
    while (world_find_volume(world)->currently_attached)
        g_main_context_iteration(NULL, TRUE);
}

/* The call is never answered, and the caller wants no more of it. */
static void
stop_at(World *world, const char *operation, const char *method, const char *when)
{
    test_pool_hold(pool, "f", method, when);
    world_start(world, operation_find(operation), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"f\"}");
    world_hang(world);
    g_cancellable_cancel(world->cancellable);
}

static void
test_attach_unplugged(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk");
    g_autofree char *before = NULL;

    unplug_outside(world);
    before = test_pool_picture(pool);
    stop_at(world, "attach-disk", "VBD.plug", "after");
    world_wait(world);
    g_assert_nonnull(world->error); /* cancelled, or out of time */
    test_pool_assert_picture(pool, before);
}

static void
test_detach_unplugged(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk");
    g_autofree char *before = NULL;

    unplug_outside(world);
    before = test_pool_picture(pool);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"method\":\"VBD.destroy\",\"nth\":1,"
                            "\"action\":\"error\",\"error\":[\"INTERNAL_ERROR\",\"planted\"]}}");
    world_run(world, operation_find("detach-disk"));
    world_assert_refused(world, HVD_ERROR_FAILED, "destroy-device");
    test_pool_assert_picture(pool, before);
}

/* A backup is taken while the device is plugged, and inherits the device's mark. */
static void
test_backup_meanwhile(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *vm = g_strdup_printf("[\"%s\",\"backup\"]", world_find_vm(world)->parent.ref);

    stop_at(world, "attach-disk", "VBD.plug", "before");
    test_pool_call(pool, "VM.snapshot", vm);
    world_wait(world);
    g_assert_nonnull(world->error); /* cancelled, or out of time */
    g_assert_null(world_find_volume(world));
    g_assert_cmpuint(world_devices(world)->len, ==, 1);
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

    world_attach(world, ISCSI(GUARDED_TARGET, ",\"target_lun\":0" CHAP("tiger-canary")), NULL);
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
    g_test_add_func("/op/volume/second-unit-appears", test_second_unit_appears);
    g_test_add_func("/op/volume/which-device", test_which_device);
    g_test_add_func("/op/volume/another-unit-left", test_another_unit_left);
    g_test_add_func("/op/volume/missing", test_missing);
    g_test_add_func("/op/volume/storage-of-others", test_storage_of_others);
    g_test_add_func("/op/volume/race-fails", test_race_fails);
    g_test_add_func("/op/volume/race-late", test_race_late);
    g_test_add_func("/op/volume/connection-untold", test_connection_untold);
    g_test_add_func("/op/volume/own-disk", test_own_disk);
    g_test_add_func("/op/volume/destroy", test_destroy);
    g_test_add_func("/op/volume/detach-after-destroy", test_detach_after_destroy);
    g_test_add_func("/op/volume/not-shown", test_not_shown);
    g_test_add_func("/op/volume/gone", test_gone);
    g_test_add_func("/op/volume/attach-unplugged", test_attach_unplugged);
    g_test_add_func("/op/volume/detach-unplugged", test_detach_unplugged);
    g_test_add_func("/op/volume/backup-meanwhile", test_backup_meanwhile);
    g_test_add_func("/op/volume/secret", test_secret);
    g_test_add_func("/op/volume/wrong-password", test_wrong_password);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
