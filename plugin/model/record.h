/* XenAPI records of what is to be made. */
#pragma once

#include "model/disk-plan.h"

G_BEGIN_DECLS

/* What the records need beside the document: references, and the marks of the operation. */
typedef struct {
    const char *affinity;   /* (nullable): reference of the node to start on */
    const char *tag;        /* other_config:hvd */
    const char *request_id; /* (nullable) */
} XdVmMarks;

/* (nullable): a floating a{ss}: what the guest reads. Errors: INVALID (metadata keys that fall together). */
GVariant *xd_guest_data_new(const XdInstance *instance, GError **error);

/* All floating a{sv}. */
GVariant *
xd_vm_record_new(const XdInstance *instance, GVariant *guest_data, const XdVmMarks *marks);
GVariant *xd_vdi_record_new(const XdInstance *instance, const XdDisk *disk);
GVariant *
xd_vbd_record_new(const XdInstance *instance, const XdDisk *disk, const char *vm, const char *tag);
GVariant *xd_vif_record_new(const XdInstanceNetwork *network, guint device, const char *network_ref,
                            gint64 network_mtu, const char *vm, const char *tag);

/* A volume's connection to a VM: marked as one in the same request that makes it, since a disk without
 * the mark would go with the instance (Nova's defect 6).
 * @unnamed: its document named no unit, and there was but one */
GVariant *xd_volume_vbd_record_new(const char *vm, const char *vdi, guint position,
                                   gboolean read_only, gboolean unnamed, const char *tag);
/* @device_config: an a{sv} of texts and secrets. No mark: the toolstack drops it (xapi_pbd.ml: create). */
GVariant *xd_pbd_record_new(const char *host, const char *sr, GVariant *device_config);

/* What is known of the image, whatever its kind. */
const char *xd_image_get_sha256(const XdImage *image); /* (nullable) */
const char *xd_image_get_id(const XdImage *image);     /* (nullable) */
gint64 xd_image_get_size(const XdImage *image);        /* -1 where it was not announced */

G_END_DECLS
