/* A simulated pool for a test, and its control socket. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _TestPool TestPool;

/* Two iSCSI targets with two units each; the second one wants CHAP. */
#define TARGET          "192.0.2.10"
#define GUARDED_TARGET  "192.0.2.11"
#define TARGET_IQN      "iqn.2026-01.example:volumes"
#define TARGET_USER     "guest"
#define TARGET_PASSWORD "correct horse"

/* A pool has one secret of its own, for its telemetry (captures: pool_get_all_records). */
#define POOL_SECRETS 1

/* Starts xapi-sim (environment XAPI_SIM) with a fixed seed and no delays. */
TestPool *test_pool_new(void);
/* The same, but operations take a second, and time passes by command alone. */
TestPool *test_pool_new_slow(void);
/* The one that another process has started, with its state in @directory; @volume: see below */
TestPool *test_pool_join(const char *directory, const char *volume);
void test_pool_free(TestPool *pool);
/* (transfer full): settings for opening a connection to it; @more: (nullable) */
GStrv test_pool_settings(TestPool *pool, const char *const *more);
const char *test_pool_get_directory(TestPool *pool);
/* The uuid of a disk in the default storage that belongs to no VM. */
const char *test_pool_get_volume(TestPool *pool);

/* A text that one operation hands on to the next: the migration document. (nullable) */
void test_pool_keep(TestPool *pool, const char *text);
const char *test_pool_get_kept(TestPool *pool);

/* Sends a command, a printf format of JSON, and waits for its answer (transfer none): valid until the
 * next command. Fails the test where the pool refuses it. */
JsonObject *test_pool_control(TestPool *pool, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The same for a command whose answer comes later: turns the main context until it is there. */
JsonObject *test_pool_control_turning(TestPool *pool, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* XenAPI as root, from inside; @parameters is a JSON array. */
JsonNode *test_pool_call(TestPool *pool, const char *method, const char *parameters);

/* The next request of @method is held "before", in the "middle" of or "after" its work, under the name @id. */
void test_pool_hold(TestPool *pool, const char *id, const char *method, const char *when);
void test_pool_let_go(TestPool *pool, const char *id);

/* (transfer full): the uuid of the only object of @class with this name */
char *test_pool_find(TestPool *pool, const char *class, const char *name);

/* (transfer full): the reference of the only object of @class with this name */
char *test_pool_find_ref(TestPool *pool, const char *class, const char *name);
/* (transfer full): the uuid of the storage that only this node has */
char *test_pool_find_local_storage(TestPool *pool, const char *node);
/* Sets a field from outside, as a change that nobody asked the toolstack for; @value is JSON. */
void test_pool_set(TestPool *pool, const char *class, const char *ref, const char *field,
                   const char *value);

/* Another tool destroys the only VM with this name; one that runs is stopped first. */
void test_pool_destroy_vm(TestPool *pool, const char *name);

/* Requests since the last reset, those of sessions and events aside; transfers count as one. */
guint test_pool_count_requests(TestPool *pool);
void test_pool_reset_stats(TestPool *pool);

/**
 * test_pool_picture: what is in the pool, as sorted lines without references, uuids and times: two
 * pictures are equal when the pool is the same to whoever uses it.
 */
char *test_pool_picture(TestPool *pool);
/* The pool is as it was in @picture; else what differs is printed, and the test fails. */
void test_pool_assert_picture(TestPool *pool, const char *picture);
/* Says what @picture has and @now has not, and the other way round, under the headline @name. */
void test_pool_print_difference(const char *name, const char *picture, const char *now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestPool, test_pool_free)

G_END_DECLS
