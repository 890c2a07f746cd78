/* The reader and the printer of documents: what is taken is printed, and taken again as the same,
 * but for secrets, which are hidden by then. The first byte says which document it is. */
#include "fuzz.h"

#include "xd-documents.h"

#include <string.h>

static const XdShape *const shapes[] = {
    &xd_shape_instance,  &xd_shape_connection_info,  &xd_shape_block_device,
    &xd_shape_migration, &xd_shape_instance_network, &xd_shape_plan,
    &xd_shape_node,      &xd_shape_instance_info,
};

typedef union {
    char bytes[1024];
    gint64 integer;
    gpointer pointer;
} AnyDocument;

static char *
reprint(const XdShape *shape, const char *text, gsize length)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    AnyDocument document = {0};
    char *printed;

    if (!xd_document_parse(shape, text, (gssize) length, arena, &document, &error)) {
        FUZZ_CHECK(error != NULL && g_utf8_validate(error->message, -1, NULL));
        return NULL;
    }
    printed = xd_document_print(shape, &document, XD_PRINT_MASKED);
    xd_document_clear(shape, &document);
    return printed;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    const XdShape *shape = size > 0 ? shapes[data[0] % G_N_ELEMENTS(shapes)] : shapes[0];
    g_autofree char *first = size > 0 ? reprint(shape, (const char *) data + 1, size - 1) : NULL;
    g_autofree char *second = first != NULL ? reprint(shape, first, strlen(first)) : NULL;

    FUZZ_CHECK(g_strcmp0(first, second) == 0);
    return 0;
}
