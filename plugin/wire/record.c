#include "wire/record.h"

#include "wire/datetime.h"
#include "wire/number.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* References are ASCII: "OpaqueRef:" and a uuid, or "DummyRef:|" and more; none is this long. */
#define MAX_REF 512

/*
 * While a record arrives, its strings stand one behind the other in @text and its sets and maps in
 * @slots, as offsets into @text; the struct has, in place of pointers, offsets into either, counted
 * from 1. At the end all three are copied into one block, and offsets become pointers.
 */
struct _XdRecordSink {
    XdSink parent;
    gsize max_bytes;
    const XdClass *klass;
    GString *text; /* begins with an empty string, which all the empty ones share */
    GArray *slots; /* (element-type gsize) */
    char *object;
    gsize object_size;
    guint64 seen;
    const XdField *field; /* whose value comes next, or is being read */
    gsize first_slot;     /* of the set or map that is being read */
    guint depth;
    gboolean is_complete;
};

/* ---- errors ---- */

static XdVerdict
refuse(XdRecordSink *self, const char *what)
{
    const char *field = self->field != NULL ? self->field->name : "";

    self->parent.error =
        xd_error_new(HVD_ERROR_PROTOCOL, "a record of %s: %s%s%s", self->klass->name, field,
                     self->field != NULL ? ": " : "", what);
    return XD_SINK_REFUSE;
}

static XdVerdict
refuse_type(XdRecordSink *self)
{
    return refuse(self, self->field != NULL ? "a value of the wrong type" : "no record");
}

/* ---- scratch ---- */

static gboolean
has_room(const XdRecordSink *self)
{
    return self->text->len + self->slots->len * sizeof(gsize) <= self->max_bytes;
}

static gsize
add_text(XdRecordSink *self, const char *text, gsize length)
{
    gsize offset = self->text->len;

    if (length == 0)
        return 0;
    g_string_append_len(self->text, text, (gssize) length);
    g_string_append_c(self->text, '\0');
    return offset;
}

static gpointer
place_of(XdRecordSink *self)
{
    return self->object + self->field->offset;
}

/* Where a pointer will be. */
static inline gpointer
as_pointer(gsize offset)
{
    return GSIZE_TO_POINTER(offset + 1);
}

static void
store_offset(gpointer place, gsize offset)
{
    *(gconstpointer *) place = as_pointer(offset);
}

static void
add_slot(XdRecordSink *self, gsize offset)
{
    g_array_append_val(self->slots, offset);
}

/* ---- scalars ---- */

static gboolean
is_ref(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e)
            return FALSE;
    }
    return length <= MAX_REF;
}

static gboolean
is_null_ref(const char *text, gsize length)
{
    static const char null[] = "OpaqueRef:NULL";

    return length == 0 || (length == strlen(null) && memcmp(text, null, length) == 0);
}

static guint
find_value(const char *const *values, const char *text, gsize length)
{
    for (guint i = 1; values[i] != NULL; i++) {
        if (strlen(values[i]) == length && memcmp(values[i], text, length) == 0)
            return i;
    }
    return 0;
}

static gboolean
store_ref(XdRecordSink *self, const char *text, gsize length)
{
    if (!is_ref(text, length))
        return FALSE;
    if (!is_null_ref(text, length))
        store_offset(place_of(self), add_text(self, text, length));
    return TRUE;
}

/* Text, and what XML-RPC writes as text. */
static gboolean
store_text(XdRecordSink *self, const char *text, gsize length)
{
    switch (self->field->kind) {
    case XD_FIELD_STRING: store_offset(place_of(self), add_text(self, text, length)); return TRUE;
    case XD_FIELD_REF: return store_ref(self, text, length);
    case XD_FIELD_INT: return xd_integer_parse(text, length, place_of(self));
    case XD_FIELD_FLOAT: return xd_real_parse(text, length, place_of(self));
    case XD_FIELD_TIME: return xd_datetime_parse(text, length, place_of(self));
    case XD_FIELD_ENUM:
        *(guint *) place_of(self) = find_value(self->field->enum_values, text, length);
        return TRUE;
    case XD_FIELD_BOOL:
    case XD_FIELD_STRING_SET:
    case XD_FIELD_REF_SET:
    case XD_FIELD_STRING_MAP:
    default: return FALSE;
    }
}

/* ---- sets and maps ---- */

static gboolean
add_item(XdRecordSink *self, const char *text, gsize length)
{
    if (self->field->kind == XD_FIELD_REF_SET) {
        if (!is_ref(text, length))
            return FALSE;
        if (is_null_ref(text, length))
            return TRUE;
    }
    add_slot(self, add_text(self, text, length));
    return TRUE;
}

typedef struct {
    gsize key;
    gsize value;
} PairSlot;

static int
compare_keys(gconstpointer a, gconstpointer b, gpointer text)
{
    return strcmp((const char *) text + ((const PairSlot *) a)->key,
                  (const char *) text + ((const PairSlot *) b)->key);
}

/* Sorted by key for xd_map_get(), which also shows keys that come twice. */
static gboolean
sort_pairs(XdRecordSink *self, guint n)
{
    PairSlot *pairs = (PairSlot *) &g_array_index(self->slots, gsize, self->first_slot);

    g_qsort_with_data(pairs, (int) n, sizeof *pairs, compare_keys, self->text->str);
    for (guint i = 1; i < n; i++) {
        if (compare_keys(&pairs[i - 1], &pairs[i], self->text->str) == 0)
            return FALSE;
    }
    return TRUE;
}

static XdVerdict
begin_collection(XdRecordSink *self, gboolean is_map)
{
    gboolean is_set =
        self->field->kind == XD_FIELD_STRING_SET || self->field->kind == XD_FIELD_REF_SET;

    if (self->depth != 1 || (is_map ? self->field->kind != XD_FIELD_STRING_MAP : !is_set))
        return refuse_type(self);
    self->first_slot = self->slots->len;
    self->depth = 2;
    return XD_SINK_TAKE;
}

static XdVerdict
end_collection(XdRecordSink *self)
{
    guint n = self->slots->len - (guint) self->first_slot;
    XdStrings *strings = place_of(self);
    XdMap *map = place_of(self);

    self->depth = 1;
    if (self->field->kind != XD_FIELD_STRING_MAP) {
        strings->n = n;
        strings->items = as_pointer(self->first_slot);
        return XD_SINK_TAKE;
    }
    if (!sort_pairs(self, n / 2))
        return refuse(self, "the same key twice");
    map->n = n / 2;
    map->pairs = as_pointer(self->first_slot);
    return XD_SINK_TAKE;
}

/* ---- tokens ---- */

static XdVerdict
record_begin(XdSink *sink, gboolean is_map)
{
    XdRecordSink *self = (XdRecordSink *) sink;

    if (self->depth > 0)
        return begin_collection(self, is_map);
    if (!is_map || self->is_complete)
        return refuse_type(self);
    self->depth = 1;
    return XD_SINK_TAKE;
}

static XdVerdict
record_end(XdSink *sink)
{
    XdRecordSink *self = (XdRecordSink *) sink;

    if (self->depth == 2)
        return end_collection(self);
    self->depth = 0;
    self->is_complete = TRUE;
    return XD_SINK_TAKE;
}

typedef struct {
    const char *text;
    gsize length;
} Name;

/* By length, then by bytes: lengths alone tell most apart. The generator sorts the same way. */
static int
compare_field(gconstpointer name, gconstpointer field)
{
    const Name *a = name;
    const char *b = ((const XdField *) field)->name;
    gsize length = strlen(b);

    if (a->length != length)
        return a->length < length ? -1 : 1;
    return memcmp(a->text, b, length);
}

static XdVerdict
enter_field(XdRecordSink *self, const char *text, gsize length)
{
    const Name name = {.text = text, .length = length};
    const XdField *field = bsearch(&name, self->klass->fields, self->klass->n_fields,
                                   sizeof *self->klass->fields, compare_field);
    guint64 bit;

    if (field == NULL)
        return XD_SINK_SKIP;
    self->field = field;
    bit = G_GUINT64_CONSTANT(1) << (field - self->klass->fields);
    if ((self->seen & bit) != 0)
        return refuse(self, "stands there twice");
    self->seen |= bit;
    return XD_SINK_TAKE;
}

static XdVerdict
record_key(XdSink *sink, const char *text, gsize length)
{
    XdRecordSink *self = (XdRecordSink *) sink;

    if (self->depth == 1)
        return enter_field(self, text, length);
    add_slot(self, add_text(self, text, length));
    return has_room(self) ? XD_SINK_TAKE : refuse(self, "too large");
}

static XdVerdict
record_string(XdSink *sink, const char *text, gsize length)
{
    XdRecordSink *self = (XdRecordSink *) sink;

    if (self->depth == 0)
        return refuse_type(self);
    if (!(self->depth == 2 ? add_item(self, text, length) : store_text(self, text, length)))
        return refuse_type(self);
    return has_room(self) ? XD_SINK_TAKE : refuse(self, "too large");
}

static XdVerdict
record_integer(XdSink *sink, gint64 value)
{
    XdRecordSink *self = (XdRecordSink *) sink;

    if (self->depth != 1)
        return refuse_type(self);
    if (self->field->kind == XD_FIELD_INT)
        *(gint64 *) place_of(self) = value;
    else if (self->field->kind == XD_FIELD_FLOAT)
        *(double *) place_of(self) = (double) value;
    else
        return refuse_type(self);
    return XD_SINK_TAKE;
}

static XdVerdict
record_real(XdSink *sink, double value)
{
    XdRecordSink *self = (XdRecordSink *) sink;

    if (self->depth != 1 || self->field->kind != XD_FIELD_FLOAT)
        return refuse_type(self);
    *(double *) place_of(self) = value;
    return XD_SINK_TAKE;
}

static XdVerdict
record_boolean(XdSink *sink, gboolean value)
{
    XdRecordSink *self = (XdRecordSink *) sink;

    if (self->depth != 1 || self->field->kind != XD_FIELD_BOOL)
        return refuse_type(self);
    *(gboolean *) place_of(self) = value;
    return XD_SINK_TAKE;
}

static XdVerdict
record_null(XdSink *sink)
{
    return refuse_type((XdRecordSink *) sink);
}

static const XdSinkClass record_class = {
    .begin = record_begin,
    .end = record_end,
    .key = record_key,
    .string = record_string,
    .integer = record_integer,
    .real = record_real,
    .boolean = record_boolean,
    .null = record_null,
};

/* ---- the sink ---- */

XdRecordSink *
xd_record_sink_new(gsize max_record)
{
    XdRecordSink *self = g_new0(XdRecordSink, 1);

    self->parent.klass = &record_class;
    self->max_bytes = max_record;
    self->text = g_string_sized_new(4096);
    self->slots = g_array_new(FALSE, FALSE, sizeof(gsize));
    return self;
}

void
xd_record_sink_free(XdRecordSink *self)
{
    g_clear_error(&self->parent.error);
    g_string_free(self->text, TRUE);
    g_array_unref(self->slots);
    g_free(self->object);
    g_free(self);
}

XdSink *
xd_record_sink_get_sink(XdRecordSink *self)
{
    return &self->parent;
}

void
xd_record_sink_start(XdRecordSink *self, const XdClass *klass, const char *ref, gsize length)
{
    g_clear_error(&self->parent.error);
    if (klass->size > self->object_size) {
        self->object = g_realloc(self->object, klass->size);
        self->object_size = klass->size;
    }
    memset(self->object, 0, klass->size);
    g_string_truncate(self->text, 0);
    g_string_append_c(self->text, '\0');
    g_array_set_size(self->slots, 0);
    self->klass = klass;
    self->seen = 0;
    self->field = NULL;
    self->depth = 0;
    self->is_complete = FALSE;
    ((XdRecord *) self->object)->ref = as_pointer(add_text(self, ref, length));
}

gboolean
xd_record_sink_is_complete(const XdRecordSink *self)
{
    return self->is_complete;
}

/* ---- one block ---- */

/* The pointer that @offset, made by as_pointer(), stands for; of a string that is missing, "". */
static const char *
point_to_text(const char *text, gconstpointer offset)
{
    return text + (offset != NULL ? GPOINTER_TO_SIZE(offset) - 1 : 0);
}

static const char *const *
point_to_slots(const char *const *slots, guint n, gconstpointer offset)
{
    return n > 0 ? slots + GPOINTER_TO_SIZE(offset) - 1 : NULL;
}

static void
point_field(char *object, const XdField *field, const char *text, const char *const *slots)
{
    gpointer place = object + field->offset;
    const char **string = place;
    XdStrings *strings = place;
    XdMap *map = place;

    switch (field->kind) {
    case XD_FIELD_STRING: *string = point_to_text(text, *string); break;
    case XD_FIELD_REF: *string = *string != NULL ? point_to_text(text, *string) : NULL; break;
    case XD_FIELD_STRING_SET:
    case XD_FIELD_REF_SET:
        strings->items = point_to_slots(slots, strings->n, strings->items);
        break;
    case XD_FIELD_STRING_MAP:
        map->pairs = (const XdPair *) point_to_slots(slots, map->n, map->pairs);
        break;
    case XD_FIELD_INT:
    case XD_FIELD_FLOAT:
    case XD_FIELD_BOOL:
    case XD_FIELD_TIME:
    case XD_FIELD_ENUM:
    default: break;
    }
}

XdRecord *
xd_record_sink_finish(XdRecordSink *self)
{
    const XdClass *klass = self->klass;
    gsize slots_size = self->slots->len * sizeof(char *);
    gsize bytes = klass->size + slots_size + self->text->len;
    char *block;
    const char **slots;
    char *text;
    XdRecord *record;

    g_return_val_if_fail(self->is_complete, NULL);
    block = g_malloc(bytes);
    slots = (const char **) (block + klass->size);
    text = block + klass->size + slots_size;
    memcpy(block, self->object, klass->size);
    memcpy(text, self->text->str, self->text->len);
    for (guint i = 0; i < self->slots->len; i++)
        slots[i] = text + g_array_index(self->slots, gsize, i);
    for (guint i = 0; i < klass->n_fields; i++)
        point_field(block, &klass->fields[i], text, slots);
    record = (XdRecord *) block;
    record->klass = klass;
    record->bytes = bytes;
    record->ref = point_to_text(text, record->ref);
    return record;
}

void
xd_record_free(XdRecord *record)
{
    g_free(record);
}

/* ---- reading a record ---- */

const XdClass *
xd_class_find(const XdClass *const *classes, guint n, const char *event_name, gsize length)
{
    for (guint i = 0; i < n; i++) {
        if (strlen(classes[i]->event_name) == length &&
            memcmp(classes[i]->event_name, event_name, length) == 0)
            return classes[i];
    }
    return NULL;
}

static int
compare_pair(gconstpointer key, gconstpointer pair)
{
    return strcmp(key, ((const XdPair *) pair)->key);
}

const char *
xd_map_get(const XdMap *map, const char *key)
{
    const XdPair *pair;

    if (map->n == 0)
        return NULL;
    pair = bsearch(key, map->pairs, map->n, sizeof *map->pairs, compare_pair);
    return pair != NULL ? pair->value : NULL;
}

gboolean
xd_strings_contains(const XdStrings *strings, const char *text)
{
    for (guint i = 0; i < strings->n; i++) {
        if (g_str_equal(strings->items[i], text))
            return TRUE;
    }
    return FALSE;
}
