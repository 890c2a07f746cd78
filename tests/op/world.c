#include "world.h"

#include "base/error.h"
#include "ops/destroy.h"
#include "ops/find.h"
#include "ops/lifecycle.h"
#include "ops/migrate.h"
#include "ops/power.h"
#include "ops/reconcile.h"
#include "ops/snapshot.h"
#include "ops/spawn.h"
#include "ops/volume.h"
#include "xenapi/mirror.h"

#include <string.h>

/* ---- the world ---- */

static void
on_opened(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    World *world = data;

    world->connection = xd_connection_open_finish(result, &world->error);
    world->ended = TRUE;
}

/* The call that is never answered is still under way. */
static gboolean
is_hanging(const World *world)
{
    guint64 oldest = xd_http_get_oldest(world->connection->http);

    return oldest > 0 && oldest <= world->hung;
}

/* When nothing but the poll is under way the driver can only be waiting for time to pass; or a call hangs,
 * and all others have ended. */
static gboolean
on_tick(gpointer data)
{
    World *world = data;

    if (world->connection == NULL || world->still)
        return G_SOURCE_CONTINUE;
    if (is_hanging(world))
        xd_clock_advance(world->clock, 3600000);
    else if (xd_http_get_busy(world->connection->http) <= 1)
        xd_clock_advance(world->clock, 1000);
    return G_SOURCE_CONTINUE;
}

void
world_hang(World *world)
{
    world->hung = xd_http_get_serial(world->connection->http);
}

gboolean
world_sees_pool(const World *world)
{
    return xd_mirror_is_fresh(world->connection->mirror);
}

gboolean
world_has_ended(const World *world)
{
    return world->ended;
}

gint64
world_pass(World *world, gint64 ms, gint64 piece_ms, gboolean (*enough)(const World *world))
{
    gint64 begun = xd_clock_now_ms(world->clock);
    gint64 passed;

    world->still = TRUE;
    while ((passed = xd_clock_now_ms(world->clock) - begun) < ms && !enough(world)) {
        gboolean waiting = xd_http_get_busy(world->connection->http) > 0;

        if (!waiting && !g_main_context_pending(NULL))
            xd_clock_advance(world->clock, MIN(piece_ms, ms - passed));
        g_main_context_iteration(NULL, waiting);
    }
    world->still = FALSE;
    return passed;
}

World *
world_new(TestPool *pool, gboolean manual_clock, const char *const *more)
{
    return world_new_with(pool, manual_clock, more, NULL);
}

World *
world_new_with(TestPool *pool, gboolean manual_clock, const char *const *more,
               const HvdHostCallbacks *callbacks)
{
    World *world = g_new0(World, 1);
    g_auto(GStrv) settings = test_pool_settings(pool, more);
    XdConnectionOptions options = {.settings = (const char *const *) settings,
                                   .callbacks = callbacks,
                                   .watch = xd_lifecycle_watch};

    world->pool = pool;
    world->cancellable = g_cancellable_new();
    if (manual_clock) {
        options.clock = world->clock = xd_clock_new_manual();
        world->tick = g_timeout_source_new(20);
        g_source_set_callback(world->tick, on_tick, world, NULL);
        g_source_attach(world->tick, NULL);
    }
    xd_connection_open_async(&options, NULL, on_opened, world);
    world_wait(world);
    g_assert_no_error(world->error);
    return world;
}

static void
on_closed(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    xd_connection_close_finish(result);
    *(gboolean *) data = TRUE;
}

void
world_close(World *world)
{
    gboolean closed = FALSE;

    xd_connection_close_async(g_steal_pointer(&world->connection), on_closed, &closed);
    while (!closed)
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(world->ended);
}

void
world_give_up(World *world)
{
    g_cancellable_cancel(world->cancellable);
}

void
world_free(World *world)
{
    if (world->connection != NULL)
        world_close(world);
    xd_clear_source(&world->tick);
    g_clear_pointer(&world->clock, xd_clock_unref);
    g_object_unref(world->cancellable);
    g_clear_object(&world->sink);
    g_free(world->result);
    g_clear_error(&world->error);
    g_free(world);
}

void
world_wait(World *world)
{
    while (!world->ended)
        g_main_context_iteration(NULL, TRUE);
}

/* ---- operations ---- */

static GInputStream *
test_image(void)
{
    guint8 *bytes = g_malloc(IMAGE_BYTES);

    for (guint i = 0; i < IMAGE_BYTES; i++)
        bytes[i] = (guint8) (i * 31 + i / 256);
    return g_memory_input_stream_new_from_data(bytes, IMAGE_BYTES, g_free);
}

#define BASE                                                                                       \
    "\"uuid\":\"" INSTANCE "\",\"name\":\"web\",\"memory_bytes\":268435456,\"vcpus\":1,"           \
    "\"image\":{\"source\":\"stream\",\"format\":\"raw\",\"size_bytes\":" G_STRINGIFY(             \
        IMAGE_BYTES) "}"
#define NIC(mac) "{\"mac\":\"fa:16:3e:00:00:" mac "\",\"network\":\"xenbr0\"}"

static void
spawn(World *world, const char *document, const HvdCall *call, GAsyncReadyCallback callback)
{
    g_autoptr(GInputStream) image = test_image();

    xd_spawn_async(world->connection, document, image, call, world->cancellable, callback, world);
}

static void
start_spawn(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    spawn(world, "{" BASE ",\"networks\":[" NIC("01") "]}", call, callback);
}

static void
start_spawn_rich(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    spawn(world,
          "{" BASE ",\"networks\":[" NIC("01") "," NIC(
              "02") "],\"disks\":[{\"size_bytes\":1048576},"
                    "{\"size_bytes\":2097152,\"device\":5}],\"hostname\":\"web\"}",
          call, callback);
}

/* On another node than the coordinator, which is where XenAPI would have put it. */
static void
start_spawn_elsewhere(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    g_autofree char *node = test_pool_find(world->pool, "host", "xapisim2");
    g_autofree char *document =
        g_strdup_printf("{" BASE ",\"node\":\"%s\",\"networks\":[" NIC("01") "]}", node);

    spawn(world, document, call, callback);
}

/* On the coordinator's own storage, where nobody else can get at it. */
static void
start_spawn_local(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    g_autofree char *node = test_pool_find(world->pool, "host", "xapisim1");
    g_autofree char *storage = test_pool_find_local_storage(world->pool, "xapisim1");
    g_autofree char *document = g_strdup_printf(
        "{" BASE ",\"node\":\"%s\",\"storage\":\"%s\",\"networks\":[" NIC("01") "]}", node,
        storage);

    spawn(world, document, call, callback);
}

static void
start_snapshot(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    g_clear_object(&world->sink);
    world->sink = g_memory_output_stream_new_resizable();
    xd_snapshot_async(world->connection, INSTANCE, world->sink, call, world->cancellable, callback,
                      world);
}

static void
start_power_off_hard(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    xd_power_off_async(world->connection, INSTANCE, 0, call, world->cancellable, callback, world);
}

static void
start_power_off(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    xd_power_off_async(world->connection, INSTANCE, -1, call, world->cancellable, callback, world);
}

static void
start_reboot(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    xd_reboot_async(world->connection, INSTANCE, FALSE, call, world->cancellable, callback, world);
}

static void
start_reboot_hard(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    xd_reboot_async(world->connection, INSTANCE, TRUE, call, world->cancellable, callback, world);
}

static void
start_set_unbootable(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    xd_set_bootable_async(world->connection, INSTANCE, FALSE, call, world->cancellable, callback,
                          world);
}

/* ---- volumes ---- */

#define CHAP                                                                                       \
    ",\"auth_method\":\"CHAP\",\"auth_username\":\"" TARGET_USER                                   \
    "\",\"auth_password\":\"" TARGET_PASSWORD "\""

static const char first_unit[] = ISCSI(TARGET, ",\"target_lun\":0");
static const char second_unit[] = ISCSI(TARGET, ",\"target_lun\":1");
static const char guarded_unit[] = ISCSI(GUARDED_TARGET, ",\"target_lun\":0" CHAP);

static char *
known_disk(World *world)
{
    return g_strdup_printf("{\"driver_volume_type\":\"vdi\",\"data\":{\"vdi_uuid\":\"%s\"}}",
                           test_pool_get_volume(world->pool));
}

static void
start_attach_disk(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    g_autofree char *info = known_disk(world);

    xd_attach_volume_async(world->connection, INSTANCE, info, NULL, call, world->cancellable,
                           callback, world);
}

static void
start_detach_disk(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    g_autofree char *info = known_disk(world);

    xd_detach_volume_async(world->connection, INSTANCE, info, call, world->cancellable, callback,
                           world);
}

#define DEFINE_VOLUME(name, info)                                                                  \
    static void start_attach_##name(World *world, const HvdCall *call,                             \
                                    GAsyncReadyCallback callback)                                  \
    {                                                                                              \
        xd_attach_volume_async(world->connection, INSTANCE, info, NULL, call, world->cancellable,  \
                               callback, world);                                                   \
    }                                                                                              \
    static void start_detach_##name(World *world, const HvdCall *call,                             \
                                    GAsyncReadyCallback callback)                                  \
    {                                                                                              \
        xd_detach_volume_async(world->connection, INSTANCE, info, call, world->cancellable,        \
                               callback, world);                                                   \
    }
DEFINE_VOLUME(first, first_unit)
DEFINE_VOLUME(second, second_unit)
DEFINE_VOLUME(guarded, guarded_unit)

/* ---- live migration ---- */

static char *
destination_document(World *world)
{
    g_autofree char *node = test_pool_find(world->pool, "host", "xapisim2");

    return g_strdup_printf("{\"destination\":\"%s\"}", node);
}

#define DEFINE_MIGRATION(slot)                                                                     \
    static void start_##slot(World *world, const HvdCall *call, GAsyncReadyCallback callback)      \
    {                                                                                              \
        g_autofree char *document = destination_document(world);                                   \
                                                                                                   \
        xd_##slot##_async(world->connection, INSTANCE, document, call, world->cancellable,         \
                          callback, world);                                                        \
    }
DEFINE_MIGRATION(check_can_live_migrate_destination)
DEFINE_MIGRATION(cleanup_live_migration_destination_check)
DEFINE_MIGRATION(check_can_live_migrate_source)
DEFINE_MIGRATION(pre_live_migration)
DEFINE_MIGRATION(live_migration)
DEFINE_MIGRATION(post_live_migration)
DEFINE_MIGRATION(post_live_migration_at_source)
DEFINE_MIGRATION(post_live_migration_at_destination)

/* With what pre_live_migration has handed on. */
static void
start_rollback(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    xd_rollback_live_migration_at_destination_async(world->connection, INSTANCE,
                                                    test_pool_get_kept(world->pool), call,
                                                    world->cancellable, callback, world);
}

/* ---- after a crash ---- */

static void
start_reconcile(World *world, const HvdCall *call, GAsyncReadyCallback callback)
{
    xd_reconcile_async(world->connection, call, world->cancellable, callback, world);
}

/* ---- what needs nothing but the instance ---- */

#define DEFINE_START(name)                                                                         \
    static void start_##name(World *world, const HvdCall *call, GAsyncReadyCallback callback)      \
    {                                                                                              \
        xd_##name##_async(world->connection, INSTANCE, call, world->cancellable, callback, world); \
    }
DEFINE_START(destroy)
DEFINE_START(cleanup)
DEFINE_START(power_on)
DEFINE_START(pause)
DEFINE_START(unpause)
DEFINE_START(suspend)
DEFINE_START(resume)
DEFINE_START(soft_delete)
DEFINE_START(restore)

const Operation operations[] = {
    {"spawn", "", 8, start_spawn},
    {"spawn-rich", "", 13, start_spawn_rich},
    {"spawn-elsewhere", "", 8, start_spawn_elsewhere},
    {"spawn-local", "", 8, start_spawn_local},
    {"snapshot", "spawn", 5, start_snapshot},
    {"destroy", "spawn", 4, start_destroy},
    {"destroy-rich", "spawn-rich", 6, start_destroy},
    {"destroy-halted", "spawn power-off-hard", 3, start_destroy},
    {"destroy-suspended", "spawn suspend", 6, start_destroy},
    {"cleanup", "spawn destroy", 0, start_cleanup},
    {"power-on", "spawn power-off-hard", 1, start_power_on},
    {"power-off", "spawn", 1, start_power_off},
    {"power-off-hard", "spawn", 1, start_power_off_hard},
    {"reboot", "spawn", 1, start_reboot},
    {"reboot-hard", "spawn", 1, start_reboot_hard},
    {"pause", "spawn", 1, start_pause},
    {"unpause", "spawn pause", 1, start_unpause},
    {"suspend", "spawn", 1, start_suspend},
    {"resume", "spawn suspend", 1, start_resume},
    {"soft-delete", "spawn", 2, start_soft_delete},
    {"restore", "spawn soft-delete", 2, start_restore},
    {"set-unbootable", "spawn", 1, start_set_unbootable},
    {"attach-disk", "spawn", 2, start_attach_disk},
    {"attach-halted", "spawn power-off-hard", 1, start_attach_disk},
    {"attach-first", "spawn", 5, start_attach_first},
    {"attach-second", "spawn attach-first", 2, start_attach_second},
    {"attach-guarded", "spawn", 8, start_attach_guarded},
    {"detach-disk", "spawn attach-disk", 2, start_detach_disk},
    {"detach-halted", "spawn attach-disk power-off-hard", 1, start_detach_disk},
    {"detach-second", "spawn attach-first attach-second", 2, start_detach_second},
    {"detach-first", "spawn attach-first", 4, start_detach_first},
    {"detach-guarded", "spawn attach-guarded", 4, start_detach_guarded},
    {"attach-elsewhere", "spawn-elsewhere", 8 + 2, start_attach_guarded},
    {"detach-elsewhere", "spawn-elsewhere attach-guarded", 4 + 1, start_detach_guarded},
    {"detach-nothing", "spawn", 0, start_detach_first},
    {"check-destination", "spawn", 0, start_check_can_live_migrate_destination},
    {"cleanup-check", "spawn", 0, start_cleanup_live_migration_destination_check},
    {"check-source", "spawn", 1, start_check_can_live_migrate_source},
    {"pre-migrate", "spawn", 0, start_pre_live_migration, TRUE},
    {"pre-migrate-first", "spawn attach-first", 3, start_pre_live_migration, TRUE},
    {"pre-migrate-guarded", "spawn attach-guarded", 3, start_pre_live_migration, TRUE},
    {"check-source-first", "spawn attach-first", 1, start_check_can_live_migrate_source},
    {"live-migrate", "spawn pre-migrate", 1 + 1, start_live_migration},
    {"live-migrate-guarded", "spawn attach-guarded pre-migrate-guarded", 1 + 1,
     start_live_migration},
    {"post-migrate", "spawn live-migrate", 0, start_post_live_migration},
    {"post-source", "spawn live-migrate", 0, start_post_live_migration_at_source},
    {"post-destination", "spawn live-migrate", 0, start_post_live_migration_at_destination},
    {"rollback", "spawn pre-migrate", 0, start_rollback},
    {"rollback-first", "spawn attach-first pre-migrate-first", 2, start_rollback},
    {"rollback-guarded", "spawn attach-guarded pre-migrate-guarded", 2, start_rollback},
    {"detach-moved", "spawn attach-guarded pre-migrate-guarded live-migrate-guarded", 5,
     start_detach_guarded},
    {"reconcile", "spawn", 1 + POOL_SECRETS, start_reconcile},
};
const guint n_operations = G_N_ELEMENTS(operations);

const Operation *
operation_find(const char *name)
{
    for (guint i = 0; i < n_operations; i++) {
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    }
    g_error("there is no operation %s", name);
}

/* ---- running them ---- */

void
world_on_ended(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    World *world = data;

    g_assert_false(world->ended);
    world->ended = TRUE;
    world->result = g_task_propagate_pointer(G_TASK(result), &world->error);
    if (world->running != NULL && world->running->keeps && world->result != NULL)
        test_pool_keep(world->pool, world->result);
}

void
world_begin(World *world)
{
    world->ended = FALSE;
    world->running = NULL;
    g_clear_pointer(&world->result, g_free);
    g_clear_error(&world->error);
}

void
world_start(World *world, const Operation *operation, const HvdCall *call)
{
    world_begin(world);
    world->running = operation;
    operation->start(world, call, world_on_ended);
    g_assert_false(world->ended); /* never before the call has returned */
}

void
world_run(World *world, const Operation *operation)
{
    world_start(world, operation, NULL);
    world_wait(world);
}

void
world_prepare(World *world, const Operation *operation)
{
    g_auto(GStrv) names = g_strsplit(operation->before, " ", -1);

    for (guint i = 0; names[i] != NULL && names[i][0] != '\0'; i++) {
        world_run(world, operation_find(names[i]));
        g_assert_no_error(world->error);
    }
}

World *
world_new_prepared(TestPool *pool, const char *names)
{
    const Operation operation = {.before = names};
    World *world;

    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    test_pool_control(pool, "{\"cmd\":\"restore-state\"}");
    world = world_new(pool, TRUE, NULL);
    world_prepare(world, &operation);
    return world;
}

void
world_assert_refused(const World *world, HvdError code, const char *word)
{
    g_assert_nonnull(world->error);
    g_test_message("%s", world->error->message);
    g_assert_true(xd_error_is(world->error, code));
    g_assert_nonnull(strstr(world->error->message, word));
    g_assert_null(strchr(world->error->message, '\n'));
}

/* ---- volumes ---- */

void
world_attach(World *world, const char *info, const char *mountpoint)
{
    world_begin(world);
    xd_attach_volume_async(world->connection, INSTANCE, info, mountpoint, NULL, world->cancellable,
                           world_on_ended, world);
    world_wait(world);
}

void
world_detach(World *world, const char *info)
{
    world_begin(world);
    xd_detach_volume_async(world->connection, INSTANCE, info, NULL, world->cancellable,
                           world_on_ended, world);
    world_wait(world);
}

const XdVM *
world_find_vm(const World *world)
{
    return xd_find_instance(world->connection->mirror, INSTANCE, NULL);
}

const GPtrArray *
world_devices(const World *world)
{
    return xd_mirror_find(world->connection->mirror, XD_BY_VBD_VM,
                          world_find_vm(world)->parent.ref);
}

const XdVBD *
world_find_volume(const World *world)
{
    const GPtrArray *devices = world_devices(world);
    const XdVBD *found = NULL;

    for (guint i = 0; i < devices->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(devices, i);

        if (xd_map_get(&vbd->other_config, XD_VOLUME_KEY) == NULL)
            continue;
        g_assert_null(found);
        found = vbd;
    }
    return found;
}
