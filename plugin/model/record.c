#include "model/record.h"

#include "base/error.h"
#include "wire/json.h"

#include <string.h>

#define NULL_REF "OpaqueRef:NULL"

/* ---- what an image says of itself ---- */

const char *
xd_image_get_sha256(const XdImage *image)
{
    return image->kind == XD_IMAGE_FILE ? image->file->sha256 : image->stream->sha256;
}

const char *
xd_image_get_id(const XdImage *image)
{
    return image->kind == XD_IMAGE_FILE ? image->file->id : image->stream->id;
}

gint64
xd_image_get_size(const XdImage *image)
{
    if (image->kind == XD_IMAGE_STREAM)
        return image->stream->size_bytes;
    return image->file->has_size_bytes ? image->file->size_bytes : -1;
}

/* ---- maps ---- */

static void
add_pair(GVariantBuilder *map, const char *key, const char *value)
{
    if (value != NULL)
        g_variant_builder_add(map, "{ss}", key, value);
}

static void
add(GVariantBuilder *record, const char *field, GVariant *value)
{
    g_variant_builder_add(record, "{sv}", field, value);
}

static void
add_text(GVariantBuilder *record, const char *field, const char *value)
{
    add(record, field, g_variant_new_string(value));
}

static void
add_int(GVariantBuilder *record, const char *field, gint64 value)
{
    add(record, field, g_variant_new_int64(value));
}

static void
add_bool(GVariantBuilder *record, const char *field, gboolean value)
{
    add(record, field, g_variant_new_boolean(value));
}

static GVariant *
empty_map(void)
{
    return g_variant_new("a{ss}", NULL);
}

static GVariant *
text_set(GPtrArray *texts)
{
    GVariantBuilder set;

    g_variant_builder_init(&set, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; texts != NULL && i < texts->len; i++)
        g_variant_builder_add(&set, "s", g_ptr_array_index(texts, i));
    return g_variant_builder_end(&set);
}

/* ---- what the guest reads ---- */

/* xenstore takes few characters; Nova put an underscore in the place of each other one, so guests
 * expect that (driver-instances 15.2). */
static char *
xenstore_name(const char *key)
{
    char *name = g_strdup(key);

    for (char *p = name; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("-_@", *p) == NULL)
            *p = '_';
    }
    return name;
}

/* Values are JSON, as Nova wrote them and guest agents read them. */
static char *
json_text(const char *value)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdVault) out = {0};

    xd_vault_init(&out, arena);
    xd_json_append_string(&out, value, strlen(value));
    return g_strdup(out.data);
}

GVariant *
xd_guest_data_new(const XdInstance *instance, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GList) keys =
        g_list_sort(g_hash_table_get_keys(instance->metadata), (GCompareFunc) strcmp);
    g_auto(GVariantBuilder) map = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{ss}"));

    add_pair(&map, "vm-data/allowvssprovider", "false");
    add_pair(&map, "vm-data/hostname", instance->hostname);
    for (GList *link = keys; link != NULL; link = link->next) {
        g_autofree char *name = xenstore_name(link->data);
        g_autofree char *path = g_strconcat("vm-data/user-metadata/", name, NULL);
        g_autofree char *value = json_text(g_hash_table_lookup(instance->metadata, link->data));

        if (!g_hash_table_add(seen, g_steal_pointer(&name))) {
            xd_set_error(error, HVD_ERROR_INVALID,
                         "/metadata: two keys become the same name, %s, for the guest", path);
            return NULL;
        }
        add_pair(&map, path, value);
    }
    return g_variant_builder_end(&map);
}

/* ---- the VM ---- */

static GVariant *
vm_other_config(const XdInstance *instance, const XdVmMarks *marks)
{
    GVariantBuilder map;

    g_variant_builder_init(&map, G_VARIANT_TYPE("a{ss}"));
    add_pair(&map, "nova_uuid", instance->uuid);
    add_pair(&map, "hvd", marks->tag);
    add_pair(&map, "hvd_request", marks->request_id);
    add_pair(&map, "hvd_image", xd_image_get_id(&instance->image));
    return g_variant_builder_end(&map);
}

static GVariant *
vcpu_parameters(const XdInstance *instance)
{
    g_autofree char *weight = NULL;

    if (!instance->has_vcpu_weight)
        return empty_map();
    weight = g_strdup_printf("%" G_GINT64_FORMAT, instance->vcpu_weight);
    /* a weight needs a cap beside it (driver-instances 4.6) */
    return g_variant_new_parsed("{'weight': %s, 'cap': '0'}", weight);
}

static GVariant *
boot_parameters(const XdInstance *instance)
{
    return instance->firmware == XD_INSTANCE_FIRMWARE_UEFI
               ? g_variant_new_parsed("{'order': 'cd', 'firmware': 'uefi'}")
               : g_variant_new_parsed("{'order': 'cd'}");
}

static GVariant *
platform(const XdInstance *instance)
{
    GVariantBuilder map;

    g_variant_builder_init(&map, G_VARIANT_TYPE("a{ss}"));
    add_pair(&map, "acpi", "true");
    add_pair(&map, "apic", "true");
    add_pair(&map, "pae", "true");
    add_pair(&map, "nx", "true");
    add_pair(&map, "viridian", "false");
    add_pair(&map, "timeoffset", "0");
    if (instance->firmware == XD_INSTANCE_FIRMWARE_UEFI)
        add_pair(&map, "device-model", "qemu-upstream-uefi");
    return g_variant_builder_end(&map);
}

static void
add_memory(GVariantBuilder *record, gint64 bytes)
{
    add_int(record, "memory_static_min", 0);
    add_int(record, "memory_dynamic_min", bytes);
    add_int(record, "memory_dynamic_max", bytes);
    add_int(record, "memory_static_max", bytes);
    add_int(record, "memory_target", bytes);
}

/* Members that older hosts have no default for: sent always (protocol 7.1). */
static void
add_fixed(GVariantBuilder *record)
{
    static const char *const empty[] = {"name_description", "PV_bootloader",
                                        "PV_kernel",        "PV_ramdisk",
                                        "PV_args",          "PCI_bus",
                                        "PV_legacy_args",   "PV_bootloader_args",
                                        "recommendations",  "ha_restart_priority"};

    for (gsize i = 0; i < G_N_ELEMENTS(empty); i++)
        add_text(record, empty[i], "");
    add_int(record, "user_version", 0);
    add_bool(record, "is_a_template", FALSE);
    add_bool(record, "ha_always_run", FALSE);
    add_text(record, "actions_after_shutdown", "destroy");
    add_text(record, "actions_after_reboot", "restart");
    add_text(record, "actions_after_crash", "destroy");
    add_text(record, "HVM_boot_policy", "BIOS order");
    add_text(record, "domain_type", "hvm");
    add(record, "HVM_shadow_multiplier", g_variant_new_double(1.0));
    add(record, "blocked_operations", empty_map());
}

GVariant *
xd_vm_record_new(const XdInstance *instance, GVariant *guest_data, const XdVmMarks *marks)
{
    GVariantBuilder record;

    g_variant_builder_init(&record, G_VARIANT_TYPE_VARDICT);
    add_text(&record, "name_label", instance->name);
    add_text(&record, "affinity", marks->affinity != NULL ? marks->affinity : NULL_REF);
    add_memory(&record, instance->memory_bytes);
    add_int(&record, "VCPUs_max", instance->vcpus);
    add_int(&record, "VCPUs_at_startup", instance->vcpus);
    add(&record, "VCPUs_params", vcpu_parameters(instance));
    add(&record, "HVM_boot_params", boot_parameters(instance));
    add(&record, "platform", platform(instance));
    add(&record, "other_config", vm_other_config(instance, marks));
    add(&record, "xenstore_data", guest_data);
    add(&record, "tags", text_set(instance->tags));
    add_fixed(&record);
    return g_variant_builder_end(&record);
}

/* ---- its devices ---- */

GVariant *
xd_vdi_record_new(const XdInstance *instance, const XdDisk *disk)
{
    gboolean root = strcmp(disk->role, "root") == 0;
    g_autofree char *name = root ? g_strdup(instance->name)
                                 : g_strdup_printf("%s disk %u", instance->name, disk->index + 1);
    GVariantBuilder record, marks;

    g_variant_builder_init(&marks, G_VARIANT_TYPE("a{ss}"));
    add_pair(&marks, "nova_instance_uuid", instance->uuid);
    add_pair(&marks, "nova_disk_type", disk->role);
    add_pair(&marks, "hvd", disk->vdi_tag);
    if (root)
        add_pair(&marks, "hvd_image", xd_image_get_id(&instance->image));
    g_variant_builder_init(&record, G_VARIANT_TYPE_VARDICT);
    add_text(&record, "name_label", name);
    add_text(&record, "name_description", disk->role);
    add_text(&record, "SR", disk->sr);
    add_int(&record, "virtual_size", disk->size_bytes);
    add_text(&record, "type", root ? "system" : "user");
    add_bool(&record, "sharable", FALSE);
    add_bool(&record, "read_only", FALSE);
    add(&record, "other_config", g_variant_builder_end(&marks));
    add(&record, "xenstore_data", empty_map());
    add(&record, "sm_config", empty_map());
    add(&record, "tags", text_set(NULL));
    return g_variant_builder_end(&record);
}

GVariant *
xd_vbd_record_new(const XdInstance *instance, const XdDisk *disk, const char *vm, const char *tag)
{
    gboolean root = strcmp(disk->role, "root") == 0;
    g_autofree char *position = g_strdup_printf("%u", disk->position);
    GVariantBuilder record, marks;

    /* a VBD's marks travel with a storage migration, a VDI's do not (verified-sequences 6.3) */
    g_variant_builder_init(&marks, G_VARIANT_TYPE("a{ss}"));
    add_pair(&marks, "hvd_disk", instance->uuid);
    add_pair(&marks, "hvd", tag);
    g_variant_builder_init(&record, G_VARIANT_TYPE_VARDICT);
    add_text(&record, "VM", vm);
    add_text(&record, "VDI", disk->vdi);
    add_text(&record, "userdevice", position);
    add_bool(&record, "bootable", root);
    add_text(&record, "mode", "RW");
    add_text(&record, "type", "Disk");
    add_bool(&record, "unpluggable", !root);
    add_bool(&record, "empty", FALSE);
    add(&record, "other_config", g_variant_builder_end(&marks));
    add_text(&record, "qos_algorithm_type", "");
    add(&record, "qos_algorithm_params", empty_map());
    return g_variant_builder_end(&record);
}

static const char *const locking_modes[] = {
    [0] = "network_default",
    [XD_INSTANCE_NETWORK_LOCKING_MODE_NETWORK_DEFAULT] = "network_default",
    [XD_INSTANCE_NETWORK_LOCKING_MODE_UNLOCKED] = "unlocked",
    [XD_INSTANCE_NETWORK_LOCKING_MODE_LOCKED] = "locked",
    [XD_INSTANCE_NETWORK_LOCKING_MODE_DISABLED] = "disabled",
};

GVariant *
xd_vif_record_new(const XdInstanceNetwork *network, guint device, const char *network_ref,
                  gint64 network_mtu, const char *vm, const char *tag)
{
    g_autofree char *number = g_strdup_printf("%u", device);
    g_autofree char *mtu =
        network->has_mtu ? g_strdup_printf("%" G_GINT64_FORMAT, network->mtu) : NULL;
    GVariantBuilder record, marks;

    g_variant_builder_init(&marks, G_VARIANT_TYPE("a{ss}"));
    add_pair(&marks, "neutron-port-id", network->id);
    add_pair(&marks, "mtu",
             mtu); /* the field of this name is ignored at plug time (protocol 7.7) */
    add_pair(&marks, "hvd", tag);
    g_variant_builder_init(&record, G_VARIANT_TYPE_VARDICT);
    add_text(&record, "device", number);
    add_text(&record, "network", network_ref);
    add_text(&record, "VM", vm);
    add_text(&record, "MAC", network->mac);
    add_int(&record, "MTU", network->has_mtu ? network->mtu : network_mtu);
    add(&record, "other_config", g_variant_builder_end(&marks));
    add_text(&record, "qos_algorithm_type", "");
    add(&record, "qos_algorithm_params", empty_map());
    add_text(&record, "locking_mode", locking_modes[network->locking_mode]);
    add(&record, "ipv4_allowed", text_set(network->ipv4_allowed));
    add(&record, "ipv6_allowed", text_set(network->ipv6_allowed));
    return g_variant_builder_end(&record);
}

/* ---- volumes ---- */

GVariant *
xd_volume_vbd_record_new(const char *vm, const char *vdi, guint position, gboolean read_only,
                         gboolean unnamed, const char *tag)
{
    g_autofree char *device = g_strdup_printf("%u", position);
    GVariantBuilder record, marks;

    g_variant_builder_init(&marks, G_VARIANT_TYPE("a{ss}"));
    add_pair(&marks, "osvol", "True");
    add_pair(&marks, "hvd_unnamed", unnamed ? "true" : NULL);
    add_pair(&marks, "hvd", tag);
    g_variant_builder_init(&record, G_VARIANT_TYPE_VARDICT);
    add_text(&record, "VM", vm);
    add_text(&record, "VDI", vdi);
    add_text(&record, "userdevice", device);
    add_bool(&record, "bootable", FALSE);
    add_text(&record, "mode", read_only ? "RO" : "RW");
    add_text(&record, "type", "Disk");
    add_bool(&record, "unpluggable", TRUE);
    add_bool(&record, "empty", FALSE);
    add(&record, "other_config", g_variant_builder_end(&marks));
    add_text(&record, "qos_algorithm_type", "");
    add(&record, "qos_algorithm_params", empty_map());
    return g_variant_builder_end(&record);
}

GVariant *
xd_pbd_record_new(const char *host, const char *sr, GVariant *device_config)
{
    GVariantBuilder record;

    g_variant_builder_init(&record, G_VARIANT_TYPE_VARDICT);
    add_text(&record, "host", host);
    add_text(&record, "SR", sr);
    add(&record, "device_config", device_config);
    add(&record, "other_config", empty_map());
    return g_variant_builder_end(&record);
}
