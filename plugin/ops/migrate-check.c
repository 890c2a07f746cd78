#include "ops/migrate.h"

#include "ops/find.h"
#include "ops/migration.h"
#include "ops/volume-storage.h"

/* ---- the destination ---- */

static gboolean
check_running(const XdVM *vm, GError **error)
{
    if (vm->power_state == XD_VM_POWER_STATE_RUNNING)
        return TRUE;
    xd_set_error(error, HVD_ERROR_STATE,
                 "only a running instance moves live: start a halted one where it shall be");
    return FALSE;
}

static gboolean
check_node(const XdMirror *mirror, const XdVM *vm, const XdHost *node, GError **error)
{
    if (!xd_node_is_live(mirror, node)) {
        xd_set_error(error, HVD_ERROR_NO_RESOURCES, "node %s does not answer", node->name_label);
        return FALSE;
    }
    if (!node->enabled) {
        xd_set_error(error, HVD_ERROR_NO_RESOURCES, "node %s takes no instances", node->name_label);
        return FALSE;
    }
    if (g_strcmp0(vm->resident_on, node->parent.ref) == 0) {
        xd_set_error(error, HVD_ERROR_STATE, "the instance is on node %s already",
                     node->name_label);
        return FALSE;
    }
    return TRUE;
}

/* It need not be plugged yet: pre_live_migration does that, if there is something to do it with. */
static gboolean
check_storage(const XdMirror *mirror, const XdSR *sr, const XdHost *node, GError **error)
{
    const XdPBD *pbd = xd_find_pbd(mirror, sr->parent.ref, node->parent.ref);

    if (pbd != NULL && pbd->currently_attached)
        return TRUE;
    if (!sr->shared) {
        xd_set_error(error, HVD_ERROR_UNSUPPORTED,
                     "storage %s is not shared, and disks do not move with an instance",
                     sr->name_label);
        return FALSE;
    }
    if (pbd != NULL || xd_is_volume_storage(sr))
        return TRUE;
    xd_set_error(error, HVD_ERROR_STATE, "node %s has no connection to storage %s",
                 node->name_label, sr->name_label);
    return FALSE;
}

static void
check_destination(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdMirror *mirror = migration->head.base.connection->mirror;
    const XdVM *vm = xd_op_get_vm(op, &migration->head);
    const XdHost *node = xd_get_host(mirror, migration->node);
    g_autoptr(GPtrArray) storage = NULL;
    GError *error = NULL;

    if (vm == NULL)
        return;
    storage = xd_storage_of_instance(mirror, vm);
    if (check_running(vm, &error) && check_node(mirror, vm, node, &error)) {
        for (guint i = 0; i < storage->len && error == NULL; i++)
            check_storage(mirror, g_ptr_array_index(storage, i), node, &error);
    }
    if (error != NULL)
        xd_op_fail(op, error);
    else
        xd_op_next(op);
}

/* ---- what has to be there afterwards ---- */

static void
add_interface(XdMigration *document, const XdMirror *mirror, const XdVIF *vif)
{
    const XdNetwork *network = xd_get_network(mirror, vif->network);
    XdMigrationVif *entry;

    if (network == NULL)
        return;
    entry = g_new0(XdMigrationVif, 1);
    entry->uuid = g_strdup(vif->uuid);
    entry->mac = g_ascii_strdown(vif->mac, -1);
    entry->network = g_strdup(network->uuid);
    g_ptr_array_add(document->vifs, entry);
}

static void
add_disk(XdMigration *document, const XdMirror *mirror, const XdVBD *vbd)
{
    const XdVDI *vdi = xd_get_vdi(mirror, vbd->vdi);

    if (vdi != NULL && vbd->type == XD_VBD_TYPE_DISK)
        g_ptr_array_add(document->vdi_uuids, g_strdup(vdi->uuid));
}

static char *
print_document(const XdMigrationState *migration, const XdVM *vm)
{
    const XdMirror *mirror = migration->head.base.connection->mirror;
    const XdHost *source = xd_get_host(mirror, vm->resident_on);
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, vm->parent.ref);
    const GPtrArray *vifs = xd_mirror_find(mirror, XD_BY_VIF_VM, vm->parent.ref);
    g_autoptr(GPtrArray) storage = xd_storage_of_instance(mirror, vm);
    g_auto(XdMigration) document = {
        .destination = g_strdup(migration->document.destination),
        .source = g_strdup(source != NULL ? source->uuid : NULL),
        .instance = g_strdup(migration->head.instance),
        .sr_uuids = g_ptr_array_new(),
        .vdi_uuids = g_ptr_array_new(),
        .vifs = g_ptr_array_new(),
    };

    for (guint i = 0; i < storage->len; i++)
        g_ptr_array_add(document.sr_uuids,
                        g_strdup(((const XdSR *) g_ptr_array_index(storage, i))->uuid));
    for (guint i = 0; i < vbds->len; i++)
        add_disk(&document, mirror, g_ptr_array_index(vbds, i));
    for (guint i = 0; i < vifs->len; i++)
        add_interface(&document, mirror, g_ptr_array_index(vifs, i));
    return xd_migration_print(&document, XD_PRINT_MASKED);
}

static void
tell_destination(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdVM *vm = xd_op_get_vm(op, &migration->head);

    if (vm == NULL)
        return;
    xd_op_set_result(op, print_document(migration, vm), g_free);
    xd_op_next(op);
}

static const XdStep destination_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    XD_STEP_FIND_NODE,
    {"check-destination", check_destination, NULL, 1, 5},
    {"tell", tell_destination, NULL, 0, 5},
    {0},
};

XD_DEFINE_MIGRATION(check_can_live_migrate_destination, "check-can-live-migrate-destination",
                    destination_steps)

/* Nova's check left a session of an administrator behind (SEC-21); ours makes nothing, so there is nothing
 * to drop but what cannot be read. */
static const XdStep cleanup_steps[] = {
    {"tell", xd_step_tell_migration, NULL, 1, 5},
    {0},
};

XD_DEFINE_MIGRATION(cleanup_live_migration_destination_check,
                    "cleanup-live-migration-destination-check", cleanup_steps)

/* ---- the source ---- */

/* Whoever blocks it does not have VM.allowed_operations computed anew: the list may still have it (scenario
 * rescue_unrescue). */
static gboolean
is_blocked(const XdVM *vm)
{
    return xd_map_get(&vm->blocked_operations, "pool_migrate") != NULL;
}

/* The list of what is allowed follows the guest's drivers (verified-sequences 3.3): why is it missing? */
static GError *
explain_refusal(const XdMirror *mirror, const XdVM *vm)
{
    const XdVMGuestMetrics *guest = xd_get_vm_guest_metrics(mirror, vm->guest_metrics);
    GError *error;

    if (is_blocked(vm))
        return xd_error_new(HVD_ERROR_DENIED, "moving it is blocked by an administrator");
    if (vm->current_operations.n > 0)
        return xd_error_new(HVD_ERROR_BUSY, "another operation on the instance is under way");
    if (guest != NULL && guest->pv_drivers_detected)
        return xd_error_new(HVD_ERROR_STATE, "its guest cannot be suspended for the move");
    error = xd_error_new(HVD_ERROR_STATE, "its guest runs no PV drivers");
    xd_error_set_advice(error, N_("install the guest tools, or move it while it is shut down"));
    return error;
}

static void
check_guest(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdMirror *mirror = migration->head.base.connection->mirror;
    const XdVM *vm = xd_op_get_vm(op, &migration->head);
    GError *error = NULL;

    if (vm == NULL)
        return;
    if (!check_running(vm, &error))
        xd_op_fail(op, error);
    else if (is_blocked(vm) || !xd_strings_contains(&vm->allowed_operations, "pool_migrate"))
        xd_op_fail(op, explain_refusal(mirror, vm));
    else
        xd_op_next(op);
}

/* Some of its storage is given to the destination by pre_live_migration only. */
static gboolean
lacks_storage(const XdMigrationState *migration, const XdVM *vm)
{
    const XdMirror *mirror = migration->head.base.connection->mirror;
    g_autoptr(GPtrArray) storage = xd_storage_of_instance(mirror, vm);

    for (guint i = 0; i < storage->len; i++) {
        const XdSR *sr = g_ptr_array_index(storage, i);
        const XdPBD *pbd = xd_find_pbd(mirror, sr->parent.ref, migration->node);

        if (pbd == NULL || !pbd->currently_attached)
            return TRUE;
    }
    return FALSE;
}

/* Memory, networks, CPU: what only the pool can tell. */
static void
ask_pool(XdOp *op, gpointer data)
{
    static const char *const excused[] = {"VM_REQUIRES_SR", NULL};
    XdMigrationState *migration = data;
    const XdVM *vm = xd_op_get_vm(op, &migration->head);
    XdStepCall call = {.method = "VM.assert_can_boot_here"};

    if (vm == NULL)
        return;
    call.done = lacks_storage(migration, vm) ? excused : NULL;
    call.parameters = g_variant_new("(ss)", migration->head.vm, migration->node);
    xd_op_call(op, &call);
}

static const XdStep source_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    XD_STEP_FIND_NODE,
    {"check-guest", check_guest, NULL, 1, 5},
    {"ask-pool", ask_pool, NULL, 1, 60},
    {"tell", xd_step_tell_migration, NULL, 0, 5},
    {0},
};

XD_DEFINE_MIGRATION(check_can_live_migrate_source, "check-can-live-migrate-source", source_steps)
