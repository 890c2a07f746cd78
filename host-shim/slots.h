/* Every pair of slots of the table, by name. */
#pragma once

#include "hvd-driver.h"

G_BEGIN_DECLS

typedef struct {
    const char *name;
    gsize async;
    gsize finish;
} Slot;

#define SLOT(slot)                                                                                 \
    {                                                                                              \
#slot, G_STRUCT_OFFSET(HvdDriver, slot##_async), G_STRUCT_OFFSET(HvdDriver, slot##_finish) \
    }

extern const Slot slots[];
extern const gsize n_slots;

/* (nullable): what stands in the table there; nothing stands beyond its size */
gpointer slots_member(const HvdDriver *driver, gsize offset);
gboolean slots_has(const HvdDriver *driver, const Slot *slot);
/* (nullable) */
const Slot *slots_find(const char *name);

G_END_DECLS
