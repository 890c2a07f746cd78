#include "wire/decoder.h"
#include "wire/xml-write.h"
#include "wire/xml.h"

#include "base/error.h"

#include <string.h>

#define MAX_DEPTH 32

static const XdMemberName members[] = {
    {"Status", XD_MEMBER_STATUS, XD_MEMBER_NONE},
    {"Value", XD_MEMBER_RESULT, XD_MEMBER_NONE},
    {"ErrorDescription", XD_MEMBER_ERROR, XD_MEMBER_NONE},
};

typedef struct {
    XdDecoder parent;
    XdXmlReader *reader;
} XmlDecoder;

static gboolean
xml_feed(XdDecoder *decoder, const char *bytes, gsize length, GError **error)
{
    return xd_xml_reader_feed(((XmlDecoder *) decoder)->reader, bytes, length, error);
}

/* Requests and answers belong together by their connection alone: there is no id. */
static XdVerdict
check_envelope(XdEnvelope *envelope)
{
    gboolean has_result = envelope->has_result || envelope->has_null_result;

    if (g_strcmp0(envelope->status, "Failure") == 0) {
        if (has_result || !envelope->has_failed)
            return xd_envelope_refuse(envelope, "a failure with a value or without a list");
        return XD_SINK_TAKE;
    }
    if (g_strcmp0(envelope->status, "Success") != 0)
        return xd_envelope_refuse(envelope, "neither success nor failure");
    if (!has_result || envelope->has_failed)
        return xd_envelope_refuse(envelope, "a success without a value or with a failure list");
    return envelope->has_null_result ? xd_envelope_tell_null(envelope) : XD_SINK_TAKE;
}

static gboolean
xml_end(XdDecoder *decoder, GError **error)
{
    XmlDecoder *self = (XmlDecoder *) decoder;

    if (!xd_xml_reader_end(self->reader, error))
        return FALSE;
    if (check_envelope(&decoder->envelope) == XD_SINK_TAKE)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&decoder->envelope.sink.error));
    return FALSE;
}

static void
xml_free(XdDecoder *decoder)
{
    XmlDecoder *self = (XmlDecoder *) decoder;

    xd_xml_reader_free(self->reader);
    g_free(self);
}

static const XdDecoderClass decoder_class = {
    .feed = xml_feed,
    .end = xml_end,
    .free = xml_free,
};

static XdDecoder *
xml_decoder_new(XdSink *result, guint id G_GNUC_UNUSED, const XdDecoderLimits *limits,
                XdArena *arena)
{
    XmlDecoder *self = g_new0(XmlDecoder, 1);
    XdXmlLimits xml = {
        .max_bytes = limits->max_bytes,
        .max_depth = MAX_DEPTH,
        .max_string = limits->max_string,
    };

    self->parent.klass = &decoder_class;
    xd_envelope_init(&self->parent.envelope, result, members, G_N_ELEMENTS(members));
    self->reader = xd_xml_reader_new(&self->parent.envelope.sink, XD_XML_RESPONSE, &xml, arena);
    return &self->parent;
}

static void
xml_encode(const XdRequest *request, XdVault *body)
{
    XdXmlWriter writer;

    xd_xml_writer_init(&writer, body);
    xd_vault_append_string(body, "<?xml version=\"1.0\"?><methodCall><methodName>");
    xd_xml_append_text(body, request->method, strlen(request->method));
    xd_vault_append_string(body, "</methodName><params>");
    xd_request_walk(request, &writer.parent);
    xd_vault_append_string(body, "</params></methodCall>");
    g_clear_error(&writer.parent.error); /* xd_request_check() has told */
}

const XdCodec xd_codec_xml = {
    .name = "xml",
    .path = "/",
    .content_type = "text/xml",
    .encode = xml_encode,
    .decoder_new = xml_decoder_new,
};
