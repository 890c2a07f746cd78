/* Which reference field of a class is mirrored as a set in the class that it points to. */
#pragma once

#include "core/model.h"

G_BEGIN_DECLS

/* (nullable): the set, in the referenced class, that follows @field of @class */
const char *sim_relation_set(const SimClass *class, const SimField *field);

G_END_DECLS
