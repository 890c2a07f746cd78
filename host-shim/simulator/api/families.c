#include "api/families.h"

#include "api/allowed.h"
#include "api/startup.h"

static const SimHandlerEntry *const families[] = {
    sim_session_handlers,     sim_event_handlers,     sim_message_handlers,    sim_task_handlers,
    sim_plain_handlers,       sim_vm_record_handlers, sim_vm_power_handlers,   sim_vm_copy_handlers,
    sim_vm_suspend_handlers,  sim_vbd_handlers,       sim_vif_handlers,        sim_vdi_handlers,
    sim_host_handlers,        sim_sr_handlers,        sim_pbd_handlers,        sim_secret_handlers,
    sim_network_handlers,     sim_node_handlers,      sim_vm_migrate_handlers, sim_plugin_handlers,
    sim_data_source_handlers, sim_vm_send_handlers,
};

void
sim_families_register(Sim *sim)
{
    for (guint i = 0; i < G_N_ELEMENTS(families); i++)
        sim_calls_register(sim->calls, families[i]);
    sim_calls_add_policies(sim->calls, sim_policies);
    sim->on_start = sim_startup;
}
