/* What has changed since a generation, for whoever subscribes to some of it. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

typedef struct {
    gboolean all;
    GPtrArray *texts; /* lower case "vm" or "vm/OpaqueRef:..." */
} SimSubscriptions;

/* %FALSE with @bad (transfer none) where a subscription cannot be parsed. */
gboolean
sim_subscriptions_read(SimSubscriptions *subscriptions, const SimValue *classes, const char **bad);
void sim_subscriptions_clear(SimSubscriptions *subscriptions);
gboolean sim_subscriptions_match(const SimSubscriptions *subscriptions, const char *event_class,
                                 const char *ref);

typedef struct {
    GPtrArray *adds; /* of SimObject */
    GPtrArray *mods;
    GPtrArray *dels; /* of SimValue: finished events */
    guint64 last;
} SimBatch;

/* Into an empty @batch. */
void sim_batch_collect(SimBatch *batch, SimDatabase *db, const SimSubscriptions *subscriptions,
                       guint64 since);
void sim_batch_clear(SimBatch *batch);
gboolean sim_batch_is_empty(const SimBatch *batch);
/* Appends adds, then mods, then dels, each class by class. */
void sim_batch_print(const SimBatch *batch, SimValue *events);
SimValue *sim_event_new(const char *id, const char *timestamp, const char *class_name,
                        const char *operation, const char *ref);
/* How many objects each class has. */
SimValue *sim_batch_counts(SimDatabase *db);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SimSubscriptions, sim_subscriptions_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SimBatch, sim_batch_clear)

G_END_DECLS
