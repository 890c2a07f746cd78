/* Reads: answered from the mirror, no request travels. */
#pragma once

#include "ops/operation.h"

G_BEGIN_DECLS

/* Makes the answer, freed by g_free(): @data is what the read is about. */
typedef gpointer (*XdReadFunc)(XdConnection *connection, const char *key, GError **error);

/**
 * xd_read: answers @read from the mirror, at once where that is fresh. While the poll is broken
 * it waits `mirror.stale-limit` seconds for better, then fails with NOT_REACHABLE; or it takes
 * what is known where %HVD_CALL_ALLOW_STALE is set.
 * @key: (nullable): copied
 */
void xd_read(XdConnection *connection, XdReadFunc read, const char *key, const HvdCall *call,
             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
