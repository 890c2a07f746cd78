/* The drive of the control domain through which a disk's bytes go: plugged before the first byte,
 * unplugged after the last one. Where storage takes time (--storage-pace) that can be watched
 * (scenarios spawn_raw_paused, snapshot_export_vhd_running); else it happens at once. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

typedef struct _SimDrive SimDrive;
typedef void (*SimDriveFunc)(gpointer data);

/* @drive: (out): belongs to the caller. @task: of the transfer. @ready may be called before this
 * returns. */
void sim_drive_attach(SimDrive **drive, Sim *sim, SimObject *vdi, SimObject *host, SimObject *task,
                      gboolean for_writing, SimDriveFunc ready, gpointer data);
/* @done is called, perhaps at once, when it is unplugged. */
void sim_drive_detach(SimDrive *drive, SimDriveFunc done, gpointer data);
/* At once, whatever is under way. */
void sim_drive_free(SimDrive *drive);

G_END_DECLS
