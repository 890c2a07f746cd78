#include "ops/inventory.h"

#include "ops/ask.h"
#include "ops/describe.h"
#include "ops/operation.h"
#include "ops/read.h"

#include <string.h>

/* ---- instances ---- */

static int
compare_instances(gconstpointer a, gconstpointer b)
{
    const XdInstanceInfo *first = *(XdInstanceInfo *const *) a;
    const XdInstanceInfo *second = *(XdInstanceInfo *const *) b;
    int order = strcmp(first->name, second->name);

    return order != 0 ? order : strcmp(first->uuid, second->uuid);
}

static gpointer
read_instances(XdConnection *connection, const char *key G_GNUC_UNUSED,
               GError **error G_GNUC_UNUSED)
{
    GPtrArray *infos = g_ptr_array_new();
    const XdRecord *record;
    XdMirrorIter iter;
    char *text;

    xd_mirror_iter_init(&iter, connection->mirror, &xd_class_vm);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        const XdVM *vm = (const XdVM *) record;

        if (xd_is_instance(vm))
            g_ptr_array_add(infos, xd_describe_instance(connection->mirror, vm));
    }
    g_ptr_array_sort(infos, compare_instances);
    text = xd_instance_list_print(infos, XD_PRINT_MASKED);
    xd_document_clear(&xd_shape_instance_list, &infos);
    return text;
}

void
xd_list_instances_async(XdConnection *connection, const HvdCall *call, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
    xd_read(connection, read_instances, NULL, call, cancellable, callback, user_data);
}

static gpointer
read_instance(XdConnection *connection, const char *key, GError **error)
{
    const XdVM *vm = xd_find_instance(connection->mirror, key, error);

    return vm != NULL ? xd_print_instance(connection->mirror, vm) : NULL;
}

void
xd_get_instance_async(XdConnection *connection, const char *instance, const HvdCall *call,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    xd_read(connection, read_instance, instance, call, cancellable, callback, user_data);
}

static gpointer
read_state(XdConnection *connection, const char *key, GError **error)
{
    const XdVM *vm = xd_find_instance(connection->mirror, key, error);
    const XdHost *host = vm != NULL ? xd_get_host(connection->mirror, vm->resident_on) : NULL;
    HvdInstanceState *state;

    if (vm == NULL)
        return NULL;
    state = g_new0(HvdInstanceState, 1);
    state->struct_size = sizeof *state;
    g_strlcpy(state->uuid, key, sizeof state->uuid);
    g_strlcpy(state->node, host != NULL ? host->uuid : "", sizeof state->node);
    state->state = xd_state_of(vm);
    state->memory_bytes = (guint64) vm->memory_static_max;
    state->vcpus = (guint) vm->vcpus_max;
    state->stale_since = xd_mirror_get_stale_since(connection->mirror);
    return state;
}

void
xd_get_state_async(XdConnection *connection, const char *instance, const HvdCall *call,
                   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    xd_read(connection, read_state, instance, call, cancellable, callback, user_data);
}

static gpointer
read_exists(XdConnection *connection, const char *key, GError **error)
{
    g_autoptr(GError) ambiguous = NULL;
    const XdVM *vm = xd_look_for_instance(connection->mirror, key, &ambiguous);
    gboolean *exists;

    if (ambiguous != NULL) {
        g_propagate_error(error, g_steal_pointer(&ambiguous));
        return NULL;
    }
    exists = g_new0(gboolean, 1);
    *exists = vm != NULL;
    return exists;
}

void
xd_exists_async(XdConnection *connection, const char *instance, const HvdCall *call,
                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    xd_read(connection, read_exists, instance, call, cancellable, callback, user_data);
}

/* ---- nodes ---- */

static int
compare_nodes(gconstpointer a, gconstpointer b)
{
    const XdNode *first = *(XdNode *const *) a, *second = *(XdNode *const *) b;

    if (first->coordinator != second->coordinator)
        return first->coordinator ? -1 : 1;
    return strcmp(first->name, second->name);
}

char *
xd_print_nodes(XdConnection *connection, XdNodeLogin *login)
{
    GPtrArray *nodes = g_ptr_array_new();
    const XdRecord *record;
    XdMirrorIter iter;
    char *text;

    xd_mirror_iter_init(&iter, connection->mirror, &xd_class_host);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        XdNode *node = xd_describe_node(connection->mirror, (const XdHost *) record);

        if (node->coordinator)
            node->login = g_steal_pointer(&login);
        g_ptr_array_add(nodes, node);
    }
    g_ptr_array_sort(nodes, compare_nodes);
    text = xd_node_list_print(nodes, XD_PRINT_MASKED);
    xd_document_clear(&xd_shape_node_list, &nodes);
    if (login != NULL) /* no node is the coordinator */
        g_free(login->account);
    g_free(login);
    return text;
}

static gpointer
read_nodes(XdConnection *connection, const char *key G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return xd_print_nodes(connection, NULL);
}

void
xd_list_nodes_async(XdConnection *connection, const HvdCall *call, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
    HvdCall options;

    xd_call_options(call, &options);
    if ((options.flags & HVD_CALL_ASK) != 0)
        xd_ask_nodes_async(connection, call, cancellable, callback, user_data);
    else
        xd_read(connection, read_nodes, NULL, call, cancellable, callback, user_data);
}

/* ---- what storage needs to know of a node ---- */

static const XdHost *
coordinator(const XdMirror *mirror, GError **error)
{
    const XdPool *pool = xd_mirror_get_pool(mirror);
    const XdHost *host = pool != NULL ? xd_get_host(mirror, pool->master) : NULL;

    if (host == NULL)
        xd_set_error(error, HVD_ERROR_NOT_FOUND, "the pool names no coordinator");
    return host;
}

static gpointer
read_connector(XdConnection *connection, const char *key, GError **error)
{
    const XdMirror *mirror = connection->mirror;
    const XdHost *host =
        key != NULL ? xd_find_node(mirror, key, error) : coordinator(mirror, error);
    g_auto(XdConnector) connector = {0};
    const char *iqn;

    if (host == NULL)
        return NULL;
    /* a field of its own since 7.5, before that in other_config (protocol 7.11) */
    iqn = host->iscsi_iqn != NULL && host->iscsi_iqn[0] != '\0'
              ? host->iscsi_iqn
              : xd_map_get(&host->other_config, "iscsi_iqn");
    if (iqn == NULL || iqn[0] == '\0') {
        xd_set_error(error, HVD_ERROR_STATE, "node %s has no iSCSI initiator name",
                     host->name_label);
        return NULL;
    }
    connector.initiator = g_strdup(iqn);
    connector.ip = g_strdup(host->address);
    connector.host = g_strdup(host->hostname);
    connector.multipath = host->multipathing;
    return xd_connector_print(&connector, XD_PRINT_MASKED);
}

void
xd_get_volume_connector_async(XdConnection *connection, const char *node, const HvdCall *call,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
    xd_read(connection, read_connector, node, call, cancellable, callback, user_data);
}
