#include "wire/value.h"

#include "base/error.h"

/* A reader hands over secret text from an arena or from the bytes that it was fed; one copy goes
 * straight into the #XdSecret. Its errors say nothing of what was found. */
struct _XdSecretSink {
    XdSink parent;
    XdArena *arena;
    XdSecret *secret;
    gboolean is_map;
    GHashTable *map; /* (element-type utf8 XdSecret): NULL before it has begun */
    char *key;       /* of the value that comes next */
};

static XdVerdict
refuse(XdSink *sink)
{
    sink->error = xd_error_new(HVD_ERROR_PROTOCOL, "expected %s",
                               ((XdSecretSink *) sink)->is_map ? "a map of strings" : "one string");
    return XD_SINK_REFUSE;
}

static XdVerdict
secret_begin(XdSink *sink, gboolean is_map)
{
    XdSecretSink *self = (XdSecretSink *) sink;

    if (!self->is_map || !is_map || self->map != NULL)
        return refuse(sink);
    self->map =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) xd_secret_unref);
    return XD_SINK_TAKE;
}

static XdVerdict
secret_end(XdSink *sink G_GNUC_UNUSED)
{
    return XD_SINK_TAKE;
}

static XdVerdict
secret_key(XdSink *sink, const char *text, gsize length)
{
    XdSecretSink *self = (XdSecretSink *) sink;

    g_free(self->key);
    self->key = g_strndup(text, length);
    return g_hash_table_contains(self->map, self->key) ? refuse(sink) : XD_SINK_TAKE;
}

static XdVerdict
secret_string(XdSink *sink, const char *text, gsize length)
{
    XdSecretSink *self = (XdSecretSink *) sink;

    if (self->is_map && self->key != NULL) {
        g_hash_table_insert(self->map, g_steal_pointer(&self->key),
                            xd_secret_new(self->arena, text, length));
        return XD_SINK_TAKE;
    }
    if (self->is_map || self->secret != NULL)
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

static const XdSinkClass secret_class = {
    .begin = secret_begin,
    .end = secret_end,
    .key = secret_key,
    .string = secret_string,
    .integer = secret_integer,
    .real = secret_real,
    .boolean = secret_boolean,
    .null = refuse,
};

XdSecretSink *
xd_secret_sink_new(XdArena *arena, gboolean is_map)
{
    XdSecretSink *self = g_new0(XdSecretSink, 1);

    self->parent.klass = &secret_class;
    self->arena = xd_arena_ref(arena);
    self->is_map = is_map;
    return self;
}

XdSecret *
xd_secret_sink_steal(XdSecretSink *self)
{
    return g_steal_pointer(&self->secret);
}

GHashTable *
xd_secret_sink_steal_map(XdSecretSink *self)
{
    return g_steal_pointer(&self->map);
}

void
xd_secret_sink_free(XdSecretSink *self)
{
    g_clear_pointer(&self->map, g_hash_table_unref);
    g_free(self->key);
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
