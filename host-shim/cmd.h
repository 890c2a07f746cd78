/* The functions behind the table of commands, one file a family. */
#pragma once

#include "shim.h"

G_BEGIN_DECLS

/* cmd-look.c */
gboolean cmd_list(Shim *shim, GError **error);
gboolean cmd_info(Shim *shim, GError **error);
gboolean cmd_nodes(Shim *shim, GError **error);

/* cmd-spawn.c */
gboolean cmd_spawn(Shim *shim, GError **error);

/* cmd-destroy.c */
gboolean cmd_destroy(Shim *shim, GError **error);
gboolean cmd_cleanup(Shim *shim, GError **error);

/* cmd-power.c */
gboolean cmd_power(Shim *shim, GError **error);
gboolean cmd_power_off(Shim *shim, GError **error);
gboolean cmd_reboot(Shim *shim, GError **error);
gboolean cmd_bootable(Shim *shim, GError **error);

/* cmd-snapshot.c */
gboolean cmd_snapshot(Shim *shim, GError **error);

/* cmd-volume.c */
gboolean cmd_volume_attach(Shim *shim, GError **error);
gboolean cmd_volume_detach(Shim *shim, GError **error);
gboolean cmd_volume_connector(Shim *shim, GError **error);

/* cmd-migrate.c */
gboolean cmd_migrate(Shim *shim, GError **error);

/* cmd-repair.c */
gboolean cmd_reconcile(Shim *shim, GError **error);

/* cmd-events.c */
gboolean cmd_events(Shim *shim, GError **error);
/* As with --follow. */
gboolean cmd_events_follow(Shim *shim, GError **error);

/* cmd-watch.c */
gboolean cmd_watch(Shim *shim, GError **error);

/* cmd-doctor.c */
gboolean cmd_doctor(Shim *shim, GError **error);

/* cmd-scenario.c */
gboolean cmd_scenario(Shim *shim, GError **error);

/* cmd-config.c */
gboolean cmd_config(Shim *shim, GError **error);

/* cmd-driver.c */
gboolean cmd_capabilities(Shim *shim, GError **error);
gboolean cmd_version(Shim *shim, GError **error);

/* cmd-complete.c */
gboolean cmd_complete(Shim *shim, GError **error);

/* help.c */
gboolean cmd_help(Shim *shim, GError **error);

G_END_DECLS
