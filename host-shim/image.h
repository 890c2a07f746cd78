/* What spawn is given: an instance document, or the bytes of a disk. */
#pragma once

#include "fetch.h"
#include "payload.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
    Payload *document;    /* (nullable): it is one */
    GInputStream *stream; /* (nullable): or it has these bytes */
    gint64 size_bytes;    /* of an image; -1 where only reading tells */
    char *name;           /* of an image: the file's, without its suffix; "" for standard input */
    Fetch *fetch;         /* (nullable) (unowned): @stream, where it comes from a web server */
} Image;

typedef struct {
    gboolean is_image;   /* it is no document, whatever it looks like */
    const char *ca_file; /* (nullable): authorities of web servers, in place of the system's */
    GCancellable *cancellable; /* (nullable): for what has to be waited for at a web server */
} ImageOptions;

/**
 * image_open:
 * @path: "-" is standard input; http:// and https:// are fetched, and are images in any case
 *
 * A FIFO is waited for until somebody writes to it. Formats that are no raw image are refused: they
 * would be written to a disk as they are. Errors: of the file, of the URL; INVALID.
 */
gboolean image_open(Image *image, const char *path, const ImageOptions *options, GError **error);

/* What a driver made of the stream's problem: with the code and the advice that it had. Takes and gives
 * an error. */
GError *image_explain(const Image *image, GError *error);
void image_clear(Image *image);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Image, image_clear)

G_END_DECLS
