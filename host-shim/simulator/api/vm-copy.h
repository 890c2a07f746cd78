/* Copies of machines: what clone, snapshot, revert and migration share. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

/* A new machine with @vm's settings and no devices. */
SimObject *sim_vm_copy_record(Sim *sim, const SimObject *vm, const char *name);
/* The same values in a record of their own. */
void sim_vm_replace_metrics(Sim *sim, SimObject *vm);
/* The same interface for @vm; @fresh_mac: with a MAC from its own seed. */
SimObject *sim_vif_copy(Sim *sim, const SimObject *vif, SimObject *vm, gboolean fresh_mac);
/* The same drive for @vm, with @vdi in it. */
SimObject *sim_vbd_copy(Sim *sim, const SimObject *vbd, SimObject *vm, const SimObject *vdi);
/* A snapshot of the machine and of every disk but those in @ignored (nullable). */
SimObject *sim_vm_take_snapshot(Sim *sim, SimObject *vm, const char *name, const SimValue *ignored);
/* Everything that goes with a machine, but not its disks. */
void sim_vm_delete(SimObject *vm);
/* The same, and its interfaces and consoles stay behind. */
void sim_vm_delete_record(SimObject *vm);

/* (nullable): where a memory image of @vm on @host would go */
SimObject *sim_vm_choose_suspend_sr(Sim *sim, const SimObject *vm, const SimObject *host);
gint64 sim_vm_suspend_size(const SimObject *vm);
/* The domain is in its image, or back again. */
void sim_domain_suspend(SimCall *call, SimObject *vm);
void sim_domain_resume(SimCall *call, SimObject *vm, SimObject *host, const char *power_state);

G_END_DECLS
