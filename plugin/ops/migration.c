#include "ops/migration.h"

#include "ops/find.h"

#include <string.h>

void
xd_migration_clear_state(gpointer data)
{
    XdMigrationState *migration = data;

    xd_migration_clear(&migration->document);
    g_clear_pointer(&migration->storage, g_ptr_array_unref);
    g_clear_pointer(&migration->links, g_ptr_array_unref);
    g_free(migration->node);
    xd_instance_state_clear(data);
}

static gboolean
check_document(const XdMigration *document, const char *instance, GError **error)
{
    if (document->instance != NULL && strcmp(document->instance, instance) != 0) {
        xd_set_error(error, HVD_ERROR_INVALID, "/instance: the document is about another instance");
        return FALSE;
    }
    if (document->block_migration) {
        xd_set_error(error, HVD_ERROR_UNSUPPORTED,
                     "/block_migration: an instance moves inside the pool only, on storage that "
                     "both nodes share");
        return FALSE;
    }
    return TRUE;
}

void
xd_migration_run(const XdOperationClass *klass, XdConnection *connection, const char *instance,
                 const char *document, const HvdCall *call, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer user_data)
{
    XdMigrationState *migration = g_new0(XdMigrationState, 1);
    GError *error = NULL;

    xd_instance_state_init(&migration->head, instance);
    if (xd_migration_parse(document, -1, connection->arena, &migration->document, &error) &&
        check_document(&migration->document, instance, &error)) {
        xd_operation_run(klass, migration, connection, instance, NULL, call, cancellable, callback,
                         user_data);
        return;
    }
    g_prefix_error(&error, "%s: ", klass->name);
    xd_operation_refuse(error, cancellable, callback, user_data);
    xd_migration_clear_state(migration);
    g_free(migration);
}

/* ---- steps ---- */

void
xd_step_find_node(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    GError *error = NULL;
    const XdHost *host = xd_find_node(migration->head.base.connection->mirror,
                                      migration->document.destination, &error);

    if (host == NULL) {
        g_prefix_error_literal(&error, "/destination: ");
        xd_op_fail(op, error);
        return;
    }
    migration->node = g_strdup(host->parent.ref);
    xd_op_next(op);
}

void
xd_step_tell_migration(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;

    xd_op_set_result(op, xd_migration_print(&migration->document, XD_PRINT_MASKED), g_free);
    xd_op_next(op);
}

/* ---- questions to the mirror ---- */

gboolean
xd_migration_has_arrived(XdMigrationState *migration)
{
    const XdVM *vm = xd_instance_vm(&migration->head);

    return vm != NULL && vm->power_state == XD_VM_POWER_STATE_RUNNING &&
           g_strcmp0(vm->resident_on, migration->node) == 0 && vm->current_operations.n == 0;
}

gboolean
xd_migration_is_there(XdMigrationState *migration)
{
    const XdVM *vm = xd_instance_vm(&migration->head);

    return vm != NULL && (g_strcmp0(vm->resident_on, migration->node) == 0 ||
                          g_strcmp0(vm->scheduled_to_be_resident_on, migration->node) == 0);
}

GPtrArray *
xd_storage_of_instance(const XdMirror *mirror, const XdVM *vm)
{
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, vm->parent.ref);
    GPtrArray *storage = g_ptr_array_new();

    for (guint i = 0; i < vbds->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);
        const XdVDI *vdi = xd_get_vdi(mirror, vbd->vdi); /* an empty drive has none */
        const XdSR *sr = vdi != NULL ? xd_get_sr(mirror, vdi->sr) : NULL;

        if (sr != NULL && !g_ptr_array_find(storage, sr, NULL))
            g_ptr_array_add(storage, (gpointer) sr);
    }
    return storage;
}
