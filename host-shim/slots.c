#include "slots.h"

#include <string.h>

const Slot slots[] = {
    SLOT(open),
    SLOT(close),
    SLOT(list_instances),
    SLOT(list_nodes),
    SLOT(get_instance),
    SLOT(get_state),
    SLOT(exists),
    SLOT(spawn),
    SLOT(destroy),
    SLOT(cleanup),
    SLOT(power_on),
    SLOT(power_off),
    SLOT(reboot),
    SLOT(pause),
    SLOT(unpause),
    SLOT(suspend),
    SLOT(resume),
    SLOT(soft_delete),
    SLOT(restore),
    SLOT(set_bootable),
    SLOT(snapshot),
    SLOT(get_volume_connector),
    SLOT(attach_volume),
    SLOT(detach_volume),
    SLOT(check_can_live_migrate_destination),
    SLOT(cleanup_live_migration_destination_check),
    SLOT(check_can_live_migrate_source),
    SLOT(pre_live_migration),
    SLOT(live_migration),
    SLOT(post_live_migration),
    SLOT(post_live_migration_at_source),
    SLOT(post_live_migration_at_destination),
    SLOT(rollback_live_migration_at_destination),
    SLOT(reconcile),
};
const gsize n_slots = G_N_ELEMENTS(slots);

gpointer
slots_member(const HvdDriver *driver, gsize offset)
{
    gpointer member = NULL;

    if (offset + sizeof member <= driver->struct_size)
        memcpy(&member, (const char *) driver + offset, sizeof member);
    return member;
}

gboolean
slots_has(const HvdDriver *driver, const Slot *slot)
{
    return slots_member(driver, slot->async) != NULL && slots_member(driver, slot->finish) != NULL;
}

const Slot *
slots_find(const char *name)
{
    for (gsize i = 0; i < n_slots; i++) {
        if (strcmp(slots[i].name, name) == 0)
            return &slots[i];
    }
    return NULL;
}
