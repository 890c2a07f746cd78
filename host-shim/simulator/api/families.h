/* The handlers of the API, one table for each family of calls. */
#pragma once

#include "core/policy.h"

G_BEGIN_DECLS

extern const SimHandlerEntry sim_session_handlers[];
extern const SimHandlerEntry sim_event_handlers[];
extern const SimHandlerEntry sim_message_handlers[];
extern const SimHandlerEntry sim_task_handlers[];
extern const SimHandlerEntry sim_plain_handlers[];
extern const SimHandlerEntry sim_vm_record_handlers[];
extern const SimHandlerEntry sim_vm_power_handlers[];
extern const SimHandlerEntry sim_vm_copy_handlers[];
extern const SimHandlerEntry sim_vm_suspend_handlers[];
extern const SimHandlerEntry sim_vbd_handlers[];
extern const SimHandlerEntry sim_vif_handlers[];
extern const SimHandlerEntry sim_vdi_handlers[];
extern const SimHandlerEntry sim_host_handlers[];
extern const SimHandlerEntry sim_data_source_handlers[];
extern const SimHandlerEntry sim_network_handlers[];
extern const SimHandlerEntry sim_plugin_handlers[];
extern const SimHandlerEntry sim_node_handlers[];
extern const SimHandlerEntry sim_vm_migrate_handlers[];
extern const SimHandlerEntry sim_vm_send_handlers[];
extern const SimHandlerEntry sim_sr_handlers[];
extern const SimHandlerEntry sim_pbd_handlers[];
extern const SimHandlerEntry sim_secret_handlers[];

/* Registers all of them, and the policies of all classes. */
void sim_families_register(Sim *sim);

G_END_DECLS
