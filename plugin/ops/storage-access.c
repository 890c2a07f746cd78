#include "ops/storage-access.h"

#include "model/record.h"
#include "ops/find.h"
#include "ops/storage-secret.h"
#include "ops/volume-storage.h"

#include <string.h>

/* ---- life ---- */

static void
node_access_free(gpointer data)
{
    XdNodeAccess *node = data;

    g_free(node->host);
    g_free(node->pbd);
    g_free(node->tag);
    g_free(node);
}

static void
pair_free(gpointer data)
{
    XdPair *pair = data;

    g_free((char *) pair->key);
    g_free((char *) pair->value);
    g_free(pair);
}

XdStorageAccess *
xd_storage_access_new(XdOperation *operation)
{
    XdStorageAccess *access = g_new0(XdStorageAccess, 1);

    access->operation = operation;
    access->config = g_ptr_array_new_with_free_func(pair_free);
    access->nodes = g_ptr_array_new_with_free_func(node_access_free);
    return access;
}

void
xd_storage_access_free(XdStorageAccess *access)
{
    g_free(access->uuid);
    g_free(access->type);
    g_free(access->label);
    g_ptr_array_unref(access->config);
    g_clear_pointer(&access->password, xd_secret_unref);
    g_clear_pointer(&access->model_config, g_hash_table_unref);
    g_ptr_array_unref(access->nodes);
    g_free(access->model);
    g_free(access->sr);
    g_free(access->mark);
    g_free(access->secret);
    g_free(access->secret_uuid);
    g_free(access->secret_tag);
    g_free(access);
}

static const XdMirror *
mirror_of(const XdStorageAccess *access)
{
    return access->operation->connection->mirror;
}

/* ---- whose is it ---- */

static const XdSR *
find_sr(const XdStorageAccess *access)
{
    return (const XdSR *) xd_mirror_find_one(mirror_of(access), XD_BY_SR_UUID, access->uuid);
}

/* All who attach units of one target choose the same uuid: it tells which storage it is, not who has
 * introduced it. */
static gboolean
is_ours(const XdStorageAccess *access)
{
    const XdSR *sr = find_sr(access);

    return sr != NULL && g_strcmp0(sr->name_description, access->mark) == 0;
}

static const XdPBD *
find_pbd(const XdNodeAccess *node)
{
    return xd_find_pbd(mirror_of(node->storage), node->storage->sr, node->host);
}

/* Has the call's task told that it came to nothing? One that was cancelled tells nothing. */
static gboolean
has_failed(const XdNodeAccess *node)
{
    const XdTask *task =
        (const XdTask *) xd_mirror_find_one(mirror_of(node->storage), XD_BY_TASK_TAG, node->tag);

    return task != NULL && task->status == XD_TASK_STATUS_TYPE_FAILURE;
}

/* The only place that says whose a connection is. It takes no mark: one that neither the reply nor the task
 * of the call names is known by its two ends, and if its storage is not ours, another tool may have made
 * it meanwhile. */
static void
note_link(XdNodeAccess *node)
{
    const XdPBD *there = find_pbd(node);

    if (node->link != XD_LINK_NONE)
        return;
    if (node->pbd == NULL && node->tag != NULL)
        node->pbd = xd_operation_made(node->storage->operation, node->tag);
    if (node->pbd != NULL) {
        node->link = XD_LINK_OURS;
        return;
    }
    if (there == NULL || (node->tag != NULL && has_failed(node)))
        return;
    node->pbd = g_strdup(there->parent.ref);
    node->was_plugged = node->tag == NULL && there->currently_attached;
    if (node->tag == NULL)
        node->link = XD_LINK_WAS_THERE;
    else
        node->link = is_ours(node->storage) ? XD_LINK_OURS : XD_LINK_DOUBTFUL;
}

/* ---- what it is, and who needs it ---- */

void
xd_storage_access_add_config(XdStorageAccess *access, const char *key, const char *value)
{
    XdPair *pair = g_new0(XdPair, 1);

    pair->key = g_strdup(key);
    pair->value = g_strdup(value);
    g_ptr_array_add(access->config, pair);
}

void
xd_storage_access_add_node(XdStorageAccess *access, const char *host)
{
    XdNodeAccess *node;

    for (guint i = 0; i < access->nodes->len; i++) {
        if (strcmp(((XdNodeAccess *) g_ptr_array_index(access->nodes, i))->host, host) == 0)
            return;
    }
    node = g_new0(XdNodeAccess, 1);
    node->storage = access;
    node->host = g_strdup(host);
    note_link(node);
    g_ptr_array_add(access->nodes, node);
}

gboolean
xd_storage_access_needs_pbd(const XdStorageAccess *access)
{
    for (guint i = 0; i < access->nodes->len; i++) {
        if (((XdNodeAccess *) g_ptr_array_index(access->nodes, i))->pbd == NULL)
            return TRUE;
    }
    return FALSE;
}

/* ---- the repository: its uuid is chosen beforehand, and finds it again ---- */

static gboolean
is_introduced(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return find_sr(data) != NULL;
}

static void
introduce_sr(XdOp *op, gpointer data)
{
    static const char *const done[] = {"SR_UUID_EXISTS", NULL};
    XdStorageAccess *access = data;
    g_autofree char *tag = NULL;
    XdStepCall call = {.method = "SR.introduce",
                       .kind = "sr",
                       .index = ++access->operation->n_calls,
                       .out = &access->sr,
                       .done = done,
                       .holds = is_introduced,
                       .data = access};

    if (access->sr != NULL) {
        xd_op_next(op);
        return;
    }
    tag = xd_operation_tag(access->operation, "sr", call.index);
    access->mark = g_strconcat(XD_VOLUME_STORAGE, tag, NULL);
    /* sm_config stays empty: whatever stands there can be read by everybody (SEC-9) */
    call.parameters = g_variant_new("(sssssb@a{ss})", access->uuid, access->label, access->mark,
                                    access->type, "", access->shared, g_variant_new("a{ss}", NULL));
    xd_op_call(op, &call);
}

static void
forget_sr(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    XdStorageAccess *access = data;
    XdStepCall call = {.method = "SR.forget", .done = done};

    if (!is_ours(access)) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", find_sr(access)->parent.ref); /* its PBDs go with it */
    xd_op_call(op, &call);
}

/* A lost reply that was found again gave no reference, nor does a storage that another process has
 * introduced meanwhile: that may show a moment later. */
static void
see_sr(XdOp *op, gpointer data)
{
    XdStorageAccess *access = data;

    if (access->sr != NULL)
        xd_op_next(op);
    else
        xd_op_wait(op, NULL, is_introduced, access);
}

/* ---- a node's connection ---- */

/* It may name secrets, so it is treated as one; the toolstack copies the secret that it names for the new
 * connection (verified-sequences 7.1). */
static void
read_model(XdOp *op, gpointer data)
{
    XdStorageAccess *access = data;
    XdStepCall call = {.method = "PBD.get_device_config", .out_secrets = &access->model_config};

    if (access->model == NULL || !xd_storage_access_needs_pbd(access)) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", access->model);
    xd_op_call(op, &call);
}

/* @secrets: what the handles in it stand for */
static GVariant *
device_config(const XdStorageAccess *access, GPtrArray *secrets)
{
    GVariantBuilder config;
    GHashTableIter iter;
    gpointer key, value;

    g_variant_builder_init(&config, G_VARIANT_TYPE_VARDICT);
    for (guint i = 0; i < access->config->len; i++) {
        const XdPair *pair = g_ptr_array_index(access->config, i);

        g_variant_builder_add(&config, "{sv}", pair->key, g_variant_new_string(pair->value));
    }
    if (access->secret_uuid != NULL)
        g_variant_builder_add(&config, "{sv}", "chappassword_secret",
                              g_variant_new_string(access->secret_uuid));
    if (access->model_config == NULL)
        return g_variant_builder_end(&config);
    g_hash_table_iter_init(&iter, access->model_config);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        g_variant_builder_add(&config, "{sv}", key, g_variant_new_handle((gint32) secrets->len));
        g_ptr_array_add(secrets, value);
    }
    return g_variant_builder_end(&config);
}

/* A node has one connection to a storage at the most. */
static gboolean
is_connected(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return find_pbd(data) != NULL;
}

/* Again only where another process was faster: what is there then is not ours. */
static void
create_pbd(XdOp *op, gpointer data)
{
    static const char *const retry[] = {"PBD_EXISTS", NULL};
    XdNodeAccess *node = data;
    XdStorageAccess *access = node->storage;
    XdStepCall call = {.method = "PBD.create",
                       .kind = "pbd",
                       .index = ++access->operation->n_calls,
                       .out = &node->pbd,
                       .retry = retry,
                       .attempts = 5,
                       .delay_s = 1,
                       .holds = is_connected,
                       .data = node};
    g_autoptr(GPtrArray) secrets = g_ptr_array_new();
    GVariant *config;

    g_clear_pointer(&node->tag, g_free);
    note_link(node);
    if (node->link != XD_LINK_NONE) {
        xd_op_next(op);
        return;
    }
    node->tag = xd_operation_tag(access->operation, "pbd", call.index);
    config = device_config(access, secrets);
    call.parameters = g_variant_new("(@a{sv})", xd_pbd_record_new(node->host, access->sr, config));
    call.secrets = (XdSecret *const *) secrets->pdata;
    call.n_secrets = secrets->len;
    xd_op_task(op, &call);
}

static void
note_pbd(XdOp *op, gpointer data)
{
    XdNodeAccess *node = data;

    note_link(node);
    if (node->link == XD_LINK_NONE)
        xd_op_fail(op, xd_error_new(HVD_ERROR_NOT_FOUND, "the connection did not appear"));
    else
        xd_op_next(op);
}

static gboolean
is_plugged(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    const XdNodeAccess *node = data;
    const XdPBD *pbd = xd_get_pbd(mirror_of(node->storage), node->pbd);

    return pbd != NULL && pbd->currently_attached;
}

static void
plug_pbd(XdOp *op, gpointer data)
{
    XdNodeAccess *node = data;
    XdStepCall call = {
        .method = "PBD.plug", .gate = node->storage->sr, .holds = is_plugged, .data = node};

    if (node->was_plugged) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", node->pbd);
    xd_op_task(op, &call);
}

static void
unplug_pbd(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    XdNodeAccess *node = data;
    XdStepCall call = {.method = "PBD.unplug", .done = done};

    if (node->was_plugged || node->link == XD_LINK_DOUBTFUL || !is_plugged(NULL, node)) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", node->pbd);
    xd_op_task(op, &call);
}

static void
destroy_pbd(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    const XdNodeAccess *node = data;
    XdStepCall call = {.method = "PBD.destroy", .done = done};

    call.parameters = g_variant_new("(s)", node->pbd);
    xd_op_call(op, &call);
}

GError *
xd_storage_doubtful_error(const XdPBD *pbd)
{
    return xd_error_new(HVD_ERROR_LEFTOVERS, "PBD %s: may be the connection that was being made",
                        pbd->uuid);
}

/* A toolstack that has started since may have plugged it. */
static void
undo_create_pbd(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"unplug-pbd", unplug_pbd, NULL, 10, 600},
        {"destroy-pbd", destroy_pbd, NULL, 1, 60},
        {0},
    };
    XdNodeAccess *node = data;
    const XdPBD *pbd;

    note_link(node);
    pbd = xd_get_pbd(mirror_of(node->storage), node->pbd);
    if (pbd != NULL && node->link == XD_LINK_DOUBTFUL)
        xd_op_fail(op, xd_storage_doubtful_error(pbd));
    else if (pbd != NULL && node->link == XD_LINK_OURS)
        xd_op_table(op, steps, node);
    else
        xd_op_next(op);
}

static const XdStep node_steps[] = {
    {"create-pbd", create_pbd, undo_create_pbd, 1, 60},
    {"note-pbd", note_pbd, NULL, 0, 5},
    {"plug-pbd", plug_pbd, unplug_pbd, 10, 600},
    {0},
};

/* One by one: the first scans for the others. */
static void
connect_nodes(XdOp *op, gpointer data)
{
    XdStorageAccess *access = data;
    const XdSR *sr = access->sr == NULL ? find_sr(access) : NULL;

    if (sr != NULL)
        access->sr = g_strdup(sr->parent.ref);
    if (access->sr != NULL)
        xd_op_each(op, access->nodes, node_steps, 1);
    else
        xd_op_fail(op, xd_error_new(HVD_ERROR_NOT_FOUND, "the storage is gone again"));
}

const XdStep xd_storage_connect_steps[] = {
    {"create-secret", xd_step_create_secret, xd_step_destroy_secret, 1, 60},
    {"name-secret", xd_step_name_secret, NULL, 1, 60},
    {"introduce-storage", introduce_sr, forget_sr, 1, 60},
    {"note-storage", see_sr, NULL, 0, 30},
    {"read-model", read_model, NULL, 1, 60},
    {"connect-nodes", connect_nodes, NULL, 10, 3600},
    {"destroy-secret", xd_step_destroy_secret, NULL, 1, 60},
    {0},
};
