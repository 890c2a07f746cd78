#include "wire/decoder.h"

#include "wire/json-write.h"
#include "wire/json.h"
#include "wire/number.h"

#include "base/error.h"

#include <string.h>

/* Deeper than any XenAPI value, an event with a record in it included. */
#define MAX_DEPTH 32

/* The members of an answer; the others are passed over. */
typedef enum {
    MEMBER_NONE,
    MEMBER_RESULT,
    MEMBER_ID,
    MEMBER_ERROR,
    MEMBER_ERROR_CODE, /* of an error in the form of 2.0 */
    MEMBER_ERROR_DATA,
} Member;

static const struct {
    const char *name;
    Member member;
    Member parent;
} members[] = {
    {"result", MEMBER_RESULT, MEMBER_NONE},
    {"error", MEMBER_ERROR, MEMBER_NONE},
    {"id", MEMBER_ID, MEMBER_NONE},
    {"message", MEMBER_ERROR_CODE, MEMBER_ERROR},
    {"data", MEMBER_ERROR_DATA, MEMBER_ERROR},
};

/* A decoder is the sink of its own reader: the envelope is taken off, the result handed on. */
typedef struct {
    XdDecoder parent;
    XdSink sink;
    XdJsonReader *reader;
    guint id;

    guint depth; /* of what is open, the answer itself included */
    Member member;
    guint seen; /* bits of members */
    gboolean has_null_result;
    gboolean has_result;
    gboolean has_id; /* the right one */
} JsonDecoder;

static JsonDecoder *
from_sink(XdSink *sink)
{
    return (JsonDecoder *) ((char *) sink - G_STRUCT_OFFSET(JsonDecoder, sink));
}

/* Hands a token of the result on. */
#define FORWARD(self, token, ...)                                                                  \
    xd_forward(&(self)->sink, (self)->parent.result,                                               \
               (self)->parent.result->klass->token(__VA_ARGS__))

static XdVerdict
refuse(JsonDecoder *self, const char *what)
{
    self->sink.error = xd_error_new(HVD_ERROR_PROTOCOL, "no JSON-RPC answer: %s", what);
    return XD_SINK_REFUSE;
}

/* ---- the envelope ---- */

static XdVerdict
enter_member(JsonDecoder *self, Member parent, const char *text, gsize length)
{
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        if (members[i].parent != parent || strlen(members[i].name) != length ||
            memcmp(members[i].name, text, length) != 0)
            continue;
        if ((self->seen & 1u << members[i].member) != 0)
            return refuse(self, "a member stands there twice");
        self->seen |= 1u << members[i].member;
        self->member = members[i].member;
        return XD_SINK_TAKE;
    }
    return XD_SINK_SKIP;
}

static inline gboolean
is_in_result(const JsonDecoder *self)
{
    return self->member == MEMBER_RESULT;
}

/* A value at @depth was the last of its member: what comes next is a key of the level above. */
static void
leave_member(JsonDecoder *self)
{
    if (self->depth == 1)
        self->member = MEMBER_NONE;
    else if (self->depth == 2 && self->member > MEMBER_ERROR)
        self->member = MEMBER_ERROR;
}

/* ---- error: null, ["CODE", ...], or {"message": "CODE", "data": [...]} ---- */

/* Text of the failure list; depth tells elements of the list from what is nested in them. */
static XdVerdict
take_failure(JsonDecoder *self, const char *text, gsize length)
{
    self->parent.failed = TRUE;
    if (self->member == MEMBER_ERROR_CODE && self->depth == 2)
        xd_failure_set_code(&self->parent.failure, text, length);
    else if (self->member == MEMBER_ERROR_DATA && self->depth <= 3)
        xd_failure_add(&self->parent.failure, text, length);
    else if (self->member == MEMBER_ERROR && self->depth <= 2)
        xd_failure_add(&self->parent.failure, text, length);
    return XD_SINK_TAKE;
}

static XdVerdict
take_scalar(JsonDecoder *self, const char *text, gsize length)
{
    XdVerdict verdict = XD_SINK_TAKE;

    if (self->depth == 0)
        return refuse(self, "it is no object");
    if (self->member >= MEMBER_ERROR)
        verdict = take_failure(self, text, length);
    leave_member(self);
    return verdict;
}

/* ---- tokens ---- */

static XdVerdict
json_begin(XdSink *sink, gboolean is_map)
{
    JsonDecoder *self = from_sink(sink);

    if (self->depth == 0 && !is_map)
        return refuse(self, "it is no object");
    self->depth++;
    if (is_in_result(self)) {
        self->has_result = TRUE;
        return FORWARD(self, begin, self->parent.result, is_map);
    }
    if (self->member == MEMBER_ERROR)
        self->parent.failed = TRUE;
    return XD_SINK_TAKE;
}

static XdVerdict
json_end(XdSink *sink)
{
    JsonDecoder *self = from_sink(sink);
    gboolean is_result = is_in_result(self);

    self->depth--;
    leave_member(self);
    return is_result ? FORWARD(self, end, self->parent.result) : XD_SINK_TAKE;
}

static XdVerdict
json_key(XdSink *sink, const char *text, gsize length)
{
    JsonDecoder *self = from_sink(sink);

    if (is_in_result(self))
        return FORWARD(self, key, self->parent.result, text, length);
    if (self->depth == 1)
        return enter_member(self, MEMBER_NONE, text, length);
    if (self->depth == 2 && self->member == MEMBER_ERROR)
        return enter_member(self, MEMBER_ERROR, text, length);
    return XD_SINK_SKIP;
}

/* Begins with what each scalar of the result needs. */
static gboolean
enter_result(JsonDecoder *self)
{
    if (!is_in_result(self))
        return FALSE;
    self->has_result = TRUE;
    leave_member(self);
    return TRUE;
}

static XdVerdict
json_string(XdSink *sink, const char *text, gsize length)
{
    JsonDecoder *self = from_sink(sink);

    if (enter_result(self))
        return FORWARD(self, string, self->parent.result, text, length);
    return take_scalar(self, text, length);
}

static XdVerdict
json_integer(XdSink *sink, gint64 value)
{
    JsonDecoder *self = from_sink(sink);
    char text[24];

    if (enter_result(self))
        return FORWARD(self, integer, self->parent.result, value);
    if (self->member == MEMBER_ID && self->depth == 1)
        self->has_id = value == (gint64) self->id;
    g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, value);
    return take_scalar(self, text, strlen(text));
}

static XdVerdict
json_real(XdSink *sink, double value)
{
    JsonDecoder *self = from_sink(sink);
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (enter_result(self))
        return FORWARD(self, real, self->parent.result, value);
    g_ascii_dtostr(text, sizeof text, value);
    return take_scalar(self, text, strlen(text));
}

static XdVerdict
json_boolean(XdSink *sink, gboolean value)
{
    JsonDecoder *self = from_sink(sink);
    const char *text = value ? "true" : "false";

    if (enter_result(self))
        return FORWARD(self, boolean, self->parent.result, value);
    return take_scalar(self, text, strlen(text));
}

/* An answer of 1.0 always has both result and error, one of them null: which of them is in force
 * is known at its end. */
static XdVerdict
json_null(XdSink *sink)
{
    JsonDecoder *self = from_sink(sink);

    if (is_in_result(self) && self->depth == 1) {
        self->has_null_result = TRUE;
        leave_member(self);
        return XD_SINK_TAKE;
    }
    if (enter_result(self))
        return FORWARD(self, null, self->parent.result);
    if (self->member == MEMBER_ERROR && self->depth == 1) {
        leave_member(self);
        return XD_SINK_TAKE;
    }
    return take_scalar(self, "", 0);
}

static const XdSinkClass envelope_class = {
    .begin = json_begin,
    .end = json_end,
    .key = json_key,
    .string = json_string,
    .integer = json_integer,
    .real = json_real,
    .boolean = json_boolean,
    .null = json_null,
};

/* ---- the codec ---- */

static gboolean
json_feed(XdDecoder *decoder, const char *bytes, gsize length, GError **error)
{
    return xd_json_reader_feed(((JsonDecoder *) decoder)->reader, bytes, length, error);
}

/* A server that is not up yet answers with id 0 whatever was asked: so the id counts only where
 * there is a result (api_server.ml, the handler of its last exception). */
static XdVerdict
check_envelope(JsonDecoder *self)
{
    if (self->parent.failed)
        return self->has_result ? refuse(self, "both a result and an error") : XD_SINK_TAKE;
    if (!self->has_result && !self->has_null_result)
        return refuse(self, "neither a result nor an error");
    if (!self->has_id)
        return refuse(self, "the id is not that of the request");
    if (self->has_null_result)
        return FORWARD(self, null, self->parent.result);
    return XD_SINK_TAKE;
}

static gboolean
json_finish(XdDecoder *decoder, GError **error)
{
    JsonDecoder *self = (JsonDecoder *) decoder;

    if (!xd_json_reader_end(self->reader, error))
        return FALSE;
    if (check_envelope(self) == XD_SINK_TAKE)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&self->sink.error));
    return FALSE;
}

static void
json_free(XdDecoder *decoder)
{
    JsonDecoder *self = (JsonDecoder *) decoder;

    xd_json_reader_free(self->reader);
    g_clear_error(&self->sink.error);
    g_free(self);
}

static const XdDecoderClass decoder_class = {
    .feed = json_feed,
    .end = json_finish,
    .free = json_free,
};

static XdDecoder *
json_decoder_new(XdSink *result, guint id, const XdDecoderLimits *limits, XdArena *arena)
{
    JsonDecoder *self = g_new0(JsonDecoder, 1);
    XdJsonLimits json = {
        .max_bytes = limits->max_bytes,
        .max_depth = MAX_DEPTH,
        .max_string = limits->max_string,
    };

    self->parent.klass = &decoder_class;
    self->parent.result = result;
    self->sink.klass = &envelope_class;
    self->id = id;
    self->reader = xd_json_reader_new(&self->sink, &json, arena);
    return &self->parent;
}

static void
json_encode(const XdRequest *request, XdVault *body)
{
    XdJsonWriter writer;

    xd_json_writer_init(&writer, body, FALSE);
    xd_vault_append_string(body, "{\"jsonrpc\":\"2.0\",\"method\":");
    xd_json_append_string(body, request->method, strlen(request->method));
    xd_vault_append_string(body, ",\"params\":");
    writer.parent.klass->begin(&writer.parent, FALSE);
    xd_request_walk(request, &writer.parent);
    writer.parent.klass->end(&writer.parent);
    xd_vault_append_string(body, ",\"id\":");
    xd_integer_append(body, request->id);
    xd_vault_append_char(body, '}');
    g_clear_error(&writer.parent.error); /* xd_request_check() has told */
}

const XdCodec xd_codec_json = {
    .name = "json",
    .path = "/jsonrpc",
    .content_type = "application/json",
    .encode = json_encode,
    .decoder_new = json_decoder_new,
};
