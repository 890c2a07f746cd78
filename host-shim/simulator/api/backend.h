/* What the storage drivers do: which kinds of storage there are, what each of them wants to be
 * told, and what is found when one is attached or scanned. */
#pragma once

#include "core/call.h"
#include "core/state.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): SR_UNKNOWN_DRIVER */
SimValue *sim_backend_check_type(Sim *sim, const char *type);
/* (transfer full) (nullable): a key of @config that is missing, a target that is not there */
SimValue *sim_backend_check_config(Sim *sim, const char *type, const SimValue *config);
/* (transfer full) (nullable): why the driver of @sr, or what hangs on it, forbids @operation */
SimValue *sim_sr_check_operation(const SimObject *sr, const char *operation);
/* (nullable): the host that speaks for @sr */
SimObject *sim_sr_find_master(Sim *sim, const SimObject *sr);

/* The records follow what the storage holds. */
void sim_sr_scan(Sim *sim, SimObject *sr);
/* The record goes and the disk stays: a later scan finds it again, without its name. */
void sim_vdi_put_aside(Sim *sim, SimObject *vdi);
/* What was put aside is gone for good. */
void sim_sr_erase(Sim *sim, const SimObject *sr);
extern const SimStatePart sim_shelf_part;

/* (transfer full) (nullable): why not; NULL: the PBD is plugged */
SimValue *sim_pbd_attach(Sim *sim, SimObject *pbd);
/* Its parts: the question, and what is found; then it is currently_attached. */
SimValue *sim_pbd_begin_attach(Sim *sim, SimObject *pbd);
void sim_pbd_find_disks(Sim *sim, const SimObject *pbd);
void sim_pbd_detach(Sim *sim, SimObject *pbd);
/* @host's control domain attaches or detaches @vdi: its record names the storage. */
void sim_vdi_note_driver(const SimObject *vdi, const SimObject *host);

G_END_DECLS
