/* SEC-16: what the toolstack was recorded to say, cut at every byte: log-in, call and batch of events, in both
 * encodings. A cut answer is never taken for a whole one, and the next whole one is taken. */
#include "toolstack.h"

#include "xenapi/batch.h"
#include "xenapi/mirror.h"

#include "wire/rpc.h"

#include <string.h>

#define LOG_IN "session.login_with_password"

/* How the server cuts. */
typedef enum {
    HANG_UP, /* so many bytes of the message, and the end */
    SHORTEN, /* a whole message about so many bytes of the body */
    N_WAYS,
} Way;

typedef struct {
    const char *body; /* with the id of the request */
    gsize length;
    Way way;
    gboolean was_whole;
} Cut;

/* ---- recordings ---- */

/* Its body; the id is 1. */
static char *
recorded(const char *name)
{
    g_autofree char *file = g_strconcat(TEST_CAPTURES, "/", name, ".resp", NULL);
    g_autofree char *text = NULL;
    const char *body;

    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    body = strstr(text, "\r\n\r\n");
    g_assert_nonnull(body);
    return g_strdup(body + 4);
}

static char *
with_id(const char *body, guint id)
{
    g_autofree char *own = g_strdup_printf("\"id\":%u}", id);
    const char *end =
        g_str_has_suffix(body, "\"id\":1}") ? body + strlen(body) - strlen("\"id\":1}") : NULL;
    g_autofree char *begin = end != NULL ? g_strndup(body, (gsize) (end - body)) : NULL;

    return end != NULL ? g_strconcat(begin, own, NULL) : g_strdup(body);
}

/* ---- answers ---- */

static void
answer_cut(TestRequest *request, guint id, gpointer data)
{
    Cut *cut = data;
    g_autofree char *body = with_id(cut->body, id);
    gsize length = cut->way == SHORTEN ? MIN(cut->length, strlen(body)) : strlen(body);
    g_autoptr(GString) message = g_string_new(NULL);

    g_string_printf(message,
                    "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\nconnection: keep-alive\r\n"
                    "content-type: %s\r\n\r\n",
                    length, body[0] == '<' ? "text/xml" : "application/json");
    g_string_append_len(message, body, (gssize) length);
    cut->was_whole = length == strlen(body) && (cut->way == SHORTEN || cut->length >= message->len);
    if (cut->was_whole || cut->way == SHORTEN) {
        test_request_send(request, message->str, (gssize) message->len);
        return;
    }
    test_request_send(request, message->str, (gssize) cut->length);
    test_request_hang_up(request);
}

static XdConnection *
try_open(Toolstack *toolstack, gboolean xml, GError **error)
{
    const char *settings[] = {xml ? "pool.encoding=xml" : "pool.encoding=json", NULL};

    return toolstack_open(toolstack, settings, error);
}

/* ---- log-in ---- */

static void
cut_log_in(const char *name, gboolean xml, Way way)
{
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    g_autofree char *body = recorded(name);
    Cut cut = {.body = body, .way = way};

    for (;; cut.length++) {
        g_autoptr(GError) error = NULL;
        XdConnection *connection;

        toolstack_plant(toolstack, LOG_IN, 1, 1, answer_cut, &cut);
        connection = try_open(toolstack, xml, &error);
        if (cut.was_whole) {
            g_assert_no_error(error);
            toolstack_close(connection);
            return;
        }
        g_assert_null(connection);
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL) ||
                      xd_error_is(error, HVD_ERROR_NOT_REACHABLE));
        g_assert_cmpuint(toolstack_count(toolstack, "event.from"), ==, 0);
    }
}

static void
test_log_in(void)
{
    for (Way way = 0; way < N_WAYS; way++) {
        cut_log_in("json2_login", FALSE, way);
        cut_log_in("login_with_password", TRUE, way);
    }
}

/* ---- calls ---- */

/* The last round is whole. */
static void
cut_call(const char *name, const char *method, gboolean xml, Way way)
{
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    XdConnection *connection = try_open(toolstack, xml, NULL);
    g_autofree char *body = recorded(name);
    gboolean repeatable = strcmp(method, REPEATABLE) == 0;
    Cut cut = {.body = body, .way = way};

    for (; !cut.was_whole; cut.length++) {
        g_auto(ToolstackAnswer) answer = {0};
        guint before = toolstack_count(toolstack, method);

        toolstack_plant(toolstack, method, 1, G_MAXUINT, answer_cut, &cut);
        toolstack_call(connection, method, &answer);
        if (cut.was_whole) {
            g_assert_no_error(answer.error);
            g_assert_true(g_str_has_prefix(answer.value, "OpaqueRef:"));
        } else if (repeatable) {
            g_assert_true(xd_error_is(answer.error, HVD_ERROR_PROTOCOL) ||
                          xd_error_is(answer.error, HVD_ERROR_NOT_REACHABLE));
        } else {
            g_assert_error(answer.error, XD_ERROR, HVD_ERROR_UNKNOWN_OUTCOME);
            g_assert_true(answer.unknown);
            g_assert_cmpuint(toolstack_count(toolstack, method), ==, before + 1);
        }
    }
    toolstack_close(connection);
}

static void
test_call(void)
{
    for (Way way = 0; way < N_WAYS; way++) {
        cut_call("json2_Async_SR_scan", REPEATABLE, FALSE, way);
        cut_call("json2_Async_SR_scan", UNREPEATABLE, FALSE, way);
        cut_call("VM_get_resident_on", REPEATABLE, TRUE, way);
        cut_call("VM_get_resident_on", UNREPEATABLE, TRUE, way);
    }
}

/* ---- batches of events ---- */

#define JSON_BATCH(event, token)                                                                   \
    "{\"jsonrpc\":\"2.0\",\"result\":{\"events\":[" event "],\"valid_ref_counts\":{\"vm\":1},"     \
    "\"token\":\"" token "\"},\"id\":1}"
#define JSON_VM(operation, uuid)                                                                   \
    "{\"id\":\"1\",\"timestamp\":\"0.0\",\"class\":\"vm\",\"operation\":\"" operation              \
    "\",\"ref\":\"OpaqueRef:" uuid "\",\"snapshot\":{\"uuid\":\"" uuid "\"}}"
#define XML_BATCH(event, token)                                                                    \
    "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status"    \
    "</name><value>Success</value></member><member><name>Value</name><value><struct><member>"      \
    "<name>events</name><value><array><data>" event "</data></array></value></member><member>"     \
    "<name>valid_ref_counts</name><value><struct><member><name>vm</name><value><i4>1</i4></value>" \
    "</member></struct></value></member><member><name>token</name><value>" token                   \
    "</value></member></struct></value></member></struct></value></param></params>"                \
    "</methodResponse>"
#define XML_VM(operation, uuid)                                                                    \
    "<value><struct><member><name>id</name><value>1</value></member><member><name>class</name>"    \
    "<value>vm</value></member><member><name>operation</name><value>" operation                    \
    "</value></member><member><name>ref</name><value>OpaqueRef:" uuid "</value></member><member>"  \
    "<name>snapshot</name><value><struct><member><name>uuid</name><value>" uuid                    \
    "</value></member></struct></value></member></struct></value>"
#define DEL(uuid)                                                                                  \
    "{\"id\":\"2\",\"class\":\"vm\",\"operation\":\"del\",\"ref\":\"OpaqueRef:" uuid "\"}"
#define XML_DEL(uuid)                                                                              \
    "<value><struct><member><name>class</name><value>vm</value></member><member><name>operation"   \
    "</name><value>del</value></member><member><name>ref</name><value>OpaqueRef:" uuid             \
    "</value></member></struct></value>"

/* One after the other: the picture, a cut batch that would change it, the picture again, ... */
typedef struct {
    const char *picture;
    Cut cut;
    XdConnection *connection;
    gboolean ended;
} Poll;

static void
assert_only(const Poll *poll, const char *uuid)
{
    const XdMirror *mirror = poll->connection->mirror;

    g_assert_cmpuint(xd_mirror_count(mirror, &xd_class_vm), ==, 1);
    g_assert_nonnull(xd_mirror_find_one(mirror, XD_BY_VM_UUID, uuid));
}

static void
on_poll(TestRequest *request, guint id, gpointer data)
{
    Poll *poll = data;
    Cut whole = {.body = poll->picture, .length = G_MAXSIZE, .way = SHORTEN};

    if (poll->cut.was_whole) { /* it has been taken, and the driver waits for more */
        poll->ended = TRUE;
        return;
    }
    if (strstr(request->body->str, "the-token") != NULL) {
        if (poll->connection != NULL)
            assert_only(poll, "a");
        answer_cut(request, id, &poll->cut);
        poll->cut.length++;
        return;
    }
    if (poll->connection != NULL) /* not a half of the cut one has been taken */
        assert_only(poll, "a");
    answer_cut(request, id, &whole);
}

static void
cut_poll(const char *picture, const char *change, gboolean xml, Way way)
{
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    Poll poll = {.picture = picture, .cut = {.body = change, .way = way}};
    g_autoptr(GError) error = NULL;

    toolstack_plant(toolstack, "event.from", 1, G_MAXUINT, on_poll, &poll);
    poll.connection = try_open(toolstack, xml, &error);
    g_assert_no_error(error);
    while (!poll.ended)
        g_main_context_iteration(NULL, TRUE);
    assert_only(&poll, "b");
    g_assert_true(xd_mirror_is_fresh(poll.connection->mirror));
    g_assert_cmpuint(toolstack_count(toolstack, "event.from"), >, 2 * strlen(change));
    toolstack_close(poll.connection);
}

static void
test_poll(void)
{
    for (Way way = 0; way < N_WAYS; way++) {
        cut_poll(JSON_BATCH(JSON_VM("add", "a"), "the-token"),
                 JSON_BATCH(DEL("a") "," JSON_VM("add", "b"), "another"), FALSE, way);
        cut_poll(XML_BATCH(XML_VM("add", "a"), "the-token"),
                 XML_BATCH(XML_DEL("a") XML_VM("add", "b"), "another"), TRUE, way);
    }
}

/* ---- whole recordings of batches ---- */

static gboolean
decode(XdBatch *batch, const XdCodec *codec, const char *text, gsize length, XdArena *arena)
{
    const XdDecoderLimits limits = {.max_bytes = 1 << 20, .max_string = 1 << 16};
    g_autoptr(XdDecoder) decoder = NULL;
    g_auto(GStrv) failure = NULL;

    xd_batch_reset(batch);
    decoder = codec->decoder_new(xd_batch_get_sink(batch), 1, &limits, arena);
    return xd_decoder_feed(decoder, text, length, NULL) &&
           xd_decoder_end(decoder, &failure, NULL) && failure == NULL;
}

/* At every byte of the last @tail, and at every @step-th before. */
static void
cut_recording(const char *name, const XdCodec *codec, gsize step, gsize tail)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdBatch) batch = xd_batch_new(1 << 20);
    g_autofree char *text = recorded(name);
    gsize length = strlen(text);

    for (gsize n = 0; n < length; n += n + step < length - tail ? step : 1)
        g_assert_false(decode(batch, codec, text, n, arena));
    g_assert_true(decode(batch, codec, text, length, arena));
    g_assert_cmpuint(xd_batch_get_changes(batch)->len, >, 0);
    g_assert_cmpstr(xd_batch_get_token(batch), !=, "");
}

static void
test_recordings(void)
{
    cut_recording("event_from_add", &xd_codec_xml, 1, 0);
    cut_recording("event_from_del", &xd_codec_xml, 1, 0);
    cut_recording("json2_event_from", &xd_codec_json, 13, 1000); /* 48 KiB */
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/truncated/log-in", test_log_in);
    g_test_add_func("/truncated/call", test_call);
    g_test_add_func("/truncated/poll", test_poll);
    g_test_add_func("/truncated/recordings", test_recordings);
    return g_test_run();
}
