/* The one value type between the codecs, the database and the calls. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
    SIM_STRING,
    SIM_INT,
    SIM_I4, /* a number that XML-RPC spells <i4>: the counts of event.from and nothing else */
    SIM_FLOAT,
    SIM_BOOL,
    SIM_DATE, /* seconds since 1970, UTC */
    SIM_ARRAY,
    SIM_MAP, /* string keys, in order of insertion */
    SIM_NIL,
} SimKind;

/**
 * SimValue:
 *
 * A reference-counted tree. A value is built by its first owner and never changed once it is
 * shared; the sim_map_with() family returns changed copies, which share their members.
 */
typedef struct _SimValue SimValue;

SimValue *sim_string(const char *text);
SimValue *sim_string_take(char *text);
SimValue *sim_int(gint64 number);
SimValue *sim_i4(gint64 number);
SimValue *sim_float(double number);
SimValue *sim_bool(gboolean truth);
SimValue *sim_date(gint64 seconds);
SimValue *sim_nil(void);
SimValue *sim_array(void);
SimValue *sim_map(void);
/* An array of strings, ended by NULL. */
SimValue *sim_strings(const char *first, ...) G_GNUC_NULL_TERMINATED;
/* A map of strings: key, value, ..., NULL. */
SimValue *sim_string_map(const char *key, ...) G_GNUC_NULL_TERMINATED;

SimValue *sim_value_ref(const SimValue *value);
void sim_value_unref(SimValue *value);
SimKind sim_value_kind(const SimValue *value);
gboolean sim_value_equal(const SimValue *a, const SimValue *b);

/* Text of a string (of other kinds: ""). */
const char *sim_value_text(const SimValue *value);
gint64 sim_value_int(const SimValue *value); /* also of a date */
double sim_value_float(const SimValue *value);
gboolean sim_value_bool(const SimValue *value);

/* Building: all take @member. */
void sim_array_add(SimValue *array, SimValue *member);
void sim_map_set(SimValue *map, const char *key, SimValue *member);
/* Without a search: where @key is known to be new. */
void sim_map_add(SimValue *map, const char *key, SimValue *member);
void sim_map_set_string(SimValue *map, const char *key, const char *text);

/* Reading arrays and maps alike; a map's members are in order. */
guint sim_value_size(const SimValue *value);
const SimValue *sim_value_at(const SimValue *value, guint index);
const char *sim_map_key(const SimValue *map, guint index);
/* (nullable): also where @map is NULL or no map */
const SimValue *sim_map_get(const SimValue *map, const char *key);
const char *sim_map_get_text(const SimValue *map, const char *key); /* (nullable) */
gboolean sim_array_has(const SimValue *array, const char *text);

/* Changed copies; sim_map_with() takes @member, the new key comes first as in the database. */
SimValue *sim_map_with(const SimValue *map, const char *key, SimValue *member);
SimValue *sim_map_without(const SimValue *map, const char *key);
SimValue *sim_array_with(const SimValue *array, const char *text); /* in front */
SimValue *sim_array_without(const SimValue *array, const char *text);

/* "20260820T12:00:00Z" */
char *sim_date_format(gint64 seconds);
/* Takes dashes or none, Z, an offset or none: as the toolstack does. */
gboolean sim_date_parse(const char *text, gint64 *seconds);

/* The toolstack's own way to print a value into an error text: S(text), I(5), N, ... */
char *sim_value_describe(const SimValue *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimValue, sim_value_unref)

G_END_DECLS
