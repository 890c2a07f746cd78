/* What our reader says of documents, for differential.py. On standard input: "SHAPE LENGTH\n" and
 * so many bytes, again and again. On standard output, a line each: "ok DOCUMENT" or "no MESSAGE".
 */
#include "xd-documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const XdShape *shape;
} shapes[] = {
    {"instance", &xd_shape_instance},
    {"network", &xd_shape_instance_network},
    {"block-device", &xd_shape_block_device},
    {"connection-info", &xd_shape_connection_info},
    {"migration", &xd_shape_migration},
    {"instance-info", &xd_shape_instance_info},
    {"node", &xd_shape_node},
    {"node-list", &xd_shape_node_list},
    {"plan", &xd_shape_plan},
    {"error", &xd_shape_error_document},
    {"volume-info", &xd_shape_volume_info},
    {"snapshot-info", &xd_shape_snapshot_info},
    {"connector", &xd_shape_connector},
    {"reconcile-report", &xd_shape_reconcile_report},
};

/* Larger than any struct of a document. */
typedef union {
    char bytes[1024];
    gint64 integer;
    gpointer pointer;
} AnyDocument;

static void
check(const XdShape *shape, const char *text, gsize length, XdArena *arena)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *printed = NULL;
    AnyDocument document = {0};

    if (!xd_document_parse(shape, text, (gssize) length, arena, &document, &error)) {
        printf("no %s\n", error->message);
        return;
    }
    printed = xd_document_print(shape, &document, XD_PRINT_MASKED);
    printf("ok %s\n", printed);
    xd_document_clear(shape, &document);
}

int
main(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    char name[32];
    gsize length;

    while (scanf("%31s %" G_GSIZE_FORMAT, name, &length) == 2 && getchar() == '\n') {
        g_autofree char *text = g_malloc(length + 1);
        gboolean known = FALSE;

        if (fread(text, 1, length, stdin) != length)
            return EXIT_FAILURE;
        for (gsize i = 0; i < G_N_ELEMENTS(shapes); i++) {
            if (strcmp(shapes[i].name, name) == 0) {
                check(shapes[i].shape, text, length, arena);
                known = TRUE;
            }
        }
        if (!known)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
