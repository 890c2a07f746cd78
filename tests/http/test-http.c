/* The HTTP client against a server that keeps no rule but the test's. */
#include "http/http.h"
#include "server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    XdArena *arena;
    XdHttp *http;
    TestServer *server;
    XdOrigin *origin;
    GString *answer;
    GError *error; /* of the last exchange that failed */
    guint done;
    guint failed;
    guint pending;
    gboolean sent;
    gboolean in_send;
    gboolean pause;     /* the next piece of the answer finds no room */
    gboolean free_http; /* in the callback */
    XdExchange *paused;
    gsize upload; /* bytes that are still to come */
    guint low_speed_s;
    char *script; /* what the server says */
    char *asked;  /* the last request, head and body */
    gboolean hang_up;
    GSource *drip;
    guint held[4]; /* requests that the server has, by lane */
} World;

static gboolean
on_head(XdExchange *exchange G_GNUC_UNUSED, guint status, const char *content_type, gpointer data,
        GError **error)
{
    World *world = data;

    g_string_append_printf(world->answer, "[%u %s]", status, content_type);
    if (status < 500)
        return TRUE;
    xd_set_error(error, HVD_ERROR_PROTOCOL, "status %u", status);
    return FALSE;
}

static XdFlow
on_data(XdExchange *exchange, const char *bytes, gsize length, gpointer data,
        GError **error G_GNUC_UNUSED)
{
    World *world = data;

    if (world->pause) {
        world->pause = FALSE;
        world->paused = exchange;
        return XD_FLOW_PAUSE;
    }
    g_string_append_len(world->answer, bytes, (gssize) length);
    return XD_FLOW_GO;
}

static XdFlow
on_read_body(XdExchange *exchange, char *buffer, gsize size, gsize *length, gpointer data,
             GError **error G_GNUC_UNUSED)
{
    World *world = data;

    if (world->pause) {
        world->pause = FALSE;
        world->paused = exchange;
        return XD_FLOW_PAUSE;
    }
    *length = MIN(size, world->upload);
    memset(buffer, 'u', *length);
    world->upload -= *length;
    return XD_FLOW_GO;
}

static void
on_done(XdExchange *exchange, const GError *error, gpointer data)
{
    World *world = data;

    g_assert_false(world->in_send);
    world->pending--;
    world->sent = xd_exchange_was_sent(exchange);
    if (error == NULL) {
        world->done++;
    } else {
        world->failed++;
        g_clear_error(&world->error);
        world->error = g_error_copy(error);
    }
    if (world->free_http && world->pending == 0)
        g_clear_pointer(&world->http, xd_http_free);
}

static const XdExchangeClass exchange_class = {on_read_body, on_head, on_data, on_done};

static void
on_request(TestRequest *request, gpointer data)
{
    World *world = data;

    g_free(world->asked);
    world->asked = g_strconcat(request->head, request->body->str, NULL);
    if (world->script == NULL)
        test_request_reply(request, "fine");
    else
        test_request_send(request, world->script, -1);
    if (world->hang_up)
        test_request_hang_up(request);
}

static XdHttp *
http_new(World *world, guint short_per_origin, guint total)
{
    XdHttpOptions options = {.arena = world->arena,
                             .user_agent = "test/1",
                             .plaintext_on_loopback = TRUE,
                             .connect_timeout_s = 5,
                             .short_per_origin = short_per_origin,
                             .total = total};

    return xd_http_new(&options, NULL);
}

static World *
world_new(void)
{
    World *world = g_new0(World, 1);

    world->arena = xd_arena_new();
    world->http = http_new(world, 2, 16);
    world->answer = g_string_new(NULL);
    world->server = test_server_new(NULL, on_request, world);
    world->origin = g_new0(XdOrigin, 1);
    world->origin->host = g_strdup("127.0.0.1");
    world->origin->port = test_server_get_port(world->server);
    return world;
}

static void
world_free(World *world)
{
    if (world->http != NULL)
        xd_http_free(world->http);
    g_clear_pointer(&world->server, test_server_free);
    xd_origin_free(world->origin);
    xd_arena_unref(world->arena);
    g_string_free(world->answer, TRUE);
    g_clear_error(&world->error);
    g_free(world->script);
    g_free(world->asked);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

static void
post(World *world, const char *body, XdLane lane, guint64 max_body, GCancellable *cancellable)
{
    g_auto(XdVault) vault = {0};
    XdHttpRequest request = {.origin = world->origin,
                             .method = "POST",
                             .path = "/jsonrpc",
                             .content_type = "application/json",
                             .body = &vault,
                             .lane = lane,
                             .max_body = max_body};

    xd_vault_init(&vault, world->arena);
    xd_vault_append_string(&vault, body);
    world->pending++;
    world->in_send = TRUE;
    xd_http_send(world->http, &request, &exchange_class, world, cancellable);
    world->in_send = FALSE;
}

static void
settle(World *world)
{
    while (world->pending > 0)
        g_main_context_iteration(NULL, TRUE);
}

static void
assert_failed(World *world, HvdError code)
{
    settle(world);
    g_assert_cmpuint(world->failed, ==, 1);
    g_assert_error(world->error, XD_ERROR, (int) code);
}

static void
test_simple(void)
{
    g_autoptr(World) world = world_new();

    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    settle(world);
    g_assert_no_error(world->error);
    g_assert_cmpstr(world->answer->str, ==, "[200 application/json]fine");
    g_assert_nonnull(strstr(world->asked, "\r\nUser-Agent: test/1\r\n"));
}

/* Fifty calls share two kept connections. */
static void
test_kept(void)
{
    g_autoptr(World) world = world_new();

    for (guint i = 0; i < 50; i++)
        post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    settle(world);
    g_assert_cmpuint(world->done, ==, 50);
    g_assert_cmpuint(test_server_get_connections(world->server), ==, 2);
}

/* The server hangs up on a connection that waits for the next request: nobody has asked, so nobody is told,
 * again and again above all; the next request makes another one. */
static void
test_hung_up_at_rest(void)
{
    g_autoptr(World) world = world_new();

    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    settle(world);
    test_server_drop_all(world->server);
    for (guint i = 0; i < 100; i++)
        g_main_context_iteration(NULL, FALSE);
    g_assert_false(g_main_context_pending(NULL));
    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    settle(world);
    g_assert_cmpuint(world->done, ==, 2);
    g_assert_cmpuint(test_server_get_connections(world->server), ==, 2);
}

/* Requests of each kind that there is. */
typedef struct {
    const char *method;
    const char *path;
    const char *session; /* (nullable) */
    const char *header;  /* (nullable) */
    const char *body;    /* (nullable) */
    gboolean secret_body;
    gboolean bulk;
} Shape;

static const Shape shapes[] = {
    {"POST", "/jsonrpc", "OpaqueRef:one", "X-Tag: one", "{\"a\": 1}", FALSE, FALSE},
    {"POST", "/", NULL, NULL, "<methodCall/>", FALSE, FALSE},
    {"POST", "/jsonrpc", "OpaqueRef:two", NULL, "{}", FALSE, TRUE},
    {"POST", "/jsonrpc", NULL, NULL, "{\"password\": 1}", TRUE, FALSE},
    {"GET", "/rrd", "OpaqueRef:one", NULL, NULL, FALSE, FALSE},
    {"PUT", "/disk", "OpaqueRef:one", "X-Tag: two", "bytes", FALSE, TRUE},
};

/* What the server hears. */
static const char *
ask(World *world, const Shape *shape)
{
    g_autoptr(XdSecret) session =
        shape->session != NULL ? xd_secret_new(world->arena, shape->session, strlen(shape->session))
                               : NULL;
    const char *headers[] = {shape->header, NULL};
    g_auto(XdVault) vault = {0};
    XdHttpRequest request = {.origin = world->origin,
                             .method = shape->method,
                             .path = shape->path,
                             .content_type = shape->body != NULL ? "text/x" : NULL,
                             .headers = headers,
                             .session = session,
                             .secret_body = shape->secret_body,
                             .body_size = -1,
                             .lane = XD_LANE_SHORT,
                             .max_body = 1000,
                             .bulk = shape->bulk};

    if (shape->body != NULL) {
        xd_vault_init(&vault, world->arena);
        xd_vault_append_string(&vault, shape->body);
        request.body = &vault;
    }
    world->pending++;
    xd_http_send(world->http, &request, &exchange_class, world, NULL);
    settle(world);
    g_assert_no_error(world->error);
    return world->asked;
}

/* Handles are used again: no request has a word of the one before. */
static void
test_nothing_left(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(shapes) * G_N_ELEMENTS(shapes); i++) {
        const Shape *first = &shapes[i / G_N_ELEMENTS(shapes)];
        const Shape *second = &shapes[i % G_N_ELEMENTS(shapes)];
        g_autoptr(World) world = world_new();
        g_autofree char *alone = g_strdup(ask(world, second));

        xd_http_free(world->http);
        world->http = http_new(world, 2, 16);
        ask(world, first);
        g_assert_cmpstr(ask(world, second), ==, alone);
        g_assert_cmpint(strstr(alone, "OpaqueRef:") != NULL, ==, second->session != NULL);
    }
}

/* (nullable) (transfer full): the driver's end of a connection to @server */
static GSocket *
find_socket(TestServer *server)
{
    for (int fd = 3; fd < 256; fd++) {
        g_autoptr(GSocket) socket = g_socket_new_from_fd(dup(fd), NULL);
        g_autoptr(GSocketAddress) peer =
            socket != NULL ? g_socket_get_remote_address(socket, NULL) : NULL;

        if (G_IS_INET_SOCKET_ADDRESS(peer) && g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(
                                                  peer)) == test_server_get_port(server))
            return g_steal_pointer(&socket);
    }
    return NULL;
}

static int
get_option(GSocket *socket, int level, int name)
{
    int value = -1;

    g_assert_true(g_socket_get_option(socket, level, name, &value, NULL));
    return value;
}

/* A node that is gone without a word is noticed in less than half a minute. */
static void
test_keepalive(void)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GSocket) socket = NULL;
    int idle, interval, count;

    ask(world, &(Shape){.method = "POST", .path = "/", .body = "{}"});
    socket = find_socket(world->server);
    g_assert_nonnull(socket);
    idle = get_option(socket, IPPROTO_TCP, TCP_KEEPIDLE);
    interval = get_option(socket, IPPROTO_TCP, TCP_KEEPINTVL);
    count = get_option(socket, IPPROTO_TCP, TCP_KEEPCNT);
    g_assert_cmpint(get_option(socket, SOL_SOCKET, SO_KEEPALIVE), ==, 1);
    g_assert_cmpint(idle + count * interval, <, 30);
}

/* More places at one origin than are remembered, each of them twice. */
static void
test_many_paths(void)
{
    g_autoptr(World) world = world_new();

    for (guint i = 0; i < 20; i++) {
        g_autofree char *path = g_strdup_printf("/%u?a=b%%20c", i % 10);
        g_autofree char *line = g_strdup_printf("POST %s HTTP/1.1\r\n", path);
        Shape shape = {.method = "POST", .path = path, .body = "{}"};

        g_assert_true(g_str_has_prefix(ask(world, &shape), line));
    }
    g_assert_cmpuint(test_server_get_connections(world->server), ==, 1);
}

typedef struct {
    guint short_per_origin;
    guint total;
    guint longs; /* that may be under way */
    gboolean short_first;
} Lanes;

static const Lanes lanes[] = {
    {2, 16, 14, FALSE}, {2, 16, 14, TRUE}, {2, 4, 2, TRUE}, {64, 4, 1, FALSE}, {64, 4, 1, TRUE},
};

/* Keeps silent. */
static void
on_held(TestRequest *request, gpointer data)
{
    World *world = data;

    world->held[request->body->str[0] - '0']++;
}

/* Posts @n, and waits until the server has heard of @held. */
static void
hold(World *world, XdLane lane, guint n, guint held, GCancellable *cancellable)
{
    const char body[] = {(char) ('0' + (int) lane), '\0'};

    for (guint i = 0; i < n; i++)
        post(world, body, lane, 1000, cancellable);
    while (world->held[lane] < held)
        g_main_context_iteration(NULL, TRUE);
}

/* Long ones are limited in all, and leave room for short ones however long they last; a poll, or what
 * others wait for, is never in the queue. */
static void
test_lanes(gconstpointer data)
{
    const Lanes *l = data;
    g_autoptr(World) world = world_new();
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    guint shorts = l->total - l->longs;

    xd_http_free(world->http);
    world->http = http_new(world, l->short_per_origin, l->total);
    g_clear_pointer(&world->server, test_server_free);
    world->server = test_server_new(NULL, on_held, world);
    world->origin->port = test_server_get_port(world->server);
    if (l->short_first)
        hold(world, XD_LANE_SHORT, shorts, shorts, cancellable);
    hold(world, XD_LANE_LONG, l->total + 4, l->longs, cancellable);
    if (!l->short_first)
        hold(world, XD_LANE_SHORT, shorts, shorts, cancellable);
    hold(world, XD_LANE_POLL, 1, 1, cancellable);
    hold(world, XD_LANE_SESSION, 1, 1, cancellable);
    g_cancellable_cancel(cancellable);
    settle(world);
    g_assert_cmpuint(world->failed, ==, shorts + l->total + 4 + 2);
    g_assert_cmpuint(world->held[XD_LANE_LONG], ==, l->longs);
    g_assert_cmpuint(world->held[XD_LANE_SHORT], ==, shorts);
}

static void
test_cancelled_before(void)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GCancellable) cancellable = g_cancellable_new();

    g_cancellable_cancel(cancellable);
    post(world, "{}", XD_LANE_SHORT, 1000, cancellable);
    settle(world);
    g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_false(world->sent);
    g_assert_cmpuint(test_server_get_requests(world->server), ==, 0);
}

static void
test_refused(void)
{
    g_autoptr(World) world = world_new();

    g_clear_pointer(&world->server, test_server_free);
    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    assert_failed(world, HVD_ERROR_NOT_REACHABLE);
    g_assert_false(world->sent);
}

/* The trap: the server executes and hangs up on a kept connection. libcurl must not try again. */
static void
test_never_resent(void)
{
    g_autoptr(World) world = world_new();

    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    settle(world);
    world->script = g_strdup("");
    world->hang_up = TRUE;
    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    assert_failed(world, HVD_ERROR_NOT_REACHABLE);
    g_assert_true(world->sent);
    g_assert_cmpuint(test_server_get_requests(world->server), ==, 2);
}

static void
test_hostile(void)
{
    static const struct {
        const char *answer;
        HvdError code;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\ncontent-length: 4294967296\r\n\r\n", HVD_ERROR_PROTOCOL},
        {"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n", HVD_ERROR_PROTOCOL},
        {"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", HVD_ERROR_NOT_REACHABLE},
        {"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n", HVD_ERROR_PROTOCOL},
        {"HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/?session_id=x\r\ncontent-length: "
         "0\r\n\r\n",
         HVD_ERROR_REDIRECTED},
        {"HTTP/1.1 500 Internal Error\r\ncontent-length: 3\r\n\r\nbad", HVD_ERROR_PROTOCOL},
        {"SSH-2.0-OpenSSH_9.2\r\n", HVD_ERROR_PROTOCOL},
        {"", HVD_ERROR_NOT_REACHABLE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(World) world = world_new();

        world->script = g_strdup(cases[i].answer);
        world->hang_up = TRUE;
        post(world, "{}", XD_LANE_SHORT, 1000, NULL);
        assert_failed(world, cases[i].code);
        g_assert_cmpuint(test_server_get_requests(world->server), ==, 1);
        g_assert_null(strstr(world->error->message, "session_id"));
    }
}

static void
test_headers_too_long(void)
{
    g_autoptr(World) world = world_new();
    g_autoptr(GString) script = g_string_new("HTTP/1.1 200 OK\r\n");

    for (guint i = 0; i < 1 << 14; i++)
        g_string_append_printf(script, "x-header-%u: %060u\r\n", i, i);
    world->script = g_strdup(script->str);
    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    assert_failed(world, HVD_ERROR_PROTOCOL);
}

/* A second answer on one request belongs to nobody, above all not to the next request. */
static void
test_two_answers(void)
{
    g_autoptr(World) world = world_new();

    world->script = g_strdup("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"
                             "content-length: 4\r\n\r\nevil");
    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    settle(world);
    g_clear_pointer(&world->script, g_free);
    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    settle(world);
    g_assert_null(strstr(world->answer->str, "evil"));
    g_assert_nonnull(strstr(world->answer->str, "fine"));
}

static void
upload(World *world, gint64 size)
{
    XdHttpRequest request = {.origin = world->origin,
                             .method = "PUT",
                             .path = "/import_raw_vdi",
                             .body_size = size,
                             .lane = XD_LANE_LONG,
                             .low_speed_limit = 1024,
                             .low_speed_s = world->low_speed_s,
                             .max_body = 1000,
                             .bulk = TRUE};
    g_autoptr(XdSecret) session = xd_secret_new(world->arena, "OpaqueRef:s", 11);

    request.session = session;
    world->upload = (gsize) size;
    world->pending++;
    xd_http_send(world->http, &request, &exchange_class, world, NULL);
}

static void
on_upload(TestRequest *request, gpointer data G_GNUC_UNUSED)
{
    g_assert_nonnull(strstr(request->head, "Cookie: session_id=OpaqueRef:s\r\n"));
    g_assert_null(strstr(request->head, "Expect"));
    g_assert_null(strstr(request->head, "Transfer-Encoding"));
    g_assert_cmpuint(strlen(request->head), <, 1024);
    g_assert_cmpuint(request->body->len, ==, 3000000);
    test_request_reply(request, "");
}

/* A body that has nothing to give for a while, and goes on. */
static void
test_upload(void)
{
    g_autoptr(World) world = world_new();

    g_clear_pointer(&world->server, test_server_free);
    world->server = test_server_new(NULL, on_upload, NULL);
    world->origin->port = test_server_get_port(world->server);
    world->pause = TRUE;
    upload(world, 3000000);
    while (world->paused == NULL)
        g_main_context_iteration(NULL, TRUE);
    xd_exchange_resume(world->paused);
    settle(world);
    g_assert_no_error(world->error);
    g_assert_cmpuint(world->upload, ==, 0);
}

static void
test_download_paused(void)
{
    g_autoptr(World) world = world_new();

    world->pause = TRUE;
    post(world, "{}", XD_LANE_LONG, 1000, NULL);
    while (world->paused == NULL)
        g_main_context_iteration(NULL, TRUE);
    xd_exchange_resume(world->paused);
    settle(world);
    g_assert_cmpstr(world->answer->str, ==, "[200 application/json]fine");
}

/* ---- slow ones ---- */

static gboolean
on_drop(gpointer stream)
{
    TestRequest request = {.stream = stream};

    test_request_send(&request, "some bytes", -1);
    return G_SOURCE_CONTINUE;
}

/* Some 200 bytes a second, without an end. */
static void
on_drip(TestRequest *request, gpointer data)
{
    World *world = data;

    test_request_send(request, "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", -1);
    world->drip = g_timeout_source_new(50);
    g_source_set_callback(world->drip, on_drop, g_object_ref(request->stream), g_object_unref);
    g_source_attach(world->drip, NULL);
}

/* Each byte comes in time, but all of them would take hours. */
static void
test_too_slow(void)
{
    g_autoptr(World) world = world_new();
    XdHttpRequest request = {.origin = world->origin,
                             .method = "GET",
                             .path = "/export_raw_vdi",
                             .body_size = -1,
                             .lane = XD_LANE_LONG,
                             .low_speed_limit = 1024,
                             .low_speed_s = 1,
                             .max_body = 1000000};

    g_clear_pointer(&world->server, test_server_free);
    world->server = test_server_new(NULL, on_drip, world);
    world->origin->port = test_server_get_port(world->server);
    world->pending++;
    xd_http_send(world->http, &request, &exchange_class, world, NULL);
    assert_failed(world, HVD_ERROR_TIMED_OUT);
    xd_clear_source(&world->drip);
}

static void
never_answer(TestRequest *request G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
}

/* Both go at the same speed; the server that says nothing is to blame for its own exchange alone. The other
 * one waits for us, and when it goes on it is watched as before. */
static void
test_pause_is_ours(void)
{
    g_autoptr(World) ours = world_new();
    g_autoptr(World) theirs = world_new();
    World *both[] = {ours, theirs};

    ours->pause = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(both); i++) {
        g_clear_pointer(&both[i]->server, test_server_free);
        both[i]->server = test_server_new(NULL, never_answer, NULL);
        both[i]->origin->port = test_server_get_port(both[i]->server);
        both[i]->low_speed_s = 1;
        upload(both[i], 30000);
    }
    assert_failed(theirs, HVD_ERROR_TIMED_OUT);
    g_assert_cmpuint(ours->failed, ==, 0);
    xd_exchange_resume(ours->paused);
    assert_failed(ours, HVD_ERROR_TIMED_OUT);
    g_assert_cmpuint(ours->upload, ==, 0);
}

/* The owner lets go of the client in a callback, with other exchanges just ended. */
static void
test_freed_in_callback(void)
{
    g_autoptr(World) world = world_new();

    world->free_http = TRUE;
    for (guint i = 0; i < 20; i++)
        post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    settle(world);
    g_assert_null(world->http);
    g_assert_cmpuint(world->done, ==, 20);
}

static void
test_plaintext(void)
{
    g_autoptr(World) world = world_new();

    g_free(world->origin->host);
    world->origin->host = g_strdup("192.0.2.1");
    post(world, "{}", XD_LANE_SHORT, 1000, NULL);
    assert_failed(world, HVD_ERROR_PLAINTEXT);
    g_assert_false(world->sent);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/exchange/simple", test_simple);
    g_test_add_func("/http/exchange/kept-connections", test_kept);
    g_test_add_func("/http/exchange/hung-up-at-rest", test_hung_up_at_rest);
    g_test_add_func("/http/exchange/nothing-left", test_nothing_left);
    g_test_add_func("/http/exchange/keepalive", test_keepalive);
    g_test_add_func("/http/exchange/many-paths", test_many_paths);
    g_test_add_func("/http/exchange/cancelled-before", test_cancelled_before);
    g_test_add_func("/http/exchange/refused", test_refused);
    g_test_add_func("/http/exchange/never-resent", test_never_resent);
    g_test_add_func("/http/exchange/hostile", test_hostile);
    g_test_add_func("/http/exchange/headers-too-long", test_headers_too_long);
    g_test_add_func("/http/exchange/two-answers", test_two_answers);
    g_test_add_func("/http/exchange/upload", test_upload);
    g_test_add_func("/http/exchange/download-paused", test_download_paused);
    g_test_add_func("/http/exchange/freed-in-callback", test_freed_in_callback);
    g_test_add_func("/http/exchange/plaintext", test_plaintext);
    g_test_add_func("/http/exchange/too-slow", test_too_slow);
    g_test_add_func("/http/exchange/pause-is-ours", test_pause_is_ours);
    for (guint i = 0; i < G_N_ELEMENTS(lanes); i++) {
        g_autofree char *path = g_strdup_printf("/http/exchange/lanes/%u", i);

        g_test_add_data_func(path, &lanes[i], test_lanes);
    }
    return g_test_run();
}
