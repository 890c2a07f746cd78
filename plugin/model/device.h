/* Positions of disks on a guest's bus, and the many ways to write them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define XD_MAX_POSITION 254 /* of a VBD (verified-sequences 7.2) */

/**
 * xd_device_parse: "/dev/xvdb", "sdb", "vdb", "hdb" (a to z, then aa...), or a number. FALSE: neither,
 * or beyond %XD_MAX_POSITION.
 */
gboolean xd_device_parse(const char *text, guint *position);

/* The lowest position whose bit in @used (255 of them) is not set, from @from on; FALSE: none. */
typedef struct {
    guint8 bits[32];
} XdPositions;
void xd_positions_add(XdPositions *used, guint position);
gboolean xd_positions_has(const XdPositions *used, guint position);
gboolean xd_positions_first_free(const XdPositions *used, guint from, guint *position);

G_END_DECLS
