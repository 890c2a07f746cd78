/* A volume's device: who may have it, and what becomes of it while the instance goes down. */
#include "base/error.h"
#include "ops/volume.h"
#include "world.h"
#include "xenapi/mirror.h"

#define SECOND           "8d6f3a4e-5b0c-4d21-9e63-7c1a2b3d4e5f" /* another instance */
#define LONG_WAY_DOWN_MS 301000 /* longer than an instance is waited for that goes down */

static TestPool *pool;

/* The volume of the default storage. */
static char *
known_disk(const char *more)
{
    return g_strdup_printf("{\"driver_volume_type\":\"vdi\",\"data\":{\"vdi_uuid\":\"%s\"%s}}",
                           test_pool_get_volume(pool), more);
}

/* The same, by its storage. */
static char *
disk_in_storage(const char *more)
{
    g_autoptr(World) world = world_new(pool, TRUE, NULL);
    const XdMirror *mirror = world->connection->mirror;
    const char *disk = test_pool_get_volume(pool);
    const XdVDI *vdi = (const XdVDI *) xd_mirror_find_one(mirror, XD_BY_VDI_UUID, disk);

    return g_strdup_printf("{\"driver_volume_type\":\"xensm\",\"data\":{\"sr_uuid\":\"%s\","
                           "\"vdi_uuid\":\"%s\"%s}}",
                           xd_get_sr(mirror, vdi->sr)->uuid, disk, more);
}

/* ---- read-only ---- */

/* xapi_vbd.ml, plug: an HVM guest that runs takes no disk that it may only read. Storage is left alone. */
static void
test_read_only(void)
{
    g_autofree char *disk = known_disk(",\"access_mode\":\"ro\"");
    g_autofree char *in_storage = disk_in_storage(",\"access_mode\":\"ro\"");
    const char *const documents[] = {disk, in_storage,
                                     ISCSI(TARGET, ",\"target_lun\":0,\"access_mode\":\"ro\"")};

    for (guint i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autoptr(World) world = world_new_prepared(pool, "spawn");
        g_autofree char *before = test_pool_picture(pool);

        test_pool_reset_stats(pool);
        world_attach(world, documents[i], NULL);
        world_assert_refused(world, HVD_ERROR_STATE, "read-only");
        g_assert_cmpstr(xd_error_get_advice(world->error), !=, NULL);
        g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
        test_pool_assert_picture(pool, before);
        world_run(world, operation_find("power-off-hard"));
        world_attach(world, documents[i], NULL);
        g_assert_no_error(world->error);
        world_run(world, operation_find("power-on"));
        world_attach(world, documents[i], NULL); /* once more: it is there */
        g_assert_no_error(world->error);
        world_detach(world, documents[i]);
        g_assert_no_error(world->error);
    }
}

/* One that Nova has left: it runs paravirtualized. */
static void
test_read_only_pv(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autofree char *disk = known_disk(",\"access_mode\":\"ro\"");
    const XdVM *vm = world_find_vm(world);
    g_autofree char *ref = g_strdup(vm->parent.ref);
    g_autofree char *self = g_strdup_printf("[\"%s\"]", ref);
    g_autofree char *metrics =
        g_strdup(json_node_get_string(test_pool_call(pool, "VM.get_metrics", self)));

    test_pool_set(pool, "VM_metrics", metrics, "current_domain_type", "\"pv\"");
    test_pool_set(pool, "VM", ref, "domain_type", "\"pv\"");
    while (xd_get_vm(world->connection->mirror, ref)->domain_type != XD_DOMAIN_TYPE_PV)
        g_main_context_iteration(NULL, TRUE);
    world_attach(world, disk, NULL);
    g_assert_no_error(world->error);
}

/* ---- a volume that another instance has ---- */

/* The instance becomes another one, and the volume is its; @mode: how it has it. There is a new instance. */
static void
hand_over(World *world, const char *mode)
{
    g_autofree char *owner = g_strdup(world_find_vm(world)->parent.ref);

    test_pool_set(pool, "VBD", world_find_volume(world)->parent.ref, "mode", mode);
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
        world_attach(world, info, NULL);
        world_assert_refused(world, HVD_ERROR_BUSY, cases[i].word);
        g_assert_cmpstr(xd_error_get_advice(world->error), !=, NULL);
        g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
        test_pool_assert_picture(pool, before);
        world_run(world, operation_find("power-off-hard"));
        world_attach(world, info, NULL); /* its start would be refused, or not even that */
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
    world_attach(world, read_write, NULL);
    world_assert_refused(world, HVD_ERROR_BUSY, "attached to db");
    world_attach(world, read_only, NULL);
    g_assert_no_error(world->error);
}

/* It had the volume while it was shut down, another one got it and sleeps: its start would be let pass. */
static void
test_start_beside(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk power-off-hard");
    g_autofree char *info = known_disk("");
    g_autofree char *first = g_strdup(world_find_vm(world)->parent.ref);
    g_autofree char *before = NULL;

    hand_over(world, "\"RW\"");
    world_attach(world, info, NULL);
    g_assert_no_error(world->error);
    world_run(world, operation_find("suspend"));
    test_pool_set(pool, "VM", world_find_vm(world)->parent.ref, "other_config", "{}");
    test_pool_set(pool, "VM", first, "other_config", "{\"nova_uuid\":\"" INSTANCE "\"}");
    while (world_find_vm(world) == NULL || strcmp(world_find_vm(world)->parent.ref, first) != 0)
        g_main_context_iteration(NULL, TRUE);
    before = test_pool_picture(pool);
    test_pool_reset_stats(pool);
    world_run(world, operation_find("power-on"));
    world_assert_refused(world, HVD_ERROR_BUSY, ", which is suspended");
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
    test_pool_assert_picture(pool, before);
}

/* Another tool has given the volume of one that sleeps away. */
static void
test_resume_beside(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk suspend");
    g_autofree char *first = g_strdup(world_find_vm(world)->parent.ref);
    g_autofree char *disk = g_strdup(world_find_volume(world)->vdi);
    g_autofree char *record = NULL;
    g_autofree char *plug = NULL;
    g_autofree char *before = NULL;

    hand_over(world, "\"RW\"");
    record =
        g_strdup_printf("[{\"VM\":\"%s\",\"VDI\":\"%s\",\"userdevice\":\"7\",\"bootable\":false,"
                        "\"mode\":\"RW\",\"type\":\"Disk\",\"unpluggable\":true,\"empty\":false,"
                        "\"other_config\":{},\"qos_algorithm_type\":\"\","
                        "\"qos_algorithm_params\":{}}]",
                        world_find_vm(world)->parent.ref, disk);
    plug = g_strdup_printf("[\"%s\"]",
                           json_node_get_string(test_pool_call(pool, "VBD.create", record)));
    test_pool_call(pool, "VBD.plug", plug);
    test_pool_set(pool, "VM", world_find_vm(world)->parent.ref, "other_config", "{}");
    test_pool_set(pool, "VM", first, "other_config", "{\"nova_uuid\":\"" INSTANCE "\"}");
    while (world_find_vm(world) == NULL || strcmp(world_find_vm(world)->parent.ref, first) != 0)
        g_main_context_iteration(NULL, TRUE);
    before = test_pool_picture(pool);
    test_pool_reset_stats(pool);
    world_run(world, operation_find("resume"));
    world_assert_refused(world, HVD_ERROR_BUSY, "attached to");
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
    test_pool_assert_picture(pool, before);
}

/* What may be shared is, and a node that reads a disk for a transfer is no user of it. */
static void
test_no_rival(void)
{
    g_autofree char *info = known_disk("");

    for (guint i = 0; i < 2; i++) {
        g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk");
        const XdMirror *mirror = world->connection->mirror;
        g_autofree char *disk = g_strdup(world_find_volume(world)->vdi);
        g_autofree char *owner = g_strdup(world_find_vm(world)->parent.ref);

        hand_over(world, "\"RW\"");
        if (i == 0)
            test_pool_set(pool, "VDI", disk, "sharable", "true");
        else
            test_pool_set(pool, "VM", owner, "is_control_domain", "true");
        while (!xd_get_vdi(mirror, disk)->sharable && !xd_get_vm(mirror, owner)->is_control_domain)
            g_main_context_iteration(NULL, TRUE);
        world_attach(world, info, NULL);
        g_assert_no_error(world->error);
    }
}

/* ---- the instance goes down meanwhile: nothing is plugged or unplugged then (xapi_vbd_helpers.ml) ---- */

/* (transfer full): another process has begun @operation, and goes on with it when "d" is let go. */
static World *
begin_way_down(const char *operation, const char *method)
{
    World *other = world_new(pool, TRUE, NULL);

    other->still = TRUE;
    test_pool_hold(pool, "d", method, "middle");
    world_start(other, operation_find(operation), NULL);
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"d\"}");
    return other;
}

static void
see_way_down(const World *world)
{
    while (world_find_vm(world)->current_operations.n == 0)
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
        test_pool_let_go(pool, "d");
        world_wait(world);
        if (cases[i].stays)
            world_assert_refused(world, HVD_ERROR_STATE, "paused or suspended");
        else
            g_assert_no_error(world->error);
        g_assert_cmpint(world_find_volume(world) != NULL, ==, cases[i].stays);
        g_assert_cmpuint(test_pool_count_requests(pool), ==, cases[i].stays ? 0 : 1);
        world_wait(other);
        g_assert_no_error(other->error);
    }
}

/* The way down begins where the driver does not see it yet, and the toolstack refuses to unplug. */
static void
test_detach_refused(gconstpointer setting)
{
    const char *const settings[] = {setting, NULL};
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-disk");
    g_autoptr(World) other = NULL;

    world_free(world);
    world = world_new(pool, TRUE, setting != NULL ? settings : NULL);
    world->still = TRUE;
    test_pool_hold(pool, "e", "event.from", "before");
    test_pool_set(pool, "VM", world_find_vm(world)->parent.ref, "name_description",
                  "\"next poll\"");
    test_pool_control_turning(pool, "{\"cmd\":\"wait\",\"id\":\"e\"}");
    other = begin_way_down("power-off", "VM.clean_shutdown");
    g_assert_cmpuint(world_find_vm(world)->current_operations.n, ==, 0);
    test_pool_reset_stats(pool);
    world_start(world, operation_find("detach-disk"), NULL);
    while (test_pool_count_requests(pool) == 0)
        g_main_context_iteration(NULL, FALSE);
    test_pool_let_go(pool, "e");
    see_way_down(world);
    turn_until_idle(world);
    g_assert_false(world->ended);
    xd_clock_advance(world->clock, 1000);
    turn_until_idle(world);
    g_assert_false(world->ended);
    test_pool_let_go(pool, "d");
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_null(world_find_volume(world));
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 2);
    world_wait(other);
}

static void
on_other_ended(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_assert_false(g_task_had_error(G_TASK(result)));
    *(gboolean *) data = TRUE;
}

/* Who waits for an instance keeps nobody else from the storage. */
static void
test_others_go_on(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn attach-first");
    g_autoptr(World) other = begin_way_down("power-off", "VM.clean_shutdown");
    const XdMirror *mirror = world->connection->mirror;
    g_autofree char *owner = g_strdup(world_find_vm(world)->parent.ref);
    gboolean ended = FALSE;

    test_pool_set(pool, "VM", owner, "name_label", "\"db\"");
    test_pool_set(pool, "VM", owner, "other_config", "{\"nova_uuid\":\"" SECOND "\"}");
    while (xd_mirror_find(mirror, XD_BY_VM_INSTANCE, SECOND)->len == 0)
        g_main_context_iteration(NULL, TRUE);
    world_run(world, operation_find("spawn"));
    g_assert_no_error(world->error);
    world->still = TRUE;
    xd_detach_volume_async(world->connection, SECOND, ISCSI(TARGET, ",\"target_lun\":0"), NULL,
                           NULL, on_other_ended, &ended);
    world_attach(world, ISCSI(TARGET, ",\"target_lun\":1"), NULL);
    g_assert_no_error(world->error);
    g_assert_false(ended);
    test_pool_let_go(pool, "d");
    while (!ended)
        g_main_context_iteration(NULL, TRUE);
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
    g_assert_true(world_find_volume(world)->currently_attached);
    test_pool_let_go(pool, "d");
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
    test_pool_let_go(pool, "d");
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_nonnull(world_find_volume(world));
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 1);
    world_wait(other);
}

/* What is so already is told at once, however long the way down is. */
static void
test_done_while_down(gconstpointer data)
{
    const char *name = data;
    gboolean attaches = g_str_equal(name, "attach-disk");
    g_autoptr(World) world = world_new_prepared(pool, attaches ? "spawn attach-disk" : "spawn");
    g_autoptr(World) other = begin_way_down("power-off", "VM.clean_shutdown");

    see_way_down(world);
    test_pool_reset_stats(pool);
    world->still = TRUE;
    world_start(world, operation_find(name), NULL);
    turn_until_idle(world);
    g_assert_true(world->ended);
    g_assert_no_error(world->error);
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
    test_pool_let_go(pool, "d");
    world_wait(other);
}

static gboolean
has_plugged(const World *world)
{
    const XdVBD *vbd = world_find_volume(world);

    return vbd != NULL && vbd->currently_attached && vbd->current_operations.n == 0;
}

/* The caller gives up, and what was plugged has to go again. */
static void
test_undo_while_down(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autoptr(World) other = NULL;

    test_pool_hold(pool, "f", "VBD.plug", "after");
    world->still = TRUE;
    world_start(world, operation_find("attach-disk"), NULL);
    while (!has_plugged(world))
        g_main_context_iteration(NULL, TRUE);
    other = begin_way_down("power-off", "VM.clean_shutdown");
    see_way_down(world);
    g_cancellable_cancel(world->cancellable);
    test_pool_let_go(pool, "f");
    turn_until_idle(world);
    g_assert_false(world->ended);
    test_pool_let_go(pool, "d");
    world->still = FALSE;
    world_wait(world);
    g_assert_nonnull(world->error); /* cancelled */
    g_assert_false(xd_error_is(world->error, HVD_ERROR_LEFTOVERS));
    g_assert_null(world_find_volume(world));
    world_wait(other);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/plug/read-only", test_read_only);
    g_test_add_func("/op/plug/read-only-pv", test_read_only_pv);
    g_test_add_func("/op/plug/in-use", test_in_use);
    g_test_add_func("/op/plug/read-together", test_read_together);
    g_test_add_func("/op/plug/start-beside", test_start_beside);
    g_test_add_func("/op/plug/resume-beside", test_resume_beside);
    g_test_add_func("/op/plug/no-rival", test_no_rival);
    g_test_add_func("/op/plug/detach-while-down", test_detach_while_down);
    g_test_add_data_func("/op/plug/detach-refused", NULL, test_detach_refused);
    g_test_add_data_func("/op/plug/detach-refused-once", "volume.unplug-retries=0",
                         test_detach_refused);
    g_test_add_func("/op/plug/others-go-on", test_others_go_on);
    g_test_add_func("/op/plug/detach-while-down-for-long", test_detach_while_down_for_long);
    g_test_add_func("/op/plug/attach-while-down", test_attach_while_down);
    g_test_add_data_func("/op/plug/attached-while-down", "attach-disk", test_done_while_down);
    g_test_add_data_func("/op/plug/detached-while-down", "detach-disk", test_done_while_down);
    g_test_add_func("/op/plug/undo-while-down", test_undo_while_down);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
