/* The CHAP password of a storage: an object of its own for a moment; PBD.create makes a copy, which the
 * toolstack removes with the PBD (verified-sequences 7.1). */
#pragma once

#include "ops/storage-access.h"

G_BEGIN_DECLS

/* Steps over an #XdStorageAccess: nothing, where it has no password, or no connection is made. */
void xd_step_create_secret(XdOp *op, gpointer data);
void xd_step_name_secret(XdOp *op, gpointer data);
/* What the first one has made goes, be it known or not. */
void xd_step_destroy_secret(XdOp *op, gpointer data);

G_END_DECLS
