/* Documents: tables generated from schemas/ drive one decoder and one printer. */
#pragma once

#include "base/secret.h"
#include "wire/sink.h"

G_BEGIN_DECLS

/**
 * XdShapeKind and what it is in the generated struct. Optional members without a default are
 * pointers that may be NULL, or have a "has_NAME" beside them where they are plain numbers.
 */
typedef enum {
    XD_SHAPE_STRING,  /* char * */
    XD_SHAPE_SECRET,  /* XdSecret *: a string marked writeOnly */
    XD_SHAPE_INTEGER, /* gint64 */
    XD_SHAPE_BOOLEAN, /* gboolean */
    XD_SHAPE_ENUM,    /* a generated enum; 0 where it was not given */
    XD_SHAPE_CONST,   /* nothing: the tag of a union's branch */
    XD_SHAPE_OBJECT,  /* an embedded struct, or a pointer to one where it is optional */
    XD_SHAPE_ARRAY, /* GPtrArray * of structs, or of char * for strings, without a free function */
    XD_SHAPE_MAP,   /* GHashTable * of char * to char *: additionalProperties of type string */
    XD_SHAPE_UNION, /* oneOf, tagged by one const property: an enum and a pointer */
    XD_SHAPE_ANY,   /* char *: JSON text kept as it came, for parts that belong to others */
} XdShapeKind;

typedef struct _XdShape XdShape; /* its members are the generator's business: see shape-table.h */

/**
 * xd_document_parse:
 * @document: (out caller-allocates): a zeroed struct of the generated type; cleared again on error
 *
 * A document is at most 1 MiB long and 16 levels deep. Strings that are marked writeOnly go from
 * the reader into @arena and nowhere else.
 *
 * Errors: XD_ERROR with HVD_ERROR_INVALID; the message has the JSON Pointer, what was expected and
 * what stood there, shortened and escaped, or "<hidden>" where the property is writeOnly.
 */
gboolean xd_document_parse(const XdShape *shape, const char *text, gssize length, XdArena *arena,
                           gpointer document, GError **error);
/* frees what @document points to, also where somebody else than the parser put it there */
void xd_document_clear(const XdShape *shape, gpointer document);

typedef enum {
    XD_PRINT_MASKED = 0,      /* writeOnly properties as "<hidden>" */
    XD_PRINT_PRETTY = 1 << 0, /* over lines, for eyes */
} XdPrintFlags;

/* (transfer full): JSON text. Secrets are always masked. What is NULL or 0 where that means "not
 * given" is left out, but for required arrays and maps, which are then empty. */
char *xd_document_print(const XdShape *shape, gconstpointer document, XdPrintFlags flags);

G_END_DECLS
