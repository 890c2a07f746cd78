/* XenAPI's types as the data model writes them, and what the toolstack takes for each. */
#pragma once

#include "base/value.h"

G_BEGIN_DECLS

typedef enum {
    SIM_TYPE_STRING,
    SIM_TYPE_INT,
    SIM_TYPE_FLOAT,
    SIM_TYPE_BOOL,
    SIM_TYPE_DATE,
    SIM_TYPE_VOID,
    SIM_TYPE_REF,
    SIM_TYPE_RECORD,
    SIM_TYPE_ENUM,
    SIM_TYPE_SET,
    SIM_TYPE_MAP,
    SIM_TYPE_ANY, /* what only answers contain: event batches and options */
} SimTypeKind;

typedef struct _SimType SimType;
struct _SimType {
    SimTypeKind kind;
    char *name;                /* class of a REF or RECORD, name of an ENUM */
    const SimType *item;       /* of SET and MAP */
    const SimType *key;        /* of MAP */
    const SimValue *spellings; /* of ENUM; owned by the table */
};

/* All types of one model, each text parsed once. */
typedef struct _SimTypes SimTypes;

SimTypes *sim_types_new(void);
void sim_types_free(SimTypes *types);
/* takes @spellings; before the first sim_types_get() that names it */
void sim_types_add_enum(SimTypes *types, const char *name, SimValue *spellings);
/* Never NULL: what cannot be parsed is ANY. Valid as long as @types. */
const SimType *sim_types_get(SimTypes *types, const char *text);

/**
 * sim_type_accept:
 * @problem: (out) (nullable): the toolstack's own text, such as "Expected string, got 'I(5)'"
 *
 * What the toolstack makes of a parameter: a number of a string where it wants one, an enum
 * whatever its case.
 *
 * Returns: (transfer full) (nullable): the value in its proper kind
 */
SimValue *sim_type_accept(const SimType *type, const SimValue *value, char **problem);

/* Turns plain JSON (dates are strings there) into a value of @type; for our own files. */
SimValue *sim_type_read(const SimType *type, const SimValue *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimTypes, sim_types_free)

G_END_DECLS
