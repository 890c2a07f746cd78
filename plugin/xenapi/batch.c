#include "xenapi/batch.h"

#include "base/error.h"

#include <string.h>

#define MAX_TEXT 200 /* of a token, a reference, a class name */

typedef enum {
    IN_ANSWER, /* at the top, or between the members of the answer */
    IN_EVENTS,
    IN_EVENT,
    IN_SNAPSHOT,
    IN_COUNTS,
} Place;

typedef enum {
    MEMBER_NONE,
    MEMBER_EVENTS,
    MEMBER_COUNTS,
    MEMBER_TOKEN,
    MEMBER_CLASS,
    MEMBER_OPERATION,
    MEMBER_REF,
    MEMBER_SNAPSHOT,
} Member;

static const struct {
    Place place;
    const char *name;
    Member member;
} members[] = {
    {IN_ANSWER, "events", MEMBER_EVENTS},      {IN_ANSWER, "valid_ref_counts", MEMBER_COUNTS},
    {IN_ANSWER, "token", MEMBER_TOKEN},        {IN_EVENT, "class", MEMBER_CLASS},
    {IN_EVENT, "operation", MEMBER_OPERATION}, {IN_EVENT, "ref", MEMBER_REF},
    {IN_EVENT, "snapshot", MEMBER_SNAPSHOT},
};

struct _XdBatch {
    XdSink sink;
    GArray *changes;
    XdRecordSink *records;
    char token[MAX_TEXT];
    gint64 counts[XD_N_CLASSES];

    Place place;
    Member member;
    gboolean open; /* the answer has begun */
    guint nested;  /* of what is open in a snapshot */
    const XdClass *counted;

    /* the event that is being read */
    const XdClass *klass;
    gboolean has_class;
    XdChangeKind kind;
    gboolean has_kind;
    char ref[MAX_TEXT];
    XdRecord *record;
};

static XdBatch *
from_sink(XdSink *sink)
{
    return (XdBatch *) ((char *) sink - G_STRUCT_OFFSET(XdBatch, sink));
}

static XdVerdict
refuse(XdBatch *batch, const char *what)
{
    batch->sink.error = xd_error_new(HVD_ERROR_PROTOCOL, "no event batch: %s", what);
    return XD_SINK_REFUSE;
}

static void
clear_change(gpointer data)
{
    XdChange *change = data;

    g_free(change->ref);
    g_clear_pointer(&change->record, xd_record_free);
}

static void
event_clear(XdBatch *batch)
{
    batch->klass = NULL;
    batch->has_class = batch->has_kind = FALSE;
    batch->ref[0] = '\0';
    g_clear_pointer(&batch->record, xd_record_free);
}

/* ---- whole events ---- */

static XdVerdict
event_end(XdBatch *batch)
{
    XdChange change = {.kind = batch->kind, .klass = batch->klass};

    if (!batch->has_class || !batch->has_kind || batch->ref[0] == '\0')
        return refuse(batch, "an event without class, operation or reference");
    if (batch->klass != NULL) {
        if (change.kind == XD_CHANGE_DEL)
            change.ref = g_strdup(batch->ref);
        else if (batch->record == NULL)
            return refuse(batch, "a change without the object");
        else
            change.record = g_steal_pointer(&batch->record);
        g_array_append_val(batch->changes, change);
    }
    event_clear(batch);
    return XD_SINK_TAKE;
}

static const XdClass *
class_of_event(const char *text, gsize length)
{
    for (guint i = 0; i < XD_N_CLASSES; i++) {
        if (strncmp(xd_classes[i]->event_name, text, length) == 0 &&
            xd_classes[i]->event_name[length] == '\0')
            return xd_classes[i];
    }
    return NULL;
}

static XdVerdict
take_operation(XdBatch *batch, const char *text, gsize length)
{
    static const char *const names[] = {"add", "mod", "del"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0) {
            batch->kind = (XdChangeKind) i;
            batch->has_kind = TRUE;
            return XD_SINK_TAKE;
        }
    }
    return refuse(batch, "an unknown operation");
}

/* The members of an event come in this order since event.from exists (event_types.ml). */
static XdVerdict
begin_snapshot(XdBatch *batch)
{
    if (!batch->has_class || batch->ref[0] == '\0')
        return refuse(batch, "an object before its class and reference");
    if (batch->klass == NULL)
        return XD_SINK_SKIP;
    if (batch->record != NULL)
        return refuse(batch, "an event with two objects");
    xd_record_sink_start(batch->records, batch->klass, batch->ref, strlen(batch->ref));
    return XD_SINK_TAKE;
}

/* ---- tokens of a snapshot go to the record sink ---- */

static XdSink *
records_of(XdBatch *batch)
{
    return xd_record_sink_get_sink(batch->records);
}

static XdVerdict
forwarded(XdBatch *batch, XdVerdict verdict)
{
    XdSink *records = xd_record_sink_get_sink(batch->records);

    if (verdict == XD_SINK_REFUSE) {
        batch->sink.error = g_steal_pointer(&records->error);
        return verdict;
    }
    if (batch->nested == 0) {
        batch->record = xd_record_sink_finish(batch->records);
        batch->place = IN_EVENT;
    }
    return verdict;
}

/* FORWARD(batch, token, records_of(batch), the token's arguments...) */
#define FORWARD(batch, token, ...) forwarded(batch, records_of(batch)->klass->token(__VA_ARGS__))

/* ---- tokens ---- */

static XdVerdict
batch_begin(XdSink *sink, gboolean is_map)
{
    XdBatch *batch = from_sink(sink);

    if (batch->place == IN_SNAPSHOT ||
        (batch->place == IN_EVENT && is_map && batch->member == MEMBER_SNAPSHOT)) {
        batch->place = IN_SNAPSHOT;
        batch->nested++;
        return FORWARD(batch, begin, records_of(batch), is_map);
    }
    if (batch->place == IN_ANSWER && !batch->open && is_map)
        batch->open = TRUE;
    else if (batch->place == IN_ANSWER && batch->member == MEMBER_EVENTS && !is_map)
        batch->place = IN_EVENTS;
    else if (batch->place == IN_ANSWER && batch->member == MEMBER_COUNTS && is_map)
        batch->place = IN_COUNTS;
    else if (batch->place == IN_EVENTS && is_map)
        batch->place = IN_EVENT;
    else
        return refuse(batch, "a list or a map where none belongs");
    batch->member = MEMBER_NONE;
    return XD_SINK_TAKE;
}

static XdVerdict
batch_end(XdSink *sink)
{
    XdBatch *batch = from_sink(sink);

    switch (batch->place) {
    case IN_SNAPSHOT: batch->nested--; return FORWARD(batch, end, records_of(batch));
    case IN_EVENT: batch->place = IN_EVENTS; return event_end(batch);
    case IN_EVENTS:
    case IN_COUNTS:
        batch->place = IN_ANSWER;
        batch->member = MEMBER_NONE;
        return XD_SINK_TAKE;
    case IN_ANSWER:
    default: return XD_SINK_TAKE;
    }
}

static XdVerdict
batch_key(XdSink *sink, const char *text, gsize length)
{
    XdBatch *batch = from_sink(sink);

    if (batch->place == IN_SNAPSHOT)
        return FORWARD(batch, key, records_of(batch), text, length);
    if (batch->place == IN_COUNTS) {
        batch->counted = class_of_event(text, length);
        return batch->counted != NULL ? XD_SINK_TAKE : XD_SINK_SKIP;
    }
    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        if (members[i].place != batch->place || strlen(members[i].name) != length ||
            memcmp(members[i].name, text, length) != 0)
            continue;
        batch->member = members[i].member;
        return batch->member == MEMBER_SNAPSHOT ? begin_snapshot(batch) : XD_SINK_TAKE;
    }
    return XD_SINK_SKIP;
}

static XdVerdict
copy_text(XdBatch *batch, char *to, const char *text, gsize length)
{
    if (length >= MAX_TEXT || memchr(text, '\0', length) != NULL)
        return refuse(batch, "a name is too long");
    memcpy(to, text, length);
    to[length] = '\0';
    return XD_SINK_TAKE;
}

static XdVerdict
take_count(XdBatch *batch, gint64 count)
{
    batch->counts[batch->counted->id] = count;
    return XD_SINK_TAKE;
}

static XdVerdict
batch_string(XdSink *sink, const char *text, gsize length)
{
    XdBatch *batch = from_sink(sink);
    Member member = batch->member;

    if (batch->place == IN_SNAPSHOT)
        return FORWARD(batch, string, records_of(batch), text, length);
    if (batch->place == IN_COUNTS) {
        g_autofree char *number = g_strndup(text, length);

        return take_count(batch, g_ascii_strtoll(number, NULL, 10));
    }
    switch (member) {
    case MEMBER_TOKEN: return copy_text(batch, batch->token, text, length);
    case MEMBER_REF: return copy_text(batch, batch->ref, text, length);
    case MEMBER_OPERATION: return take_operation(batch, text, length);
    case MEMBER_CLASS:
        batch->klass = class_of_event(text, length);
        batch->has_class = TRUE;
        return XD_SINK_TAKE;
    case MEMBER_NONE:
    case MEMBER_EVENTS:
    case MEMBER_COUNTS:
    case MEMBER_SNAPSHOT:
    default: return refuse(batch, "text where none belongs");
    }
}

static XdVerdict
batch_integer(XdSink *sink, gint64 value)
{
    XdBatch *batch = from_sink(sink);

    if (batch->place == IN_SNAPSHOT)
        return FORWARD(batch, integer, records_of(batch), value);
    return batch->place == IN_COUNTS ? take_count(batch, value)
                                     : refuse(batch, "a number where none belongs");
}

static XdVerdict
batch_real(XdSink *sink, double value)
{
    XdBatch *batch = from_sink(sink);

    return batch->place == IN_SNAPSHOT ? FORWARD(batch, real, records_of(batch), value)
                                       : refuse(batch, "a number where none belongs");
}

static XdVerdict
batch_boolean(XdSink *sink, gboolean value)
{
    XdBatch *batch = from_sink(sink);

    return batch->place == IN_SNAPSHOT ? FORWARD(batch, boolean, records_of(batch), value)
                                       : refuse(batch, "a truth value where none belongs");
}

static XdVerdict
batch_null(XdSink *sink)
{
    XdBatch *batch = from_sink(sink);

    return batch->place == IN_SNAPSHOT ? FORWARD(batch, null, records_of(batch))
                                       : refuse(batch, "nothing where something belongs");
}

static const XdSinkClass batch_class = {
    .begin = batch_begin,
    .end = batch_end,
    .key = batch_key,
    .string = batch_string,
    .integer = batch_integer,
    .real = batch_real,
    .boolean = batch_boolean,
    .null = batch_null,
};

/* ---- the face ---- */

XdBatch *
xd_batch_new(gsize max_record)
{
    XdBatch *batch = g_new0(XdBatch, 1);

    batch->sink.klass = &batch_class;
    batch->changes = g_array_new(FALSE, FALSE, sizeof(XdChange));
    g_array_set_clear_func(batch->changes, clear_change);
    batch->records = xd_record_sink_new(max_record);
    xd_batch_reset(batch);
    return batch;
}

void
xd_batch_free(XdBatch *batch)
{
    event_clear(batch);
    g_clear_error(&batch->sink.error);
    g_array_unref(batch->changes);
    xd_record_sink_free(batch->records);
    g_free(batch);
}

void
xd_batch_reset(XdBatch *batch)
{
    g_array_set_size(batch->changes, 0);
    g_clear_error(&batch->sink.error);
    event_clear(batch);
    batch->token[0] = '\0';
    batch->place = IN_ANSWER;
    batch->member = MEMBER_NONE;
    batch->open = FALSE;
    batch->nested = 0;
    for (guint i = 0; i < XD_N_CLASSES; i++)
        batch->counts[i] = -1;
}

XdSink *
xd_batch_get_sink(XdBatch *batch)
{
    return &batch->sink;
}

GArray *
xd_batch_get_changes(XdBatch *batch)
{
    return batch->changes;
}

const char *
xd_batch_get_token(const XdBatch *batch)
{
    return batch->token;
}

gint64
xd_batch_get_count(const XdBatch *batch, const XdClass *klass)
{
    return batch->counts[klass->id];
}
