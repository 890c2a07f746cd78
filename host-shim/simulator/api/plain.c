/* Messages that the toolstack implements by hand although all they do is write the field that
 * they are named after. */
#include "api/families.h"

#include <string.h>

static const SimField *
named_field(const SimCall *call, const char *prefix)
{
    const char *name = strchr(sim_call_name(call), '.') + 1;

    return sim_class_find_field(sim_call_message(call)->class, name + strlen(prefix));
}

static void
set_plain(SimCall *call)
{
    sim_call_set_field(call, named_field(call, "set_")->name);
}

static void
add_plain(SimCall *call)
{
    sim_call_add_to_field(call, named_field(call, "add_to_")->name);
}

static void
remove_plain(SimCall *call)
{
    sim_call_remove_from_field(call, named_field(call, "remove_from_")->name);
}

const SimHandlerEntry sim_plain_handlers[] = {
    {"task.set_progress", set_plain},
    {"task.set_other_config", set_plain},
    {"task.add_to_other_config", add_plain},
    {"task.remove_from_other_config", remove_plain},
    {"task.set_result", set_plain},
    {"task.set_error_info", set_plain},
    {"VM.set_other_config", set_plain},
    {"VM.add_to_other_config", add_plain},
    {"VM.remove_from_other_config", remove_plain},
    {"VM.set_platform", set_plain},
    {"VM.add_to_platform", add_plain},
    {"VM.remove_from_platform", remove_plain},
    {"VM.set_blocked_operations", set_plain},
    {"VM.add_to_blocked_operations", add_plain},
    {"VM.remove_from_blocked_operations", remove_plain},
    {"VM.set_NVRAM", set_plain},
    {"VM.add_to_NVRAM", add_plain},
    {"VM.remove_from_NVRAM", remove_plain},
    {"VM.set_order", set_plain},
    {"VM.set_start_delay", set_plain},
    {"VM.set_shutdown_delay", set_plain},
    {"VM.set_HVM_boot_policy", set_plain},
    {"VM.set_domain_type", set_plain},
    {"VM.set_actions_after_crash", set_plain},
    {"VM.set_has_vendor_device", set_plain},
    {"VM.set_ha_always_run", set_plain},
    {"VM.set_ha_restart_priority", set_plain},
    {"VM.set_suspend_VDI", set_plain},
    {"VM.set_bios_strings", set_plain},
    {"VM.set_is_default_template", set_plain},
    {"SR.set_shared", set_plain},
    {"VDI.set_name_label", set_plain},
    {"VDI.set_name_description", set_plain},
    {"VDI.set_read_only", set_plain},
    {"VDI.set_on_boot", set_plain},
    {"VDI.set_allow_caching", set_plain},
    {"VBD.set_mode", set_plain},
    {"PIF.set_disallow_unplug", set_plain},
    {"host.set_iscsi_iqn", set_plain},
    {"host.set_multipathing", set_plain},
    {"host.set_power_on_mode", set_plain},
    {"host.set_https_only", set_plain},
    {"pool.set_uefi_certificates", set_plain},
    {"pool.set_igmp_snooping_enabled", set_plain},
    {NULL, NULL},
};
