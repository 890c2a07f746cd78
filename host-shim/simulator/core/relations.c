#include "core/relations.h"

#include <string.h>

/* toolstack, datamodel.ml: all_relations, as far as the captures show them. */
static const struct {
    const char *class_name;
    const char *field;
    const char *set;
} relations[] = {
    {"VBD", "VM", "VBDs"},
    {"VBD", "VDI", "VBDs"},
    {"VIF", "VM", "VIFs"},
    {"VIF", "network", "VIFs"},
    {"VDI", "SR", "VDIs"},
    {"VDI", "snapshot_of", "snapshots"},
    {"VM", "snapshot_of", "snapshots"},
    {"VM", "parent", "children"},
    {"VM", "resident_on", "resident_VMs"},
    {"PBD", "host", "PBDs"},
    {"PBD", "SR", "PBDs"},
    {"PIF", "host", "PIFs"},
    {"PIF", "network", "PIFs"},
    {"VLAN", "tagged_PIF", "VLAN_slave_of"},
    {"console", "VM", "consoles"},
    {"host_cpu", "host", "host_CPUs"},
    {"Certificate", "host", "certificates"},
    {"PCI", "host", "PCIs"},
    {"VTPM", "VM", "VTPMs"},
    {"VGPU", "VM", "VGPUs"},
    {"VUSB", "VM", "VUSBs"},
    {"crashdump", "VM", "crash_dumps"},
    {"task", "subtask_of", "subtasks"},
};

const char *
sim_relation_set(const SimClass *class, const SimField *field)
{
    for (guint i = 0; i < G_N_ELEMENTS(relations); i++) {
        if (strcmp(relations[i].class_name, class->name) == 0 &&
            strcmp(relations[i].field, field->name) == 0)
            return relations[i].set;
    }
    return NULL;
}
