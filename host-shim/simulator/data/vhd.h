/* A disk as a dynamic VHD, written without a seek: what is zero is left out. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SimVhd SimVhd;

/* @fd: of the disk, -1 where it was never written; it stays the caller's. @uuid: of the disk */
SimVhd *sim_vhd_new(int fd, gint64 size, const char *uuid);
void sim_vhd_free(SimVhd *vhd);
/* How many bytes the whole of it has. */
gint64 sim_vhd_length(const SimVhd *vhd);
/* Up to @length bytes from @offset on; -1 where the disk cannot be read. */
gssize sim_vhd_read(const SimVhd *vhd, gint64 offset, char *buffer, gsize length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimVhd, sim_vhd_free)

G_END_DECLS
