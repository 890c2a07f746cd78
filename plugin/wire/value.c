#include "wire/value.h"

#include "wire/number.h"

#include "base/error.h"

#include <string.h>

/* All in all. Lists of references have thousands; what is larger is read as records, without a tree, which
 * takes up to a hundred times as many bytes as the text that it is made of. */
#define MAX_VALUES 65536

/* An array or a map that is not complete yet. */
typedef struct {
    const GVariantType *type;
    GPtrArray *items; /* (element-type GVariant): values, or whole entries of a map */
    GHashTable *keys; /* (nullable): of a map, those that were there */
    char *key;        /* whose value comes next */
} Frame;

struct _XdValueSink {
    XdSink parent;
    const GVariantType *type;
    GArray *frames; /* (nullable) (element-type Frame): the innermost last */
    guint n_values;
    GVariant *value;
};

/* ---- what is expected ---- */

static Frame *
innermost(XdValueSink *self)
{
    guint n = self->frames != NULL ? self->frames->len : 0;

    return n > 0 ? &g_array_index(self->frames, Frame, n - 1) : NULL;
}

static const GVariantType *
expected_type(XdValueSink *self)
{
    Frame *frame = innermost(self);
    const GVariantType *element;

    if (frame == NULL)
        return self->type;
    element = g_variant_type_element(frame->type);
    return frame->keys != NULL ? g_variant_type_value(element) : element;
}

static const struct {
    char type;
    const char *name;
} type_names[] = {
    {'s', "a string"},  {'x', "an integer"},   {'d', "a float"},
    {'b', "a boolean"}, {'a', "a set or map"},
};

static XdVerdict
refuse(XdValueSink *self, const char *found)
{
    char type = g_variant_type_peek_string(expected_type(self))[0];
    const char *name = "one value only";

    for (gsize i = 0; self->value == NULL && i < G_N_ELEMENTS(type_names); i++) {
        if (type_names[i].type == type)
            name = type_names[i].name;
    }
    self->parent.error = xd_error_new(HVD_ERROR_PROTOCOL, "expected %s, found %s", name, found);
    return XD_SINK_REFUSE;
}

/* ---- building ---- */

static XdVerdict
add(XdValueSink *self, GVariant *value)
{
    Frame *frame = innermost(self);

    if (++self->n_values > MAX_VALUES) {
        g_variant_unref(g_variant_ref_sink(value));
        self->parent.error = xd_error_new(HVD_ERROR_PROTOCOL, "more than %d values", MAX_VALUES);
        return XD_SINK_REFUSE;
    }
    if (g_variant_type_equal(expected_type(self), G_VARIANT_TYPE_VARIANT))
        value = g_variant_new_variant(value);
    if (frame == NULL) {
        self->value = g_variant_ref_sink(value);
        return XD_SINK_TAKE;
    }
    if (frame->keys != NULL) {
        value = g_variant_new_dict_entry(g_variant_new_take_string(frame->key), value);
        frame->key = NULL;
    }
    g_ptr_array_add(frame->items, g_variant_ref_sink(value));
    return XD_SINK_TAKE;
}

/* One letter says whether a scalar may stand here: its own type, or anything. */
static gboolean
fits(XdValueSink *self, const char *types)
{
    char type = g_variant_type_peek_string(expected_type(self))[0];

    return self->value == NULL && (type == 'v' || strchr(types, type) != NULL);
}

static gboolean
is_expected(XdValueSink *self, char type)
{
    return g_variant_type_peek_string(expected_type(self))[0] == type;
}

static void
frame_clear(Frame *frame)
{
    g_ptr_array_unref(frame->items);
    g_clear_pointer(&frame->keys, g_hash_table_unref);
    g_free(frame->key);
}

static void
push_frame(XdValueSink *self, Frame frame)
{
    if (self->frames == NULL) {
        self->frames = g_array_new(FALSE, FALSE, sizeof(Frame));
        g_array_set_clear_func(self->frames, (GDestroyNotify) frame_clear);
    }
    g_array_append_val(self->frames, frame);
}

static XdVerdict
value_begin(XdSink *sink, gboolean is_map)
{
    XdValueSink *self = (XdValueSink *) sink;
    const GVariantType *type = expected_type(self);
    Frame frame = {0};

    if (!fits(self, "a"))
        return refuse(self, is_map ? "a map" : "a set");
    if (is_expected(self, 'v'))
        type = is_map ? G_VARIANT_TYPE_VARDICT : G_VARIANT_TYPE("av");
    if (g_variant_type_is_dict_entry(g_variant_type_element(type)) != is_map)
        return refuse(self, is_map ? "a map" : "a set");
    frame.type = type;
    frame.items = g_ptr_array_new_with_free_func((GDestroyNotify) g_variant_unref);
    if (is_map)
        frame.keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    push_frame(self, frame);
    return XD_SINK_TAKE;
}

static XdVerdict
value_end(XdSink *sink)
{
    XdValueSink *self = (XdValueSink *) sink;
    Frame *frame = innermost(self);
    GVariant *value =
        g_variant_new_array(g_variant_type_element(frame->type),
                            (GVariant *const *) frame->items->pdata, frame->items->len);

    g_array_set_size(self->frames, self->frames->len - 1);
    return add(self, value);
}

static XdVerdict
value_key(XdSink *sink, const char *text, gsize length)
{
    XdValueSink *self = (XdValueSink *) sink;
    Frame *frame = innermost(self);

    frame->key = g_strndup(text, length);
    if (g_hash_table_add(frame->keys, g_strdup(frame->key)))
        return XD_SINK_TAKE;
    return refuse(self, "the same key twice");
}

static XdVerdict
value_string(XdSink *sink, const char *text, gsize length)
{
    XdValueSink *self = (XdValueSink *) sink;
    gint64 integer;
    double real;

    if (!fits(self, "sxd"))
        return refuse(self, "a string");
    if (is_expected(self, 'x'))
        return xd_integer_parse(text, length, &integer) ? add(self, g_variant_new_int64(integer))
                                                        : refuse(self, "other text");
    if (is_expected(self, 'd'))
        return xd_real_parse(text, length, &real) ? add(self, g_variant_new_double(real))
                                                  : refuse(self, "other text");
    return add(self, g_variant_new_take_string(g_strndup(text, length)));
}

static XdVerdict
value_integer(XdSink *sink, gint64 value)
{
    XdValueSink *self = (XdValueSink *) sink;

    if (!fits(self, "xd"))
        return refuse(self, "an integer");
    return add(self, is_expected(self, 'd') ? g_variant_new_double((double) value)
                                            : g_variant_new_int64(value));
}

static XdVerdict
value_real(XdSink *sink, double value)
{
    XdValueSink *self = (XdValueSink *) sink;

    return fits(self, "d") ? add(self, g_variant_new_double(value)) : refuse(self, "a float");
}

static XdVerdict
value_boolean(XdSink *sink, gboolean value)
{
    XdValueSink *self = (XdValueSink *) sink;

    return fits(self, "b") ? add(self, g_variant_new_boolean(value)) : refuse(self, "a boolean");
}

static XdVerdict
value_null(XdSink *sink)
{
    XdValueSink *self = (XdValueSink *) sink;

    return fits(self, "") ? add(self, g_variant_new_string("")) : refuse(self, "null");
}

static const XdSinkClass value_class = {
    .begin = value_begin,
    .end = value_end,
    .key = value_key,
    .string = value_string,
    .integer = value_integer,
    .real = value_real,
    .boolean = value_boolean,
    .null = value_null,
};

XdValueSink *
xd_value_sink_new(const GVariantType *type)
{
    XdValueSink *self = g_new0(XdValueSink, 1);

    self->parent.klass = &value_class;
    self->type = type;
    return self;
}

GVariant *
xd_value_sink_steal(XdValueSink *self)
{
    return g_steal_pointer(&self->value);
}

void
xd_value_sink_free(XdValueSink *self)
{
    g_clear_pointer(&self->frames, g_array_unref);
    g_clear_pointer(&self->value, g_variant_unref);
    g_clear_error(&self->parent.error);
    g_free(self);
}

XdSink *
xd_value_sink_get_sink(XdValueSink *self)
{
    return &self->parent;
}

/* ---- the way back ---- */

static XdVerdict
refuse_type(GVariant *value, XdSink *sink)
{
    sink->error = xd_error_new(HVD_ERROR_INVALID, "no XenAPI value has the type %s",
                               g_variant_get_type_string(value));
    return XD_SINK_REFUSE;
}

static XdVerdict
walk_entry(GVariant *entry, XdSecret *const *secrets, XdSink *sink)
{
    g_autoptr(GVariant) key = g_variant_get_child_value(entry, 0);
    g_autoptr(GVariant) value = g_variant_get_child_value(entry, 1);
    XdVerdict verdict;
    const char *text;
    gsize length;

    if (!g_variant_is_of_type(key, G_VARIANT_TYPE_STRING))
        return refuse_type(key, sink);
    text = g_variant_get_string(key, &length);
    verdict = sink->klass->key(sink, text, length);
    return verdict == XD_SINK_TAKE ? xd_value_walk(value, secrets, sink) : verdict;
}

static XdVerdict
walk_children(GVariant *value, XdSecret *const *secrets, XdSink *sink)
{
    gboolean is_map = g_variant_is_of_type(value, G_VARIANT_TYPE_DICTIONARY);
    XdVerdict verdict = sink->klass->begin(sink, is_map);

    for (gsize i = 0; verdict != XD_SINK_REFUSE && i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(value, i);

        verdict = is_map ? walk_entry(item, secrets, sink) : xd_value_walk(item, secrets, sink);
    }
    return verdict == XD_SINK_REFUSE ? verdict : sink->klass->end(sink);
}

/* Recursion ends where GVariant's own limit of nesting does. */
XdVerdict
xd_value_walk(GVariant *value, XdSecret *const *secrets, XdSink *sink)
{
    g_autoptr(GVariant) inner = NULL;
    const char *text;
    gsize length;

    switch (g_variant_get_type_string(value)[0]) {
    case 's':
        text = g_variant_get_string(value, &length);
        return sink->klass->string(sink, text, length);
    case 'h':
        g_return_val_if_fail(secrets != NULL, XD_SINK_REFUSE);
        text = xd_secret_reveal(secrets[g_variant_get_handle(value)], &length);
        return sink->klass->string(sink, text, length);
    case 'x': return sink->klass->integer(sink, g_variant_get_int64(value));
    case 'd': return sink->klass->real(sink, g_variant_get_double(value));
    case 'b': return sink->klass->boolean(sink, g_variant_get_boolean(value));
    case 'a': return walk_children(value, secrets, sink);
    case 'v': inner = g_variant_get_variant(value); return xd_value_walk(inner, secrets, sink);
    default: return refuse_type(value, sink);
    }
}
