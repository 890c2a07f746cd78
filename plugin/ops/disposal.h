/* Disks on their way out: what destroy, cleanup and reconcile share. */
#pragma once

#include "ops/operation.h"

G_BEGIN_DECLS

typedef struct {
    char *vdi;
    char *sr;
    char *mark; /* (nullable): see XdRemoval */
    gboolean gone;
} XdDoomedDisk;

/* (element-type XdDoomedDisk), freed with its elements */
GPtrArray *xd_doomed_disks_new(void);
void xd_doomed_disks_add(GPtrArray *disks, const XdVDI *vdi);

/* The table for xd_op_each() over doomed disks; a disk that is gone already is done. */
extern const XdStep xd_dispose_disk_steps[];

G_END_DECLS
