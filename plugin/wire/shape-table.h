/* The tables that the generator writes and the decoder and printer of documents follow. */
#pragma once

#include "wire/shape.h"

G_BEGIN_DECLS

/* What "format" can say; see shape-format.c. */
typedef enum {
    XD_FORMAT_NONE,
    XD_FORMAT_UUID,
    XD_FORMAT_MAC,
    XD_FORMAT_DEVICE_NAME,
    XD_FORMAT_IQN,
    XD_FORMAT_PORTAL,
    XD_FORMAT_IP,
    XD_FORMAT_IPV4,
    XD_FORMAT_IPV6,
    XD_FORMAT_SHA256,
    XD_FORMAT_IDENTIFIER,
    XD_FORMAT_PATH,
} XdFormat;

/* @text is NUL-terminated at @length */
gboolean xd_format_check(XdFormat format, const char *text, gsize length);

/**
 * XdPropertyFlags:
 * @XD_PROPERTY_REQUIRED: has to be there
 * @XD_PROPERTY_NULLABLE: null stands for its absence
 * @XD_PROPERTY_DEFAULT: has the default where it is absent
 * @XD_PROPERTY_POINTER: an object of which the struct has a pointer
 * @XD_PROPERTY_PRESENCE: a number with a gboolean at @presence that says whether it was given
 */
typedef enum {
    XD_PROPERTY_REQUIRED = 1 << 0,
    XD_PROPERTY_NULLABLE = 1 << 1,
    XD_PROPERTY_DEFAULT = 1 << 2,
    XD_PROPERTY_POINTER = 1 << 3,
    XD_PROPERTY_PRESENCE = 1 << 4,
} XdPropertyFlags;

typedef struct {
    const char *name;
    const XdShape *shape;
    guint flags;
    gsize offset; /* in the struct of the object that it belongs to */
    gsize presence;
    gint64 default_number;
    const char *default_text;
} XdProperty;

typedef struct {
    const char *word; /* of the tag */
    const XdShape *shape;
} XdBranch;

/**
 * XdShape:
 * @expected: for errors: "an integer of at least 1"
 * @size: of the struct of an object or union
 * @least: of an integer, of a string's characters, an array's elements or a map's keys' characters
 * @most: likewise
 * @words: of an enum, from 1 in the struct; the one of a const
 * @is_open: properties that are not listed are passed over instead of refused
 * @items: of an array or map
 * @expected_key: of a map
 * @tag: of a union, the property whose const tells its branches apart
 */
struct _XdShape {
    XdShapeKind kind;
    const char *expected;
    gsize size;
    gint64 least;
    gint64 most;
    XdFormat format;
    const char *const *words;
    const XdProperty *properties;
    guint n_properties; /* at most 64 */
    gboolean is_open;
    const XdShape *items;
    const char *expected_key;
    const char *tag;
    const XdBranch *branches;
    guint n_branches;
};

/* What a union is in a struct: the number of the branch from 1, and a pointer to its struct. */
typedef struct {
    guint kind;
    gpointer branch;
} XdUnion;

/* The place of a property in the struct of its object. */
static inline gpointer
xd_property_place(const XdProperty *property, gconstpointer object)
{
    return (char *) object + property->offset;
}

G_END_DECLS
