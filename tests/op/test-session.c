/* The session ends at the worst moment, and the next one lets wait: what needs one waits, too. So does who
 * cannot look for a task. */
#include "toolstack.h"

#include "ops/inventory.h"
#include "ops/operation.h"
#include "xenapi/session.h"
#include "xenapi/task.h"

#include <string.h>

#define SUPERUSER "session.get_is_local_superuser"
#define NEXT      "OpaqueRef:next"
#define PICTURE                                                                                    \
    "{\"events\":["                                                                                \
    "{\"class\":\"pool\",\"operation\":\"add\",\"ref\":\"OpaqueRef:pool\","                        \
    "\"snapshot\":{\"uuid\":\"pool\",\"master\":\"OpaqueRef:host\"}},"                             \
    "{\"class\":\"host\",\"operation\":\"add\",\"ref\":\"OpaqueRef:host\","                        \
    "\"snapshot\":{\"uuid\":\"host\",\"address\":\"127.0.0.1\",\"enabled\":true,"                  \
    "\"metrics\":\"OpaqueRef:metrics\"}},"                                                         \
    "{\"class\":\"host_metrics\",\"operation\":\"add\",\"ref\":\"OpaqueRef:metrics\","             \
    "\"snapshot\":{\"uuid\":\"metrics\",\"live\":true}},"                                          \
    "{\"class\":\"pbd\",\"operation\":\"add\",\"ref\":\"OpaqueRef:pbd\","                          \
    "\"snapshot\":{\"uuid\":\"pbd\",\"host\":\"OpaqueRef:host\",\"SR\":\"OpaqueRef:sr\","          \
    "\"currently_attached\":true}}"                                                                \
    "],\"valid_ref_counts\":{},\"token\":\"the-token\"}"

typedef struct {
    TestRequest request;
    guint id;
} Held;

typedef struct {
    Toolstack *toolstack;
    XdConnection *connection;
    gboolean lost; /* from now on the first session is not known */
    Held login;    /* while it is lost */
    Held task;
    Held poll;
    guint barriers; /* the first one fails */
    char *get;      /* head of the transfer */
} World;

/* ---- the toolstack ---- */

static void
hold(Held *held, const TestRequest *request, guint id)
{
    if (held->request.body != NULL)
        g_string_free(held->request.body, TRUE);
    held->request = *request;
    held->request.body = g_string_new(NULL); /* tells JSON from XML */
    held->id = id;
}

static void
release(Held *held, const char *value)
{
    toolstack_answer(&held->request, held->id, value);
    g_string_free(held->request.body, TRUE);
    held->request.body = NULL;
}

static gboolean
is_call(const TestRequest *request, const char *method)
{
    g_autofree char *member = g_strdup_printf("\"method\":\"%s\"", method);

    return strstr(request->body->str, member) != NULL;
}

static void
answer(TestRequest *request, guint id, gpointer data)
{
    World *world = data;

    if (request->body->len == 0) {
        g_free(world->get); /* libcurl tries another connection when a kept one is cut */
        world->get = g_strdup(request->head);
        test_request_hang_up(request);
    } else if (is_call(request, "session.login_with_password")) {
        if (world->lost)
            hold(&world->login, request, id);
        else
            toolstack_answer(request, id, "\"OpaqueRef:first\"");
    } else if (is_call(request, "event.from")) {
        if (strstr(request->body->str, "the-token") == NULL)
            toolstack_answer(request, id, PICTURE);
        else
            hold(&world->poll, request, id);
    } else if (is_call(request, "event.inject")) {
        if (world->barriers++ == 0)
            toolstack_fail(request, id, "INTERNAL_ERROR", "planted");
    } else if (world->lost && strstr(request->body->str, NEXT) == NULL) {
        toolstack_fail(request, id, "SESSION_INVALID", "OpaqueRef:first");
    } else if (world->lost && strstr(request->body->str, "OpaqueRef:first") != NULL) {
        toolstack_fail(request, id, "HANDLE_INVALID", "session");
    } else if (is_call(request, "task.create")) {
        hold(&world->task, request, id);
    } else if (is_call(request, SUPERUSER)) {
        toolstack_answer(request, id, "true");
    } else if (is_call(request, "host.get_servertime")) {
        toolstack_answer(request, id, "\"20261120T04:12:38Z\"");
    } else if (is_call(request, "session.get_rbac_permissions")) {
        toolstack_answer(request, id, "[]");
    } else {
        toolstack_answer(request, id, "\"66666666-7777-8888-9999-000000000000\"");
    }
}

static World *
world_new(void)
{
    const char *settings[] = {"pool.encoding=json", NULL};
    World *world = g_new0(World, 1);
    g_autoptr(GError) error = NULL;

    world->toolstack = toolstack_new(NULL);
    toolstack_plant(world->toolstack, "*", 1, G_MAXUINT, answer, world);
    world->connection = toolstack_open(world->toolstack, settings, &error);
    g_assert_no_error(error);
    while (toolstack_count(world->toolstack, "event.from") < 2)
        g_main_context_iteration(NULL, TRUE);
    return world;
}

static void
world_free(World *world)
{
    toolstack_close(world->connection);
    toolstack_free(world->toolstack);
    if (world->poll.request.body != NULL)
        g_string_free(world->poll.request.body, TRUE);
    g_free(world->get);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* The poll is held and tells nothing of it; a call does. */
static void
world_lose_session(World *world, ToolstackAnswer *call)
{
    XdCall request = {.method = REPEATABLE, .parameters = g_variant_new("(s)", "OpaqueRef:x")};

    world->lost = TRUE;
    xd_call(world->connection, &request, NULL, toolstack_on_called, call);
    while (world->login.request.body == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_assert_null(xd_session_get_ref(world->connection->session));
}

static void
world_find_session(World *world, ToolstackAnswer *call)
{
    release(&world->login, "\"" NEXT "\"");
    while (!call->ended)
        g_main_context_iteration(NULL, TRUE);
    g_assert_no_error(call->error);
}

/* ---- who needs one ---- */

static void
on_result(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    *(GAsyncResult **) data = g_object_ref(result);
}

/* What is asked about the session names it. */
static void
test_ask(void)
{
    g_autoptr(World) world = world_new();
    g_auto(ToolstackAnswer) call = {0};
    HvdCall options = {.struct_size = sizeof options, .flags = HVD_CALL_ASK};
    g_autoptr(GAsyncResult) result = NULL;
    g_autofree char *nodes = NULL;
    g_autoptr(GError) error = NULL;

    world_lose_session(world, &call);
    xd_list_nodes_async(world->connection, &options, NULL, on_result, &result);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(toolstack_count(world->toolstack, SUPERUSER), ==, 0);
    world_find_session(world, &call);
    while (result == NULL)
        g_main_context_iteration(NULL, TRUE);
    nodes = g_task_propagate_pointer(G_TASK(result), &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(nodes, "pool-admin"));
}

/* It ends between the question and its answer: the next one is asked about, not the one that is gone. */
static void
test_ask_again(void)
{
    g_autoptr(World) world = world_new();
    HvdCall options = {.struct_size = sizeof options, .flags = HVD_CALL_ASK};
    g_auto(ToolstackAnswer) call = {0};
    g_autoptr(GAsyncResult) result = NULL;
    g_autofree char *nodes = NULL;
    g_autoptr(GError) error = NULL;

    world->lost = TRUE;
    xd_list_nodes_async(world->connection, &options, NULL, on_result, &result);
    while (world->login.request.body == NULL)
        g_main_context_iteration(NULL, TRUE);
    release(&world->login, "\"" NEXT "\"");
    while (result == NULL)
        g_main_context_iteration(NULL, TRUE);
    nodes = g_task_propagate_pointer(G_TASK(result), &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(nodes, "pool-admin"));
}

/* ---- a transfer, whose cookie it is ---- */

static XdFlow
discard(XdDrain *drain G_GNUC_UNUSED, const char *bytes G_GNUC_UNUSED, gsize length G_GNUC_UNUSED,
        GError **error G_GNUC_UNUSED)
{
    return XD_FLOW_GO;
}

static const XdDrainClass drain_class = {.write = discard};

static void
move(XdOp *op, gpointer data G_GNUC_UNUSED)
{
    static XdDrain drain = {.klass = &drain_class};
    XdStepTransfer transfer = {
        .vdi = "OpaqueRef:vdi", .sr = "OpaqueRef:sr", .drain = &drain, .size = 8, .kind = "disk"};

    xd_op_transfer(op, &transfer);
}

static void
test_transfer(void)
{
    static const XdStep steps[] = {{"move", move, NULL, 1, 60}, {0}};
    static const XdOperationClass klass = {"move", steps, NULL};
    g_autoptr(World) world = world_new();
    g_auto(ToolstackAnswer) call = {0};
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;

    xd_operation_run(&klass, g_malloc0(sizeof(XdOperation)), world->connection, "x", NULL, NULL,
                     NULL, on_result, &result);
    while (world->task.request.body == NULL)
        g_main_context_iteration(NULL, TRUE);
    world_lose_session(world, &call);
    release(&world->task, "\"OpaqueRef:task\"");
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_null(world->get);
    world_find_session(world, &call);
    while (result == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_assert_nonnull(world->get);
    g_assert_nonnull(strstr(world->get, "session_id=" NEXT));
    g_assert_null(g_task_propagate_pointer(G_TASK(result), &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_NOT_REACHABLE);
}

/* ---- a task that nobody has seen yet: only who could look knows that there is none ---- */

static void
on_task_ended(const XdTaskEnd *end, const GError *error, gpointer data)
{
    g_assert_no_error(error);
    *(char **) data = g_strdup(end->result);
}

static void
test_unseen_task(void)
{
    g_autoptr(World) world = world_new();
    g_autofree char *result = NULL;

    xd_task_follow(world->connection, "OpaqueRef:task", NULL, NULL, on_task_ended, &result);
    while (world->barriers < 2)
        g_main_context_iteration(NULL, TRUE);
    release(&world->poll,
            "{\"events\":[{\"class\":\"task\",\"operation\":\"add\",\"ref\":\"OpaqueRef:task\","
            "\"snapshot\":{\"uuid\":\"task\",\"status\":\"success\",\"result\":\"it\"}}],"
            "\"valid_ref_counts\":{},\"token\":\"the-token\"}");
    while (result == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(result, ==, "it");
}

/* ---- who has been promised one ---- */

static void
on_ready(XdConnection *connection, const GError *error, gpointer data)
{
    g_assert_no_error(error);
    g_assert_true(xd_session_is_ready(connection->session));
    *(gboolean *) data = TRUE;
}

static void
test_promised(void)
{
    g_autoptr(World) world = world_new();
    XdSession *session = world->connection->session;
    gboolean ready = FALSE;

    g_assert_true(xd_session_is_ready(session));
    xd_session_when_ready(session, NULL, on_ready, &ready);
    xd_session_lost(session, xd_session_get_generation(session));
    while (!ready)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(toolstack_count(world->toolstack, "session.login_with_password"), ==, 2);
}

static gboolean
on_busy(gpointer data)
{
    (*(guint *) data)++;
    return G_SOURCE_CONTINUE;
}

/* Whatever else keeps the loop busy, a transfer or the host. */
static void
test_promised_when_busy(void)
{
    g_autoptr(World) world = world_new();
    gboolean ready = FALSE;
    guint turns = 0;
    guint busy = g_idle_add_full(G_PRIORITY_DEFAULT, on_busy, &turns, NULL);

    xd_session_when_ready(world->connection->session, NULL, on_ready, &ready);
    while (!ready && turns < 1000)
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(ready);
    g_source_remove(busy);
}

static void
on_refused(XdConnection *connection G_GNUC_UNUSED, const GError *error, gpointer data)
{
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    *(gboolean *) data = TRUE;
}

static void
test_promised_cancelled(void)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    XdSession *session = world->connection->session;
    gboolean told = FALSE;

    xd_session_when_ready(session, cancellable, on_refused, &told);
    xd_session_lost(session, xd_session_get_generation(session));
    world->lost = TRUE;
    while (world->login.request.body == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_cancellable_cancel(cancellable);
    while (!told)
        g_main_context_iteration(NULL, TRUE);
    release(&world->login, "\"" NEXT "\"");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/session/ask", test_ask);
    g_test_add_func("/op/session/ask-again", test_ask_again);
    g_test_add_func("/op/session/transfer", test_transfer);
    g_test_add_func("/op/session/unseen-task", test_unseen_task);
    g_test_add_func("/op/session/promised", test_promised);
    g_test_add_func("/op/session/promised-when-busy", test_promised_when_busy);
    g_test_add_func("/op/session/promised-cancelled", test_promised_cancelled);
    return g_test_run();
}
