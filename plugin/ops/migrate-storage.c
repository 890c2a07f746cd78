/* The destination's access to storage: given before a migration, taken away when that did not happen. */
#include "ops/migrate.h"

#include "ops/find.h"
#include "ops/migration.h"
#include "ops/storage-access.h"
#include "ops/volume-storage.h"

#include <string.h>

/* ---- before ---- */

/* What of the instance's storage the destination cannot reach yet. */
static void
plan_access(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdMirror *mirror = migration->head.base.connection->mirror;
    const XdVM *vm = xd_op_get_vm(op, &migration->head);
    g_autoptr(GPtrArray) storage = NULL;

    if (vm == NULL)
        return;
    storage = xd_storage_of_instance(mirror, vm);
    migration->storage = g_ptr_array_new_with_free_func((GDestroyNotify) xd_storage_access_free);
    for (guint i = 0; i < storage->len; i++) {
        const XdSR *sr = g_ptr_array_index(storage, i);
        const XdPBD *here = xd_find_pbd(mirror, sr->parent.ref, vm->resident_on);
        const XdPBD *there = xd_find_pbd(mirror, sr->parent.ref, migration->node);
        XdStorageAccess *access;

        if (there != NULL && there->currently_attached)
            continue;
        if (there == NULL && (here == NULL || !xd_is_volume_storage(sr))) {
            xd_op_fail(op, xd_error_new(HVD_ERROR_STATE,
                                        "the destination has no connection to storage %s",
                                        sr->name_label));
            return;
        }
        access = xd_storage_access_new(&migration->head.base);
        access->uuid = g_strdup(sr->uuid);
        access->sr = g_strdup(sr->parent.ref);
        access->model = here != NULL ? g_strdup(here->parent.ref) : NULL;
        xd_storage_access_add_node(access, migration->node);
        g_ptr_array_add(migration->storage, access);
    }
    xd_op_next(op);
}

static void
give_access(XdOp *op, gpointer data)
{
    xd_op_each(op, ((XdMigrationState *) data)->storage, xd_storage_connect_steps, 1);
}

static const XdNodeAccess *
link_of(const XdStorageAccess *access)
{
    return g_ptr_array_index(access->nodes, 0);
}

static gboolean
shows_links(XdOperation *operation, gpointer data)
{
    XdMigrationState *migration = data;

    for (guint i = 0; i < migration->storage->len; i++) {
        const XdNodeAccess *link = link_of(g_ptr_array_index(migration->storage, i));
        const XdPBD *pbd = xd_get_pbd(operation->connection->mirror, link->pbd);

        if (pbd == NULL || !pbd->currently_attached)
            return FALSE;
    }
    return TRUE;
}

static void
see_links(XdOp *op, gpointer data)
{
    xd_op_see(op, NULL, shows_links, data);
}

/* (nullable): where the rollback shall look for it */
static GPtrArray *
list_of(const XdMigrationPrepared *prepared, const XdNodeAccess *link)
{
    switch (link->link) {
    case XD_LINK_OURS: return prepared->pbds;
    case XD_LINK_WAS_THERE: return link->was_plugged ? NULL : prepared->plugged_pbds;
    case XD_LINK_DOUBTFUL: return prepared->doubtful_pbds;
    case XD_LINK_NONE: break;
    }
    return NULL;
}

/* What the rollback shall take away again, or tell of, and nothing else. */
static void
note_prepared(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdMirror *mirror = migration->head.base.connection->mirror;
    XdMigrationPrepared *prepared = migration->document.prepared;

    if (prepared == NULL) {
        prepared = migration->document.prepared = g_new0(XdMigrationPrepared, 1);
        prepared->pbds = g_ptr_array_new();
        prepared->plugged_pbds = g_ptr_array_new();
        prepared->doubtful_pbds = g_ptr_array_new();
    }
    for (guint i = 0; i < migration->storage->len; i++) {
        const XdNodeAccess *link = link_of(g_ptr_array_index(migration->storage, i));
        const XdPBD *pbd = xd_get_pbd(mirror, link->pbd);
        GPtrArray *list = pbd != NULL ? list_of(prepared, link) : NULL;

        if (list != NULL)
            g_ptr_array_add(list, g_strdup(pbd->uuid));
    }
    xd_op_next(op);
}

static const XdStep pre_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    XD_STEP_FIND_NODE,
    {"plan-access", plan_access, NULL, 0, 5},
    {"give-access", give_access, NULL, 10, 3600},
    {"see-access", see_links, NULL, 0, 30},
    {"note-prepared", note_prepared, NULL, 0, 5},
    {"tell", xd_step_tell_migration, NULL, 0, 5},
    {0},
};

XD_DEFINE_MIGRATION(pre_live_migration, "pre-live-migration", pre_steps)

/* ---- the way back ---- */

typedef struct {
    char *pbd;
    XdLinkState state; /* as pre_live_migration knew it */
} Link;

static void
link_free(gpointer data)
{
    Link *link = data;

    g_free(link->pbd);
    g_free(link);
}

static void
refuse_arrived(XdOp *op, gpointer data)
{
    if (xd_migration_is_there(data))
        xd_op_fail(op, xd_error_new(HVD_ERROR_STATE,
                                    "the instance is at the destination: there is no way back"));
    else
        xd_op_next(op);
}

static const XdPBD *
find_by_uuid(const XdMirror *mirror, const char *uuid)
{
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, mirror, &xd_class_pbd);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        if (strcmp(((const XdPBD *) record)->uuid, uuid) == 0)
            return (const XdPBD *) record;
    }
    return NULL;
}

/* Does any machine on that node stand on that storage? */
static gboolean
is_in_use(const XdMirror *mirror, const XdPBD *pbd)
{
    const GPtrArray *disks = xd_mirror_find(mirror, XD_BY_VDI_SR, pbd->sr);

    for (guint i = 0; i < disks->len; i++) {
        const XdVDI *vdi = g_ptr_array_index(disks, i);
        const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VDI, vdi->parent.ref);

        for (guint k = 0; k < vbds->len; k++) {
            const XdVM *vm = xd_get_vm(mirror, ((const XdVBD *) g_ptr_array_index(vbds, k))->vm);

            if (vm != NULL && (g_strcmp0(vm->resident_on, pbd->host) == 0 ||
                               g_strcmp0(vm->scheduled_to_be_resident_on, pbd->host) == 0))
                return TRUE;
        }
    }
    return FALSE;
}

static void
add_links(XdMigrationState *migration, GPtrArray *uuids, XdLinkState state)
{
    const XdMirror *mirror = migration->head.base.connection->mirror;

    for (guint i = 0; i < uuids->len; i++) {
        const XdPBD *pbd = find_by_uuid(mirror, g_ptr_array_index(uuids, i));
        Link *link;

        /* gone, on another node than the document says, or of use to others meanwhile: not ours */
        if (pbd == NULL || g_strcmp0(pbd->host, migration->node) != 0 || is_in_use(mirror, pbd))
            continue;
        link = g_new0(Link, 1);
        link->pbd = g_strdup(pbd->parent.ref);
        link->state = state;
        g_ptr_array_add(migration->links, link);
    }
}

static void
find_links(XdOp *op, gpointer data)
{
    XdMigrationState *migration = data;
    const XdMigrationPrepared *prepared = migration->document.prepared;

    migration->links = g_ptr_array_new_with_free_func(link_free);
    if (prepared != NULL) {
        add_links(migration, prepared->pbds, XD_LINK_OURS);
        add_links(migration, prepared->plugged_pbds, XD_LINK_WAS_THERE);
        add_links(migration, prepared->doubtful_pbds, XD_LINK_DOUBTFUL); /* last: they end it */
    }
    xd_op_next(op);
}

static void
unplug(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    const Link *link = data;
    const XdOperation *operation = xd_op_get_state(op);
    const XdPBD *pbd = xd_get_pbd(operation->connection->mirror, link->pbd);
    XdStepCall call = {.method = "PBD.unplug", .done = done};

    if (pbd == NULL || !pbd->currently_attached || link->state == XD_LINK_DOUBTFUL) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", link->pbd);
    xd_op_task(op, &call);
}

static void
destroy(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    const Link *link = data;
    const XdOperation *operation = xd_op_get_state(op);
    const XdPBD *pbd = xd_get_pbd(operation->connection->mirror, link->pbd);
    XdStepCall call = {.method = "PBD.destroy", .done = done};

    if (pbd == NULL || link->state == XD_LINK_WAS_THERE ||
        (link->state == XD_LINK_DOUBTFUL && xd_op_get_plan(op) != NULL)) {
        xd_op_next(op);
        return;
    }
    if (link->state == XD_LINK_DOUBTFUL) {
        xd_op_fail(op, xd_storage_doubtful_error(pbd));
        return;
    }
    call.parameters = g_variant_new("(s)", link->pbd);
    xd_op_call(op, &call);
}

static void
take_access(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"unplug-pbd", unplug, NULL, 5, 600},
        {"destroy-pbd", destroy, NULL, 1, 60},
        {0},
    };

    xd_op_each(op, ((XdMigrationState *) data)->links, steps, 1);
}

/* A rollback has only one direction: what failed is tried once more. */
static void
take_access_again(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"take-access", take_access, NULL, 10, 3600},
        {"made-good", xd_op_make_good, NULL, 0, 1},
        {0},
    };

    xd_op_table(op, steps, data);
}

static gboolean
shows_none(XdOperation *operation, gpointer data)
{
    XdMigrationState *migration = data;

    for (guint i = 0; i < migration->links->len; i++) {
        const Link *link = g_ptr_array_index(migration->links, i);
        const XdPBD *pbd = xd_get_pbd(operation->connection->mirror, link->pbd);

        if (pbd != NULL && (link->state == XD_LINK_OURS || pbd->currently_attached))
            return FALSE;
    }
    return TRUE;
}

static void
see_none(XdOp *op, gpointer data)
{
    xd_op_see(op, NULL, shows_none, data);
}

/* One that is gone has left what was made for it. */
static void
look_for_instance(XdOp *op, gpointer data)
{
    XdInstanceState *state = data;
    GError *error = NULL;
    const XdVM *vm = xd_look_for_instance(state->base.connection->mirror, state->instance, &error);

    if (error != NULL) {
        xd_op_fail(op, error);
        return;
    }
    state->vm = vm != NULL ? g_strdup(vm->parent.ref) : NULL;
    xd_op_next(op);
}

static const XdStep rollback_steps[] = {
    XD_STEP_SEE_POOL,
    {"find-instance", look_for_instance, NULL, 0, 5},
    XD_STEP_FIND_NODE,
    {"refuse-arrived", refuse_arrived, NULL, 0, 5},
    {"find-links", find_links, NULL, 0, 5},
    {"take-access", take_access, take_access_again, 10, 3600},
    {"see-no-access", see_none, NULL, 0, 30},
    {0},
};

XD_DEFINE_MIGRATION(rollback_live_migration_at_destination,
                    "rollback-live-migration-at-destination", rollback_steps)
