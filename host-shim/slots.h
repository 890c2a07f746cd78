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

/* The names of those that the driver has, in the table's order. */
GPtrArray *slots_of(const HvdDriver *driver);

G_END_DECLS
