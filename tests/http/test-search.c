/* The coordinator is gone, or says nothing any more, and so do others: whoever leads the pool now is found within
 * two seconds of the driver's clock, and no session is left with those who answer too late. */
#include "toolstack.h"

#include "xenapi/barrier.h"
#include "xenapi/mirror.h"

#define FIRST     "127.0.0.1"
#define MAX_NODES 64
#define BACK_MS   2000
#define PIECE_MS  10
#define LOGIN     "session.login_with_password"

typedef struct {
    Toolstack *toolstack;
    guint held; /* requests that it has not answered */
    TestRequest late;
    guint late_id;
    char *first_poll;
} Node;

typedef struct {
    Node nodes[MAX_NODES]; /* FIRST, 127.0.0.2 ...: the first one leads to begin with */
    guint n;
    guint shown; /* of them by the first picture */
    XdConnection *connection;
    TestRequest poll; /* the second one, which waits for news */
    guint poll_id;
    guint gone; /* objects */
} Pool;

static void
forget(TestRequest *kept)
{
    if (kept->body != NULL)
        g_string_free(kept->body, TRUE);
    kept->body = NULL;
}

/* To be answered later. */
static void
keep(TestRequest *kept, const TestRequest *request)
{
    forget(kept);
    *kept = *request;
    kept->body = g_string_new(request->body->str);
}

/* ---- what a node does ---- */

static void
keep_silent(TestRequest *request G_GNUC_UNUSED, guint id G_GNUC_UNUSED, gpointer data)
{
    ((Node *) data)->held++;
}

static void
answer_slave(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    toolstack_fail(request, id, "HOST_IS_SLAVE", FIRST);
}

/* The old session has ended, and a new one takes its time. */
static void
answer_late(TestRequest *request, guint id, gpointer data)
{
    Node *node = data;

    if (strstr(request->body->str, LOGIN) == NULL) {
        toolstack_fail(request, id, "SESSION_INVALID", "OpaqueRef:gone");
        return;
    }
    node->held++;
    keep(&node->late, request);
    node->late_id = id;
}

static void
node_do(Node *node, ToolstackFunc func, gpointer data)
{
    toolstack_plant(node->toolstack, "*", 1, G_MAXUINT, func, data);
}

static void
node_lead(Node *node)
{
    toolstack_plant(node->toolstack, "", 1, 0, NULL, NULL);
}

/* ---- what is seen ---- */

static char *
pool_event(const char *uuid)
{
    return g_strdup_printf("{\"class\":\"pool\",\"operation\":\"add\",\"ref\":\"OpaqueRef:%s\","
                           "\"snapshot\":{\"uuid\":\"%s\"}}",
                           uuid, uuid);
}

/* Node @nth, at the address of node @at. */
static char *
host_event(const char *operation, guint nth, guint at)
{
    return g_strdup_printf("{\"class\":\"host\",\"operation\":\"%s\",\"ref\":\"OpaqueRef:%u\","
                           "\"snapshot\":{\"uuid\":\"%u\",\"address\":\"127.0.0.%u\"}}",
                           operation, nth, nth, at + 1);
}

static void
answer_events(TestRequest *request, guint id, const char *events)
{
    g_autofree char *batch = g_strdup_printf(
        "{\"events\":[%s],\"valid_ref_counts\":{},\"token\":\"the-token\"}", events);

    toolstack_answer(request, id, batch);
}

static void
answer_picture(TestRequest *request, guint id, guint shown)
{
    g_autofree char *ours = pool_event("ours");
    g_autoptr(GString) picture = g_string_new(ours);

    for (guint i = 0; i < shown; i++) {
        g_autofree char *event = host_event("add", i, i);

        g_string_append_printf(picture, ",%s", event);
    }
    answer_events(request, id, picture->str);
}

static void
answer_polls(TestRequest *request, guint id, gpointer data)
{
    Pool *pool = data;

    if (strstr(request->body->str, "the-token") == NULL) {
        answer_picture(request, id, pool->shown);
        return;
    }
    keep(&pool->poll, request);
    pool->poll_id = id;
}

static void
answer_other_pool(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    g_autofree char *other = pool_event("another");

    answer_events(request, id, other);
}

static void
answer_no_pool(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    toolstack_fail(request, id, "UUID_INVALID", "pool");
}

static void
on_object(const XdRecord *before G_GNUC_UNUSED, const XdRecord *now, gpointer data)
{
    if (now == NULL)
        ((Pool *) data)->gone++;
}

/* ---- the pool ---- */

static Pool *
pool_show(guint n, guint shown)
{
    Pool *pool = g_new0(Pool, 1);
    const char *settings[] = {"pool.encoding=json", NULL};
    g_autoptr(GError) error = NULL;
    guint16 port = 0;

    pool->n = n;
    pool->shown = shown;
    for (guint i = 0; i < n; i++) {
        g_autofree char *address = g_strdup_printf("127.0.0.%u", i + 1);

        pool->nodes[i].toolstack = toolstack_new_at(address, port, NULL);
        port = test_server_get_port(toolstack_get_server(pool->nodes[0].toolstack));
    }
    toolstack_plant(pool->nodes[0].toolstack, "event.from", 1, 2, answer_polls, pool);
    pool->connection = toolstack_open(pool->nodes[0].toolstack, settings, &error);
    g_assert_no_error(error);
    while (toolstack_count(pool->nodes[0].toolstack, "event.from") < 2)
        g_main_context_iteration(NULL, TRUE);
    toolstack_stop_clock(pool->nodes[0].toolstack);
    xd_mirror_set_observer(pool->connection->mirror, on_object, pool);
    return pool;
}

static Pool *
pool_new(guint n)
{
    return pool_show(n, n);
}

static void
pool_free(Pool *pool)
{
    toolstack_start_clock(pool->nodes[0].toolstack);
    node_lead(&pool->nodes[0]); /* log-outs at least are answered */
    toolstack_close(pool->connection);
    for (guint i = 0; i < pool->n; i++) {
        forget(&pool->nodes[i].late);
        g_free(pool->nodes[i].first_poll);
        toolstack_free(pool->nodes[i].toolstack);
    }
    forget(&pool->poll);
    g_free(pool);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_free)

static void
pool_lose(Pool *pool)
{
    test_server_drop_all(toolstack_get_server(pool->nodes[0].toolstack));
}

static void
pool_tell(Pool *pool, const char *event)
{
    answer_events(&pool->poll, pool->poll_id, event);
    while (toolstack_count(pool->nodes[0].toolstack, "event.from") < 3)
        g_main_context_iteration(NULL, TRUE);
}

/* Nothing is on its way but what nobody answers: what else is there waits for time to pass. */
static gboolean
pool_rests(const Pool *pool)
{
    guint held = 0;

    for (guint i = 0; i < pool->n; i++)
        held += pool->nodes[i].held;
    return xd_http_get_busy(pool->connection->http) <= held && !g_main_context_pending(NULL);
}

static void
pool_turn(Pool *pool, gint64 ms)
{
    gboolean rests = pool_rests(pool);

    if (rests)
        xd_clock_advance(toolstack_get_clock(pool->nodes[0].toolstack), ms);
    g_main_context_iteration(NULL, !rests);
}

/* Until @method has come to @node for the nth time; how much of its time the driver needed. */
static gint64
pool_pass(Pool *pool, const Node *node, const char *method, guint nth)
{
    XdClock *clock = toolstack_get_clock(pool->nodes[0].toolstack);
    gint64 begun = xd_clock_now_ms(clock);

    while (toolstack_count(node->toolstack, method) < nth &&
           xd_clock_now_ms(clock) - begun <= BACK_MS)
        pool_turn(pool, PIECE_MS);
    return xd_clock_now_ms(clock) - begun;
}

static void
pool_wait(Pool *pool, gint64 ms)
{
    XdClock *clock = toolstack_get_clock(pool->nodes[0].toolstack);
    gint64 end = xd_clock_now_ms(clock) + ms;

    while (xd_clock_now_ms(clock) < end)
        pool_turn(pool, 100);
}

static void
assert_found(Pool *pool, const Node *node)
{
    g_assert_cmpint(pool_pass(pool, node, "event.from", 1), <=, BACK_MS);
}

static void
assert_kept(const Pool *pool)
{
    g_assert_false(xd_mirror_is_fresh(pool->connection->mirror));
    g_assert_cmpuint(pool->gone, ==, 0);
}

static void
assert_seen(Pool *pool, guint nth)
{
    Node *first = &pool->nodes[0];

    toolstack_plant(first->toolstack, "event.from", 1, 2, answer_polls, pool);
    pool_pass(pool, first, "event.from", nth);
    while (!xd_mirror_is_fresh(pool->connection->mirror))
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(pool->gone, ==, 0);
}

/* ---- tests ---- */

static void
test_silent_coordinator(void)
{
    g_autoptr(Pool) pool = pool_new(2);

    node_do(&pool->nodes[0], keep_silent, &pool->nodes[0]);
    node_do(&pool->nodes[1], answer_slave, NULL);
    pool_lose(pool);
    pool_pass(pool, &pool->nodes[1], LOGIN, 5); /* for a while nobody leads */
    node_lead(&pool->nodes[1]);
    assert_found(pool, &pool->nodes[1]);
}

/* All but the last one. */
static void
test_silent_nodes(void)
{
    g_autoptr(Pool) pool = pool_new(MAX_NODES);

    for (guint i = 0; i + 1 < pool->n; i++)
        node_do(&pool->nodes[i], keep_silent, &pool->nodes[i]);
    pool_lose(pool);
    assert_found(pool, &pool->nodes[pool->n - 1]);
}

/* One that nobody has called invalid is given back: its node may have been slow for a moment only. */
static void
test_former(void)
{
    g_autoptr(Pool) pool = pool_new(2);

    node_do(&pool->nodes[0], keep_silent, &pool->nodes[0]);
    pool_lose(pool);
    assert_found(pool, &pool->nodes[1]);
    while (toolstack_count(pool->nodes[0].toolstack, "session.logout") < 1)
        g_main_context_iteration(NULL, TRUE);
}

/* The marks of what is under way name it, and say to others that somebody looks after it. */
static void
test_former_needed(void)
{
    g_autoptr(Pool) pool = pool_new(2);
    g_autoptr(GCancellable) operation = g_cancellable_new();

    xd_connection_enter(pool->connection, operation);
    node_do(&pool->nodes[0], keep_silent, &pool->nodes[0]);
    pool_lose(pool);
    assert_found(pool, &pool->nodes[1]);
    pool_wait(pool, BACK_MS);
    g_assert_cmpuint(toolstack_count(pool->nodes[0].toolstack, "session.logout"), ==, 0);
    xd_connection_leave(pool->connection, operation);
}

/* Nobody is asked again who has not answered yet. */
static void
test_once(void)
{
    g_autoptr(Pool) pool = pool_new(3);

    node_do(&pool->nodes[0], keep_silent, &pool->nodes[0]);
    node_do(&pool->nodes[1], keep_silent, &pool->nodes[1]);
    node_do(&pool->nodes[2], answer_slave, NULL);
    pool_lose(pool);
    pool_pass(pool, &pool->nodes[2], LOGIN, 3);
    g_assert_cmpuint(toolstack_count(pool->nodes[2].toolstack, LOGIN), ==, 3);
    g_assert_cmpuint(pool->nodes[0].held, ==, 1);
    g_assert_cmpuint(pool->nodes[1].held, ==, 1);
}

/* The old coordinator gives a session when another one has been found: it gets it back. */
static void
test_late(void)
{
    g_autoptr(Pool) pool = pool_new(2);
    Node *old = &pool->nodes[0];

    node_do(old, answer_late, old);
    pool_lose(pool);
    assert_found(pool, &pool->nodes[1]);
    g_assert_nonnull(old->late.body);
    node_lead(old);
    toolstack_answer(&old->late, old->late_id, "\"OpaqueRef:late\"");
    old->held = 0;
    while (toolstack_count(old->toolstack, "session.logout") < 2) /* and the one from before */
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(toolstack_count(old->toolstack, "session.get_uuid"), ==, 2);
    g_assert_cmpuint(toolstack_count(pool->nodes[1].toolstack, "session.logout"), ==, 0);
}

/* It gives one while the others are asked, too, and they have none to give. */
static void
test_slow(void)
{
    g_autoptr(Pool) pool = pool_new(3);
    Node *old = &pool->nodes[0];

    node_do(old, answer_late, old);
    node_do(&pool->nodes[1], answer_slave, NULL);
    node_do(&pool->nodes[2], answer_slave, NULL);
    pool_lose(pool);
    pool_pass(pool, &pool->nodes[2], LOGIN, 2);
    node_lead(old);
    toolstack_answer(&old->late, old->late_id, "\"OpaqueRef:late\"");
    old->held = 0;
    pool_pass(pool, old, "event.from", 3);
    g_assert_cmpuint(toolstack_count(old->toolstack, "event.from"), ==, 3);
    g_assert_cmpuint(toolstack_count(old->toolstack, "session.logout"), ==, 0);
}

/* Where the nodes are is no matter of the first picture alone. */
static void
test_joined(void)
{
    g_autoptr(Pool) pool = pool_show(2, 1);
    g_autofree char *joined = host_event("add", 1, 1);

    pool_tell(pool, joined);
    node_do(&pool->nodes[0], keep_silent, &pool->nodes[0]);
    pool_lose(pool);
    assert_found(pool, &pool->nodes[1]);
}

static void
test_moved(void)
{
    g_autoptr(Pool) pool = pool_show(3, 2);
    g_autofree char *moved = host_event("mod", 1, 2);

    pool_tell(pool, moved);
    node_do(&pool->nodes[0], keep_silent, &pool->nodes[0]);
    pool_lose(pool);
    assert_found(pool, &pool->nodes[2]);
    g_assert_cmpuint(toolstack_count(pool->nodes[1].toolstack, LOGIN), ==, 0);
}

/* One that was put out of the pool leads one of its own, and knows the password. */
static void
test_stranger(void)
{
    g_autoptr(Pool) pool = pool_new(2);
    Node *old = &pool->nodes[0], *stranger = &pool->nodes[1];

    node_do(old, answer_late, old);
    toolstack_plant(stranger->toolstack, "pool.get_by_uuid", 1, G_MAXUINT, answer_no_pool, NULL);
    pool_lose(pool);
    pool_pass(pool, stranger, "session.logout", 2);
    g_assert_cmpuint(toolstack_count(stranger->toolstack, "session.logout"), ==, 2);
    g_assert_cmpuint(toolstack_count(stranger->toolstack, "event.from"), ==, 0);
    assert_kept(pool);
    node_lead(old);
    toolstack_answer(&old->late, old->late_id, "\"OpaqueRef:late\"");
    old->held = 0;
    assert_seen(pool, 3);
}

/* Nobody else's objects take the place of ours, whoever shows them. */
static void
test_other_pool(void)
{
    g_autoptr(Pool) pool = pool_new(1);
    Node *first = &pool->nodes[0];

    toolstack_plant(first->toolstack, "event.from", 1, G_MAXUINT, answer_other_pool, NULL);
    pool_lose(pool);
    pool_pass(pool, first, "event.from", 5);
    g_assert_cmpuint(toolstack_count(first->toolstack, "event.from"), ==, 5);
    assert_kept(pool);
    assert_seen(pool, 6);
}

/* ---- another session, another token: the new coordinator's database may be behind the old one's ---- */

static void
answer_moved(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    toolstack_fail(request, id, "HOST_IS_SLAVE", "127.0.0.2");
}

static void
note_poll(TestRequest *request, guint id, gpointer data)
{
    Node *node = data;

    if (node->first_poll == NULL)
        node->first_poll = g_strdup(request->body->str);
    if (strstr(request->body->str, "the-token") == NULL)
        answer_picture(request, id, 2);
}

/* A call hears that node 1 leads. */
static void
pool_move(Pool *pool, ToolstackAnswer *call)
{
    XdCall request = {.method = REPEATABLE, .parameters = g_variant_new("(s)", "OpaqueRef:x")};

    toolstack_plant(pool->nodes[0].toolstack, REPEATABLE, 1, 1, answer_moved, NULL);
    xd_call(pool->connection, &request, NULL, toolstack_on_called, call);
}

static void
assert_from_the_start(Pool *pool, guint gone)
{
    Node *now = &pool->nodes[1];

    while (now->first_poll == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_assert_null(strstr(now->first_poll, "the-token"));
    while (!xd_mirror_is_fresh(pool->connection->mirror))
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(pool->gone, ==, gone);
}

static void
keep_poll(TestRequest *request, guint id, gpointer data)
{
    Node *node = data;

    node->held++;
    keep(&node->late, request);
    node->late_id = id;
}

static void
on_barrier(XdConnection *connection G_GNUC_UNUSED, const GError *error, gpointer data)
{
    g_assert_no_error(error);
    *(gboolean *) data = TRUE;
}

/* Nobody answers the old poll: only what the new coordinator shows is from now. */
static void
test_token(void)
{
    g_autoptr(Pool) pool = pool_new(2);
    Node *now = &pool->nodes[1];
    g_auto(ToolstackAnswer) call = {0};
    gboolean passed = FALSE;

    toolstack_plant(now->toolstack, "event.from", 1, G_MAXUINT, keep_poll, now);
    pool_move(pool, &call);
    while (!call.ended)
        g_main_context_iteration(NULL, TRUE);
    g_assert_false(xd_mirror_is_fresh(pool->connection->mirror));
    xd_barrier(pool->connection, NULL, on_barrier, &passed);
    while (!passed && (toolstack_count(now->toolstack, "event.inject") == 0 || now->held == 0 ||
                       !pool_rests(pool)))
        g_main_context_iteration(NULL, TRUE);
    g_assert_false(passed);
    g_assert_null(strstr(now->late.body->str, "the-token"));
    answer_picture(&now->late, now->late_id, 2);
    while (!passed)
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(xd_mirror_is_fresh(pool->connection->mirror));
    g_assert_cmpuint(pool->gone, ==, 0);
}

static void
answer_ahead(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    toolstack_answer(request, id, "\"zzz\"");
}

/* The new coordinator's database is behind the token that was waited for: its whole picture is from later. */
static void
test_token_ahead(void)
{
    g_autoptr(Pool) pool = pool_new(2);
    Node *old = &pool->nodes[0];
    g_auto(ToolstackAnswer) call = {0};
    gboolean passed = FALSE;

    toolstack_plant(old->toolstack, "event.inject", 1, 1, answer_ahead, NULL);
    xd_barrier(pool->connection, NULL, on_barrier, &passed);
    while (toolstack_count(old->toolstack, "event.inject") == 0 ||
           xd_http_get_busy(pool->connection->http) > 1)
        g_main_context_iteration(NULL, TRUE);
    toolstack_plant(pool->nodes[1].toolstack, "event.from", 1, 2, answer_polls, pool);
    pool_move(pool, &call);
    while (!call.ended || !xd_mirror_is_fresh(pool->connection->mirror))
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(passed);
}

/* It is answered before the new session is there: what it tells is known, but the next one is of another session. */
static void
test_token_between(void)
{
    g_autoptr(Pool) pool = pool_new(2);
    Node *now = &pool->nodes[1];
    g_autofree char *joined = host_event("add", 7, 7);
    g_auto(ToolstackAnswer) call = {0};

    node_do(now, answer_late, now);
    pool_move(pool, &call);
    while (now->held == 0)
        g_main_context_iteration(NULL, TRUE);
    answer_events(&pool->poll, pool->poll_id, joined);
    while (xd_mirror_count(pool->connection->mirror, &xd_class_host) < 3)
        g_main_context_iteration(NULL, TRUE);
    toolstack_plant(now->toolstack, "event.from", 1, G_MAXUINT, note_poll, now);
    toolstack_answer(&now->late, now->late_id, "\"OpaqueRef:late\"");
    assert_from_the_start(pool, 1); /* the new coordinator has never heard of it */
}

/* It leaves a class that does not add up, and that class alone says nothing to another session. */
static void
test_miscounted_between(void)
{
    g_autoptr(Pool) pool = pool_new(2);
    Node *now = &pool->nodes[1];
    g_autofree char *joined = host_event("add", 7, 7);
    g_autofree char *batch = g_strdup_printf(
        "{\"events\":[%s],\"valid_ref_counts\":{\"host\":9},\"token\":\"the-token\"}", joined);
    g_auto(ToolstackAnswer) call = {0};

    node_do(now, answer_late, now);
    pool_move(pool, &call);
    while (now->held == 0)
        g_main_context_iteration(NULL, TRUE);
    toolstack_answer(&pool->poll, pool->poll_id, batch);
    while (xd_mirror_count(pool->connection->mirror, &xd_class_host) < 3)
        g_main_context_iteration(NULL, TRUE);
    toolstack_plant(now->toolstack, "event.from", 1, G_MAXUINT, note_poll, now);
    toolstack_answer(&now->late, now->late_id, "\"OpaqueRef:late\"");
    assert_from_the_start(pool, 1);
    g_assert_nonnull(strstr(now->first_poll, "\"pool\""));
}

/* ---- another password, as long as the pool lasts: each try counts against the account ---- */

static void
refuse_password(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    if (strstr(request->body->str, LOGIN) != NULL)
        toolstack_fail(request, id, "SESSION_AUTHENTICATION_FAILED", "root");
    else
        toolstack_fail(request, id, "SESSION_INVALID", "OpaqueRef:gone");
}

static void
test_password(void)
{
    g_autoptr(Pool) pool = pool_new(1);
    Node *first = &pool->nodes[0];
    g_auto(ToolstackAnswer) call = {0};
    guint tries;

    node_do(first, refuse_password, NULL);
    toolstack_fail(&pool->poll, pool->poll_id, "SESSION_INVALID", "OpaqueRef:gone");
    pool_wait(pool, 5 * 60 * 1000);
    tries = toolstack_count(first->toolstack, LOGIN) - 1;
    g_assert_cmpuint(tries, >=, 9); /* after 1, 2, 4 ... 32, and then 60 seconds each */
    g_assert_cmpuint(tries, <=, 11);
    toolstack_call(pool->connection, REPEATABLE, &call);
    g_assert_error(call.error, XD_ERROR, HVD_ERROR_AUTH);
    g_assert_cmpuint(toolstack_count(first->toolstack, LOGIN) - 1, ==, tries);
    toolstack_plant(first->toolstack, "event.from", 1, 2, answer_polls, pool);
    while (!xd_mirror_is_fresh(pool->connection->mirror))
        pool_turn(pool, 100);
    g_assert_cmpuint(toolstack_count(first->toolstack, LOGIN) - 1, ==, tries + 1);
}

/* The server thinks it over before it refuses, longer than we have patience: who waits is told all the same. */
static void
test_password_late(void)
{
    g_autoptr(Pool) pool = pool_new(1);
    Node *first = &pool->nodes[0];
    XdCall request = {.method = REPEATABLE, .parameters = g_variant_new("(s)", "OpaqueRef:x")};
    g_auto(ToolstackAnswer) call = {0};

    node_do(first, answer_late, first);
    toolstack_fail(&pool->poll, pool->poll_id, "SESSION_INVALID", "OpaqueRef:gone");
    pool_pass(pool, first, LOGIN, 2);
    pool_wait(pool, BACK_MS);
    xd_call(pool->connection, &request, NULL, toolstack_on_called, &call);
    toolstack_fail(&first->late, first->late_id, "SESSION_AUTHENTICATION_FAILED", "root");
    while (!call.ended)
        g_main_context_iteration(NULL, TRUE);
    g_assert_error(call.error, XD_ERROR, HVD_ERROR_AUTH);
    g_assert_cmpuint(toolstack_count(first->toolstack, LOGIN), ==, 2);
    first->held--;
}

/* A node was put out of the pool and installed anew, and pool.url still names it: it does not keep us from those
 * who may lead, and is not asked again and again. */
static void
test_password_of_one(void)
{
    g_autoptr(Pool) pool = pool_new(2);
    Node *first = &pool->nodes[0], *next = &pool->nodes[1];
    guint tries;

    node_do(first, refuse_password, NULL);
    node_do(next, answer_late, next);
    toolstack_fail(&pool->poll, pool->poll_id, "SESSION_INVALID", "OpaqueRef:gone");
    pool_wait(pool, 2 * 60 * 1000);
    tries = toolstack_count(first->toolstack, LOGIN) - 1;
    g_assert_cmpuint(tries, >=, 6); /* after 1, 2, 4 ... 32, and then 60 seconds each */
    g_assert_cmpuint(tries, <=, 8);
    g_assert_nonnull(next->late.body);
    node_lead(next);
    toolstack_answer(&next->late, next->late_id, "\"OpaqueRef:late\"");
    next->held--;
    assert_found(pool, next);
}

/* Nobody answers: closing ends all the same, within its own limit. */
static void
test_close(void)
{
    g_autoptr(Pool) pool = pool_new(3);

    for (guint i = 0; i < pool->n; i++)
        node_do(&pool->nodes[i], keep_silent, &pool->nodes[i]);
    pool_lose(pool);
    pool_pass(pool, &pool->nodes[2], LOGIN, 1);
    g_assert_cmpuint(toolstack_count(pool->nodes[2].toolstack, LOGIN), ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/search/silent-coordinator", test_silent_coordinator);
    g_test_add_func("/search/silent-nodes", test_silent_nodes);
    g_test_add_func("/search/former", test_former);
    g_test_add_func("/search/former-needed", test_former_needed);
    g_test_add_func("/search/once", test_once);
    g_test_add_func("/search/late", test_late);
    g_test_add_func("/search/slow", test_slow);
    g_test_add_func("/search/joined", test_joined);
    g_test_add_func("/search/moved", test_moved);
    g_test_add_func("/search/stranger", test_stranger);
    g_test_add_func("/search/other-pool", test_other_pool);
    g_test_add_func("/search/token", test_token);
    g_test_add_func("/search/token-ahead", test_token_ahead);
    g_test_add_func("/search/token-between", test_token_between);
    g_test_add_func("/search/miscounted-between", test_miscounted_between);
    g_test_add_func("/search/password", test_password);
    g_test_add_func("/search/password-late", test_password_late);
    g_test_add_func("/search/password-of-one", test_password_of_one);
    g_test_add_func("/search/close", test_close);
    return g_test_run();
}
