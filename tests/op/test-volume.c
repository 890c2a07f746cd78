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

/* Longer than an instance is waited for that goes down. */
#define LONG_WAY_DOWN_MS 301000

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

/* The volume of the default storage. */
static char *
known_disk(const char *more)
{
    return g_strdup_printf("{\"driver_volume_type\":\"vdi\",\"data\":{\"vdi_uuid\":\"%s\"%s}}",
                           test_pool_get_volume(pool), more);
}

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
    world_assert_refused(world, HVD_ERROR_NOT_FOUND,
                         "/data/sr_uuid: the pool has no storage " INSTANCE);
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

/* xapi_vbd.ml, plug: an HVM guest that runs takes no disk that it may only read. Storage is left alone. */
static void
test_read_only(void)
{
    g_autofree char *disk = known_disk(",\"access_mode\":\"ro\"");
    const char *const documents[] = {disk,
                                     ISCSI(TARGET, ",\"target_lun\":0,\"access_mode\":\"ro\"")};

    for (guint i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autoptr(World) world = world_new_prepared(pool, "spawn");
        g_autofree char *before = test_pool_picture(pool);

        test_pool_reset_stats(pool);
        attach(world, documents[i], NULL);
        world_assert_refused(world, HVD_ERROR_STATE, "read-only");
        g_assert_cmpstr(xd_error_get_advice(world->error), !=, NULL);
        g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
        test_pool_assert_picture(pool, before);
        world_run(world, operation_find("power-off-hard"));
        attach(world, documents[i], NULL);
        g_assert_no_error(world->error);
        world_run(world, operation_find("power-on"));
        attach(world, documents[i], NULL); /* once more: it is there */
        g_assert_no_error(world->error);
        detach(world, documents[i]);
        g_assert_no_error(world->error);
    }
}

/* ---- what there is of one instance ---- */

static const XdVM *
find_vm(const World *world)
{
    return xd_find_instance(world->connection->mirror, INSTANCE, NULL);
}

static const GPtrArray *
devices(const World *world)
{
    return xd_mirror_find(world->connection->mirror, XD_BY_VBD_VM, find_vm(world)->parent.ref);
}

/* (nullable): its only volume */
static const XdVBD *
find_volume(const World *world)
{
    const XdVBD *found = NULL;

    for (guint i = 0; i < devices(world)->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(devices(world), i);

        if (xd_map_get(&vbd->other_config, XD_VOLUME_KEY) == NULL)
            continue;
        g_assert_null(found);
        found = vbd;
    }
    return found;
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
    return xd_get_vdi(world->connection->mirror, find_volume(world)->vdi);
}

/* The only unit needed no name when it was attached: it is still the one that the instance has. */
static void
test_second_unit_appears(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *before = test_pool_picture(pool);

    set_units("{\"lun\":0,\"size\":1073741824}");
    attach(world, ISCSI(GROWING, ""), NULL);
    g_assert_no_error(world->error);
    set_units("{\"lun\":0,\"size\":1073741824},{\"lun\":1,\"size\":1073741824}");
    scan(world, find_volume_disk(world)->sr, 2);
    detach(world, ISCSI(GROWING, ""));
    g_assert_no_error(world->error);
    test_pool_assert_picture(pool, before);
}

/* With two units attached nobody guesses which one is meant. */
static void
test_which_device(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first attach-second");
    g_autofree char *before = test_pool_picture(pool);

    detach(world, ISCSI(TARGET, ""));
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
    attach(world, ISCSI(GROWING, ""), NULL);
    g_assert_no_error(world->error);
    set_units("{\"lun\":0,\"size\":1073741824},{\"lun\":2,\"size\":1073741824}");
    scan(world, find_volume_disk(world)->sr, 2);
    attach(world, ISCSI(GROWING, ",\"target_lun\":2"), NULL);
    g_assert_no_error(world->error);
    detach(world, ISCSI(GROWING, ",\"target_lun\":0"));
    g_assert_no_error(world->error);
    before = test_pool_picture(pool);
    detach(world, ISCSI(GROWING, ""));
    world_assert_refused(world, HVD_ERROR_AMBIGUOUS, "does not say which");
    test_pool_assert_picture(pool, before);
    g_assert_true(find_volume(world)->currently_attached);
    detach(world, ISCSI(GROWING, ",\"target_lun\":2"));
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
        attach(world, ISCSI(GROWING, ",\"target_lun\":0"), NULL);
        g_assert_no_error(world->error);
        test_pool_set(pool, "VDI", find_volume(world)->vdi, "missing", "true");
        while (!find_volume_disk(world)->missing)
            g_main_context_iteration(NULL, TRUE);
        detach(world, units[i]);
        g_assert_no_error(world->error);
        test_pool_assert_picture(pool, before);
    }
}

/* ---- a volume that another instance has ---- */

/* The instance becomes another one, and the volume is its; @mode: how it has it. There is a new instance. */
static void
hand_over(World *world, const char *mode)
{
    g_autofree char *owner = g_strdup(find_vm(world)->parent.ref);

    test_pool_set(pool, "VBD", find_volume(world)->parent.ref, "mode", mode);
    test_pool_set(pool, "VM", owner, "name_label", "\"db\"");
    test_pool_set(pool, "VM", owner, "other_config", "{}");
    while (xd_mirror_find(world->connection->mirror, XD_BY_VM_INSTANCE, INSTANCE)->len > 0)
        g_main_context_iteration(NULL, TRUE);
    world_run(world, operation_find("spawn"));
    g_assert_no_error(world->error);
}

/* Suspended, its owner comes back to it without a question (xapi_vbd_helpers.ml): two would write. */
static void
test_in_use(void)
{
    static const struct {
        const char *owner;
        const char *word;
    } cases[] = {{"spawn attach-disk suspend", "attached to db, which is suspended"},
                 {"spawn attach-disk", "attached to db"}};
    g_autofree char *info = known_disk("");

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(World) world = world_new_prepared(pool, cases[i].owner);
        g_autofree char *before = NULL;

        hand_over(world, "\"RW\"");
        before = test_pool_picture(pool);
        test_pool_reset_stats(pool);
        attach(world, info, NULL);
        world_assert_refused(world, HVD_ERROR_BUSY, cases[i].word);
        g_assert_cmpstr(xd_error_get_advice(world->error), !=, NULL);
        g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
        test_pool_assert_picture(pool, before);
        world_run(world, operation_find("power-off-hard"));
        attach(world, info, NULL); /* its start would be refused, or not even that */
        world_assert_refused(world, HVD_ERROR_BUSY, cases[i].word);
    }
}

static void
test_read_together(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk suspend");
    g_autofree char *read_write = known_disk("");
    g_autofree char *read_only = known_disk(",\"access_mode\":\"ro\"");

    hand_over(world, "\"RO\"");
    world_run(world, operation_find("power-off-hard"));
    attach(world, read_write, NULL);
    world_assert_refused(world, HVD_ERROR_BUSY, "attached to db");
    attach(world, read_only, NULL);
    g_assert_no_error(world->error);
}

/* What may be shared is, and a node that reads a disk for a transfer is no user of it. */
static void
test_no_rival(void)
{
    g_autofree char *info = known_disk("");

    for (guint i = 0; i < 2; i++) {
        g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk");
        const XdMirror *mirror = world->connection->mirror;
        g_autofree char *disk = g_strdup(find_volume(world)->vdi);
        g_autofree char *owner = g_strdup(find_vm(world)->parent.ref);

        hand_over(world, "\"RW\"");
        if (i == 0)
            test_pool_set(pool, "VDI", disk, "sharable", "true");
        else
            test_pool_set(pool, "VM", owner, "is_control_domain", "true");
        while (!xd_get_vdi(mirror, disk)->sharable && !xd_get_vm(mirror, owner)->is_control_domain)
            g_main_context_iteration(NULL, TRUE);
        attach(world, info, NULL);
        g_assert_no_error(world->error);
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
    attach(world, ISCSI(TARGET, ",\"target_lun\":1"), NULL);
    g_assert_nonnull(world->error);
    test_pool_assert_picture(pool, before);
    attach(world, ISCSI(TARGET, ",\"target_lun\":1"), NULL);
    g_assert_no_error(world->error);
    detach(world, ISCSI(TARGET, ",\"target_lun\":1"));
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

static void
hold(const char *id, const char *method)
{
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"%s\",\"method\":\"%s\","
                      "\"nth\":1,\"when\":\"before\",\"action\":\"hold\"}}",
                      id, method);
}

static void
let_go(const char *id)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":\"%s\"}", id);
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

    hold("i", "SR.introduce");
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"method\":\"PBD.plug\",\"nth\":1,"
                      "\"action\":\"task-fail\",\"error\":[\"INTERNAL_ERROR\",\"planted\"]}}");
    world_start(world, operation_find("attach-first"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"i\"}");
    sr = introduce_outside();
    before = test_pool_picture(pool);
    let_go("i");
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
    hold("i", "SR.introduce");
    world_start(world, operation_find("attach-first"), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"i\"}");
    hold("e", "event.from");
    test_pool_set(pool, "VM", find_vm(world)->parent.ref, "name_description", "\"next poll\"");
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"e\"}");
    sr = introduce_outside();
    connect_outside(sr);
    let_go("i");
    while (!world->ended && xd_http_get_busy(world->connection->http) > 1)
        g_main_context_iteration(NULL, TRUE);
    let_go("e");
    world->still = FALSE;
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_nonnull(find_volume(world));
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
    const XdVBD *vbd = g_ptr_array_index(devices(world), 0);
    const XdVDI *vdi = xd_get_vdi(world->connection->mirror, vbd->vdi);
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

/* ---- a device is left as it was found: plugged, or not ---- */

static void
unplug_outside(World *world)
{
    g_autofree char *ref = g_strdup(find_volume(world)->parent.ref);

    call_on("VBD.unplug", ref);
    while (find_volume(world)->currently_attached)
        g_main_context_iteration(NULL, TRUE);
}

/* The call is never answered, and the caller wants no more of it. */
static void
stop_at(World *world, const char *operation, const char *method, const char *when)
{
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"%s\","
                      "\"nth\":1,\"when\":\"%s\",\"action\":\"hold\"}}",
                      method, when);
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
    g_autofree char *vm = g_strdup_printf("[\"%s\",\"backup\"]", find_vm(world)->parent.ref);

    stop_at(world, "attach-disk", "VBD.plug", "before");
    test_pool_call(pool, "VM.snapshot", vm);
    world_wait(world);
    g_assert_nonnull(world->error); /* cancelled, or out of time */
    g_assert_null(find_volume(world));
    g_assert_cmpuint(devices(world)->len, ==, 1);
}

/* ---- the instance goes down meanwhile: nothing is plugged or unplugged then (xapi_vbd_helpers.ml) ---- */

/* (transfer full): another process has begun @operation, and goes on with it when "d" is let go. */
static World *
begin_way_down(const char *operation, const char *method)
{
    World *other = world_new(pool, TRUE, NULL);

    other->still = TRUE;
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"d\",\"method\":\"%s\","
                      "\"nth\":1,\"when\":\"middle\",\"action\":\"hold\"}}",
                      method);
    world_start(other, operation_find(operation), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"d\"}");
    return other;
}

static void
see_way_down(const World *world)
{
    while (find_vm(world)->current_operations.n == 0)
        g_main_context_iteration(NULL, TRUE);
}

static void
turn_until_idle(const World *world)
{
    while (!world->ended &&
           (xd_http_get_busy(world->connection->http) > 1 || g_main_context_pending(NULL)))
        g_main_context_iteration(NULL, FALSE);
}

static void
test_detach_while_down(void)
{
    static const struct {
        const char *operation;
        const char *method;
        gboolean stays;
    } cases[] = {{"power-off", "VM.clean_shutdown", FALSE},
                 {"power-off-hard", "VM.hard_shutdown", FALSE},
                 {"pause", "VM.pause", TRUE}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk");
        g_autoptr(World) other = begin_way_down(cases[i].operation, cases[i].method);

        see_way_down(world);
        test_pool_reset_stats(pool);
        world->still = TRUE;
        world_start(world, operation_find("detach-disk"), NULL);
        turn_until_idle(world);
        g_assert_false(world->ended);
        g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
        let_go("d");
        world_wait(world);
        if (cases[i].stays)
            world_assert_refused(world, HVD_ERROR_STATE, "paused or suspended");
        else
            g_assert_no_error(world->error);
        g_assert_cmpint(find_volume(world) != NULL, ==, cases[i].stays);
        g_assert_cmpuint(test_pool_count_requests(pool), ==, cases[i].stays ? 0 : 1);
        world_wait(other);
        g_assert_no_error(other->error);
    }
}

/* The way down begins where the driver does not see it yet, and the toolstack refuses to unplug. */
static void
test_detach_refused(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk");
    g_autoptr(World) other = NULL;

    world->still = TRUE;
    hold("e", "event.from");
    test_pool_set(pool, "VM", find_vm(world)->parent.ref, "name_description", "\"next poll\"");
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"e\"}");
    other = begin_way_down("power-off", "VM.clean_shutdown");
    g_assert_cmpuint(find_vm(world)->current_operations.n, ==, 0);
    test_pool_reset_stats(pool);
    world_start(world, operation_find("detach-disk"), NULL);
    while (test_pool_count_requests(pool) == 0)
        g_main_context_iteration(NULL, FALSE);
    let_go("e");
    see_way_down(world);
    turn_until_idle(world);
    g_assert_false(world->ended);
    xd_clock_advance(world->clock, 1000);
    turn_until_idle(world);
    g_assert_false(world->ended);
    let_go("d");
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_null(find_volume(world));
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 2);
    world_wait(other);
}

/* A guest that takes no notice: whoever asks may ask again. */
static void
test_detach_while_down_for_long(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk");
    g_autoptr(World) other = begin_way_down("power-off", "VM.clean_shutdown");

    see_way_down(world);
    world->still = TRUE;
    world_start(world, operation_find("detach-disk"), NULL);
    turn_until_idle(world);
    xd_clock_advance(world->clock, LONG_WAY_DOWN_MS);
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_BUSY, "clean_shutdown of the instance does not end");
    g_assert_cmpstr(xd_error_get_advice(world->error), !=, NULL);
    g_assert_true(find_volume(world)->currently_attached);
    let_go("d");
    world_wait(other);
}

/* The device is made, and not plugged before the instance is down: then it need not be. */
static void
test_attach_while_down(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autoptr(World) other = begin_way_down("power-off", "VM.clean_shutdown");

    see_way_down(world);
    test_pool_reset_stats(pool);
    world->still = TRUE;
    world_start(world, operation_find("attach-disk"), NULL);
    turn_until_idle(world);
    g_assert_false(world->ended);
    let_go("d");
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_nonnull(find_volume(world));
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 1);
    world_wait(other);
}

static gboolean
has_plugged(const World *world)
{
    const XdVBD *vbd = find_volume(world);

    return vbd != NULL && vbd->currently_attached && vbd->current_operations.n == 0;
}

/* The caller gives up, and what was plugged has to go again. */
static void
test_undo_while_down(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autoptr(World) other = NULL;

    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"id\":\"f\",\"method\":\"VBD.plug\","
                            "\"nth\":1,\"when\":\"after\",\"action\":\"hold\"}}");
    world->still = TRUE;
    world_start(world, operation_find("attach-disk"), NULL);
    while (!has_plugged(world))
        g_main_context_iteration(NULL, TRUE);
    other = begin_way_down("power-off", "VM.clean_shutdown");
    see_way_down(world);
    g_cancellable_cancel(world->cancellable);
    let_go("f");
    turn_until_idle(world);
    g_assert_false(world->ended);
    let_go("d");
    world->still = FALSE;
    world_wait(world);
    g_assert_nonnull(world->error); /* cancelled */
    g_assert_false(xd_error_is(world->error, HVD_ERROR_LEFTOVERS));
    g_assert_null(find_volume(world));
    world_wait(other);
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
    g_test_add_func("/op/volume/read-only", test_read_only);
    g_test_add_func("/op/volume/second-unit-appears", test_second_unit_appears);
    g_test_add_func("/op/volume/which-device", test_which_device);
    g_test_add_func("/op/volume/another-unit-left", test_another_unit_left);
    g_test_add_func("/op/volume/missing", test_missing);
    g_test_add_func("/op/volume/in-use", test_in_use);
    g_test_add_func("/op/volume/read-together", test_read_together);
    g_test_add_func("/op/volume/no-rival", test_no_rival);
    g_test_add_func("/op/volume/storage-of-others", test_storage_of_others);
    g_test_add_func("/op/volume/race-fails", test_race_fails);
    g_test_add_func("/op/volume/race-late", test_race_late);
    g_test_add_func("/op/volume/connection-untold", test_connection_untold);
    g_test_add_func("/op/volume/own-disk", test_own_disk);
    g_test_add_func("/op/volume/destroy", test_destroy);
    g_test_add_func("/op/volume/gone", test_gone);
    g_test_add_func("/op/volume/attach-unplugged", test_attach_unplugged);
    g_test_add_func("/op/volume/detach-unplugged", test_detach_unplugged);
    g_test_add_func("/op/volume/backup-meanwhile", test_backup_meanwhile);
    g_test_add_func("/op/volume/detach-while-down", test_detach_while_down);
    g_test_add_func("/op/volume/detach-refused", test_detach_refused);
    g_test_add_func("/op/volume/detach-while-down-for-long", test_detach_while_down_for_long);
    g_test_add_func("/op/volume/attach-while-down", test_attach_while_down);
    g_test_add_func("/op/volume/undo-while-down", test_undo_while_down);
    g_test_add_func("/op/volume/secret", test_secret);
    g_test_add_func("/op/volume/wrong-password", test_wrong_password);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
