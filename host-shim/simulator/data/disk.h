/* The bytes of disks: sparse files in the state directory. A copy shares its file with the
 * original until one of the two is written. */
#pragma once

#include "core/sim.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* @path: a directory that is made where it is missing */
SimDisks *sim_disks_new(const char *path);
void sim_disks_free(SimDisks *disks);

/* The name under which the bytes of @vdi are kept; those of a LUN belong to the target. */
char *sim_disk_key(const SimObject *vdi);

/* A file descriptor, -1 with errno where there is none. A disk that was never written has no
 * file; for writing it gets one, of its own. */
int sim_disk_open(SimDisks *disks, const SimObject *vdi, gboolean for_writing);
void sim_disk_remove(SimDisks *disks, const SimObject *vdi);
/* What @to had is gone; both have the same bytes. */
void sim_disk_copy(SimDisks *disks, const SimObject *from, const SimObject *to);
void sim_disk_truncate(SimDisks *disks, const SimObject *vdi, gint64 size);
gint64 sim_disk_used_bytes(SimDisks *disks, const SimObject *vdi);
/* (transfer full): SHA-256 of the bytes up to the last one that is not zero; @length: how many */
char *sim_disk_digest(SimDisks *disks, const SimObject *vdi, gint64 *length);

/* Everything as it is now, under @name; and back again. */
void sim_disks_keep(SimDisks *disks, const char *name);
void sim_disks_restore(SimDisks *disks, const char *name);

G_END_DECLS
