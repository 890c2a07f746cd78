#include "wire/envelope.h"

#include "base/error.h"

#include <string.h>

XdVerdict
xd_envelope_refuse(XdEnvelope *self, const char *what)
{
    self->sink.error = xd_error_new(HVD_ERROR_PROTOCOL, "no answer of XenAPI: %s", what);
    return XD_SINK_REFUSE;
}

/* Hands a token of the result on. */
#define FORWARD(self, token, ...)                                                                  \
    take_over((self), (self)->result->klass->token((self)->result, __VA_ARGS__))

static XdVerdict
take_over(XdEnvelope *self, XdVerdict verdict)
{
    if (G_UNLIKELY(verdict == XD_SINK_REFUSE))
        self->sink.error = g_steal_pointer(&self->result->error);
    return verdict;
}

/* ---- members ---- */

static XdVerdict
enter_member(XdEnvelope *self, XdMember parent, const char *text, gsize length)
{
    for (gsize i = 0; i < self->n_names; i++) {
        const XdMemberName *name = &self->names[i];

        if (name->parent != parent || strlen(name->name) != length ||
            memcmp(name->name, text, length) != 0)
            continue;
        if ((self->seen & 1u << name->member) != 0)
            return xd_envelope_refuse(self, "a member stands there twice");
        self->seen |= 1u << name->member;
        self->member = name->member;
        return XD_SINK_TAKE;
    }
    return XD_SINK_SKIP;
}

/* Once a value is complete: was it the last of its member? */
static void
leave_member(XdEnvelope *self)
{
    if (self->depth == 1)
        self->member = XD_MEMBER_NONE;
    else if (self->depth == 2 && self->member > XD_MEMBER_ERROR)
        self->member = XD_MEMBER_ERROR;
}

static inline gboolean
is_in_result(const XdEnvelope *self)
{
    return self->member == XD_MEMBER_RESULT;
}

/* In front of each scalar: is it the result's? */
static gboolean
enter_result(XdEnvelope *self)
{
    if (!is_in_result(self))
        return FALSE;
    self->has_result = TRUE;
    leave_member(self);
    return TRUE;
}

/* Three shapes: "CODE", ["CODE", ...] and {"message": "CODE", "data": [...]}. What is nested deeper
 * is no part of the list. */
static void
take_failure(XdEnvelope *self, const char *text, gsize length)
{
    self->has_failed = TRUE;
    if (self->member == XD_MEMBER_ERROR_CODE && self->depth == 2)
        xd_failure_set_code(&self->failure, text, length);
    else if (self->member == XD_MEMBER_ERROR_DATA && self->depth <= 3)
        xd_failure_add(&self->failure, text, length);
    else if (self->member == XD_MEMBER_ERROR && self->depth <= 2)
        xd_failure_add(&self->failure, text, length);
}

/* A scalar beside the result, as text. */
static XdVerdict
take_scalar(XdEnvelope *self, const char *text, gsize length)
{
    if (self->depth == 0)
        return xd_envelope_refuse(self, "it is no object");
    if (self->member >= XD_MEMBER_ERROR)
        take_failure(self, text, length);
    else if (self->member == XD_MEMBER_STATUS && self->depth == 1)
        self->status = g_strndup(text, length);
    leave_member(self);
    return XD_SINK_TAKE;
}

/* ---- tokens ---- */

static XdVerdict
envelope_begin(XdSink *sink, gboolean is_map)
{
    XdEnvelope *self = (XdEnvelope *) sink;

    if (self->depth == 0 && !is_map)
        return xd_envelope_refuse(self, "it is no object");
    self->depth++;
    if (is_in_result(self)) {
        self->has_result = TRUE;
        return FORWARD(self, begin, is_map);
    }
    if (self->member == XD_MEMBER_ERROR)
        self->has_failed = TRUE;
    return XD_SINK_TAKE;
}

static XdVerdict
envelope_end(XdSink *sink)
{
    XdEnvelope *self = (XdEnvelope *) sink;
    gboolean is_result = is_in_result(self);

    self->depth--;
    leave_member(self);
    return is_result ? take_over(self, self->result->klass->end(self->result)) : XD_SINK_TAKE;
}

static XdVerdict
envelope_key(XdSink *sink, const char *text, gsize length)
{
    XdEnvelope *self = (XdEnvelope *) sink;

    if (is_in_result(self))
        return FORWARD(self, key, text, length);
    if (self->depth == 1)
        return enter_member(self, XD_MEMBER_NONE, text, length);
    if (self->depth == 2 && self->member == XD_MEMBER_ERROR)
        return enter_member(self, XD_MEMBER_ERROR, text, length);
    return XD_SINK_SKIP;
}

static XdVerdict
envelope_string(XdSink *sink, const char *text, gsize length)
{
    XdEnvelope *self = (XdEnvelope *) sink;

    return enter_result(self) ? FORWARD(self, string, text, length)
                              : take_scalar(self, text, length);
}

static XdVerdict
envelope_integer(XdSink *sink, gint64 value)
{
    XdEnvelope *self = (XdEnvelope *) sink;
    char text[24];

    if (enter_result(self))
        return FORWARD(self, integer, value);
    if (self->member == XD_MEMBER_ID && self->depth == 1) {
        self->id = value;
        leave_member(self);
        return XD_SINK_TAKE;
    }
    g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, value);
    return take_scalar(self, text, strlen(text));
}

static XdVerdict
envelope_real(XdSink *sink, double value)
{
    XdEnvelope *self = (XdEnvelope *) sink;
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (enter_result(self))
        return FORWARD(self, real, value);
    g_ascii_dtostr(text, sizeof text, value);
    return take_scalar(self, text, strlen(text));
}

static XdVerdict
envelope_boolean(XdSink *sink, gboolean value)
{
    XdEnvelope *self = (XdEnvelope *) sink;
    const char *text = value ? "true" : "false";

    return enter_result(self) ? FORWARD(self, boolean, value)
                              : take_scalar(self, text, strlen(text));
}

/* An answer of JSON-RPC 1.0 always has both result and error, one of them null: which of them is in
 * force is known at its end. */
static XdVerdict
envelope_null(XdSink *sink)
{
    XdEnvelope *self = (XdEnvelope *) sink;

    if (self->depth == 1 && is_in_result(self)) {
        self->has_null_result = TRUE;
        leave_member(self);
        return XD_SINK_TAKE;
    }
    if (enter_result(self))
        return take_over(self, self->result->klass->null(self->result));
    if (self->depth == 1 && self->member == XD_MEMBER_ERROR) {
        leave_member(self);
        return XD_SINK_TAKE;
    }
    return take_scalar(self, "", 0);
}

XdVerdict
xd_envelope_tell_null(XdEnvelope *self)
{
    return take_over(self, self->result->klass->null(self->result));
}

static const XdSinkClass envelope_class = {
    .begin = envelope_begin,
    .end = envelope_end,
    .key = envelope_key,
    .string = envelope_string,
    .integer = envelope_integer,
    .real = envelope_real,
    .boolean = envelope_boolean,
    .null = envelope_null,
};

void
xd_envelope_init(XdEnvelope *self, XdSink *result, const XdMemberName *names, gsize n_names)
{
    *self = (XdEnvelope){
        .sink = {.klass = &envelope_class},
        .result = result,
        .names = names,
        .n_names = n_names,
        .id = -1,
    };
}

void
xd_envelope_clear(XdEnvelope *self)
{
    g_clear_error(&self->sink.error);
    xd_failure_clear(&self->failure);
    g_clear_pointer(&self->status, g_free);
}
