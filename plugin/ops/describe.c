#include "ops/describe.h"

#include "model/key.h"
#include "ops/block.h"

#include <string.h>

static const struct {
    HvdState state;
    XdInstanceInfoState word;
} states[] = {
    [XD_VM_POWER_STATE_UNKNOWN] = {HVD_STATE_NONE, XD_INSTANCE_INFO_STATE_NONE},
    [XD_VM_POWER_STATE_HALTED] = {HVD_STATE_SHUTDOWN, XD_INSTANCE_INFO_STATE_SHUTDOWN},
    [XD_VM_POWER_STATE_PAUSED] = {HVD_STATE_PAUSED, XD_INSTANCE_INFO_STATE_PAUSED},
    [XD_VM_POWER_STATE_RUNNING] = {HVD_STATE_RUNNING, XD_INSTANCE_INFO_STATE_RUNNING},
    [XD_VM_POWER_STATE_SUSPENDED] = {HVD_STATE_SUSPENDED, XD_INSTANCE_INFO_STATE_SUSPENDED},
};

HvdState
xd_state_of(const XdVM *vm)
{
    return states[vm->power_state].state;
}

/* (transfer full) (nullable): what other tools write as well is told where it is what its schema promises */
static char *
dup_identifier(const char *text)
{
    return text != NULL && xd_is_identifier(text) ? g_strdup(text) : NULL;
}

/* ---- devices ---- */

static XdInstanceInfoDiskRole
role_of(const XdVBD *vbd, const XdVBD *root)
{
    if (vbd->type == XD_VBD_TYPE_CD)
        return XD_INSTANCE_INFO_DISK_ROLE_CD;
    if (xd_map_get(&vbd->other_config, XD_VOLUME_KEY) != NULL)
        return XD_INSTANCE_INFO_DISK_ROLE_VOLUME;
    return vbd == root ? XD_INSTANCE_INFO_DISK_ROLE_ROOT : XD_INSTANCE_INFO_DISK_ROLE_DISK;
}

static XdInstanceInfoDisk *
describe_disk(const XdMirror *mirror, const XdVBD *vbd, const XdVBD *root)
{
    XdInstanceInfoDisk *disk = g_new0(XdInstanceInfoDisk, 1);
    const XdVDI *vdi = xd_get_vdi(mirror, vbd->vdi);
    const XdSR *sr = vdi != NULL ? xd_get_sr(mirror, vdi->sr) : NULL;

    disk->device = g_strdup(vbd->userdevice);
    disk->role = role_of(vbd, root);
    disk->read_only = vbd->mode == XD_VBD_MODE_RO;
    if (vdi != NULL) {
        disk->vdi = g_strdup(vdi->uuid);
        disk->has_size_bytes = TRUE;
        disk->size_bytes = vdi->virtual_size;
    }
    disk->storage = sr != NULL ? g_strdup(sr->uuid) : NULL;
    return disk;
}

/* The guest's addresses come as "0/ip" -> "10.0.0.1", "0/ipv6/0" -> "fe80::1", by device; newer agents
 * write the first one once more, as "0/ipv4/0". */
static GPtrArray *
guest_addresses(const XdMirror *mirror, const XdVM *vm, const char *device)
{
    const XdVMGuestMetrics *metrics = xd_get_vm_guest_metrics(mirror, vm->guest_metrics);
    g_autofree char *prefix = g_strconcat(device, "/ip", NULL);
    GPtrArray *addresses = g_ptr_array_new();

    for (guint i = 0; metrics != NULL && i < metrics->networks.n; i++) {
        const XdPair *pair = &metrics->networks.pairs[i];

        if (g_str_has_prefix(pair->key, prefix) && g_hostname_is_ip_address(pair->value) &&
            !g_ptr_array_find_with_equal_func(addresses, pair->value, g_str_equal, NULL))
            g_ptr_array_add(addresses, g_strdup(pair->value));
    }
    return addresses;
}

static XdInstanceInfoNetwork *
describe_vif(const XdMirror *mirror, const XdVM *vm, const XdVIF *vif)
{
    XdInstanceInfoNetwork *entry = g_new0(XdInstanceInfoNetwork, 1);
    const XdNetwork *network = xd_get_network(mirror, vif->network);

    entry->device = g_strdup(vif->device);
    entry->mac = g_strdup(vif->mac);
    entry->network = network != NULL ? g_strdup(network->uuid) : NULL;
    entry->id = dup_identifier(xd_map_get(&vif->other_config, "neutron-port-id"));
    entry->addresses = guest_addresses(mirror, vm, vif->device);
    return entry;
}

static int
compare_device(const char *a, const char *b)
{
    gint64 difference = g_ascii_strtoll(a, NULL, 10) - g_ascii_strtoll(b, NULL, 10);

    return difference < 0 ? -1 : difference > 0;
}

static int
compare_disks(gconstpointer a, gconstpointer b)
{
    return compare_device((*(XdInstanceInfoDisk *const *) a)->device,
                          (*(XdInstanceInfoDisk *const *) b)->device);
}

static int
compare_networks(gconstpointer a, gconstpointer b)
{
    return compare_device((*(XdInstanceInfoNetwork *const *) a)->device,
                          (*(XdInstanceInfoNetwork *const *) b)->device);
}

/* ---- instances ---- */

static XdInstanceInfoNode *
describe_resident(const XdMirror *mirror, const XdVM *vm)
{
    const XdHost *host = xd_get_host(mirror, vm->resident_on);
    XdInstanceInfoNode *node;

    if (host == NULL)
        return NULL;
    node = g_new0(XdInstanceInfoNode, 1);
    node->uuid = g_strdup(host->uuid);
    node->name = g_strdup(host->name_label);
    return node;
}

/* Newer toolstacks keep "up to date" as "detected": there nothing is ever outdated (datamodel.ml). */
static XdInstanceInfoGuestDrivers
describe_drivers(const XdMirror *mirror, const XdVM *vm)
{
    const XdVMGuestMetrics *metrics = xd_get_vm_guest_metrics(mirror, vm->guest_metrics);

    if (vm->power_state != XD_VM_POWER_STATE_RUNNING)
        return XD_INSTANCE_INFO_GUEST_DRIVERS_UNKNOWN;
    if (metrics == NULL || !metrics->pv_drivers_detected)
        return XD_INSTANCE_INFO_GUEST_DRIVERS_NONE;
    return metrics->pv_drivers_up_to_date ? XD_INSTANCE_INFO_GUEST_DRIVERS_CURRENT
                                          : XD_INSTANCE_INFO_GUEST_DRIVERS_OUTDATED;
}

static void
add_devices(XdInstanceInfo *info, const XdMirror *mirror, const XdVM *vm)
{
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, vm->parent.ref);
    const GPtrArray *vifs = xd_mirror_find(mirror, XD_BY_VIF_VM, vm->parent.ref);
    const XdVBD *root = xd_find_root(mirror, vm->parent.ref);

    info->disks = g_ptr_array_new();
    for (guint i = 0; i < vbds->len; i++)
        g_ptr_array_add(info->disks, describe_disk(mirror, g_ptr_array_index(vbds, i), root));
    g_ptr_array_sort(info->disks, compare_disks);
    info->networks = g_ptr_array_new();
    for (guint i = 0; i < vifs->len; i++)
        g_ptr_array_add(info->networks, describe_vif(mirror, vm, g_ptr_array_index(vifs, i)));
    g_ptr_array_sort(info->networks, compare_networks);
}

XdInstanceInfo *
xd_describe_instance(const XdMirror *mirror, const XdVM *vm)
{
    XdInstanceInfo *info = g_new0(XdInstanceInfo, 1);

    info->uuid = g_strdup(xd_map_get(&vm->other_config, XD_INSTANCE_KEY));
    info->name = g_strdup(vm->name_label);
    info->state = states[vm->power_state].word;
    info->soft_deleted = xd_is_blocked(vm, XD_BLOCK_SOFT_DELETED);
    info->bootable = !xd_is_blocked(vm, XD_BLOCK_NOT_BOOTABLE);
    info->node = describe_resident(mirror, vm);
    info->memory_bytes = vm->memory_static_max;
    info->vcpus = vm->vcpus_max;
    add_devices(info, mirror, vm);
    info->operations = g_ptr_array_new();
    for (guint i = 0; i < vm->current_operations.n; i++)
        g_ptr_array_add(info->operations, g_strdup(vm->current_operations.pairs[i].value));
    info->guest_drivers = describe_drivers(mirror, vm);
    info->request_id = dup_identifier(xd_map_get(&vm->other_config, XD_REQUEST_KEY));
    info->stale_since = xd_mirror_get_stale_since(mirror);
    info->has_stale_since = info->stale_since != 0;
    return info;
}

char *
xd_print_instance(const XdMirror *mirror, const XdVM *vm)
{
    g_autofree XdInstanceInfo *info = xd_describe_instance(mirror, vm);
    char *text = xd_instance_info_print(info, XD_PRINT_MASKED);

    xd_instance_info_clear(info);
    return text;
}

/* ---- nodes ---- */

static XdNodeStorage *
describe_storage(const XdMirror *mirror, const XdPBD *pbd)
{
    const XdSR *sr = xd_get_sr(mirror, pbd->sr);
    const XdPool *pool = xd_mirror_get_pool(mirror);
    XdNodeStorage *entry;

    if (sr == NULL)
        return NULL;
    entry = g_new0(XdNodeStorage, 1);
    entry->uuid = g_strdup(sr->uuid);
    entry->name = g_strdup(sr->name_label);
    entry->type = g_strdup(sr->type);
    entry->shared = sr->shared;
    entry->size_bytes = sr->physical_size > 0 ? sr->physical_size : -1;
    entry->free_bytes =
        sr->physical_size > 0 ? MAX(sr->physical_size - sr->physical_utilisation, 0) : -1;
    entry->attached = pbd->currently_attached;
    entry->has_pool_default = TRUE;
    entry->pool_default = pool != NULL && g_strcmp0(pool->default_sr, pbd->sr) == 0;
    return entry;
}

static int
compare_storage(gconstpointer a, gconstpointer b)
{
    return strcmp((*(XdNodeStorage *const *) a)->name, (*(XdNodeStorage *const *) b)->name);
}

static GPtrArray *
storage_of(const XdMirror *mirror, const XdHost *host)
{
    GPtrArray *storage = g_ptr_array_new();
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, mirror, &xd_class_pbd);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        const XdPBD *pbd = (const XdPBD *) record;
        XdNodeStorage *entry;

        if (g_strcmp0(pbd->host, host->parent.ref) != 0)
            continue;
        entry = describe_storage(mirror, pbd);
        if (entry != NULL)
            g_ptr_array_add(storage, entry);
    }
    g_ptr_array_sort(storage, compare_storage);
    return storage;
}

/* Who runs there. Free memory is what they leave: host_metrics.memory_free is no longer kept. */
static void
add_residents(XdNode *node, const XdMirror *mirror, const XdHost *host)
{
    const XdRecord *record;
    XdMirrorIter iter;
    gint64 used = 0;

    xd_mirror_iter_init(&iter, mirror, &xd_class_vm);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        const XdVM *vm = (const XdVM *) record;

        if (g_strcmp0(vm->resident_on, host->parent.ref) != 0)
            continue;
        used += vm->memory_dynamic_max + vm->memory_overhead;
        node->instances += xd_is_instance(vm);
    }
    node->memory_free_bytes = MAX(node->memory_bytes - used, 0);
}

static char *
dup_or_empty(const char *text)
{
    return g_strdup(text != NULL ? text : "");
}

XdNode *
xd_describe_node(const XdMirror *mirror, const XdHost *host)
{
    const XdHostMetrics *metrics = xd_get_host_metrics(mirror, host->metrics);
    const XdPool *pool = xd_mirror_get_pool(mirror);
    const char *cpus = xd_map_get(&host->cpu_info, "cpu_count");
    XdNode *node = g_new0(XdNode, 1);

    node->uuid = g_strdup(host->uuid);
    node->name = g_strdup(host->name_label);
    node->address = g_strdup(host->address);
    node->coordinator = pool != NULL && g_strcmp0(pool->master, host->parent.ref) == 0;
    node->enabled = host->enabled;
    node->live = metrics != NULL && metrics->live;
    node->memory_bytes = metrics != NULL ? metrics->memory_total : 0;
    node->cpus = cpus != NULL ? g_ascii_strtoll(cpus, NULL, 10) : 0;
    node->version = dup_or_empty(xd_map_get(&host->software_version, "product_version"));
    node->brand = dup_or_empty(xd_map_get(&host->software_version, "product_brand"));
    add_residents(node, mirror, host);
    node->storage = storage_of(mirror, host);
    node->stale_since = xd_mirror_get_stale_since(mirror);
    node->has_stale_since = node->stale_since != 0;
    return node;
}
