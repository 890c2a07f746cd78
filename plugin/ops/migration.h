/* Live migration inside a pool: what the files of its nine parts share. */
#pragma once

#include "ops/operation.h"
#include "xd-documents.h"

G_BEGIN_DECLS

/**
 * XdMigrationState: the state of each part.
 * @document: what the caller handed in, filled in where the part is a check
 * @node: reference of the destination, once xd_step_find_node() has run
 */
typedef struct {
    XdInstanceState head;
    XdMigration document;
    char *node;
    GPtrArray *storage; /* (element-type XdStorageAccess): of pre_live_migration */
    GPtrArray *links;   /* of rollback */
} XdMigrationState;

/* Parses @document and runs @klass on it; a document that does not fit is refused at once. */
void xd_migration_run(const XdOperationClass *klass, XdConnection *connection, const char *instance,
                      const char *document, const HvdCall *call, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data);
void xd_migration_clear_state(gpointer data); /* XdOperationClass.clear_state */

/* A slot: all nine have one form. */
#define XD_DEFINE_MIGRATION(slot, operation_name, operation_steps)                                 \
    void xd_##slot##_async(XdConnection *connection, const char *instance, const char *document,   \
                           const HvdCall *call, GCancellable *cancellable,                         \
                           GAsyncReadyCallback callback, gpointer user_data)                       \
    {                                                                                              \
        static const XdOperationClass klass = {operation_name, operation_steps,                    \
                                               xd_migration_clear_state};                          \
        xd_migration_run(&klass, connection, instance, document, call, cancellable, callback,      \
                         user_data);                                                               \
    }

/* A step: finds the destination. */
void xd_step_find_node(XdOp *op, gpointer data);
#define XD_STEP_FIND_NODE                                                                          \
    {                                                                                              \
        "find-destination", xd_step_find_node, NULL, 0, 5                                          \
    }
/* A last step: the result is the document. */
void xd_step_tell_migration(XdOp *op, gpointer data);

/* Is the instance on the destination, and at rest? */
gboolean xd_migration_has_arrived(XdMigrationState *migration);
/* Is it there at all, or on its way in? */
gboolean xd_migration_is_there(XdMigrationState *migration);

/* The storage that an instance's devices stand on, each once: (element-type XdSR), borrowed. */
GPtrArray *xd_storage_of_instance(const XdMirror *mirror, const XdVM *vm);

G_END_DECLS
