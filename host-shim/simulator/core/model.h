/* The data model: classes, fields and messages, read from model.json. */
#pragma once

#include "core/type.h"

G_BEGIN_DECLS

typedef struct {
    const char *name;
    const SimType *type;
    SimValue *initial;
    gboolean constructed; /* may be given to create */
    guint index;          /* in the class, and in each object of it */
} SimField;

typedef struct {
    const char *name;
    const SimType *type;
    gboolean optional;
} SimParam;

typedef struct _SimClass SimClass;

/* What the dispatcher can do by itself; SIM_MESSAGE_CUSTOM is for handlers alone. */
typedef enum {
    SIM_MESSAGE_CUSTOM,
    SIM_MESSAGE_GET_RECORD,
    SIM_MESSAGE_GET_ALL,
    SIM_MESSAGE_GET_ALL_RECORDS,
    SIM_MESSAGE_GET_ALL_RECORDS_WHERE,
    SIM_MESSAGE_GET_BY_UUID,
    SIM_MESSAGE_GET_BY_NAME_LABEL,
    SIM_MESSAGE_CREATE,
    SIM_MESSAGE_DESTROY,
    SIM_MESSAGE_GET,
    SIM_MESSAGE_SET,
    SIM_MESSAGE_ADD_TO_MAP,
    SIM_MESSAGE_REMOVE_FROM_MAP,
    SIM_MESSAGE_ADD_TO_SET,
    SIM_MESSAGE_REMOVE_FROM_SET,
} SimMessageKind;

/* From the least to the greatest: each may do what those before it may. */
typedef enum {
    SIM_ROLE_READ_ONLY,
    SIM_ROLE_VM_OPERATOR,
    SIM_ROLE_VM_ADMIN,
    SIM_ROLE_VM_POWER_ADMIN,
    SIM_ROLE_POOL_OPERATOR,
    SIM_ROLE_POOL_ADMIN,
    SIM_N_ROLES,
} SimRole;

typedef struct {
    char *full_name; /* "VM.start" */
    const SimClass *class;
    SimMessageKind kind;
    const SimField *field; /* of the kinds that name one */
    SimRole role;          /* the least that may */
    gboolean needs_session;
    gboolean has_async;
    gboolean removed;
    gboolean hidden; /* nothing but its name is known */
    guint n_params;  /* the session not counted */
    guint n_required;
    SimParam *params;
} SimMessage;

struct _SimClass {
    const char *name;         /* "VM_guest_metrics" */
    char *event_name;         /* "vm_guest_metrics" */
    guint index;              /* the order of classes in event batches */
    GArray *fields;           /* of SimField */
    GHashTable *by_name;      /* name -> SimField */
    const SimValue *required; /* members that create must be given */
};

typedef struct _SimModel SimModel;

/* @json: (transfer none): model.json as a value; %NULL with @problem where it is no model */
SimModel *sim_model_new(SimValue *json, char **problem);
void sim_model_free(SimModel *model);

guint sim_model_n_classes(const SimModel *model);
const SimClass *sim_model_class_at(const SimModel *model, guint index);
/* (nullable): exact name, as calls spell it */
const SimClass *sim_model_find_class(const SimModel *model, const char *name);
const SimField *sim_class_find_field(const SimClass *class, const char *name);
/* (nullable): by full name, without "Async." */
const SimMessage *sim_model_find_message(const SimModel *model, const char *full_name);
/* In the model's order. */
guint sim_model_n_messages(const SimModel *model);
const SimMessage *sim_model_message_at(const SimModel *model, guint index);

/* "pool-admin" */
const char *sim_role_name(SimRole role);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimModel, sim_model_free)

G_END_DECLS
