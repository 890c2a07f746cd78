/* The toolstack's points in time. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Seconds since 1970 in UTC, of "20260820T12:00:00Z", "2026-08-20T12:00:00Z" or "20260820T120000Z";
 * fractions are dropped; behind it "Z", "+02:00" or nothing, which stands for UTC. */
gboolean xd_datetime_parse(const char *text, gsize length, gint64 *seconds);

G_END_DECLS
