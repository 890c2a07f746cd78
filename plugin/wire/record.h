/* Typed records of XenAPI objects: a generated table of fields, one decoder, one block each. */
#pragma once

#include "base/secret.h"
#include "wire/sink.h"

G_BEGIN_DECLS

typedef enum {
    XD_FIELD_STRING,     /* const char *, never NULL */
    XD_FIELD_REF,        /* const char *, NULL for OpaqueRef:NULL and "" */
    XD_FIELD_INT,        /* gint64 */
    XD_FIELD_FLOAT,      /* double */
    XD_FIELD_BOOL,       /* gboolean */
    XD_FIELD_TIME,       /* gint64, seconds since 1970 in UTC; all three spellings */
    XD_FIELD_ENUM,       /* guint, 0 = a value that this release does not know */
    XD_FIELD_STRING_SET, /* XdStrings */
    XD_FIELD_REF_SET,    /* XdStrings */
    XD_FIELD_STRING_MAP, /* XdMap */
} XdFieldKind;

typedef struct {
    guint n;
    const char *const *items;
} XdStrings;

typedef struct {
    const char *key;
    const char *value;
} XdPair;

/* sorted by key */
typedef struct {
    guint n;
    const XdPair *pairs;
} XdMap;

typedef struct {
    const char *name;
    XdFieldKind kind;
    guint offset;                   /* in the generated struct */
    const char *const *enum_values; /* NULL-terminated; [0] is "" and stands for unknown */
} XdField;

/**
 * XdClass: a class of XenAPI as far as the driver uses it; generated from schemas/xenapi.json.
 */
typedef struct {
    const char *name;       /* as in calls: "VM" */
    const char *event_name; /* as in events: "vm" */
    guint id;               /* index in xd_classes[] */
    gsize size;             /* of the struct, which begins with XdRecord */
    const XdField *fields;  /* by length of their names, then by bytes; at most 64 */
    guint n_fields;
} XdClass;

/**
 * XdRecord: the head of every generated struct. The struct, its strings, sets and maps lie in one
 * allocation of so many bytes; a record is immutable once decoded.
 */
typedef struct {
    const XdClass *klass;
    gsize bytes;
    const char *ref;
} XdRecord;

/* (nullable): the one whose event_name this is */
const XdClass *
xd_class_find(const XdClass *const *classes, guint n, const char *event_name, gsize length);

/* (nullable): the value of @key */
const char *xd_map_get(const XdMap *map, const char *key);
gboolean xd_strings_contains(const XdStrings *strings, const char *text);

/**
 * XdRecordSink: decodes one record at a time and may be used again and again; it keeps its scratch
 * space. Unlisted fields are skipped without an allocation, missing ones get their zero value,
 * a listed one of the wrong type is refused, unknown enum values become 0.
 */
typedef struct _XdRecordSink XdRecordSink;

XdRecordSink *xd_record_sink_new(gsize max_record);
void xd_record_sink_free(XdRecordSink *sink);
XdSink *xd_record_sink_get_sink(XdRecordSink *sink);
/* before each record */
void xd_record_sink_start(XdRecordSink *sink, const XdClass *klass, const char *ref, gsize length);
gboolean xd_record_sink_is_complete(const XdRecordSink *sink);
/* (transfer full): free with xd_record_free() */
XdRecord *xd_record_sink_finish(XdRecordSink *sink);
void xd_record_free(XdRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdRecordSink, xd_record_sink_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdRecord, xd_record_free)

G_END_DECLS
