#include "wire/json-write.h"
#include "wire/json.h"
#include "wire/shape-table.h"
#include "wire/token.h"

#include "base/error.h"

#include <string.h>

#define MAX_BYTES (1024 * 1024)
#define MAX_DEPTH 16

/* What of an unknown name is repeated in an error. */
#define MAX_NAME 64

/* An object, array or map that is not complete yet. */
typedef struct {
    const XdShape *shape;
    gpointer target;            /* the struct, GPtrArray or GHashTable */
    guint64 seen;               /* bits of an object's properties */
    const XdProperty *property; /* of an object: whose value comes next */
    char *key;                  /* of a map: likewise */
    guint index;                /* of an array: likewise */
} Frame;

typedef struct {
    XdTokenSink parent;
    XdArena *arena;
    const XdShape *shape;
    gpointer document;
    Frame frames[MAX_DEPTH];
    guint n_frames;

    /* A part that is kept as JSON text. */
    XdVault text;
    XdJsonWriter writer; /* in use while its depth is above 0 */

    /* A union whose tag has not come yet. */
    XdTape tape;
    guint tape_depth;
    const XdShape *union_shape;
    XdUnion *union_place;
    gboolean is_tag; /* the string that comes next is the tag */
} Parser;

static Frame *
innermost(Parser *self)
{
    return self->n_frames > 0 ? &self->frames[self->n_frames - 1] : NULL;
}

/* ---- errors ---- */

/* RFC 6901. */
static void
append_step(GString *pointer, const char *name)
{
    g_string_append_c(pointer, '/');
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '~')
            g_string_append(pointer, "~0");
        else if (*p == '/')
            g_string_append(pointer, "~1");
        else
            g_string_append_c(pointer, *p);
    }
}

static void
append_frame(GString *pointer, const Frame *frame)
{
    if (frame->shape->kind == XD_SHAPE_ARRAY)
        g_string_append_printf(pointer, "/%u", frame->index);
    else if (frame->property != NULL)
        append_step(pointer, frame->property->name);
    else if (frame->key != NULL)
        append_step(pointer, frame->key);
}

/* @name: (nullable): of a property of the innermost object */
static XdVerdict
refuse_at(Parser *self, const char *name, const char *expected, const char *found)
{
    g_autoptr(GString) pointer = g_string_new(NULL);

    for (guint i = 0; i < self->n_frames; i++)
        append_frame(pointer, &self->frames[i]);
    if (name != NULL)
        append_step(pointer, name);
    if (pointer->len == 0)
        g_string_append(pointer, "the document");
    self->parent.sink.error =
        xd_error_new(HVD_ERROR_INVALID, "%s: expected %s, found %s", pointer->str, expected, found);
    return XD_SINK_REFUSE;
}

static XdVerdict
refuse(Parser *self, const XdShape *shape, const XdToken *token)
{
    g_autofree char *found = xd_token_describe(token);

    return refuse_at(self, NULL, shape->expected,
                     shape->kind == XD_SHAPE_SECRET ? "<hidden>" : found);
}

/* ---- where the next value goes ---- */

static const XdShape *
next_shape(Parser *self)
{
    const Frame *frame = innermost(self);

    if (frame == NULL)
        return self->shape;
    return frame->shape->kind == XD_SHAPE_OBJECT ? frame->property->shape : frame->shape->items;
}

/* In the struct; NULL where it belongs to an array or map. */
static gpointer
next_place(Parser *self)
{
    const Frame *frame = innermost(self);

    if (frame == NULL)
        return self->document;
    if (frame->shape->kind != XD_SHAPE_OBJECT)
        return NULL;
    return xd_property_place(frame->property, frame->target);
}

/* Once it has its value: an error further on is not about this property. */
static void
finish_value(Parser *self)
{
    Frame *frame = innermost(self);

    if (frame == NULL)
        return;
    frame->property = NULL;
    frame->index++;
}

static XdVerdict
store_pointer(Parser *self, gpointer value)
{
    Frame *frame = innermost(self);
    gpointer *place = next_place(self);

    if (place != NULL)
        *place = value;
    else if (frame->shape->kind == XD_SHAPE_ARRAY)
        g_ptr_array_add(frame->target, value);
    else
        g_hash_table_insert(frame->target, g_steal_pointer(&frame->key), value);
    finish_value(self);
    return XD_SINK_TAKE;
}

static void
set_number(const XdShape *shape, gpointer place, gint64 value)
{
    if (shape->kind == XD_SHAPE_INTEGER)
        *(gint64 *) place = value;
    else if (shape->kind == XD_SHAPE_BOOLEAN)
        *(gboolean *) place = value != 0;
    else
        *(guint *) place = (guint) value;
}

static XdVerdict
store_number(Parser *self, const XdShape *shape, gint64 value)
{
    const Frame *frame = innermost(self);

    set_number(shape, next_place(self), value);
    if ((frame->property->flags & XD_PROPERTY_PRESENCE) != 0)
        *(gboolean *) ((char *) frame->target + frame->property->presence) = TRUE;
    finish_value(self);
    return XD_SINK_TAKE;
}

/* ---- defaults ---- */

static void set_defaults(const XdShape *shape, gpointer object, guint64 seen);

static void
set_default(const XdProperty *property, gpointer object)
{
    const XdShape *shape = property->shape;
    gpointer *place = xd_property_place(property, object);

    if (shape->kind == XD_SHAPE_STRING)
        *place = g_strdup(property->default_text);
    else if (shape->kind == XD_SHAPE_ARRAY)
        *place = g_ptr_array_new();
    else if (shape->kind == XD_SHAPE_MAP)
        *place = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    else if (shape->kind == XD_SHAPE_OBJECT)
        set_defaults(shape, place, 0);
    else
        set_number(shape, place, property->default_number);
}

/* Recursion ends where the schema does. */
static void
set_defaults(const XdShape *shape, gpointer object, guint64 seen)
{
    for (guint i = 0; i < shape->n_properties; i++) {
        const XdProperty *property = &shape->properties[i];

        if ((seen >> i & 1) == 0 && (property->flags & XD_PROPERTY_DEFAULT) != 0)
            set_default(property, object);
    }
}

/* ---- parts that are kept as JSON text ---- */

static XdVerdict
write_any(Parser *self, const XdToken *token)
{
    if (self->writer.depth == 0) {
        xd_vault_truncate(&self->text, 0);
        xd_json_writer_init(&self->writer, &self->text, FALSE);
    }
    xd_token_tell(token, &self->writer.parent);
    return self->writer.depth > 0 ? XD_SINK_TAKE : store_pointer(self, g_strdup(self->text.data));
}

/* ---- containers ---- */

static void
push(Parser *self, const XdShape *shape, gpointer target)
{
    self->frames[self->n_frames++] = (Frame){.shape = shape, .target = target};
}

/* The struct of an object or union: embedded, pointed to, or an element of an array. */
static gpointer
make_struct(Parser *self, const XdShape *shape)
{
    const Frame *frame = innermost(self);
    gpointer *place = next_place(self);
    gpointer target;

    if (place != NULL && (frame == NULL || (frame->property->flags & XD_PROPERTY_POINTER) == 0))
        return place;
    target = g_malloc0(shape->size);
    if (place != NULL)
        *place = target;
    else
        g_ptr_array_add(frame->target, target);
    return target;
}

static void
begin_union(Parser *self, const XdShape *shape)
{
    self->union_shape = shape;
    self->union_place = make_struct(self, shape);
    self->tape_depth = 1;
}

static XdVerdict
begin_container(Parser *self, const XdShape *shape, const XdToken *token)
{
    gpointer *place = next_place(self);

    if ((shape->kind == XD_SHAPE_ARRAY) != (token->kind == XD_TOKEN_LIST))
        return refuse(self, shape, token);
    switch (shape->kind) {
    case XD_SHAPE_ARRAY:
        *place = g_ptr_array_new();
        push(self, shape, *place);
        break;
    case XD_SHAPE_MAP:
        *place = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        push(self, shape, *place);
        break;
    case XD_SHAPE_OBJECT: push(self, shape, make_struct(self, shape)); break;
    case XD_SHAPE_UNION: begin_union(self, shape); break;
    case XD_SHAPE_STRING:
    case XD_SHAPE_SECRET:
    case XD_SHAPE_INTEGER:
    case XD_SHAPE_BOOLEAN:
    case XD_SHAPE_ENUM:
    case XD_SHAPE_CONST:
    case XD_SHAPE_ANY:
    default: return refuse(self, shape, token);
    }
    return XD_SINK_TAKE;
}

static XdVerdict
check_required(Parser *self, const Frame *frame)
{
    for (guint i = 0; i < frame->shape->n_properties; i++) {
        const XdProperty *property = &frame->shape->properties[i];

        if ((frame->seen >> i & 1) == 0 && (property->flags & XD_PROPERTY_REQUIRED) != 0)
            return refuse_at(self, property->name, property->shape->expected, "nothing");
    }
    return XD_SINK_TAKE;
}

static XdVerdict
end_container(Parser *self)
{
    const Frame frame = *innermost(self);

    if (frame.shape->kind == XD_SHAPE_OBJECT) {
        if (check_required(self, &frame) == XD_SINK_REFUSE)
            return XD_SINK_REFUSE;
        set_defaults(frame.shape, frame.target, frame.seen);
    }
    self->n_frames--;
    if (frame.shape->kind == XD_SHAPE_ARRAY && frame.index < frame.shape->least)
        return refuse_at(self, NULL, frame.shape->expected, "fewer");
    finish_value(self);
    return XD_SINK_TAKE;
}

/* ---- keys ---- */

static gboolean
is_same(const char *name, const XdToken *token)
{
    return strlen(name) == token->length && memcmp(name, token->text, token->length) == 0;
}

static XdVerdict
enter_property(Parser *self, const XdToken *token)
{
    Frame *frame = innermost(self);
    g_autofree char *escaped = NULL;

    for (guint i = 0; i < frame->shape->n_properties; i++) {
        const XdProperty *property = &frame->shape->properties[i];

        if (!is_same(property->name, token))
            continue;
        if ((frame->seen >> i & 1) != 0)
            return refuse_at(self, property->name, "one such property", "two");
        frame->seen |= G_GUINT64_CONSTANT(1) << i;
        frame->property = property;
        return XD_SINK_TAKE;
    }
    if (frame->shape->is_open)
        return XD_SINK_SKIP;
    escaped = xd_escape(token->text, (gssize) token->length, MAX_NAME);
    return refuse_at(self, escaped, "no such property", "one");
}

static gboolean
has_length(const XdShape *shape, const XdToken *token)
{
    glong n = g_utf8_strlen(token->text, (gssize) token->length);

    return n >= shape->least && n <= shape->most;
}

static XdVerdict
enter_entry(Parser *self, const XdToken *token)
{
    Frame *frame = innermost(self);
    g_autofree char *escaped = xd_escape(token->text, (gssize) token->length, MAX_NAME);
    g_autofree char *key = g_strndup(token->text, token->length);

    if (!has_length(frame->shape, token))
        return refuse_at(self, escaped, frame->shape->expected_key, "another");
    if (g_hash_table_contains(frame->target, key))
        return refuse_at(self, escaped, "one such name", "two");
    frame->key = g_steal_pointer(&key);
    return XD_SINK_TAKE;
}

/* ---- scalars ---- */

static XdVerdict
take_text(Parser *self, const XdShape *shape, const XdToken *token)
{
    g_autofree char *copy = NULL;

    if (!has_length(shape, token))
        return refuse(self, shape, token);
    if (shape->kind == XD_SHAPE_SECRET)
        return store_pointer(self, xd_secret_new(self->arena, token->text, token->length));
    copy = g_strndup(token->text, token->length);
    if (!xd_format_check(shape->format, copy, token->length))
        return refuse(self, shape, token);
    return store_pointer(self, g_steal_pointer(&copy));
}

static XdVerdict
take_word(Parser *self, const XdShape *shape, const XdToken *token)
{
    for (guint i = 0; shape->words[i] != NULL; i++) {
        if (!is_same(shape->words[i], token))
            continue;
        if (shape->kind == XD_SHAPE_ENUM)
            return store_number(self, shape, i + 1);
        finish_value(self);
        return XD_SINK_TAKE;
    }
    return refuse(self, shape, token);
}

static XdVerdict
take_string(Parser *self, const XdShape *shape, const XdToken *token)
{
    if (shape->kind == XD_SHAPE_STRING || shape->kind == XD_SHAPE_SECRET)
        return take_text(self, shape, token);
    if (shape->kind == XD_SHAPE_ENUM || shape->kind == XD_SHAPE_CONST)
        return take_word(self, shape, token);
    return refuse(self, shape, token);
}

static XdVerdict
take_integer(Parser *self, const XdShape *shape, const XdToken *token)
{
    if (shape->kind != XD_SHAPE_INTEGER || token->integer < shape->least ||
        token->integer > shape->most)
        return refuse(self, shape, token);
    return store_number(self, shape, token->integer);
}

static XdVerdict
take_boolean(Parser *self, const XdShape *shape, const XdToken *token)
{
    return shape->kind == XD_SHAPE_BOOLEAN ? store_number(self, shape, token->boolean)
                                           : refuse(self, shape, token);
}

static XdVerdict
take_null(Parser *self, const XdShape *shape, const XdToken *token)
{
    const Frame *frame = innermost(self);

    if (frame == NULL || frame->property == NULL ||
        (frame->property->flags & XD_PROPERTY_NULLABLE) == 0)
        return refuse(self, shape, token);
    finish_value(self);
    return XD_SINK_TAKE;
}

/* ---- any value ---- */

static XdVerdict (*const takers[])(Parser *self, const XdShape *shape, const XdToken *token) = {
    [XD_TOKEN_MAP] = begin_container, [XD_TOKEN_LIST] = begin_container,
    [XD_TOKEN_STRING] = take_string,  [XD_TOKEN_INTEGER] = take_integer,
    [XD_TOKEN_REAL] = refuse,         [XD_TOKEN_BOOLEAN] = take_boolean,
    [XD_TOKEN_NULL] = take_null,
};

static XdVerdict
take_value(Parser *self, const XdToken *token)
{
    const Frame *frame = innermost(self);
    const XdShape *shape = next_shape(self);

    if (frame != NULL && frame->shape->kind == XD_SHAPE_ARRAY &&
        frame->index >= frame->shape->most) {
        self->n_frames--; /* the error is about the array */
        return refuse_at(self, NULL, frame->shape->expected, "more");
    }
    return shape->kind == XD_SHAPE_ANY ? write_any(self, token)
                                       : takers[token->kind](self, shape, token);
}

/* ---- unions: what comes before the tag is kept on a tape ---- */

static XdVerdict
refuse_tag(Parser *self, const XdToken *token)
{
    g_autofree char *found = xd_token_describe(token);

    return refuse_at(self, self->union_shape->tag, self->union_shape->expected, found);
}

static XdVerdict
enter_branch(Parser *self, guint kind, const XdToken *token)
{
    g_auto(XdTape) tape = self->tape;
    const XdShape *branch = self->union_shape->branches[kind - 1].shape;
    const char *tag = self->union_shape->tag;
    XdSink *sink = &self->parent.sink;

    xd_tape_init(&self->tape, self->arena); /* a union in this one needs its own */
    self->is_tag = FALSE;
    self->tape_depth = 0;
    *self->union_place = (XdUnion){.kind = kind, .branch = g_malloc0(branch->size)};
    push(self, branch, self->union_place->branch);
    if (xd_tape_play(&tape, sink) == XD_SINK_REFUSE ||
        sink->klass->key(sink, tag, strlen(tag)) == XD_SINK_REFUSE)
        return XD_SINK_REFUSE;
    return xd_token_tell(token, sink);
}

static XdVerdict
take_tag(Parser *self, const XdToken *token)
{
    for (guint i = 0; token->kind == XD_TOKEN_STRING && i < self->union_shape->n_branches; i++) {
        if (is_same(self->union_shape->branches[i].word, token))
            return enter_branch(self, i + 1, token);
    }
    return refuse_tag(self, token);
}

static XdVerdict
take_on_tape(Parser *self, const XdToken *token)
{
    if (self->is_tag)
        return take_tag(self, token);
    if (token->kind == XD_TOKEN_MAP || token->kind == XD_TOKEN_LIST)
        self->tape_depth++;
    else if (token->kind == XD_TOKEN_END && --self->tape_depth == 0)
        return refuse_tag(self, token);
    self->is_tag = self->tape_depth == 1 && token->kind == XD_TOKEN_KEY &&
                   is_same(self->union_shape->tag, token);
    if (!self->is_tag)
        xd_tape_record(&self->tape, token);
    return XD_SINK_TAKE;
}

/* ---- the whole ---- */

static XdVerdict
take_token(XdTokenSink *sink, const XdToken *token)
{
    Parser *self = (Parser *) sink;

    if (self->writer.depth > 0)
        return write_any(self, token);
    if (self->tape_depth > 0)
        return take_on_tape(self, token);
    if (token->kind == XD_TOKEN_END)
        return end_container(self);
    if (token->kind != XD_TOKEN_KEY)
        return take_value(self, token);
    return innermost(self)->shape->kind == XD_SHAPE_MAP ? enter_entry(self, token)
                                                        : enter_property(self, token);
}

static gboolean
read_document(Parser *self, const char *text, gsize length, GError **error)
{
    const XdJsonLimits limits = {
        .max_bytes = MAX_BYTES,
        .max_depth = MAX_DEPTH,
        .max_string = MAX_BYTES,
        .strict = TRUE,
    };
    g_autoptr(XdJsonReader) reader = xd_json_reader_new(&self->parent.sink, &limits, self->arena);
    g_autoptr(GError) problem = NULL;

    if (xd_json_reader_feed(reader, text, length, &problem) && xd_json_reader_end(reader, &problem))
        return TRUE;
    if (xd_error_is(problem, HVD_ERROR_INVALID))
        g_propagate_error(error, g_steal_pointer(&problem));
    else
        xd_set_error(error, HVD_ERROR_INVALID, "the document: %s", problem->message);
    return FALSE;
}

gboolean
xd_document_parse(const XdShape *shape, const char *text, gssize length, XdArena *arena,
                  gpointer document, GError **error)
{
    Parser parser = {
        .parent = {.sink = {.klass = &xd_token_sink_class}, .take = take_token},
        .arena = arena,
        .shape = shape,
        .document = document,
    };
    gboolean done;

    xd_vault_init(&parser.text, arena);
    xd_tape_init(&parser.tape, arena);
    done = read_document(&parser, text, length < 0 ? strlen(text) : (gsize) length, error);
    for (guint i = 0; i < G_N_ELEMENTS(parser.frames); i++)
        g_free(parser.frames[i].key);
    xd_tape_clear(&parser.tape);
    xd_vault_clear(&parser.text);
    if (!done)
        xd_document_clear(shape, document);
    return done;
}
