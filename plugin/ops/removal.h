/* An instance on its way out, with all that is its own: what destroy and reconcile share. */
#pragma once

#include "ops/operation.h"

G_BEGIN_DECLS

/**
 * XdRemoval:
 * @operation: whose marks are used
 * @instance: its uuid
 * @vm: (nullable): reference of its VM; NULL: there is none
 * @disks: (element-type XdDoomedDisk): its own, and its memory
 */
typedef struct {
    XdOperation *operation;
    char *instance;
    char *vm;
    GPtrArray *disks;
} XdRemoval;

/* Takes note of the VM and of what is its own; @vm: (nullable) */
void
xd_removal_init(XdRemoval *removal, XdOperation *operation, const char *instance, const XdVM *vm);
void xd_removal_clear(XdRemoval *removal);
/* (nullable): the VM as it is now */
const XdVM *xd_removal_vm(const XdRemoval *removal);
gboolean xd_removal_is_gone(XdOperation *operation, gpointer removal); /* XdPredicate */
/* Neither running nor paused: what is left to do takes nothing from anybody. */
gboolean xd_removal_has_begun(const XdRemoval *removal);

/* The table: each part finds by itself what is left for it to do, so that it can be run again. */
extern const XdStep xd_removal_steps[];

G_END_DECLS
