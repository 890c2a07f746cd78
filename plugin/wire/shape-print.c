#include "wire/json-write.h"
#include "wire/json.h"
#include "wire/shape-table.h"

#include "base/error.h"

#include <string.h>

/* Text leaves the writer's buffer in pieces of about this size: there is no secret in it, so that
 * a long list need not fill locked memory. */
#define PIECE (32 * 1024)

typedef struct {
    XdJsonWriter writer;
    XdVault piece;
    GString *text;
} Printer;

static void print_place(Printer *self, const XdShape *shape, gconstpointer place);

static void
flush(Printer *self, gsize limit)
{
    if (self->piece.length <= limit)
        return;
    g_string_append_len(self->text, self->piece.data, (gssize) self->piece.length);
    xd_vault_truncate(&self->piece, 0);
}

static void
print_key(Printer *self, const char *name)
{
    self->writer.parent.klass->key(&self->writer.parent, name, strlen(name));
}

static void
print_text(Printer *self, const char *text)
{
    self->writer.parent.klass->string(&self->writer.parent, text, strlen(text));
}

/* Has the text read and told again, so that it fits in, whoever wrote it. */
static void
print_any(Printer *self, const char *text)
{
    const XdJsonLimits limits = {.max_bytes = G_MAXSIZE, .max_depth = 32, .max_string = G_MAXSIZE};
    g_autoptr(XdJsonReader) reader =
        xd_json_reader_new(&self->writer.parent, &limits, self->piece.arena);

    if (!xd_json_reader_feed(reader, text, strlen(text), NULL) || !xd_json_reader_end(reader, NULL))
        g_critical("a document has a part that is no JSON");
}

static void
print_array(Printer *self, const XdShape *items, GPtrArray *array)
{
    self->writer.parent.klass->begin(&self->writer.parent, FALSE);
    for (guint i = 0; array != NULL && i < array->len; i++) {
        gpointer item = g_ptr_array_index(array, i);

        if (items->kind == XD_SHAPE_STRING)
            print_text(self, item);
        else if (items->kind == XD_SHAPE_ANY)
            print_any(self, item);
        else
            print_place(self, items, item);
        flush(self, PIECE);
    }
    self->writer.parent.klass->end(&self->writer.parent);
}

static int
compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Sorted: the same map is the same text. */
static void
print_map(Printer *self, GHashTable *map)
{
    guint n = 0;
    g_autofree gpointer *keys = map != NULL ? g_hash_table_get_keys_as_array(map, &n) : NULL;

    if (n > 0)
        qsort(keys, n, sizeof *keys, compare_keys);
    self->writer.parent.klass->begin(&self->writer.parent, TRUE);
    for (guint i = 0; i < n; i++) {
        print_key(self, keys[i]);
        print_text(self, g_hash_table_lookup(map, keys[i]));
    }
    self->writer.parent.klass->end(&self->writer.parent);
}

/* Is there anything at the place of a property? */
static gboolean
is_given(const XdProperty *property, gconstpointer object)
{
    const void *const *place = xd_property_place(property, object);

    if ((property->flags & XD_PROPERTY_PRESENCE) != 0)
        return *(const gboolean *) ((const char *) object + property->presence);
    switch (property->shape->kind) {
    case XD_SHAPE_STRING:
    case XD_SHAPE_ANY:
    case XD_SHAPE_SECRET: return *place != NULL;
    case XD_SHAPE_ARRAY:
    case XD_SHAPE_MAP: return *place != NULL || (property->flags & XD_PROPERTY_REQUIRED) != 0;
    case XD_SHAPE_ENUM:
    case XD_SHAPE_UNION: return *(const guint *) place != 0;
    case XD_SHAPE_OBJECT: return (property->flags & XD_PROPERTY_POINTER) == 0 || *place != NULL;
    case XD_SHAPE_INTEGER:
    case XD_SHAPE_BOOLEAN:
    case XD_SHAPE_CONST:
    default: return TRUE;
    }
}

static void
print_object(Printer *self, const XdShape *shape, gconstpointer object)
{
    self->writer.parent.klass->begin(&self->writer.parent, TRUE);
    for (guint i = 0; i < shape->n_properties; i++) {
        const XdProperty *property = &shape->properties[i];
        gconstpointer place = xd_property_place(property, object);

        if (!is_given(property, object))
            continue;
        print_key(self, property->name);
        if ((property->flags & XD_PROPERTY_POINTER) != 0)
            place = *(const void *const *) place;
        print_place(self, property->shape, place);
    }
    self->writer.parent.klass->end(&self->writer.parent);
}

/* Recursion ends where the schema does. */
static void
print_place(Printer *self, const XdShape *shape, gconstpointer place)
{
    XdSink *sink = &self->writer.parent;
    const XdUnion *choice = place;

    switch (shape->kind) {
    case XD_SHAPE_STRING: print_text(self, *(const char *const *) place); break;
    case XD_SHAPE_ANY: print_any(self, *(const char *const *) place); break;
    case XD_SHAPE_SECRET: print_text(self, "<hidden>"); break;
    case XD_SHAPE_INTEGER: sink->klass->integer(sink, *(const gint64 *) place); break;
    case XD_SHAPE_BOOLEAN: sink->klass->boolean(sink, *(const gboolean *) place); break;
    case XD_SHAPE_ENUM: print_text(self, shape->words[*(const guint *) place - 1]); break;
    case XD_SHAPE_CONST: print_text(self, shape->words[0]); break;
    case XD_SHAPE_ARRAY: print_array(self, shape->items, *(GPtrArray *const *) place); break;
    case XD_SHAPE_MAP: print_map(self, *(GHashTable *const *) place); break;
    case XD_SHAPE_UNION:
        print_object(self, shape->branches[choice->kind - 1].shape, choice->branch);
        break;
    case XD_SHAPE_OBJECT:
    default: print_object(self, shape, place); break;
    }
}

char *
xd_document_print(const XdShape *shape, gconstpointer document, XdPrintFlags flags)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    Printer printer = {.text = g_string_new(NULL)};

    xd_vault_init(&printer.piece, arena);
    xd_json_writer_init(&printer.writer, &printer.piece, (flags & XD_PRINT_PRETTY) != 0);
    print_place(&printer, shape, document);
    flush(&printer, 0);
    xd_vault_clear(&printer.piece);
    g_clear_error(&printer.writer.parent.error);
    return g_string_free(printer.text, FALSE);
}
