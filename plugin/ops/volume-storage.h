/* Repositories that are there for volumes alone: which they are, and how they go. */
#pragma once

#include "xenapi/steps.h"

G_BEGIN_DECLS

/* How repositories that the driver introduced describe themselves. */
#define XD_VOLUME_STORAGE "volume storage of hvd; "

/* Is it one that this driver, or Nova, introduced for volumes? */
gboolean xd_is_volume_storage(const XdSR *sr);
/* Does a device of any VM use a disk of it? */
gboolean xd_storage_is_used(const XdMirror *mirror, const XdSR *sr);

/* The table that drops a volume storage which nothing uses: unplugs it everywhere and forgets it.
 * Over its reference. */
extern const XdStep xd_storage_drop_steps[];

G_END_DECLS
