/* The driver on a simulated pool, and every operation by name. */
#pragma once

#include "pool.h"
#include "xenapi/connection.h"
#include "xenapi/mirror.h"

G_BEGIN_DECLS

#define INSTANCE    "6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f55"
#define IMAGE_BYTES 100000

typedef struct _Operation Operation;

/**
 * World: one opened connection with a clock that moves when nothing else does.
 * @clock: (nullable): NULL: the real one
 */
typedef struct {
    TestPool *pool;
    XdClock *clock;
    XdConnection *connection;
    GCancellable *cancellable;
    gboolean ended;
    char *result;
    GError *error;
    GOutputStream *sink; /* of a snapshot */
    GSource *tick;
    guint64 hung;   /* see world_hang() */
    gboolean still; /* see world_pass() */
    const Operation *running;
} World;

/* @more: (nullable): further settings */
World *world_new(TestPool *pool, gboolean manual_clock, const char *const *more);
/* The same with a host's callbacks. */
World *world_new_with(TestPool *pool, gboolean manual_clock, const char *const *more,
                      const HvdHostCallbacks *callbacks);
/* With a manual clock, on the pool as it was when its state was saved without a name, after the operations
 * @names have run. */
World *world_new_prepared(TestPool *pool, const char *names);
void world_free(World *world);
/* The connection ends, and with it whatever runs. */
void world_close(World *world);
/* Whoever runs the operation cancels it. */
void world_give_up(World *world);

/* An operation, as tests call it. */
struct _Operation {
    const char *name;
    const char *before; /* names of operations that prepare the pool, separated by spaces */
    guint budget;       /* requests at the most */
    void (*start)(World *world, const HvdCall *call, GAsyncReadyCallback callback);
    gboolean keeps; /* its result is for those that follow: see test_pool_keep() */
};

extern const Operation operations[];
extern const guint n_operations;
const Operation *operation_find(const char *name);

/* For slots called with parameters of a test's own: before and, as their callback, at the end. */
void world_begin(World *world);
void world_on_ended(GObject *source, GAsyncResult *result, gpointer world);
void world_start(World *world, const Operation *operation, const HvdCall *call);
/* Turns the main context until the operation has ended. */
void world_wait(World *world);
/* Both; @world->result and @world->error are those of this run. */
void world_run(World *world, const Operation *operation);
/* A call that is under way is never answered: from now on time passes until it has been given up. */
void world_hang(World *world);
/* Lets up to @ms pass, in pieces of @piece_ms and only while the driver waits for nothing else. Ends early
 * when @enough says so. Gives what has passed. No time of the real world is in it. */
gint64 world_pass(World *world, gint64 ms, gint64 piece_ms, gboolean (*enough)(const World *world));
gboolean world_sees_pool(const World *world);
gboolean world_has_ended(const World *world);
/* Runs what @operation needs before it. */
void world_prepare(World *world, const Operation *operation);

/* ---- volumes ---- */

/* A unit of a target; @data: further members, each after a comma. */
#define ISCSI(target, data)                                                                        \
    "{\"driver_volume_type\":\"iscsi\",\"data\":{\"volume_id\":\"v\",\"target_portal\":\"" target  \
    ":3260\",\"target_iqn\":\"" TARGET_IQN "\"" data "}}"

/* As world_run(), with documents of a test's own, on the instance. */
void world_attach(World *world, const char *info, const char *mountpoint);
void world_detach(World *world, const char *info);
/* (nullable): the VM of the instance, its devices (element-type XdVBD), and its only volume (nullable) */
const XdVM *world_find_vm(const World *world);
const GPtrArray *world_devices(const World *world);
const XdVBD *world_find_volume(const World *world);

/* The last run failed with this code, in one line that has @word in it. */
void world_assert_refused(const World *world, HvdError code, const char *word);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

G_END_DECLS
