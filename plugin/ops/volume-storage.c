#include "ops/volume-storage.h"

#include <string.h>

gboolean
xd_is_volume_storage(const XdSR *sr)
{
    g_autofree char *nova = g_strconcat("tempSR-", sr->uuid, NULL);

    return g_str_has_prefix(sr->name_description, XD_VOLUME_STORAGE) ||
           strcmp(sr->name_label, nova) == 0;
}

gboolean
xd_storage_is_used(const XdMirror *mirror, const XdSR *sr)
{
    const GPtrArray *disks = xd_mirror_find(mirror, XD_BY_VDI_SR, sr->parent.ref);

    for (guint i = 0; i < disks->len; i++) {
        const XdVDI *vdi = g_ptr_array_index(disks, i);

        if (xd_mirror_find(mirror, XD_BY_VBD_VDI, vdi->parent.ref)->len > 0)
            return TRUE;
    }
    return FALSE;
}

static void
leave_node(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    XdStepCall call = {.method = "PBD.unplug", .done = done};

    call.parameters = g_variant_new("(s)", (const char *) data);
    xd_op_task(op, &call);
}

static void
leave_nodes(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {{"unplug-pbd", leave_node, NULL, 1, 600}, {0}};
    const XdOperation *operation = xd_op_get_state(op);
    const GPtrArray *pbds = xd_mirror_find(operation->connection->mirror, XD_BY_PBD_SR, data);
    g_autoptr(GPtrArray) plugged = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < pbds->len; i++) {
        const XdPBD *pbd = g_ptr_array_index(pbds, i);

        if (pbd->currently_attached)
            g_ptr_array_add(plugged, g_strdup(pbd->parent.ref));
    }
    xd_op_each(op, plugged, steps, 1);
}

static void
forget(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    XdStepCall call = {.method = "SR.forget", .done = done};

    call.parameters = g_variant_new("(s)", (const char *) data);
    xd_op_call(op, &call);
}

static gboolean
is_forgotten(XdOperation *operation, gpointer data)
{
    return xd_get_sr(operation->connection->mirror, data) == NULL;
}

static void
see_forgotten(XdOp *op, gpointer data)
{
    xd_op_see(op, data, is_forgotten, data);
}

const XdStep xd_storage_drop_steps[] = {
    {"leave-nodes", leave_nodes, NULL, 5, 3600},
    {"forget-storage", forget, NULL, 1, 300},
    {"see-forgotten", see_forgotten, NULL, 0, 30},
    {0},
};
