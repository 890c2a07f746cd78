/* allowed_operations, class by class, and which operations wait for which. */
#pragma once

#include "core/policy.h"

G_BEGIN_DECLS

extern const SimPolicy sim_policies[]; /* ended by NULL */

/* Of every object, once a pool has been built. */
void sim_update_all_allowed(Sim *sim);
/* A virtual machine, its devices and their disks: after its power state has changed. */
void sim_vm_update_allowed_all(SimObject *vm);
void sim_vm_update_allowed(SimObject *vm);
void sim_vbd_update_allowed(SimObject *vbd);
void sim_vif_update_allowed(SimObject *vif);
void sim_vdi_update_allowed(SimObject *vdi);
void sim_sr_update_allowed(SimObject *sr);
gboolean sim_sr_may_run(SimObject *sr, const char *operation);
void sim_host_update_allowed(SimObject *host);

/* Is it attached, or about to be? */
gboolean sim_vbd_is_attached(const SimObject *vbd);
/* Is anything attached to @vdi, or about to be? */
gboolean sim_vdi_is_attached(const SimObject *vdi);
/* Does the guest tell that it can suspend, shut down and the like? */
gboolean sim_vm_has_agent(const SimObject *vm);

G_END_DECLS
