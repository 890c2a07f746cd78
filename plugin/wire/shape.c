#include "wire/shape-table.h"

#include <string.h>

static void clear_place(const XdShape *shape, gpointer place);

static void
clear_property(const XdProperty *property, gpointer object)
{
    gpointer *place = xd_property_place(property, object);

    if (property->shape->kind == XD_SHAPE_CONST)
        return;
    if ((property->flags & XD_PROPERTY_POINTER) == 0) {
        clear_place(property->shape, place);
        return;
    }
    if (*place != NULL)
        clear_place(property->shape, *place);
    g_clear_pointer(place, g_free);
}

static void
clear_array(const XdShape *items, GPtrArray **array)
{
    gboolean is_struct = items->kind == XD_SHAPE_OBJECT || items->kind == XD_SHAPE_UNION;

    for (guint i = 0; *array != NULL && i < (*array)->len; i++) {
        gpointer item = g_ptr_array_index(*array, i);

        if (is_struct && item != NULL)
            clear_place(items, item);
        g_free(item);
    }
    g_clear_pointer(array, g_ptr_array_unref);
}

static void
clear_union(const XdShape *shape, XdUnion *self)
{
    if (self->branch != NULL && self->kind >= 1 && self->kind <= shape->n_branches)
        clear_place(shape->branches[self->kind - 1].shape, self->branch);
    g_free(self->branch);
}

/* What @place, of the type that @shape has in a struct, points to. Recursion ends where the schema
 * does: it has no circles. */
static void
clear_place(const XdShape *shape, gpointer place)
{
    switch (shape->kind) {
    case XD_SHAPE_STRING:
    case XD_SHAPE_ANY: g_clear_pointer((char **) place, g_free); break;
    case XD_SHAPE_SECRET: g_clear_pointer((XdSecret **) place, xd_secret_unref); break;
    case XD_SHAPE_ARRAY: clear_array(shape->items, place); break;
    case XD_SHAPE_MAP: g_clear_pointer((GHashTable **) place, g_hash_table_unref); break;
    case XD_SHAPE_OBJECT:
        for (guint i = 0; i < shape->n_properties; i++)
            clear_property(&shape->properties[i], place);
        memset(place, 0, shape->size);
        break;
    case XD_SHAPE_UNION:
        clear_union(shape, place);
        memset(place, 0, shape->size);
        break;
    case XD_SHAPE_INTEGER:
    case XD_SHAPE_BOOLEAN:
    case XD_SHAPE_ENUM:
    case XD_SHAPE_CONST:
    default: break;
    }
}

void
xd_document_clear(const XdShape *shape, gpointer document)
{
    clear_place(shape, document);
}
