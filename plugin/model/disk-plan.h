/* Which disks an instance gets, how large, and where. */
#pragma once

#include "xd-documents.h"

G_BEGIN_DECLS

/**
 * XdDisk: a disk that is to be made.
 * @role: "root" or "disk": as Nova noted it (VDI.other_config:nova_disk_type)
 * @index: among those of its role
 * @storage: (nullable): what the document names
 */
typedef struct {
    const char *role;
    guint index;
    guint position;
    gint64 size_bytes;
    char *storage;

    /* filled in while it is made */
    char *sr;
    char *vdi;
    char *vdi_tag;
    char *vbd;
} XdDisk;

/**
 * xd_disk_plan_new: (transfer full) (element-type XdDisk): the root disk first.
 * @image_bytes: what the image has
 *
 * Errors: INVALID: the image is larger than its disk, a position is wanted twice, there are too many.
 */
GPtrArray *xd_disk_plan_new(const XdInstance *instance, gint64 image_bytes, GError **error);

G_END_DECLS
