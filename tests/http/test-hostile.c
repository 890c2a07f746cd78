/* SEC-16, SEC-33: a server that is no toolstack, or a broken one, or an enemy: each answer ends in the right
 * error, in bounded memory, and the driver goes on with the next call. */
#include "peak.h"
#include "toolstack.h"

#include "xenapi/mirror.h"

#include <string.h>

#define MOST_MEMORY (64 * 1024) /* KiB */
#define NESTED      100000

/* ---- hostile answers ---- */

typedef struct {
    const char *name;
    const char *head; /* NULL: a good one with the right length */
    const char *body; /* %u stands for the id */
    int code;         /* of a call that is repeatable; -1: it succeeds */
    guint requests;   /* 0: one */
    gboolean flood;   /* the body again and again */
    gboolean hang_up;
    gboolean xml;
} Case;

#define JSON     "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
#define RESULT   "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":"
#define GOOD     RESULT "\"fine\"}"
#define MANY     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define XML      "<?xml version=\"1.0\"?>"
#define RESPONSE XML "<methodResponse><params><param><value>"

static const Case cases[] = {
    {"no-http", "", "SSH-2.0-OpenSSH_9.2\r\n", HVD_ERROR_PROTOCOL, .hang_up = TRUE},
    {"silence", "", "", HVD_ERROR_NOT_REACHABLE, 3, .hang_up = TRUE},
    {"garbage", NULL, "\x01garbage<{", HVD_ERROR_PROTOCOL},
    {"empty", NULL, "", HVD_ERROR_PROTOCOL},
    {"html", "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n", "<html>",
     HVD_ERROR_PROTOCOL},
    {"no-type", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", "{}", HVD_ERROR_PROTOCOL},
    {"status-500", "HTTP/1.1 500 No\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n",
     "{}", HVD_ERROR_PROTOCOL},
    {"status-401", "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\ncontent-length: 0\r\n\r\n", "",
     HVD_ERROR_PROTOCOL},
    {"half-a-head", "HTTP/1.1 200 OK\r\ncontent-ty", "", HVD_ERROR_PROTOCOL, .hang_up = TRUE},
    {"half-a-body", JSON "content-length: 100\r\n\r\n", "{\"jsonrpc\":\"2.0\",",
     HVD_ERROR_NOT_REACHABLE, 3, .hang_up = TRUE},
    {"half-a-chunk", JSON "transfer-encoding: chunked\r\n\r\n",
     "40\r\n{\"jsonrpc\":", HVD_ERROR_NOT_REACHABLE, 3, .hang_up = TRUE},
    {"bad-chunk", JSON "transfer-encoding: chunked\r\n\r\n", "ffffffffffffffffffff\r\n{",
     HVD_ERROR_NOT_REACHABLE, 3, .hang_up = TRUE},
    {"cut-json", NULL, RESULT "\"fi", HVD_ERROR_PROTOCOL},
    {"4-gib-announced", JSON "content-length: 4294967296\r\n\r\n", "{\"x\":\"" MANY "\"}",
     HVD_ERROR_PROTOCOL, .flood = TRUE},
    {"negative-length", JSON "content-length: -1\r\n\r\n", "{}", HVD_ERROR_PROTOCOL},
    {"two-lengths", JSON "content-length: 2\r\ncontent-length: 44\r\n\r\n", "{}",
     HVD_ERROR_NOT_REACHABLE, 3, .hang_up = TRUE},
    {"no-length-no-end", JSON "connection: close\r\n\r\n", "          " MANY, HVD_ERROR_PROTOCOL,
     .flood = TRUE},
    {"blanks-without-end", JSON "connection: close\r\n\r\n",
     "                                                                                ",
     HVD_ERROR_PROTOCOL, .flood = TRUE},
    {"nesting-without-end", JSON "connection: close\r\n\r\n",
     "{\"x\":{\"x\":{\"x\":{\"x\":", HVD_ERROR_PROTOCOL, .flood = TRUE},
    {"string-without-end", JSON "connection: close\r\n\r\n" RESULT "\"", MANY, HVD_ERROR_PROTOCOL,
     .flood = TRUE},
    {"skipped-without-end", JSON "connection: close\r\n\r\n{\"other\":\"", MANY, HVD_ERROR_PROTOCOL,
     .flood = TRUE},
    {"members-without-end", JSON "connection: close\r\n\r\n{", "\"a\":1,", HVD_ERROR_PROTOCOL,
     .flood = TRUE},
    {"head-without-end", "HTTP/1.1 200 OK\r\n", "x-header: " MANY "\r\n", HVD_ERROR_PROTOCOL,
     .flood = TRUE},
    {"line-without-end", "HTTP/1.1 200 OK\r\nx-header: ", MANY, HVD_ERROR_PROTOCOL, .flood = TRUE},
    {"continue-without-end", "", "HTTP/1.1 100 Continue\r\n\r\n", HVD_ERROR_PROTOCOL,
     .flood = TRUE},
    {"trailers-without-end", JSON "transfer-encoding: chunked\r\n\r\n0\r\n",
     "x-trailer: " MANY "\r\n", HVD_ERROR_PROTOCOL, .flood = TRUE},
    {"302",
     "HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/?session_id=x\r\ncontent-length: "
     "0\r\n\r\n",
     "", HVD_ERROR_REDIRECTED},
    {"301-to-nonsense", "HTTP/1.1 301 Moved\r\nlocation: \x01://\xff\r\ncontent-length: 0\r\n\r\n",
     "", HVD_ERROR_REDIRECTED},
    {"upgrade", "HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", "",
     HVD_ERROR_NOT_REACHABLE, 3, .hang_up = TRUE},
    {"another-id", NULL, "{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":\"fine\"}",
     HVD_ERROR_PROTOCOL},
    {"no-id", NULL, "{\"jsonrpc\":\"2.0\",\"result\":\"fine\"}", HVD_ERROR_PROTOCOL},
    {"result-and-error", NULL, RESULT "\"fine\",\"error\":[\"X\"]}", HVD_ERROR_PROTOCOL},
    {"two-results", NULL, RESULT "\"a\",\"result\":\"b\"}", HVD_ERROR_PROTOCOL},
    {"neither", NULL, "{\"jsonrpc\":\"2.0\",\"id\":%u}", HVD_ERROR_PROTOCOL},
    {"error-without-a-code", NULL, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"error\":{}}",
     HVD_ERROR_PROTOCOL},
    {"no-object", NULL, "[1,2]", HVD_ERROR_PROTOCOL},
    {"number-for-text", NULL, RESULT "5}", HVD_ERROR_PROTOCOL},
    {"truth-for-text", NULL, RESULT "true}", HVD_ERROR_PROTOCOL},
    {"list-for-text", NULL, RESULT "[]}", HVD_ERROR_PROTOCOL},
    {"nan", NULL, RESULT "NaN}", HVD_ERROR_PROTOCOL},
    {"bad-utf8", NULL, RESULT "\"a\xff\"}", HVD_ERROR_PROTOCOL},
    {"overlong-utf8", NULL, RESULT "\"\xc0\xaf\"}", HVD_ERROR_PROTOCOL},
    {"behind-the-end", NULL, GOOD "{}", HVD_ERROR_PROTOCOL},
    {"xml-for-json", NULL, XML "<methodResponse/>", HVD_ERROR_PROTOCOL},
    {"xml-bomb", NULL,
     XML "<!DOCTYPE a [<!ENTITY b \"" MANY "\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">"
         "<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">]><methodResponse>&d;</methodResponse>",
     HVD_ERROR_PROTOCOL, .xml = TRUE},
    {"xml-outside", NULL, XML "<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/x\"><methodResponse/>",
     HVD_ERROR_PROTOCOL, .xml = TRUE},
    {"xml-include", NULL,
     RESPONSE "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"/etc/passwd\"/>",
     HVD_ERROR_PROTOCOL, .xml = TRUE},
    {"xml-nesting-without-end", "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n" RESPONSE,
     "<struct><member><name>a</name><value>", HVD_ERROR_PROTOCOL, .flood = TRUE, .xml = TRUE},
    {"xml-text-without-end", "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n" RESPONSE, MANY,
     HVD_ERROR_PROTOCOL, .flood = TRUE, .xml = TRUE},
    {"xml-attributes-without-end",
     "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n" XML "<methodResponse ", "a=\"" MANY "\" ",
     HVD_ERROR_PROTOCOL, .flood = TRUE, .xml = TRUE},
    {"xml-bad-utf8", NULL, RESPONSE "\xff</value></param></params></methodResponse>",
     HVD_ERROR_PROTOCOL, .xml = TRUE},
    {"xml-utf16", NULL, "<?xml version=\"1.0\" encoding=\"UTF-16\"?><methodResponse/>",
     HVD_ERROR_PROTOCOL, .xml = TRUE},
};

/* With the id in it. */
static char *
fill_in(const char *text, guint id)
{
    g_auto(GStrv) parts = g_strsplit(text, "%u", 2);
    g_autofree char *number = g_strdup_printf("%u", id);

    return g_strjoinv(number, parts);
}

static void
answer_badly(TestRequest *request, guint id, gpointer data)
{
    const Case *c = data;
    g_autofree char *head = c->head != NULL ? fill_in(c->head, id) : NULL;
    g_autofree char *body = fill_in(c->body, id);

    if (head == NULL)
        toolstack_reply(request, body, strlen(body));
    else
        test_request_send(request, head, -1);
    if (head != NULL && c->flood) {
        g_autoptr(GString) piece = g_string_new(NULL);

        while (piece->len < 32768)
            g_string_append(piece, body);
        test_request_flood(request, piece->str, piece->len);
    } else if (head != NULL) {
        test_request_send(request, body, -1);
    }
    if (c->hang_up)
        test_request_hang_up(request);
}

static void
answer_with(TestRequest *request, guint id, gpointer data)
{
    toolstack_answer(request, id, data);
}

/* ---- calls ---- */

static XdConnection *
open_well(Toolstack *toolstack, gboolean xml)
{
    const char *settings[] = {xml ? "pool.encoding=xml" : "pool.encoding=json",
                              "mirror.max-bytes=16777216", NULL};
    g_autoptr(GError) error = NULL;
    XdConnection *connection = toolstack_open(toolstack, settings, &error);

    g_assert_no_error(error);
    return connection;
}

static void
assert_goes_on(XdConnection *connection)
{
    g_auto(ToolstackAnswer) answer = {0};

    toolstack_call(connection, REPEATABLE, &answer);
    g_assert_no_error(answer.error);
    g_assert_cmpstr(answer.value, !=, "");
}

static void
test_answer(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    XdConnection *connection = open_well(toolstack, c->xml);
    g_auto(ToolstackAnswer) answer = {0};
    guint64 before;

    before = peak_begin();
    toolstack_plant(toolstack, REPEATABLE, 1, 5, answer_badly, (gpointer) c);
    toolstack_call(connection, REPEATABLE, &answer);
    g_assert_error(answer.error, XD_ERROR, c->code);
    g_assert_cmpuint(toolstack_count(toolstack, REPEATABLE), ==, MAX(c->requests, 1));
    toolstack_plant(toolstack, UNREPEATABLE, 1, 5, answer_badly, (gpointer) c);
    toolstack_call(connection, UNREPEATABLE, &answer);
    g_assert_error(answer.error, XD_ERROR, HVD_ERROR_UNKNOWN_OUTCOME);
    g_assert_true(answer.unknown);
    g_assert_cmpuint(toolstack_count(toolstack, UNREPEATABLE), ==, 1); /* never again */
    g_assert_null(strstr(answer.error->message, "session_id"));
    peak_assert(before, MOST_MEMORY);
    g_assert_cmpuint(test_server_get_flooded(toolstack_get_server(toolstack)), <, 64 * 1024 * 1024);
    assert_goes_on(connection);
    toolstack_close(connection);
}

/* Where every answer counts most: the log-in. It fails with the same code, once, and logs nobody in. */
static void
test_login(gconstpointer data)
{
    const Case *c = data;
    const char *settings[] = {c->xml ? "pool.encoding=xml" : "pool.encoding=json", NULL};
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    g_autoptr(GError) error = NULL;

    toolstack_plant(toolstack, "session.login_with_password", 1, 5, answer_badly, (gpointer) c);
    g_assert_null(toolstack_open(toolstack, settings, &error));
    if (xd_error_is(error, HVD_ERROR_UNKNOWN_OUTCOME))
        g_assert_cmpint(c->code, !=, -1);
    else
        g_assert_error(error, XD_ERROR, c->code);
    g_assert_cmpuint(toolstack_count(toolstack, "session.login_with_password"), ==, 1);
    g_assert_cmpuint(toolstack_count(toolstack, "event.from"), ==, 0);
    g_assert_null(strstr(error->message, TOOLSTACK_PASSWORD));
}

/* ---- more than text can say ---- */

static void
answer_nested(TestRequest *request, guint id, gpointer data)
{
    gboolean skipped = GPOINTER_TO_INT(data);
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_printf(text, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"%s\":", id,
                    skipped ? "more" : "result");
    for (guint i = 0; i < NESTED; i++)
        g_string_append_c(text, '[');
    for (guint i = 0; i < NESTED; i++)
        g_string_append_c(text, ']');
    g_string_append(text, skipped ? ",\"result\":\"fine\"}" : "}");
    toolstack_reply(request, text->str, text->len);
}

/* 10^5 arrays in the result are refused; where nobody looks they are passed over. */
static void
test_nested(void)
{
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    XdConnection *connection = open_well(toolstack, FALSE);
    g_auto(ToolstackAnswer) answer = {0};
    guint64 before;

    before = peak_begin();
    toolstack_plant(toolstack, REPEATABLE, 1, 1, answer_nested, GINT_TO_POINTER(FALSE));
    toolstack_call(connection, REPEATABLE, &answer);
    g_assert_error(answer.error, XD_ERROR, HVD_ERROR_PROTOCOL);
    toolstack_plant(toolstack, REPEATABLE, 1, 1, answer_nested, GINT_TO_POINTER(TRUE));
    toolstack_call(connection, REPEATABLE, &answer);
    if (answer.error != NULL)
        g_assert_error(answer.error, XD_ERROR, HVD_ERROR_PROTOCOL);
    peak_assert(before, MOST_MEMORY);
    assert_goes_on(connection);
    toolstack_close(connection);
}

/* What no toolstack sends, half a surrogate pair or a NUL, arrives as U+FFFD: valid and harmless. */
static void
test_impossible(void)
{
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    XdConnection *connection = open_well(toolstack, FALSE);
    g_auto(ToolstackAnswer) answer = {0};

    toolstack_plant(toolstack, REPEATABLE, 1, 1, answer_with, (char *) "\"a\\ud800b\\u0000c\"");
    toolstack_call(connection, REPEATABLE, &answer);
    g_assert_no_error(answer.error);
    g_assert_cmpstr(answer.value, ==,
                    "a\xef\xbf\xbd"
                    "b\xef\xbf\xbd"
                    "c");
    toolstack_close(connection);
}

static void
answer_twice(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    toolstack_answer(request, id, "\"first\"");
    toolstack_answer(request, id + 1, "\"second\"");
}

/* The second answer is nobody's, not even of the request that has its id. */
static void
test_two_answers(void)
{
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    XdConnection *connection = open_well(toolstack, FALSE);
    g_auto(ToolstackAnswer) answer = {0};

    toolstack_plant(toolstack, REPEATABLE, 1, 1, answer_twice, NULL);
    toolstack_call(connection, REPEATABLE, &answer);
    g_assert_no_error(answer.error);
    g_assert_cmpstr(answer.value, ==, "first");
    toolstack_call(connection, REPEATABLE, &answer);
    g_assert_no_error(answer.error);
    g_assert_cmpstr(answer.value, !=, "second");
    toolstack_close(connection);
}

/* ---- slowly ---- */

typedef struct {
    const char *head;
    GIOStream *stream;
    guint timer;
} Drip;

static gboolean
on_drip(gpointer data)
{
    Drip *drip = data;

    if (g_output_stream_write(g_io_stream_get_output_stream(drip->stream), " ", 1, NULL, NULL) == 1)
        return G_SOURCE_CONTINUE;
    drip->timer = 0;
    return G_SOURCE_REMOVE;
}

static void
drip_stop(Drip *drip)
{
    if (drip->timer != 0)
        g_source_destroy(g_main_context_find_source_by_id(NULL, drip->timer));
    drip->timer = 0;
    g_clear_object(&drip->stream);
}

static void
answer_in_drops(TestRequest *request, guint id G_GNUC_UNUSED, gpointer data)
{
    Drip *drip = data;

    drip_stop(drip);
    drip->stream = g_object_ref(request->stream);
    test_request_send(request, drip->head, -1);
    drip->timer = g_timeout_add(3, on_drip, drip);
}

/* A byte now and then keeps nobody waiting for ever: what is given to a call is for its last byte. */
static void
test_drops(gconstpointer head)
{
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    XdConnection *connection = open_well(toolstack, FALSE);
    Drip drip = {.head = head};
    g_auto(ToolstackAnswer) answer = {0};
    XdCall request = {
        .method = REPEATABLE, .parameters = g_variant_new("(s)", "OpaqueRef:x"), .timeout_ms = 200};

    toolstack_plant(toolstack, REPEATABLE, 1, 1, answer_in_drops, &drip);
    xd_call(connection, &request, NULL, toolstack_on_called, &answer);
    while (!answer.ended)
        g_main_context_iteration(NULL, TRUE);
    g_assert_error(answer.error, XD_ERROR, HVD_ERROR_TIMED_OUT);
    drip_stop(&drip);
    assert_goes_on(connection);
    toolstack_close(connection);
}

/* ---- what is made of answers: a reference goes into a cookie, a uuid into marks ---- */

static void
assert_not_opened(const char *method, const char *value)
{
    const char *settings[] = {"pool.encoding=json", NULL};
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    g_autoptr(GError) error = NULL;

    toolstack_plant(toolstack, method, 1, 9, answer_with, (char *) value);
    g_assert_null(toolstack_open(toolstack, settings, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_PROTOCOL);
    g_assert_cmpuint(toolstack_count(toolstack, "event.from"), ==, 0);
}

static void
test_references(void)
{
    static const char *const bad[] = {
        "\"\"",    "\"OpaqueRef:x\\r\\nEvil: 1\"", "\"a b\"", "\"a;b\"", "\"a,b\"", "\"\\u00fc\"",
        "\"\\\"\""};
    static const char *const bad_uuids[] = {"\"\"", "\"x\"",
                                            "\"66666666-7777-8888-9999-00000000000g\"",
                                            "\"66666666-7777-8888-9999-000000000000;a;b\""};
    g_autofree char *longest = g_strnfill(600, 'a');
    g_autofree char *quoted = g_strdup_printf("\"%s\"", longest);

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_not_opened("session.login_with_password", bad[i]);
    assert_not_opened("session.login_with_password", quoted);
    for (gsize i = 0; i < G_N_ELEMENTS(bad_uuids); i++)
        assert_not_opened("session.get_uuid", bad_uuids[i]);
}

/* ---- the poll ---- */

static gboolean
is_fresh(const XdConnection *connection)
{
    return xd_mirror_is_complete(connection->mirror) &&
           xd_mirror_get_age_ms(connection->mirror) == 0;
}

/* The first picture of a pool, and every later one: opening fails, or the mirror is stale for a while. */
static void
test_poll(gconstpointer data)
{
    const Case *c = data;
    const char *settings[] = {c->xml ? "pool.encoding=xml" : "pool.encoding=json",
                              "mirror.max-bytes=16777216", NULL};
    g_autoptr(Toolstack) first = toolstack_new(NULL);
    g_autoptr(Toolstack) later = toolstack_new(NULL);
    XdConnection *connection;
    g_autoptr(GError) error = NULL;

    toolstack_plant(first, "event.from", 1, 5, answer_badly, (gpointer) c);
    g_assert_null(toolstack_open(first, settings, &error));
    g_assert_error(error, XD_ERROR, c->code);
    toolstack_plant(later, "event.from", 2, 1, answer_badly, (gpointer) c);
    connection = open_well(later, c->xml);
    while (toolstack_count(later, "event.from") < 4 || !is_fresh(connection))
        g_main_context_iteration(NULL, TRUE);
    assert_goes_on(connection);
    toolstack_close(connection);
}

static void
assert_opens(const char *max_record, const char *events, gboolean opens)
{
    const char *settings[] = {"pool.encoding=json", max_record, NULL};
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    g_autoptr(GError) error = NULL;
    XdConnection *connection;

    toolstack_plant(toolstack, "event.from", 1, 1, answer_with, (char *) events);
    connection = toolstack_open(toolstack, settings, &error);
    g_assert_cmpint(connection != NULL, ==, opens);
    if (opens) {
        toolstack_close(connection);
        return;
    }
    g_assert_error(error, XD_ERROR, HVD_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(error->message, "a record of VM: name_label: too large"));
}

/* How large an object may be is up to the operator. */
static void
test_large_object(void)
{
    g_autofree char *name = g_strnfill(100000, 'x');
    g_autofree char *events = g_strdup_printf(
        "{\"events\":[{\"class\":\"vm\",\"operation\":\"add\",\"ref\":\"OpaqueRef:a\","
        "\"snapshot\":{\"name_label\":\"%s\"}}],\"valid_ref_counts\":{\"vm\":1},"
        "\"token\":\"the-token\"}",
        name);

    assert_opens("mirror.max-record=131072", events, TRUE);
    assert_opens("mirror.max-record=65536", events, FALSE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *answer = g_strconcat("/hostile/answer/", cases[i].name, NULL);
        g_autofree char *login = g_strconcat("/hostile/login/", cases[i].name, NULL);
        g_autofree char *poll = g_strconcat("/hostile/poll/", cases[i].name, NULL);

        g_test_add_data_func(answer, &cases[i], test_answer);
        g_test_add_data_func(login, &cases[i], test_login);
        g_test_add_data_func(poll, &cases[i], test_poll);
    }
    g_test_add_func("/hostile/nested", test_nested);
    g_test_add_func("/hostile/references", test_references);
    g_test_add_func("/hostile/large-object", test_large_object);
    g_test_add_func("/hostile/impossible", test_impossible);
    g_test_add_func("/hostile/two-answers", test_two_answers);
    g_test_add_data_func("/hostile/drops-of-a-head", "HTTP/1.1 200 OK\r\nx: ", test_drops);
    g_test_add_data_func("/hostile/drops-of-a-body", JSON "connection: close\r\n\r\n", test_drops);
    return g_test_run();
}
