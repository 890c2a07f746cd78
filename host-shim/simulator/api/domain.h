/* What happens to the records when a domain is built, paused, moved or torn down: the parts that
 * the power operations are made of. All of them only write the database. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): why @vm is in none of @states, "halted, suspended" as the error
 * says it: VM_BAD_POWER_STATE */
SimValue *sim_vm_check_state(const SimObject *vm, const char *states);
/* (transfer full) (nullable): OPERATION_BLOCKED */
SimValue *sim_vm_check_blocked(const SimObject *vm, const char *operation);
/* (transfer full) (nullable): OPERATION_NOT_ALLOWED, while @vm goes down, for what is plugged and unplugged
 * (toolstack, xapi_vbd_helpers.ml and xapi_vif_helpers.ml: valid_operations) */
SimValue *sim_vm_check_plugging(const SimObject *vm);
gboolean sim_vm_is(const SimObject *vm, const char *power_state);

/* Fails @call and returns %FALSE where the state, a block or the kind of record forbids it. */
gboolean
sim_vm_allow(SimCall *call, const SimObject *vm, const char *operation, const char *states);
/* The same for what needs the guest's help: VM_LACKS_FEATURE. */
gboolean sim_vm_require_agent(SimCall *call, const SimObject *vm);

/* The disks and interfaces join the operation, and then are attached. */
void sim_domain_reserve_devices(SimCall *call, SimObject *vm);
void sim_domain_attach_devices(SimObject *vm);
gboolean sim_vbd_is_of_control_domain(const SimObject *vbd);
/* (transfer full) (nullable): VDI_IN_USE where @vbd and another one, both in use, would be one too many
 * for its disk: a suspended machine and a control domain do not count, nor do readers among themselves. */
SimValue *sim_vbd_check_sharing(const SimObject *vbd);
/* The same for all disks of a machine that starts. */
SimValue *sim_domain_check_disks(const SimObject *vm);
/* They got their names: device, and out of the operation. */
void sim_domain_settle_devices(SimCall *call, SimObject *vm);
void sim_domain_detach_devices(SimCall *call, SimObject *vm);

/* The fields that only ever appear at the first start. */
void sim_domain_prepare_first_start(Sim *sim, SimObject *vm);
/* A domain for @vm on @host: domid, consoles, guest agent, metrics. */
void sim_domain_build(SimCall *call, SimObject *vm, SimObject *host);
/* The old one made way for another, with the same consoles. */
void sim_domain_rebuild(SimCall *call, SimObject *vm);
/* Its devices are attached to nothing. */
void sim_vm_unplug_all(SimObject *vm);
/* The record of a machine whose domain is no more. */
void sim_vm_reset(Sim *sim, SimObject *vm);
/* The domain goes, and the operation that ends it lets go of the devices. */
void sim_domain_tear_down(SimCall *call, SimObject *vm);
/* It is on @host now. */
void sim_domain_move(SimCall *call, SimObject *vm, SimObject *host);
void sim_domain_new_domid(Sim *sim, SimObject *vm, SimObject *host);
/* It has come from elsewhere, and runs. */
void sim_domain_appear(Sim *sim, SimObject *vm, SimObject *host);

/* The agent speaks for the first time, or under a new address. */
void sim_agent_start(Sim *sim, SimObject *vm, gboolean fresh);
/* The guest is going down: it has no address any more. */
void sim_agent_stop(Sim *sim, SimObject *vm);

/* (transfer full): where the console @uuid of a guest on @host is reached */
char *sim_console_location(Sim *sim, const SimObject *host, const char *uuid);
/* A new random one, as a start or a revert gives it. */
char *sim_generation_id(Sim *sim);
void sim_domain_create_consoles(Sim *sim, SimObject *vm, const SimObject *host);
void sim_domain_destroy_all(const SimObject *object, const char *set);

/* "VM 'name' (uuid: ...) EVENT" as a message of the pool. */
void sim_vm_post(Sim *sim, const SimObject *vm, const char *name, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* "host: NAME (uuid: ...)" */
char *sim_host_phrase(const SimObject *host);

/* Marks @vm's task as one that the domain daemon worked on. */
/* How many drives and interfaces @vm has. */
guint sim_domain_count_devices(const SimObject *vm);
void sim_domain_note_cancel_points(SimCall *call, guint points);

G_END_DECLS
