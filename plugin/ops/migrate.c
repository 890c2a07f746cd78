#include "ops/migrate.h"

#include "ops/describe.h"
#include "ops/find.h"
#include "ops/migration.h"

#include <string.h>

/* ---- the move ---- */

static void
check_before(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdVM *vm = xd_op_get_vm(op, &migration->head);

    if (vm == NULL)
        return;
    if (vm->power_state != XD_VM_POWER_STATE_RUNNING)
        xd_op_fail(op, xd_error_new(HVD_ERROR_STATE, "only a running instance moves live"));
    else
        xd_op_next(op);
}

static gboolean
has_arrived(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return xd_migration_has_arrived(data);
}

static void
move(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdConfig *config = migration->head.base.connection->config;
    XdStepCall call = {
        .method = "VM.pool_migrate", .kind = "migrate", .holds = has_arrived, .data = migration};

    if (xd_migration_has_arrived(migration)) {
        xd_op_next(op);
        return;
    }
    xd_op_limit(op, xd_config_get_uint(config, XD_CONFIG_MIGRATION_TIMEOUT));
    call.parameters = g_variant_new("(ss@a{ss})", migration->head.vm, migration->node,
                                    g_variant_new_parsed("{'live': 'true'}"));
    xd_op_task(op, &call);
}

/* Whoever moved it wants it to start there the next time: where it last ran the pool forgets. A wish, whose
 * failure stops nothing. */
static void
note_node(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdVM *vm = xd_instance_vm(&migration->head);
    XdStepCall call = {.method = "VM.set_affinity", .optional = TRUE};

    if (vm == NULL || g_strcmp0(vm->affinity, migration->node) == 0) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(ss)", migration->head.vm, migration->node);
    xd_op_call(op, &call);
}

/* What counts is where it runs, not what was said of the way there: once it is at the destination there
 * is no way back (SEC-22). The caller waits until it has come to rest. */
static void
accept_arrival(XdOp *op, gpointer data)
{
    static const XdStep arrived[] = {
        {"note-node", note_node, NULL, 0, 60},
        XD_STEP_TELL_INSTANCE,
        {"made-good", xd_op_make_good, NULL, 0, 1},
        {0},
    };

    XdMigrationState *migration = data;
    const XdVM *vm = xd_instance_vm(&migration->head);

    if (vm != NULL && g_strcmp0(vm->resident_on, migration->node) == 0)
        xd_op_table(op, arrived, data);
    else
        xd_op_next(op);
}

static const XdStep live_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    XD_STEP_FIND_NODE,
    {"check", check_before, NULL, 0, 5},
    {"move", move, accept_arrival, 10, 86400},
    {"note-node", note_node, NULL, 0, 60},
    XD_STEP_TELL_INSTANCE,
    {0},
};

XD_DEFINE_MIGRATION(live_migration, "live-migration", live_steps)

/* ---- after it ---- */

/* Another process may have moved it: its mirror is where ours will be in a moment. */
static void
see_arrival(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;

    xd_op_see(op, migration->head.vm, has_arrived, migration);
}

static void
check_left(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdVM *vm = xd_op_get_vm(op, &migration->head);

    if (vm == NULL)
        return;
    if (g_strcmp0(vm->resident_on, migration->node) != 0 && xd_op_get_plan(op) == NULL)
        xd_op_fail(op, xd_error_new(HVD_ERROR_STATE, "the instance has not left for %s",
                                    migration->document.destination));
    else
        xd_op_next(op);
}

/* Within a pool the source has nothing that is only for this instance: its storage serves others too, and
 * goes with the volume. */
static const XdStep post_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    XD_STEP_FIND_NODE,
    {"see-arrival", see_arrival, NULL, 1, 10},
    {"check-left", check_left, NULL, 0, 5},
    XD_STEP_TELL_INSTANCE,
    {0},
};

XD_DEFINE_MIGRATION(post_live_migration, "post-live-migration", post_steps)
XD_DEFINE_MIGRATION(post_live_migration_at_source, "post-live-migration-at-source", post_steps)

/* ---- all of it has arrived ---- */

static gboolean
has_interface(const XdMirror *mirror, const XdVM *vm, const XdMigrationVif *wanted)
{
    const GPtrArray *vifs = xd_mirror_find(mirror, XD_BY_VIF_VM, vm->parent.ref);

    for (guint i = 0; i < vifs->len; i++) {
        const XdVIF *vif = g_ptr_array_index(vifs, i);
        const XdNetwork *network = xd_get_network(mirror, vif->network);

        if (g_ascii_strcasecmp(vif->mac, wanted->mac) == 0 && network != NULL &&
            strcmp(network->uuid, wanted->network) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_disk(const XdMirror *mirror, const XdVM *vm, const char *uuid)
{
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, vm->parent.ref);

    for (guint i = 0; i < vbds->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);
        const XdVDI *vdi = xd_get_vdi(mirror, vbd->vdi);

        if (vdi != NULL && strcmp(vdi->uuid, uuid) == 0)
            return TRUE;
    }
    return FALSE;
}

static void
check_whole(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdMigration *document = &migration->document;
    const XdMirror *mirror = migration->head.base.connection->mirror;
    const XdVM *vm = xd_op_get_vm(op, &migration->head);
    GError *error = NULL;

    if (vm == NULL)
        return;
    for (guint i = 0; i < document->vdi_uuids->len && error == NULL; i++) {
        const char *uuid = g_ptr_array_index(document->vdi_uuids, i);

        if (!has_disk(mirror, vm, uuid))
            error = xd_error_new(HVD_ERROR_INTEGRITY, "disk %s did not arrive", uuid);
    }
    for (guint i = 0; i < document->vifs->len && error == NULL; i++) {
        const XdMigrationVif *vif = g_ptr_array_index(document->vifs, i);

        if (!has_interface(mirror, vm, vif))
            error = xd_error_new(HVD_ERROR_INTEGRITY, "interface %s did not arrive", vif->mac);
    }
    if (error != NULL)
        xd_op_fail(op, error);
    else
        xd_op_next(op);
}

static const XdStep arrival_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    XD_STEP_FIND_NODE,
    {"see-arrival", see_arrival, NULL, 1, 10},
    {"check-left", check_left, NULL, 0, 5},
    {"check-whole", check_whole, NULL, 0, 5},
    XD_STEP_TELL_INSTANCE,
    {0},
};

XD_DEFINE_MIGRATION(post_live_migration_at_destination, "post-live-migration-at-destination",
                    arrival_steps)
