#include "wire/decoder.h"
#include "wire/value.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

gboolean
xd_decoder_feed(XdDecoder *decoder, const char *bytes, gsize length, GError **error)
{
    return decoder->klass->feed(decoder, bytes, length, error);
}

gboolean
xd_decoder_end(XdDecoder *decoder, char ***failure, GError **error)
{
    *failure = NULL;
    if (!decoder->klass->end(decoder, error))
        return FALSE;
    if (!decoder->envelope.has_failed)
        return TRUE;
    *failure = xd_failure_steal(&decoder->envelope.failure);
    if (*failure == NULL)
        xd_set_error(error, HVD_ERROR_PROTOCOL, "the answer is a failure without a code");
    return *failure != NULL;
}

void
xd_decoder_free(XdDecoder *decoder)
{
    xd_envelope_clear(&decoder->envelope);
    decoder->klass->free(decoder);
}

/* ---- requests ---- */

XdVerdict
xd_request_walk(const XdRequest *request, XdSink *sink)
{
    XdVerdict verdict = XD_SINK_TAKE;
    gsize n = request->parameters != NULL ? g_variant_n_children(request->parameters) : 0;
    const char *text;
    gsize length;

    if (request->session != NULL) {
        text = xd_secret_reveal(request->session, &length);
        verdict = sink->klass->string(sink, text, length);
    }
    for (gsize i = 0; verdict == XD_SINK_TAKE && i < n; i++) {
        g_autoptr(GVariant) value = g_variant_get_child_value(request->parameters, i);

        verdict = xd_value_walk(value, request->secrets, sink);
    }
    return verdict;
}

/* ---- the check: a sink that takes nothing but what both encodings can carry ---- */

/* Deeper than any parameter: a record with a map in it. */
#define MAX_DEPTH 16

typedef struct {
    XdSink parent;
    guint depth;
} RequestCheck;

static XdVerdict
refuse(XdSink *sink, const char *what)
{
    sink->error = xd_error_new(HVD_ERROR_INVALID, "%s", what);
    return XD_SINK_REFUSE;
}

static XdVerdict
check_begin(XdSink *sink, gboolean is_map G_GNUC_UNUSED)
{
    RequestCheck *check = (RequestCheck *) sink;

    return check->depth++ < MAX_DEPTH ? XD_SINK_TAKE : refuse(sink, "nested too deeply");
}

static XdVerdict
check_end(XdSink *sink)
{
    RequestCheck *check = (RequestCheck *) sink;

    check->depth--;
    return XD_SINK_TAKE;
}

static XdVerdict
check_null(XdSink *sink G_GNUC_UNUSED)
{
    return XD_SINK_TAKE;
}

/* XML 1.0, production 2. */
static gboolean
is_xml_char(gunichar c)
{
    return c >= 0x20 ? c != 0xfffe && c != 0xffff : c == '\t' || c == '\n' || c == '\r';
}

static XdVerdict
check_string(XdSink *sink, const char *text, gsize length)
{
    const char *end = text + length;

    if (xd_plain_length(text, length) == length)
        return XD_SINK_TAKE;
    if (!g_utf8_validate_len(text, length, NULL))
        return refuse(sink, "text that is no UTF-8 or has a NUL cannot be sent");
    for (const char *p = text; p < end; p = g_utf8_next_char(p)) {
        if (!is_xml_char(g_utf8_get_char(p)))
            return refuse(sink, "text with a control character cannot be sent");
    }
    return XD_SINK_TAKE;
}

static XdVerdict
check_key(XdSink *sink, const char *text, gsize length)
{
    return length > 0 ? check_string(sink, text, length)
                      : refuse(sink, "a map with an empty key cannot be sent");
}

static XdVerdict
check_integer(XdSink *sink G_GNUC_UNUSED, gint64 value G_GNUC_UNUSED)
{
    return XD_SINK_TAKE;
}

static XdVerdict
check_real(XdSink *sink, double value)
{
    return isfinite(value) ? XD_SINK_TAKE
                           : refuse(sink, "a float that is no number cannot be sent");
}

static XdVerdict
check_boolean(XdSink *sink G_GNUC_UNUSED, gboolean value G_GNUC_UNUSED)
{
    return XD_SINK_TAKE;
}

static const XdSinkClass check_class = {
    .begin = check_begin,
    .end = check_end,
    .key = check_key,
    .string = check_string,
    .integer = check_integer,
    .real = check_real,
    .boolean = check_boolean,
    .null = check_null,
};

gboolean
xd_request_check(const XdRequest *request, GError **error)
{
    RequestCheck check = {.parent = {.klass = &check_class}};
    XdSink *sink = &check.parent;

    if (check_string(sink, request->method, strlen(request->method)) == XD_SINK_TAKE &&
        xd_request_walk(request, sink) == XD_SINK_TAKE)
        return TRUE;
    if (sink->error == NULL)
        sink->error = xd_error_new(HVD_ERROR_INVALID, "a value that cannot be sent");
    g_propagate_prefixed_error(error, sink->error, "%s: ", request->method);
    return FALSE;
}
