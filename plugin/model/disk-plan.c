#include "model/disk-plan.h"

#include "base/error.h"
#include "model/device.h"

/* Storage makes no smaller disk (capture VDI_create_too_big); a larger one than was asked for is what
 * rounding up gives anyhow. */
#define MIN_DISK_BYTES (1024 * 1024)

static void
disk_free(gpointer data)
{
    XdDisk *disk = data;

    g_free(disk->storage);
    g_free(disk->sr);
    g_free(disk->vdi);
    g_free(disk->vdi_tag);
    g_free(disk->vbd);
    g_free(disk);
}

static void
add_disk(GPtrArray *disks, const char *role, guint index, guint position, gint64 size_bytes,
         const char *storage)
{
    XdDisk *disk = g_new0(XdDisk, 1);

    disk->role = role;
    disk->index = index;
    disk->position = position;
    disk->size_bytes = MAX(size_bytes, MIN_DISK_BYTES);
    disk->storage = g_strdup(storage);
    g_ptr_array_add(disks, disk);
}

static gboolean
take_position(XdPositions *used, guint position, const char *pointer, guint index, GError **error)
{
    if (!xd_positions_has(used, position)) {
        xd_positions_add(used, position);
        return TRUE;
    }
    xd_set_error(error, HVD_ERROR_INVALID, "/disks/%u/%s: position %u is taken", index, pointer,
                 position);
    return FALSE;
}

/* The positions that the document names are taken before the others are dealt out. */
static gboolean
place_disks(const XdInstance *instance, GPtrArray *disks, XdPositions *used, GError **error)
{
    for (guint i = 0; i < instance->disks->len; i++) {
        const XdDataDisk *wanted = g_ptr_array_index(instance->disks, i);

        if (wanted->has_device && !take_position(used, (guint) wanted->device, "device", i, error))
            return FALSE;
    }
    for (guint i = 0; i < instance->disks->len; i++) {
        const XdDataDisk *wanted = g_ptr_array_index(instance->disks, i);
        guint position = (guint) wanted->device;

        if (!wanted->has_device) {
            if (!xd_positions_first_free(used, 1, &position)) {
                xd_set_error(error, HVD_ERROR_INVALID, "/disks/%u: no position is left", i);
                return FALSE;
            }
            xd_positions_add(used, position);
        }
        add_disk(disks, "disk", i, position, wanted->size_bytes,
                 wanted->storage != NULL ? wanted->storage : instance->storage);
    }
    return TRUE;
}

GPtrArray *
xd_disk_plan_new(const XdInstance *instance, gint64 image_bytes, GError **error)
{
    g_autoptr(GPtrArray) disks = g_ptr_array_new_with_free_func(disk_free);
    const XdRootDisk *root = &instance->root_disk;
    gint64 size = root->has_size_bytes ? root->size_bytes : image_bytes;
    XdPositions used = {0};

    if (size < image_bytes) {
        xd_set_error(error, HVD_ERROR_INVALID,
                     "/root_disk/size_bytes: the image has %" G_GINT64_FORMAT
                     " bytes, the disk only %" G_GINT64_FORMAT,
                     image_bytes, size);
        return NULL;
    }
    xd_positions_add(&used, (guint) root->device);
    add_disk(disks, "root", 0, (guint) root->device, size,
             root->storage != NULL ? root->storage : instance->storage);
    return place_disks(instance, disks, &used, error) ? g_steal_pointer(&disks) : NULL;
}
