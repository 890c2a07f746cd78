/* SEC-16: the driver's picture of the pool, and a server that tells what it likes: references used twice,
 * deletions that are not told, classes and times from nowhere, tokens that go back. In the end the picture is
 * the server's again. */
#include "toolstack.h"

#include "base/error.h"
#include "ops/destroy.h"
#include "ops/lifecycle.h"
#include "xenapi/mirror.h"

#include <string.h>

#define INSTANCE "6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f55"
#define FIRST    "00000000000000000010,00000000000000000000"
#define SECOND   "00000000000000000011,00000000000000000000"
#define THIRD    "00000000000000000012,00000000000000000000"
#define FUTURE   "99999999999999999999,00000000000000000000"
#define PAST     "00000000000000000003,00000000000000000000"

#define EVENT(klass, operation, ref, more)                                                         \
    "{\"id\":\"1\",\"timestamp\":\"0.0\",\"class\":\"" klass "\",\"operation\":\"" operation       \
    "\",\"ref\":\"OpaqueRef:" ref "\"" more "}"
#define VM(operation, ref, uuid)                                                                   \
    EVENT("vm", operation, ref,                                                                    \
          ",\"snapshot\":{\"uuid\":\"" uuid "\",\"name_label\":\"" uuid                            \
          "\",\"power_state\":\"Running\",\"other_config\":{\"nova_uuid\":\"i-" uuid "\"}}")
#define VBD(operation, ref, uuid)                                                                  \
    EVENT("vbd", operation, ref, ",\"snapshot\":{\"uuid\":\"" uuid "\"}")
#define DEL(klass, ref) EVENT(klass, "del", ref, "")
#define BATCH(token, counts, events)                                                               \
    "{\"events\":[" events "],\"valid_ref_counts\":{" counts "},\"token\":\"" token "\"}"

/* What the server says to one poll after the other; the last one waits. */
typedef struct {
    Toolstack *toolstack;
    const char *const *answers; /* "": it hangs up */
    gboolean again;             /* the last answer, for ever */
    guint n;                    /* of polls */
    GPtrArray *polls;           /* (element-type utf8): what was asked */
    GString *told;              /* "gone:web " */
    XdConnection *connection;
} World;

static void
on_poll(TestRequest *request, guint id, gpointer data)
{
    World *world = data;
    const char *answer = world->answers[world->n];

    g_ptr_array_add(world->polls, g_strdup(request->body->str));
    if (answer == NULL)
        return;
    if (!world->again || world->answers[world->n + 1] != NULL)
        world->n++;
    if (answer[0] != '\0')
        toolstack_answer(request, id, answer);
    else
        test_request_hang_up(request);
}

static void
on_lifecycle(const HvdLifecycle *event, gpointer data)
{
    g_string_append_printf(data, "%s:%s ", event->gone ? "gone" : "here", event->name);
}

static World *
world_new(const char *const *answers, gboolean again)
{
    World *world = g_new0(World, 1);
    const char *settings[] = {"pool.encoding=json", NULL};
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .lifecycle = on_lifecycle};
    g_autoptr(GError) error = NULL;

    world->toolstack = toolstack_new(NULL);
    world->answers = answers;
    world->again = again;
    world->polls = g_ptr_array_new_with_free_func(g_free);
    world->told = callbacks.user_data = g_string_new(NULL);
    toolstack_plant(world->toolstack, "event.from", 1, G_MAXUINT, on_poll, world);
    world->connection =
        toolstack_open_watched(world->toolstack, settings, &callbacks, xd_lifecycle_watch, &error);
    g_assert_no_error(error);
    return world;
}

static void
world_free(World *world)
{
    toolstack_close(world->connection);
    toolstack_free(world->toolstack);
    g_ptr_array_unref(world->polls);
    g_string_free(world->told, TRUE);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* Until all has been said, and the driver waits for more. */
static World *
world_told(const char *const *answers)
{
    World *world = world_new(answers, FALSE);
    guint n = 0;

    while (answers[n] != NULL)
        n++;
    while (world->polls->len <= n || !xd_mirror_is_fresh(world->connection->mirror))
        g_main_context_iteration(NULL, TRUE);
    while (g_main_context_iteration(NULL, FALSE))
        ; /* what the host is told comes through the loop */
    return world;
}

/* "a b": the uuids of the VMs, each of which is found by all that it is indexed by. */
static void
assert_vms(const World *world, const char *expected)
{
    const XdMirror *mirror = world->connection->mirror;
    g_auto(GStrv) uuids = g_strsplit(expected, " ", -1);
    guint n = expected[0] != '\0' ? g_strv_length(uuids) : 0;

    g_assert_cmpuint(xd_mirror_count(mirror, &xd_class_vm), ==, n);
    for (guint i = 0; i < n; i++) {
        g_autofree char *instance = g_strconcat("i-", uuids[i], NULL);
        const XdRecord *record = xd_mirror_find_one(mirror, XD_BY_VM_UUID, uuids[i]);

        g_assert_nonnull(record);
        g_assert_true(xd_mirror_find_one(mirror, XD_BY_VM_INSTANCE, instance) == record);
        g_assert_true(xd_mirror_find_one(mirror, XD_BY_VM_NAME, uuids[i]) == record);
        g_assert_true(xd_mirror_get(mirror, &xd_class_vm, record->ref) == record);
    }
}

static void
assert_gone(const World *world, const char *uuid)
{
    const XdMirror *mirror = world->connection->mirror;
    g_autofree char *instance = g_strconcat("i-", uuid, NULL);

    g_assert_cmpuint(xd_mirror_find(mirror, XD_BY_VM_UUID, uuid)->len, ==, 0);
    g_assert_cmpuint(xd_mirror_find(mirror, XD_BY_VM_INSTANCE, instance)->len, ==, 0);
    g_assert_cmpuint(xd_mirror_find(mirror, XD_BY_VM_NAME, uuid)->len, ==, 0);
}

/* The nth poll asks from @token on: "": for everything. */
static void
assert_asked(const World *world, guint n, const char *token)
{
    const char *body = g_ptr_array_index(world->polls, n);
    g_autofree char *expected = g_strdup_printf("],\"%s\",", token);

    g_assert_nonnull(strstr(body, expected));
}

/* ---- references ---- */

static void
test_reused_at_once(void)
{
    static const char *const answers[] = {
        BATCH(FIRST, "\"vm\":1", VM("add", "x", "a")),
        BATCH(SECOND, "\"vm\":1", VM("mod", "x", "a") "," DEL("vm", "x") "," VM("add", "x", "b")),
        NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b");
    assert_gone(world, "a");
    g_assert_nonnull(strstr(world->told->str, "gone:a "));
}

static void
test_reused_later(void)
{
    static const char *const answers[] = {BATCH(FIRST, "\"vm\":1", VM("add", "x", "a")),
                                          BATCH(SECOND, "\"vm\":0", DEL("vm", "x")),
                                          BATCH(THIRD, "\"vm\":1", VM("add", "x", "b")), NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b");
    assert_gone(world, "a");
    g_assert_nonnull(strstr(world->told->str, "gone:a "));
}

/* Another machine under the reference of one whose end nobody tells of. */
static void
test_replaced(void)
{
    static const char *const answers[] = {BATCH(FIRST, "\"vm\":1", VM("add", "x", "a")),
                                          BATCH(SECOND, "\"vm\":1", VM("mod", "x", "b")), NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b");
    assert_gone(world, "a");
    g_assert_cmpstr(world->told->str, ==, "gone:a here:b ");
}

static void
test_reused_by_another_class(void)
{
    static const char *const answers[] = {
        BATCH(FIRST, "\"vm\":2", VM("add", "x", "a") "," VM("add", "y", "b")),
        BATCH(SECOND, "\"vm\":1,\"vbd\":2",
              DEL("vm", "x") "," VBD("add", "x", "d") "," VBD("add", "y", "e") "," DEL("vbd", "z")),
        BATCH(THIRD, "\"vm\":1,\"vbd\":1", DEL("vbd", "y")), NULL};
    g_autoptr(World) world = world_told(answers);
    const XdMirror *mirror = world->connection->mirror;

    assert_vms(world, "b"); /* the VBD of the same name has taken nothing with it */
    assert_gone(world, "a");
    g_assert_cmpuint(xd_mirror_count(mirror, &xd_class_vbd), ==, 1);
    g_assert_cmpstr(xd_get_vbd(mirror, "OpaqueRef:x")->uuid, ==, "d");
}

/* ---- deletions that are not told ---- */

static void
test_lost_deletions(void)
{
    static const char *const answers[] = {BATCH(FIRST, "\"vm\":2,\"vbd\":2",
                                                VM("add", "x", "a") "," VM("add", "y", "b") "," VBD(
                                                    "add", "v", "c") "," VBD("add", "w", "d")),
                                          BATCH(SECOND, "\"vm\":1,\"vbd\":1", ""),
                                          BATCH(THIRD, "\"vbd\":1", VBD("add", "w", "d")),
                                          BATCH(THIRD, "\"vm\":1", VM("add", "y", "b")), NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b");
    assert_gone(world, "a");
    g_assert_cmpuint(xd_mirror_count(world->connection->mirror, &xd_class_vbd), ==, 1);
    g_assert_cmpstr(world->told->str, ==, "gone:a ");
    assert_asked(world, 2, "");
    assert_asked(world, 3, "");
    assert_asked(world, 4, SECOND); /* what was fetched anew says nothing of the rest */
}

static void
test_lost_while_away(void)
{
    static const char *const answers[] = {
        BATCH(FIRST, "\"vm\":2", VM("add", "x", "a") "," VM("add", "y", "b")), "",
        BATCH(SECOND, "\"vm\":1", VM("add", "y", "b")), NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b");
    assert_gone(world, "a");
    g_assert_cmpstr(world->told->str, ==, "gone:a ");
    assert_asked(world, 1, FIRST);
    assert_asked(world, 2, "");
    assert_asked(world, 3, SECOND);
}

/* ---- what nobody knows ---- */

static void
test_unknown(void)
{
    static const char *const answers[] = {
        BATCH(FIRST, "\"vm\":1,\"frob\":7",
              EVENT("frob", "add", "x", ",\"snapshot\":{\"uuid\":\"z\",\"a\":[{\"b\":{}}]}") "," VM(
                  "add", "x", "a") "," EVENT("", "del", "x",
                                             "") "," EVENT("VM", "del", "x",
                                                           "") "," EVENT("vm2", "del", "x", "")),
        NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "a");
    assert_asked(world, 1, FIRST);
}

/* Neither numbers nor times of events count, only their order. */
static void
test_time_runs_backwards(void)
{
    static const char *const answers[] = {BATCH(FIRST, "\"vm\":1", VM("add", "x", "a")),
                                          "{\"events\":[{\"id\":\"-9\",\"timestamp\":\"-1e308\","
                                          "\"class\":\"vm\",\"operation\":\"del\",\"ref\":"
                                          "\"OpaqueRef:x\"},{\"timestamp\":1e308,\"id\":0,"
                                          "\"class\":\"vm\",\"operation\":\"add\",\"ref\":"
                                          "\"OpaqueRef:y\",\"snapshot\":{\"uuid\":\"b\",\"name_"
                                          "label\":\"b\",\"power_state\":\"Running\","
                                          "\"other_config\":{\"nova_uuid\":\"i-b\"}}}],\"valid_ref_"
                                          "counts\":{\"vm\":1},\"token\":\"" SECOND "\"}",
                                          NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b");
    assert_gone(world, "a");
}

/* ---- tokens ---- */

/* A database that was put back to an earlier state knows nothing of what we have seen since. */
static void
test_older_token(void)
{
    static const char *const answers[] = {
        BATCH(SECOND, "\"vm\":2", VM("add", "x", "a") "," VM("add", "y", "b")),
        BATCH(PAST, "\"vm\":2", ""),
        BATCH(PAST, "\"vm\":2", VM("add", "y", "b") "," VM("add", "z", "c")), NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b c");
    assert_gone(world, "a");
    assert_asked(world, 1, SECOND);
    assert_asked(world, 2, "");
    assert_asked(world, 3, PAST);
}

static void
test_token_of_the_future(void)
{
    static const char *const answers[] = {
        BATCH(FIRST, "\"vm\":1", VM("add", "x", "a")), BATCH(FUTURE, "\"vm\":1", ""),
        BATCH(SECOND, "\"vm\":1", ""), BATCH(SECOND, "\"vm\":1", VM("add", "y", "b")), NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b");
    assert_gone(world, "a");
    assert_asked(world, 2, FUTURE);
    assert_asked(world, 3, "");
    assert_asked(world, 4, SECOND);
}

/* A token is the server's affair; what does not look like a token of today has no order. */
static void
test_strange_token(void)
{
    static const char *const answers[] = {BATCH("z", "\"vm\":1", VM("add", "x", "a")),
                                          BATCH("y", "\"vm\":1", ""), BATCH(FIRST, "\"vm\":1", ""),
                                          BATCH("9,9", "\"vm\":1", VM("add", "x", "b")), NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b");
    assert_asked(world, 3, FIRST);
    assert_asked(world, 4, "9,9");
}

static void
test_bad_token(void)
{
    static const char *const answers[] = {BATCH(FIRST, "\"vm\":1", VM("add", "x", "a")),
                                          BATCH("", "\"vm\":0", DEL("vm", "x")),
                                          BATCH(SECOND, "\"vm\":1", VM("add", "y", "b")), NULL};
    g_autoptr(World) world = world_told(answers);

    assert_vms(world, "b");
    assert_asked(world, 2, "");
}

/* ---- what is planned on it ---- */

static void
on_ended(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autofree char *plan = g_task_propagate_pointer(G_TASK(result), data);

    g_assert_null(plan);
}

/* Nobody knows what is there now, so nobody is told what would be destroyed. */
static void
test_no_plan(void)
{
    static const char *const answers[] = {
        BATCH(FIRST, "\"vm\":1",
              EVENT("vm", "add", "x",
                    ",\"snapshot\":{\"uuid\":\"a\",\"other_config\":{\"nova_uuid\":"
                    "\"" INSTANCE "\"}}")),
        "", NULL};
    g_autoptr(World) world = world_new(answers, FALSE);
    HvdCall call = {.struct_size = sizeof call, .timeout_ms = 500, .flags = HVD_CALL_PLAN_ONLY};
    g_autoptr(GError) error = NULL;

    while (world->polls->len < 3) /* and the third one is not answered */
        g_main_context_iteration(NULL, TRUE);
    g_assert_false(xd_mirror_is_fresh(world->connection->mirror));
    xd_destroy_async(world->connection, INSTANCE, &call, NULL, on_ended, &error);
    while (error == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_assert_error(error, XD_ERROR, HVD_ERROR_TIMED_OUT);
}

/* ---- a server that gives no rest ---- */

static void
assert_paced(const char *const *answers)
{
    g_autoptr(World) world = world_new(answers, TRUE);
    XdClock *clock = toolstack_get_clock(world->toolstack);
    gint64 begin = xd_clock_now_ms(clock);

    while (world->polls->len < 40)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(xd_clock_now_ms(clock) - begin, >, 20 * 1000);
    g_assert_true(xd_mirror_is_fresh(world->connection->mirror));
}

/* It answers at once that there is nothing new. */
static void
test_nothing_new(void)
{
    static const char *const answers[] = {BATCH(FIRST, "\"vm\":1", VM("add", "x", "a")),
                                          BATCH(FIRST, "\"vm\":1", ""), NULL};

    assert_paced(answers);
}

/* It never counts right. */
static void
test_never_right(void)
{
    static const char *const answers[] = {BATCH(FIRST, "\"vm\":1", VM("add", "x", "a")),
                                          BATCH(FIRST, "\"vm\":5", VM("mod", "x", "a")), NULL};

    assert_paced(answers);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/picture/reused-at-once", test_reused_at_once);
    g_test_add_func("/op/picture/reused-later", test_reused_later);
    g_test_add_func("/op/picture/replaced", test_replaced);
    g_test_add_func("/op/picture/reused-by-another-class", test_reused_by_another_class);
    g_test_add_func("/op/picture/lost-deletions", test_lost_deletions);
    g_test_add_func("/op/picture/lost-while-away", test_lost_while_away);
    g_test_add_func("/op/picture/unknown", test_unknown);
    g_test_add_func("/op/picture/time-runs-backwards", test_time_runs_backwards);
    g_test_add_func("/op/picture/older-token", test_older_token);
    g_test_add_func("/op/picture/token-of-the-future", test_token_of_the_future);
    g_test_add_func("/op/picture/strange-token", test_strange_token);
    g_test_add_func("/op/picture/bad-token", test_bad_token);
    g_test_add_func("/op/picture/no-plan", test_no_plan);
    g_test_add_func("/op/picture/nothing-new", test_nothing_new);
    g_test_add_func("/op/picture/never-right", test_never_right);
    return g_test_run();
}
