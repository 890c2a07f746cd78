/* Disks as records: the parts that storage operations are made of. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

#define SIM_MIN_DISK G_GINT64_CONSTANT(1048576)
#define SIM_MAX_DISK (G_GINT64_CONSTANT(2088960) * 1048576)

/* (transfer full) (nullable): why no disk of @size can be made in @sr */
SimValue *sim_sr_check_space(Sim *sim, const SimObject *sr, gint64 size);
/* (transfer full) (nullable): SR_HAS_NO_PBDS, or that no host has it plugged */
SimValue *sim_sr_check_attached(Sim *sim, const SimObject *sr);
/* Sums up the disks, as a scan does. */
void sim_sr_update_sizes(Sim *sim, SimObject *sr);

SimObject *
sim_vdi_new(Sim *sim, const SimObject *sr, const char *label, gint64 size, const char *type);
/* The record with its bytes, and the VBDs that name it. */
void sim_vdi_delete(Sim *sim, SimObject *vdi);
/* A clone, or a snapshot: in the same SR, with the same bytes, and with other_config copied. */
SimObject *sim_vdi_clone(Sim *sim, SimObject *vdi);
SimObject *sim_vdi_snapshot(Sim *sim, SimObject *vdi);
/* A full copy in @sr; other_config does not come along. */
SimObject *sim_vdi_copy(Sim *sim, SimObject *vdi, const SimObject *sr);
/* A new content_id: at every attachment for writing (verified-sequences 2.1). */
void sim_vdi_touch_content(Sim *sim, SimObject *vdi);

/* Fails @call with VDI_IN_USE where anything is attached to @vdi. */
gboolean sim_vdi_require_free(SimCall *call, const SimObject *vdi, const char *operation);

G_END_DECLS
