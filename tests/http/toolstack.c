#include "toolstack.h"

#include <string.h>

#define SESSION "OpaqueRef:11111111-2222-3333-4444-555555555555"
#define UUID    "66666666-7777-8888-9999-000000000000"

struct _Toolstack {
    TestServer *server;
    GHashTable *counts; /* (element-type utf8 guint): requests by method */
    gboolean heard_password;
    char *planted;
    guint nth;
    guint times;
    ToolstackFunc func;
    gpointer data;
    XdClock *clock;
    guint tick;
};

/* ---- requests ---- */

static gboolean
is_xml(const TestRequest *request)
{
    return request->body->str[0] == '<';
}

static char *
between(const char *text, const char *before, const char *after)
{
    const char *start = strstr(text, before);
    const char *end = start != NULL ? strstr(start + strlen(before), after) : NULL;

    return end != NULL ? g_strndup(start + strlen(before), (gsize) (end - start) - strlen(before))
                       : g_strdup("");
}

static char *
method_of(const TestRequest *request)
{
    return is_xml(request) ? between(request->body->str, "<methodName>", "</methodName>")
                           : between(request->body->str, "\"method\":\"", "\"");
}

static guint
id_of(const TestRequest *request)
{
    const char *id = g_strrstr(request->body->str, "\"id\":");

    return id != NULL ? (guint) g_ascii_strtoull(id + 5, NULL, 10) : 0;
}

/* ---- answers ---- */

void
toolstack_reply(TestRequest *request, const char *body, gsize length)
{
    g_autofree char *head = g_strdup_printf(
        "HTTP/1.1 200 OK\r\ncontent-type: %s\r\nconnection: keep-alive\r\ncontent-length: "
        "%zu\r\n\r\n",
        is_xml(request) ? "text/xml" : "application/json", length);

    /* in one piece: a second small one would wait for the first one to be acknowledged */
    g_autoptr(GString) all = g_string_new(head);

    g_string_append_len(all, body, (gssize) length);
    test_request_send(request, all->str, (gssize) all->len);
}

static void
reply_text(TestRequest *request, const char *text)
{
    toolstack_reply(request, text, strlen(text));
}

#define XML_HEAD "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct>"
#define XML_TAIL "</struct></value></param></params></methodResponse>"

void
toolstack_answer(TestRequest *request, guint id, const char *value)
{
    g_autofree char *text =
        is_xml(request)
            ? g_strconcat(XML_HEAD "<member><name>Status</name><value>Success</value></member>"
                                   "<member><name>Value</name><value>",
                          value, "</value></member>" XML_TAIL, NULL)
            : g_strdup_printf("{\"jsonrpc\":\"2.0\",\"result\":%s,\"id\":%u}", value, id);

    reply_text(request, text);
}

void
toolstack_fail(TestRequest *request, guint id, const char *code, const char *parameter)
{
    g_autofree char *text =
        g_strdup_printf("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"%s\",\"data\":"
                        "[\"%s\"]},\"id\":%u}",
                        code, parameter, id);

    reply_text(request, text);
}

static void
answer_text(TestRequest *request, guint id, const char *text)
{
    g_autofree char *json = g_strdup_printf("\"%s\"", text);

    toolstack_answer(request, id, is_xml(request) ? text : json);
}

/* The first poll gives an empty pool, each later one waits for events that never come. */
static void
answer_poll(TestRequest *request, guint id)
{
    if (strstr(request->body->str, "the-token") != NULL)
        return;
    toolstack_answer(
        request, id,
        is_xml(request)
            ? "<struct><member><name>events</name><value><array><data/></array></value></member>"
              "<member><name>valid_ref_counts</name><value><struct/></value></member>"
              "<member><name>token</name><value>the-token</value></member></struct>"
            : "{\"events\":[],\"valid_ref_counts\":{},\"token\":\"the-token\"}");
}

static void
answer_well(TestRequest *request, const char *method, guint id)
{
    if (strcmp(method, "event.from") == 0)
        answer_poll(request, id);
    else if (strcmp(method, "session.login_with_password") == 0)
        answer_text(request, id, SESSION);
    else
        answer_text(request, id, UUID);
}

guint
toolstack_count(Toolstack *toolstack, const char *method)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(toolstack->counts, method));
}

static void
on_request(TestRequest *request, gpointer data)
{
    Toolstack *toolstack = data;
    g_autofree char *method = method_of(request);
    guint id = id_of(request);
    guint n = toolstack_count(toolstack, method) + 1;

    toolstack->heard_password |= strstr(request->body->str, TOOLSTACK_PASSWORD) != NULL;
    g_hash_table_insert(toolstack->counts, g_strdup(method), GUINT_TO_POINTER(n));
    if (g_strcmp0(method, toolstack->planted) != 0 && g_strcmp0("*", toolstack->planted) != 0)
        answer_well(request, method, id);
    else if (toolstack->nth > 1 || toolstack->times == 0) {
        toolstack->nth -= toolstack->nth > 1;
        answer_well(request, method, id);
    } else {
        toolstack->times--;
        toolstack->func(request, id, toolstack->data);
    }
}

void
toolstack_plant(Toolstack *toolstack, const char *method, guint nth, guint times,
                ToolstackFunc func, gpointer data)
{
    g_free(toolstack->planted);
    toolstack->planted = g_strdup(method);
    toolstack->nth = nth;
    toolstack->times = times;
    toolstack->func = func;
    toolstack->data = data;
}

static gboolean
on_tick(gpointer data)
{
    xd_clock_advance(data, 100);
    return G_SOURCE_CONTINUE;
}

void
toolstack_stop_clock(Toolstack *toolstack)
{
    g_clear_handle_id(&toolstack->tick, g_source_remove);
}

void
toolstack_start_clock(Toolstack *toolstack)
{
    if (toolstack->tick == 0)
        toolstack->tick = g_timeout_add(2, on_tick, toolstack->clock);
}

Toolstack *
toolstack_new_at(const char *address, guint16 port, GTlsCertificate *certificate)
{
    Toolstack *toolstack = g_new0(Toolstack, 1);

    toolstack->server = test_server_new_at(address, port, certificate, on_request, toolstack);
    toolstack->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    toolstack->clock = xd_clock_new_manual();
    toolstack_start_clock(toolstack);
    return toolstack;
}

Toolstack *
toolstack_new(GTlsCertificate *certificate)
{
    return toolstack_new_at("127.0.0.1", 0, certificate);
}

void
toolstack_free(Toolstack *toolstack)
{
    toolstack_stop_clock(toolstack);
    test_server_free(toolstack->server);
    xd_clock_unref(toolstack->clock);
    g_hash_table_unref(toolstack->counts);
    g_free(toolstack->planted);
    g_free(toolstack);
}

TestServer *
toolstack_get_server(Toolstack *toolstack)
{
    return toolstack->server;
}

gboolean
toolstack_heard_password(Toolstack *toolstack)
{
    return toolstack->heard_password;
}

/* ---- the driver's side ---- */

static gssize
read_secret(const char *name G_GNUC_UNUSED, char *buffer, gsize size G_GNUC_UNUSED,
            gpointer data G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    memcpy(buffer, TOOLSTACK_PASSWORD, strlen(TOOLSTACK_PASSWORD));
    return (gssize) strlen(TOOLSTACK_PASSWORD);
}

static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, const char *const *fields G_GNUC_UNUSED,
       gpointer data G_GNUC_UNUSED)
{
}

typedef struct {
    gboolean ended;
    XdConnection *connection;
    GError *error;
} Outcome;

static void
on_opened(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Outcome *outcome = data;

    outcome->connection = xd_connection_open_finish(result, &outcome->error);
    outcome->ended = TRUE;
}

XdClock *
toolstack_get_clock(Toolstack *toolstack)
{
    return toolstack->clock;
}

XdConnection *
toolstack_open(Toolstack *toolstack, const char *const *more, GError **error)
{
    const HvdHostCallbacks none = {.struct_size = sizeof none};

    return toolstack_open_watched(toolstack, more, &none, NULL, error);
}

XdConnection *
toolstack_open_watched(Toolstack *toolstack, const char *const *more, const HvdHostCallbacks *given,
                       void (*watch)(XdConnection *), GError **error)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) settings = NULL;
    g_autofree char *url =
        g_strdup_printf("pool.url=http://127.0.0.1:%u", test_server_get_port(toolstack->server));
    HvdHostCallbacks callbacks = *given;
    XdConnectionOptions options = {
        .clock = toolstack->clock, .callbacks = &callbacks, .watch = watch};
    Outcome outcome = {0};

    callbacks.log = on_log;
    callbacks.read_secret = read_secret;
    g_strv_builder_add_many(builder, url, "pool.password=host:x", "pool.owner=tester",
                            "http.allow-plaintext=loopback", NULL);
    g_strv_builder_addv(builder, more != NULL ? (const char **) more : (const char *[]){NULL});
    settings = g_strv_builder_end(builder);
    options.settings = (const char *const *) settings;
    xd_connection_open_async(&options, NULL, on_opened, &outcome);
    while (!outcome.ended)
        g_main_context_iteration(NULL, TRUE);
    if (outcome.error != NULL)
        g_propagate_error(error, outcome.error);
    return outcome.connection;
}

static void
on_closed(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    xd_connection_close_finish(result);
    *(gboolean *) data = TRUE;
}

void
toolstack_close(XdConnection *connection)
{
    gboolean ended = FALSE;

    xd_connection_close_async(connection, on_closed, &ended);
    while (!ended)
        g_main_context_iteration(NULL, TRUE);
}

/* ---- calls ---- */

void
toolstack_answer_clear(ToolstackAnswer *answer)
{
    g_free(answer->value);
    g_clear_error(&answer->error);
}

void
toolstack_on_called(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply,
                    const GError *error, gpointer data)
{
    ToolstackAnswer *answer = data;

    answer->ended = TRUE;
    answer->unknown = reply->unknown;
    answer->error = error != NULL ? g_error_copy(error) : NULL;
    answer->value = error == NULL ? g_variant_dup_string(reply->value, NULL) : NULL;
}

void
toolstack_call(XdConnection *connection, const char *method, ToolstackAnswer *answer)
{
    XdCall request = {.method = method};

    toolstack_answer_clear(answer);
    *answer = (ToolstackAnswer){0};
    request.parameters = strcmp(method, UNREPEATABLE) == 0 ? g_variant_new("(ss)", "a", "b")
                                                           : g_variant_new("(s)", "OpaqueRef:x");
    xd_call(connection, &request, NULL, toolstack_on_called, answer);
    while (!answer->ended)
        g_main_context_iteration(NULL, TRUE);
}
