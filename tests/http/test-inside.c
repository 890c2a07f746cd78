/* What an owner does where the client calls it, with libcurl on the stack or just off it: starts another
 * exchange, cancels, turns the loop. */
#include "http/http.h"
#include "server.h"

typedef struct _World World;

struct _World {
    XdArena *arena;
    XdHttp *http;
    TestServer *server;
    XdOrigin origin;
    GError *error; /* of the last exchange that failed */
    guint done, failed, pending;
    XdExchange *exchanges[2]; /* (nullable): those that have not ended */
    GIOStream *streams[2];
    guint heard;
    gboolean pause; /* the next piece of the answer finds no room */
    gboolean stop;  /* what has come was enough */
    XdExchange *paused;
    void (*act)(World *world, XdExchange *exchange); /* (nullable): once, where bytes come */
};

static void
turn(void)
{
    for (guint i = 0; i < 10; i++)
        g_main_context_iteration(NULL, FALSE);
}

static XdFlow
on_data(XdExchange *exchange, const char *bytes G_GNUC_UNUSED, gsize length G_GNUC_UNUSED,
        gpointer data, GError **error)
{
    World *world = data;
    void (*act)(World *, XdExchange *) = world->act;

    if (world->pause) {
        world->pause = FALSE;
        world->paused = exchange;
        return XD_FLOW_PAUSE;
    }
    world->act = NULL;
    if (act != NULL)
        act(world, exchange);
    if (!world->stop)
        return XD_FLOW_GO;
    xd_set_error(error, HVD_ERROR_FAILED, "no more of it");
    return XD_FLOW_STOP;
}

static void
on_done(XdExchange *exchange G_GNUC_UNUSED, const GError *error, gpointer data)
{
    World *world = data;

    world->pending--;
    if (error == NULL) {
        world->done++;
        return;
    }
    world->failed++;
    g_clear_error(&world->error);
    world->error = g_error_copy(error);
}

static const XdExchangeClass exchange_class = {.data = on_data, .done = on_done};

static void
on_request(TestRequest *request, gpointer data G_GNUC_UNUSED)
{
    test_request_reply(request, "fine");
}

static World *
world_new(TestHandler handler)
{
    World *world = g_new0(World, 1);
    XdHttpOptions options = {.user_agent = "test/1",
                             .plaintext_on_loopback = TRUE,
                             .connect_timeout_s = 5,
                             .short_per_origin = 2,
                             .total = 16};

    options.arena = world->arena = xd_arena_new();
    world->http = xd_http_new(&options, NULL);
    world->server = test_server_new(NULL, handler, world);
    world->origin = (XdOrigin){FALSE, (char *) "127.0.0.1", test_server_get_port(world->server)};
    return world;
}

static void
world_free(World *world)
{
    xd_http_free(world->http);
    test_server_free(world->server);
    xd_arena_unref(world->arena);
    g_clear_error(&world->error);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static XdExchange *
get(World *world, const XdExchangeClass *klass)
{
    XdHttpRequest request = {.origin = &world->origin,
                             .method = "GET",
                             .path = "/",
                             .body_size = -1,
                             .lane = XD_LANE_LONG,
                             .max_body = 1000};

    world->pending++;
    return xd_http_send(world->http, &request, klass, world, NULL);
}

/* ---- where bytes come ---- */

static void
ask_more(World *world, XdExchange *exchange G_GNUC_UNUSED)
{
    get(world, &exchange_class);
}

static void
cancel_and_turn(World *world, XdExchange *exchange)
{
    xd_exchange_cancel(exchange);
    turn();
    g_assert_cmpuint(world->pending, ==, 1);
}

/* The first reason counts. */
static void
cancel_and_stop(World *world, XdExchange *exchange)
{
    xd_exchange_cancel(exchange);
    world->stop = TRUE;
}

static gboolean
on_idle(gpointer data)
{
    *(gboolean *) data = TRUE;
    return G_SOURCE_REMOVE;
}

/* What has the least priority gets its turn all the same. */
static void
wait_for_idle(World *world, XdExchange *exchange G_GNUC_UNUSED)
{
    guint pending = world->pending;
    gboolean idle = FALSE;

    g_idle_add(on_idle, &idle);
    while (!idle)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(world->pending, ==, pending);
}

static void
cancel_another_and_wait(World *world, XdExchange *exchange)
{
    xd_exchange_cancel(get(world, &exchange_class));
    wait_for_idle(world, exchange);
}

typedef struct {
    const char *name;
    void (*act)(World *world, XdExchange *exchange);
    gboolean resumed; /* libcurl gives what it has held back at once, from within */
    guint done, failed;
} Act;

static const Act acts[] = {
    {"ask-more", ask_more, FALSE, 2, 0},
    {"ask-more-resumed", ask_more, TRUE, 2, 0},
    {"cancel-and-turn", cancel_and_turn, FALSE, 0, 1},
    {"cancel-and-turn-resumed", cancel_and_turn, TRUE, 0, 1},
    {"cancel-and-stop", cancel_and_stop, FALSE, 0, 1},
    {"cancel-another", cancel_another_and_wait, FALSE, 1, 1},
    {"cancel-another-resumed", cancel_another_and_wait, TRUE, 1, 1},
};

/* What an owner does where bytes come, with libcurl on the stack. */
static void
test_acts(gconstpointer data)
{
    const Act *act = data;
    g_autoptr(World) world = world_new(on_request);

    world->act = act->act;
    world->pause = act->resumed;
    get(world, &exchange_class);
    while (act->resumed && world->paused == NULL)
        g_main_context_iteration(NULL, TRUE);
    if (act->resumed)
        xd_exchange_resume(world->paused);
    while (world->pending > 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(world->done, ==, act->done);
    g_assert_cmpuint(world->failed, ==, act->failed);
    if (act->failed > 0)
        g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* ---- at the end ---- */

/* Both at once, when both have asked. */
static void
on_one_of_two(TestRequest *request, gpointer data)
{
    World *world = data;

    world->streams[world->heard++] = request->stream;
    for (guint i = 0; world->heard == 2 && i < 2; i++)
        test_request_reply(&(TestRequest){.stream = world->streams[i]}, "fine");
}

static void
on_one_done(XdExchange *exchange, const GError *error, gpointer data)
{
    World *world = data;
    guint i = exchange == world->exchanges[0] ? 0 : 1;

    g_assert_true(exchange == world->exchanges[i]);
    world->exchanges[i] = NULL;
    on_done(exchange, error, world);
    if (world->exchanges[!i] == NULL)
        return;
    xd_exchange_cancel(world->exchanges[!i]);
    turn();
}

/* The first one cancels the other, of whose end libcurl has told already, and turns the loop. */
static void
test_ended_together(void)
{
    static const XdExchangeClass klass = {.data = on_data, .done = on_one_done};
    g_autoptr(World) world = world_new(on_one_of_two);

    for (guint i = 0; i < 2; i++)
        world->exchanges[i] = get(world, &klass);
    while (world->pending > 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(world->done, ==, 2);
}

/* The answer to the other one is there while the first one turns the loop. */
static void
test_answered_together(void)
{
    g_autoptr(World) world = world_new(on_one_of_two);

    world->act = wait_for_idle;
    for (guint i = 0; i < 2; i++)
        get(world, &exchange_class);
    while (world->pending > 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(world->done, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(acts); i++) {
        g_autofree char *path = g_strconcat("/http/inside/", acts[i].name, NULL);

        g_test_add_data_func(path, &acts[i], test_acts);
    }
    g_test_add_func("/http/inside/ended-together", test_ended_together);
    g_test_add_func("/http/inside/answered-together", test_answered_together);
    return g_test_run();
}
