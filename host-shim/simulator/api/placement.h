/* Which host can run a virtual machine, and why another cannot. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

gint64 sim_vm_memory_overhead(const SimObject *vm);
gint64 sim_vm_memory_needed(const SimObject *vm);
gint64 sim_host_free_memory(const SimObject *host);
/* Writes host_metrics.memory_free of every host, as the monitor does sooner or later. */
void sim_hosts_update_memory(Sim *sim);

gboolean sim_host_is_live(const SimObject *host);
/* (transfer full) (nullable): why nothing can be forwarded to @host */
SimValue *sim_host_check_contact(Sim *sim, const SimObject *host);
gboolean sim_host_sees_sr(const SimObject *host, const SimObject *sr);
/* (nullable): a host that does, the coordinator before the others */
SimObject *sim_sr_find_host(Sim *sim, const SimObject *sr);

/* (transfer full) (nullable): the error that starting @vm on @host would give; NULL: none.
 * @with_memory: look at the memory and at whether the host is enabled, too */
SimValue *
sim_vm_cannot_run_on(Sim *sim, const SimObject *vm, const SimObject *host, gboolean with_memory);
/* (nullable): the affinity if it can, else the one with the most memory */
SimObject *sim_vm_choose_host(Sim *sim, const SimObject *vm);

G_END_DECLS
