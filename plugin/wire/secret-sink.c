#include "wire/value.h"

#include "base/error.h"

/* A reader hands over secret text from an arena or from the bytes that it was fed; one copy goes
 * straight into the #XdSecret. Its errors say nothing of what was found. */
struct _XdSecretSink {
    XdSink parent;
    XdArena *arena;
    XdSecret *secret;
};

static XdVerdict
refuse(XdSink *sink)
{
    sink->error = xd_error_new(HVD_ERROR_PROTOCOL, "expected one string");
    return XD_SINK_REFUSE;
}

static XdVerdict
secret_begin(XdSink *sink, gboolean is_map G_GNUC_UNUSED)
{
    return refuse(sink);
}

static XdVerdict
secret_string(XdSink *sink, const char *text, gsize length)
{
    XdSecretSink *self = (XdSecretSink *) sink;

    if (self->secret != NULL)
        return refuse(sink);
    self->secret = xd_secret_new(self->arena, text, length);
    return XD_SINK_TAKE;
}

static XdVerdict
secret_integer(XdSink *sink, gint64 value G_GNUC_UNUSED)
{
    return refuse(sink);
}

static XdVerdict
secret_real(XdSink *sink, double value G_GNUC_UNUSED)
{
    return refuse(sink);
}

static XdVerdict
secret_boolean(XdSink *sink, gboolean value G_GNUC_UNUSED)
{
    return refuse(sink);
}

/* Neither key() nor end(): they come behind begin() only, and that refuses. */
static const XdSinkClass secret_class = {
    .begin = secret_begin,
    .string = secret_string,
    .integer = secret_integer,
    .real = secret_real,
    .boolean = secret_boolean,
    .null = refuse,
};

XdSecretSink *
xd_secret_sink_new(XdArena *arena)
{
    XdSecretSink *self = g_new0(XdSecretSink, 1);

    self->parent.klass = &secret_class;
    self->arena = xd_arena_ref(arena);
    return self;
}

XdSecret *
xd_secret_sink_steal(XdSecretSink *self)
{
    return g_steal_pointer(&self->secret);
}

void
xd_secret_sink_free(XdSecretSink *self)
{
    g_clear_pointer(&self->secret, xd_secret_unref);
    g_clear_error(&self->parent.error);
    xd_arena_unref(self->arena);
    g_free(self);
}

XdSink *
xd_secret_sink_get_sink(XdSecretSink *self)
{
    return &self->parent;
}
