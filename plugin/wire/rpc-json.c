#include "wire/decoder.h"
#include "wire/json-write.h"
#include "wire/json.h"
#include "wire/number.h"

#include "base/error.h"

#include <string.h>

/* Deeper than any XenAPI value, an event with a record in it included. */
#define MAX_DEPTH 32

static const XdMemberName members[] = {
    {"result", XD_MEMBER_RESULT, XD_MEMBER_NONE},
    {"error", XD_MEMBER_ERROR, XD_MEMBER_NONE},
    {"id", XD_MEMBER_ID, XD_MEMBER_NONE},
    {"message", XD_MEMBER_ERROR_CODE, XD_MEMBER_ERROR},
    {"data", XD_MEMBER_ERROR_DATA, XD_MEMBER_ERROR},
};

typedef struct {
    XdDecoder parent;
    XdJsonReader *reader;
    guint id;
} JsonDecoder;

static gboolean
json_feed(XdDecoder *decoder, const char *bytes, gsize length, GError **error)
{
    return xd_json_reader_feed(((JsonDecoder *) decoder)->reader, bytes, length, error);
}

/* A server that is not up yet answers with id 0 whatever was asked: so the id counts only where
 * there is a result (api_server.ml, the handler of its last exception). */
static XdVerdict
check_envelope(XdEnvelope *envelope, guint id)
{
    if (envelope->has_failed)
        return envelope->has_result ? xd_envelope_refuse(envelope, "both a result and an error")
                                    : XD_SINK_TAKE;
    if (!envelope->has_result && !envelope->has_null_result)
        return xd_envelope_refuse(envelope, "neither a result nor an error");
    if (envelope->id != (gint64) id)
        return xd_envelope_refuse(envelope, "the id is not that of the request");
    return envelope->has_null_result ? xd_envelope_tell_null(envelope) : XD_SINK_TAKE;
}

static gboolean
json_end(XdDecoder *decoder, GError **error)
{
    JsonDecoder *self = (JsonDecoder *) decoder;

    if (!xd_json_reader_end(self->reader, error))
        return FALSE;
    if (check_envelope(&decoder->envelope, self->id) == XD_SINK_TAKE)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&decoder->envelope.sink.error));
    return FALSE;
}

static void
json_free(XdDecoder *decoder)
{
    JsonDecoder *self = (JsonDecoder *) decoder;

    xd_json_reader_free(self->reader);
    g_free(self);
}

static const XdDecoderClass decoder_class = {
    .feed = json_feed,
    .end = json_end,
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
    self->id = id;
    xd_envelope_init(&self->parent.envelope, result, members, G_N_ELEMENTS(members));
    self->reader = xd_json_reader_new(&self->parent.envelope.sink, &json, arena);
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
