/* A volume as its document names it, and where the pool has it: what attach and detach share. */
#pragma once

#include "ops/operation.h"
#include "ops/storage-access.h"

G_BEGIN_DECLS

/**
 * XdVolumeState:
 * @has_position: the caller has said where
 * @access: NULL: the disk alone is named, and its storage is not ours to touch
 * @storage_key: whose turn it is
 * @vdi_uuid: NULL: found by its unit
 * @lun: -1: not named
 */
typedef struct {
    XdInstanceState head;
    XdConnectionInfo info;
    gboolean has_position;
    guint position;

    XdStorageAccess *access;
    char *storage_key;
    char *vdi_uuid;
    gint64 lun;
    gboolean read_only;

    char *vdi;
    char *vbd;
    char *vbd_tag;
    char *vbd_uuid; /* told last */
    gboolean attached_before;
    gboolean was_plugged; /* the device, before us */
} XdVolumeState;

/* (nullable) (transfer full). Errors: INVALID, UNSUPPORTED. */
XdVolumeState *xd_volume_state_new(XdConnection *connection, const char *instance,
                                   const char *document, GError **error);
void xd_volume_state_clear(gpointer data); /* XdOperationClass.clear_state */

/* Does the document say which disk of its storage it means? */
gboolean xd_volume_names_disk(const XdVolumeState *volume);
/* Fills in @access->sr, if the storage is there. */
void xd_volume_find_storage(XdVolumeState *volume);
/* (nullable): where nobody can say which one, too */
const XdVDI *xd_volume_find_disk(XdVolumeState *volume);
/* (nullable): the instance's device with this disk */
const XdVBD *xd_volume_find_device(XdVolumeState *volume, const XdVDI *vdi);
/* (nullable): the instance's device that the document means; NULL without an error where there is none.
 * Errors: AMBIGUOUS. */
const XdVBD *xd_volume_find_attached(XdVolumeState *volume, GError **error);

/* Steps: the turn for the storage, and a look for units that the target got later. */
void xd_step_take_storage_turn(XdOp *op, gpointer data);
void xd_step_scan_storage(XdOp *op, gpointer data);

G_END_DECLS
