/* The HTTP client: whatever a server says before it hangs up, the owner is told of one end, of at most one
 * head before any body, of no more bytes than it wanted; an error says so in a line; and the next exchange
 * is answered by its own answer. */
#include "fuzz.h"

#include "http/http.h"
#include "server.h"

#include <string.h>

#define MAX_BODY 1024
#define GOOD     "the next answer"

typedef struct {
    XdHttp *http;
    XdOrigin *origin;
    const guint8 *said;
    gsize length;
    gboolean in_send;
    gboolean is_good; /* the server says what is right */
    guint heads;
    guint status;
    GString *body;
    guint ends;
    GError *error;
} World;

static gboolean
on_head(XdExchange *exchange G_GNUC_UNUSED, guint status, const char *content_type, gpointer data,
        GError **error G_GNUC_UNUSED)
{
    World *world = data;

    FUZZ_CHECK(world->heads++ == 0 && world->body->len == 0);
    FUZZ_CHECK(strpbrk(content_type, "\r\n") == NULL);
    world->status = status;
    return TRUE;
}

static XdFlow
on_data(XdExchange *exchange G_GNUC_UNUSED, const char *bytes, gsize length, gpointer data,
        GError **error G_GNUC_UNUSED)
{
    World *world = data;

    FUZZ_CHECK(world->heads == 1);
    g_string_append_len(world->body, bytes, (gssize) length);
    FUZZ_CHECK(world->body->len <= MAX_BODY);
    return XD_FLOW_GO;
}

static void
check_error(const GError *error)
{
    FUZZ_CHECK(error->domain == XD_ERROR);
    FUZZ_CHECK(g_utf8_validate(error->message, -1, NULL) && strlen(error->message) < 1000);
    for (const char *c = error->message; *c != '\0'; c++)
        FUZZ_CHECK((guchar) *c >= ' ');
}

static void
on_done(XdExchange *exchange, const GError *error, gpointer data)
{
    World *world = data;

    FUZZ_CHECK(!world->in_send && world->ends++ == 0);
    if (error != NULL) {
        check_error(error);
        world->error = g_error_copy(error);
        return;
    }
    FUZZ_CHECK(world->heads == 1);
    FUZZ_CHECK(world->status == xd_exchange_get_status(exchange));
    FUZZ_CHECK(world->status >= 200 && world->status <= 999 && world->status / 100 != 3);
}

static const XdExchangeClass exchange_class = {NULL, on_head, on_data, on_done};

static void
on_request(TestRequest *request, gpointer data)
{
    World *world = *(World **) data;

    if (world->is_good) {
        test_request_reply(request, GOOD);
        return;
    }
    test_request_send(request, (const char *) world->said, (gssize) world->length);
    test_request_hang_up(request);
}

static void
exchange(World *world)
{
    XdHttpRequest request = {.origin = world->origin,
                             .method = "GET",
                             .path = "/",
                             .body_size = -1,
                             .lane = XD_LANE_SHORT,
                             .timeout_ms = 20000,
                             .max_body = MAX_BODY};

    world->heads = world->ends = 0;
    g_string_truncate(world->body, 0);
    g_clear_error(&world->error);
    world->in_send = TRUE;
    xd_http_send(world->http, &request, &exchange_class, world, NULL);
    world->in_send = FALSE;
    while (world->ends == 0)
        g_main_context_iteration(NULL, TRUE);
}

/* One server for all inputs, and an address of its own for each: so ports do not run out. */
static XdOrigin *
next_origin(World **current)
{
    static TestServer *server;
    static World *told;
    static guint n;
    g_autofree char *url = NULL;

    if (server == NULL)
        server = test_server_new_at("0.0.0.0", 0, NULL, on_request, &told);
    told = *current;
    n++;
    url = g_strdup_printf("http://127.%u.%u.%u:%u", 1 + (n >> 14) % 200, (n >> 7) % 128,
                          1 + n % 128, test_server_get_port(server));
    return xd_origin_parse(url, NULL);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    const XdHttpOptions options = {.arena = arena,
                                   .user_agent = "fuzz",
                                   .plaintext_on_loopback = TRUE,
                                   .connect_timeout_s = 20,
                                   .short_per_origin = 2,
                                   .total = 4};
    World world = {.said = data, .length = size, .body = g_string_new(NULL)};
    World *current = &world;

    world.origin = next_origin(&current);
    world.http = xd_http_new(&options, NULL);
    exchange(&world);
    world.is_good = TRUE;
    exchange(&world);
    FUZZ_CHECK(world.error == NULL && world.status == 200);
    FUZZ_CHECK(strcmp(world.body->str, GOOD) == 0);
    xd_http_free(world.http);
    xd_origin_free(world.origin);
    g_string_free(world.body, TRUE);
    return 0;
}
