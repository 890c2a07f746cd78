#include "entry/border.h"
#include "ops/destroy.h"
#include "ops/inventory.h"
#include "ops/lifecycle.h"
#include "ops/migrate.h"
#include "ops/power.h"
#include "ops/reconcile.h"
#include "ops/snapshot.h"
#include "ops/spawn.h"
#include "ops/volume.h"

#include <string.h>

static void
open_async(const HvdOpen *open, GCancellable *cancellable, GAsyncReadyCallback callback,
           gpointer user_data)
{
    HvdOpen known = {0}; /* an older host's structure ends earlier */
    XdConnectionOptions options;

    memcpy(&known, open, MIN(open->struct_size, sizeof known));
    options = (XdConnectionOptions){.config_file = known.config_file,
                                    .settings = known.settings,
                                    .callbacks = known.callbacks,
                                    .watch = xd_lifecycle_watch};
    xd_connection_open_async(&options, cancellable, callback, user_data);
}

/* The support matrix of README.md is made from this table: one line a slot. */
static const HvdDriver driver = {
    .major = HVD_DRIVER_MAJOR,
    .minor = HVD_DRIVER_MINOR,
    .struct_size = sizeof(HvdDriver),
    .name = "xenapi",
    .version = HVD_VERSION,
    .capabilities = HVD_CAPABILITY_PLAN | HVD_CAPABILITY_IDEMPOTENT_SPAWN |
                    HVD_CAPABILITY_RECONCILE | HVD_CAPABILITY_LIFECYCLE_EVENTS |
                    HVD_CAPABILITY_CHAP,

    .describe_config = xd_border_describe_config,
    .describe_error = xd_border_describe_error,

    .open_async = open_async,
    .open_finish = xd_border_open_finish,
    .close_async = xd_connection_close_async,
    .close_finish = xd_connection_close_finish,

    .list_instances_async = xd_list_instances_async,
    .list_instances_finish = xd_border_finish,
    .list_nodes_async = xd_list_nodes_async,
    .list_nodes_finish = xd_border_finish,
    .get_instance_async = xd_get_instance_async,
    .get_instance_finish = xd_border_finish,
    .get_state_async = xd_get_state_async,
    .get_state_finish = xd_border_get_state_finish,
    .exists_async = xd_exists_async,
    .exists_finish = xd_border_exists_finish,
    .spawn_async = xd_spawn_async,
    .spawn_finish = xd_border_finish,
    .snapshot_async = xd_snapshot_async,
    .snapshot_finish = xd_border_finish,
    .destroy_async = xd_destroy_async,
    .destroy_finish = xd_border_finish,
    .cleanup_async = xd_cleanup_async,
    .cleanup_finish = xd_border_finish,
    .power_on_async = xd_power_on_async,
    .power_on_finish = xd_border_finish,
    .power_off_async = xd_power_off_async,
    .power_off_finish = xd_border_finish,
    .reboot_async = xd_reboot_async,
    .reboot_finish = xd_border_finish,
    .pause_async = xd_pause_async,
    .pause_finish = xd_border_finish,
    .unpause_async = xd_unpause_async,
    .unpause_finish = xd_border_finish,
    .suspend_async = xd_suspend_async,
    .suspend_finish = xd_border_finish,
    .resume_async = xd_resume_async,
    .resume_finish = xd_border_finish,
    .soft_delete_async = xd_soft_delete_async,
    .soft_delete_finish = xd_border_finish,
    .restore_async = xd_restore_async,
    .restore_finish = xd_border_finish,
    .set_bootable_async = xd_set_bootable_async,
    .set_bootable_finish = xd_border_finish,

    .get_volume_connector_async = xd_get_volume_connector_async,
    .get_volume_connector_finish = xd_border_finish,
    .attach_volume_async = xd_attach_volume_async,
    .attach_volume_finish = xd_border_finish,
    .detach_volume_async = xd_detach_volume_async,
    .detach_volume_finish = xd_border_finish,

    .check_can_live_migrate_destination_async = xd_check_can_live_migrate_destination_async,
    .check_can_live_migrate_destination_finish = xd_border_finish,
    .cleanup_live_migration_destination_check_async =
        xd_cleanup_live_migration_destination_check_async,
    .cleanup_live_migration_destination_check_finish = xd_border_finish,
    .check_can_live_migrate_source_async = xd_check_can_live_migrate_source_async,
    .check_can_live_migrate_source_finish = xd_border_finish,
    .pre_live_migration_async = xd_pre_live_migration_async,
    .pre_live_migration_finish = xd_border_finish,
    .live_migration_async = xd_live_migration_async,
    .live_migration_finish = xd_border_finish,
    .post_live_migration_async = xd_post_live_migration_async,
    .post_live_migration_finish = xd_border_finish,
    .post_live_migration_at_source_async = xd_post_live_migration_at_source_async,
    .post_live_migration_at_source_finish = xd_border_finish,
    .post_live_migration_at_destination_async = xd_post_live_migration_at_destination_async,
    .post_live_migration_at_destination_finish = xd_border_finish,
    .rollback_live_migration_at_destination_async = xd_rollback_live_migration_at_destination_async,
    .rollback_live_migration_at_destination_finish = xd_border_finish,

    .reconcile_async = xd_reconcile_async,
    .reconcile_finish = xd_border_finish,
};

G_MODULE_EXPORT const HvdDriver *hvd_query(guint32 host_major, guint32 host_minor, GError **error);

G_MODULE_EXPORT const HvdDriver *
hvd_query(guint32 host_major, guint32 host_minor, GError **error)
{
    if (host_major == HVD_DRIVER_MAJOR && (host_major > 0 || host_minor == HVD_DRIVER_MINOR))
        return &driver;
    g_set_error(error, HVD_ERROR, HVD_ERROR_UNSUPPORTED,
                "the host speaks version %u.%u of the driver interface, this driver %u.%u",
                host_major, host_minor, HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR);
    return NULL;
}
