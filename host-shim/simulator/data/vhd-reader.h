/* A VHD that comes as a stream, written onto a disk as the toolstack does: sectors that it has, and
 * no others (xenapi-protocol 5.2). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SimVhdReader SimVhdReader;

/* @fd: of the disk, stays the caller's. @length: of the stream */
SimVhdReader *sim_vhd_reader_new(int fd, gint64 size, gint64 length);
void sim_vhd_reader_free(SimVhdReader *reader);
/* %FALSE: it is no VHD, or does not fit. */
gboolean sim_vhd_reader_feed(SimVhdReader *reader, const char *bytes, gsize length);
/* Has it come to its end, the second footer? */
gboolean sim_vhd_reader_is_complete(const SimVhdReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimVhdReader, sim_vhd_reader_free)

G_END_DECLS
