#include "ops/find.h"

#include "base/error.h"
#include "model/key.h"

#include <string.h>

#define MAX_SHOWN_KEY 200

gboolean
xd_is_instance(const XdVM *vm)
{
    const char *uuid = xd_map_get(&vm->other_config, XD_INSTANCE_KEY);

    return !vm->is_a_template && !vm->is_a_snapshot && !vm->is_control_domain && uuid != NULL &&
           xd_is_uuid(uuid);
}

gboolean
xd_is_down(const XdVM *vm)
{
    return vm->power_state == XD_VM_POWER_STATE_HALTED ||
           vm->power_state == XD_VM_POWER_STATE_SUSPENDED;
}

/* xapi_xenops.ml sets it at the first start. */
gboolean
xd_was_started(const XdVM *vm)
{
    return vm->power_state != XD_VM_POWER_STATE_HALTED || strcmp(vm->generation_id, "0:0") != 0;
}

/* (transfer full): of a caller, who may have written anything */
static char *
shown_key(const char *key)
{
    return xd_escape(key, -1, MAX_SHOWN_KEY);
}

const XdVM *
xd_look_for_instance(const XdMirror *mirror, const char *uuid, GError **error)
{
    const GPtrArray *vms = xd_mirror_find(mirror, XD_BY_VM_INSTANCE, uuid);
    g_autofree char *shown = shown_key(uuid);
    const XdVM *found = NULL;

    for (guint i = 0; i < vms->len; i++) {
        const XdVM *vm = g_ptr_array_index(vms, i);

        if (!xd_is_instance(vm))
            continue; /* a template or snapshot made of it carries its mark as well */
        if (found != NULL) {
            xd_set_error(error, HVD_ERROR_AMBIGUOUS,
                         "several VMs claim to be instance %s: %s and %s at least", shown,
                         found->uuid, vm->uuid);
            return NULL;
        }
        found = vm;
    }
    return found;
}

const XdVM *
xd_find_instance(const XdMirror *mirror, const char *uuid, GError **error)
{
    g_autoptr(GError) ambiguous = NULL;
    const XdVM *vm = xd_look_for_instance(mirror, uuid, &ambiguous);
    g_autofree char *shown = shown_key(uuid);

    if (ambiguous != NULL)
        g_propagate_error(error, g_steal_pointer(&ambiguous));
    else if (vm == NULL)
        xd_set_error(error, HVD_ERROR_NOT_FOUND, "there is no instance %s", shown);
    return vm;
}

const XdHost *
xd_find_node(const XdMirror *mirror, const char *uuid, GError **error)
{
    const XdRecord *record = xd_mirror_find_one(mirror, XD_BY_HOST_UUID, uuid);
    g_autofree char *shown = shown_key(uuid);

    if (record == NULL)
        xd_set_error(error, HVD_ERROR_NOT_FOUND, "there is no node %s in the pool", shown);
    return (const XdHost *) record;
}

/* The first index in which @key stands, in the order given. */
static const XdRecord *
find_by_any(const XdMirror *mirror, const XdIndex *indexes, guint n, const char *key,
            const char *what, GError **error)
{
    g_autofree char *shown = shown_key(key);

    for (guint i = 0; i < n; i++) {
        const GPtrArray *records = xd_mirror_find(mirror, indexes[i], key);

        if (records->len == 1)
            return g_ptr_array_index(records, 0);
        if (records->len > 1) {
            xd_set_error(error, HVD_ERROR_AMBIGUOUS, "%u %ss are called \"%s\": use a uuid",
                         records->len, what, shown);
            return NULL;
        }
    }
    xd_set_error(error, HVD_ERROR_NOT_FOUND, "there is no %s \"%s\"", what, shown);
    return NULL;
}

const XdSR *
xd_find_storage(const XdMirror *mirror, const char *key, GError **error)
{
    static const XdIndex indexes[] = {XD_BY_SR_UUID, XD_BY_SR_NAME};
    const XdPool *pool = xd_mirror_get_pool(mirror);
    const XdSR *sr;

    if (key != NULL)
        return (const XdSR *) find_by_any(mirror, indexes, G_N_ELEMENTS(indexes), key, "storage",
                                          error);
    /* the reference may dangle (protocol 7.11) */
    sr = pool != NULL ? xd_get_sr(mirror, pool->default_sr) : NULL;
    if (sr == NULL)
        xd_set_error(error, HVD_ERROR_NOT_FOUND,
                     "the pool has no default storage, and none was named");
    return sr;
}

const XdNetwork *
xd_find_network(const XdMirror *mirror, const char *key, GError **error)
{
    static const XdIndex indexes[] = {XD_BY_NETWORK_UUID, XD_BY_NETWORK_NAME, XD_BY_NETWORK_BRIDGE};

    return (const XdNetwork *) find_by_any(mirror, indexes, G_N_ELEMENTS(indexes), key, "network",
                                           error);
}

gboolean
xd_node_is_live(const XdMirror *mirror, const XdHost *host)
{
    const XdHostMetrics *metrics = xd_get_host_metrics(mirror, host->metrics);

    return metrics != NULL && metrics->live;
}

const XdPBD *
xd_find_pbd(const XdMirror *mirror, const char *sr, const char *host)
{
    const GPtrArray *pbds = xd_mirror_find(mirror, XD_BY_PBD_SR, sr);

    for (guint i = 0; i < pbds->len; i++) {
        const XdPBD *pbd = g_ptr_array_index(pbds, i);

        if (g_strcmp0(pbd->host, host) == 0)
            return pbd;
    }
    return NULL;
}

const XdVBD *
xd_find_root(const XdMirror *mirror, const char *vm)
{
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, vm);
    const XdVBD *booting = NULL;
    const XdVBD *first = NULL;
    guint n_booting = 0;

    for (guint i = 0; i < vbds->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);

        if (vbd->type != XD_VBD_TYPE_DISK)
            continue;
        if (strcmp(vbd->userdevice, "0") == 0)
            first = vbd;
        if (vbd->bootable) {
            booting = vbd;
            n_booting++;
        }
    }
    return n_booting == 1 ? booting : first;
}

static gboolean
is_shared(const XdMirror *mirror, const XdVBD *vbd)
{
    const GPtrArray *users = xd_mirror_find(mirror, XD_BY_VBD_VDI, vbd->vdi);

    for (guint i = 0; i < users->len; i++) {
        const XdVBD *user = g_ptr_array_index(users, i);
        const XdVM *vm = xd_get_vm(mirror, user->vm);

        /* dom0 holds a device on a disk while its bytes are moved (verified-sequences 2.1) */
        if (g_strcmp0(user->vm, vbd->vm) != 0 && (vm == NULL || !vm->is_control_domain))
            return TRUE;
    }
    return FALSE;
}

const XdVDI *
xd_own_disk(const XdMirror *mirror, const XdVBD *vbd, const char *uuid)
{
    const XdVDI *vdi = xd_get_vdi(mirror, vbd->vdi);

    if (vdi == NULL || vbd->type != XD_VBD_TYPE_DISK || vdi->is_a_snapshot || vdi->sharable ||
        xd_map_get(&vbd->other_config, XD_VOLUME_KEY) != NULL)
        return NULL;
    if (g_strcmp0(xd_map_get(&vbd->other_config, XD_DISK_KEY), uuid) != 0 &&
        g_strcmp0(xd_map_get(&vdi->other_config, XD_DISK_INSTANCE_KEY), uuid) != 0)
        return NULL;
    return is_shared(mirror, vbd) ? NULL : vdi;
}
