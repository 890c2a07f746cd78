/* What spawn is given: an instance document, or the bytes of a disk. */
#pragma once

#include "payload.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
    Payload *document;    /* (nullable): it is one */
    GInputStream *stream; /* (nullable): or it has these bytes */
    gint64 size_bytes;    /* of an image; -1 where only reading tells */
    char *name;           /* of an image: the file's, without its suffix; "" for standard input */
} Image;

/**
 * image_open:
 * @path: "-" is standard input
 * @is_image: it is no document, whatever it looks like
 *
 * A FIFO is waited for until somebody writes to it. Formats that are no raw image are refused: they
 * would be written to a disk as they are. Errors: of the file; INVALID.
 */
gboolean image_open(Image *image, const char *path, gboolean is_image, GError **error);
void image_clear(Image *image);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Image, image_clear)

G_END_DECLS
