/* Disks as records: the parts that storage operations are made of. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

#define SIM_MIN_DISK G_GINT64_CONSTANT(1048576)
#define SIM_MAX_DISK (G_GINT64_CONSTANT(2088960) * 1048576)

/* (transfer full) (nullable): why no disk of @size can be made in @sr */
SimValue *sim_sr_check_space(Sim *sim, const SimObject *sr, gint64 size);
/* (transfer full) (nullable): SR_HAS_NO_PBDS where no host can speak for it */
SimValue *sim_sr_check_attached(Sim *sim, const SimObject *sr);
gboolean sim_sr_is_plugged(const SimObject *sr);
/* Sums up the disks, as a scan does. */
void sim_sr_update_sizes(Sim *sim, SimObject *sr);

SimObject *
sim_vdi_new(Sim *sim, const SimObject *sr, const char *label, gint64 size, const char *type);
/* The record, and the VBDs that name it. */
void sim_vdi_drop_record(SimObject *vdi);
/* The same with its bytes. */
void sim_vdi_delete(Sim *sim, SimObject *vdi);
/* A clone or a snapshot as the storage makes it, then with a name, then with all that the toolstack
 * takes over from the original: three moments that a client sees (scenarios
 * spawn_full_with_config_drive, snapshot_export_vhd_running). */
SimObject *sim_vdi_branch(Sim *sim, SimObject *vdi);
void sim_vdi_name_branch(Sim *sim, SimObject *copy, const SimObject *vdi, gboolean snapshot);
void sim_vdi_finish_branch(SimObject *copy, const SimObject *vdi);
/* All of it at once: in the same SR, with the same bytes, and with other_config copied. */
SimObject *sim_vdi_clone(Sim *sim, SimObject *vdi);
SimObject *sim_vdi_snapshot(Sim *sim, SimObject *vdi);
/* A full copy in @sr; other_config does not come along. */
SimObject *sim_vdi_copy(Sim *sim, SimObject *vdi, const SimObject *sr);
/* A new content_id: at every attachment for writing (verified-sequences 2.1). */
void sim_vdi_touch_content(Sim *sim, SimObject *vdi);
/* While the control domain of @host has it open its record says so (scenario spawn_raw_paused). */
void sim_vdi_note_reader(SimObject *vdi, const SimObject *host);
void sim_vdi_forget_reader(SimObject *vdi, const SimObject *host);

/* Fails @call with VDI_IN_USE where anything is attached to @vdi. */
gboolean sim_vdi_require_free(SimCall *call, const SimObject *vdi, const char *operation);

G_END_DECLS
