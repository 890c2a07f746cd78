/* Live migration inside a pool: making the destination ready, the move, what follows, the way back. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

#define XD_DECLARE_MIGRATION(slot)                                                                 \
    void xd_##slot##_async(XdConnection *connection, const char *instance, const char *document,   \
                           const HvdCall *call, GCancellable *cancellable,                         \
                           GAsyncReadyCallback callback, gpointer user_data)

/* migrate-check.c */
XD_DECLARE_MIGRATION(check_can_live_migrate_destination);
XD_DECLARE_MIGRATION(cleanup_live_migration_destination_check);
XD_DECLARE_MIGRATION(check_can_live_migrate_source);
/* migrate-storage.c */
XD_DECLARE_MIGRATION(pre_live_migration);
XD_DECLARE_MIGRATION(rollback_live_migration_at_destination);
/* migrate.c */
XD_DECLARE_MIGRATION(live_migration);
XD_DECLARE_MIGRATION(post_live_migration);
XD_DECLARE_MIGRATION(post_live_migration_at_source);
XD_DECLARE_MIGRATION(post_live_migration_at_destination);

G_END_DECLS
