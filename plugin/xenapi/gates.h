/* Courtesy towards storage: so many operations on one repository at a time, the others wait. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

/* (100 parallel VDI.create on one repository took 41 s, one by one 7 s: DESIGN.md 6.4.) */
XdGates *xd_gates_new(guint width);
void xd_gates_free(XdGates *gates);

typedef void (*XdGateOpen)(gpointer data, GError *error); /* (transfer full) @error */

/**
 * xd_gate_enter: calls @open when there is room at @key: at once where there is, else from the
 * loop; with an error, and no place taken, when @cancellable is cancelled before. Each place
 * that was taken is given back with xd_gate_leave().
 */
void xd_gate_enter(XdGates *gates, const char *key, GCancellable *cancellable, XdGateOpen open,
                   gpointer data);
void xd_gate_leave(XdGates *gates, const char *key);

G_END_DECLS
