#include "ops/open-image.h"

#include "model/record.h"

typedef struct {
    XdOp *op;
    char *path;
    gint64 announced; /* bytes, or -1 */
    GInputStream **stream;
    gint64 *bytes;
} Opening;

static void
opening_end(Opening *opening, GError *error)
{
    XdOp *op = opening->op;

    g_free(opening->path);
    g_free(opening);
    xd_op_complete(op, error);
}

/* A file's fault, in the caller's words; cancellation stays what it is. */
static GError *
image_error(const char *path, GError *cause)
{
    g_autofree char *shown = xd_escape(path, -1, 200);
    const char *reason =
        g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)           ? "there is no such file"
        : g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED) ? "it may not be read"
                                                                           : cause->message;
    GError *error;

    if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return cause;
    error =
        xd_error_new(g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ? HVD_ERROR_NOT_FOUND
                                                                              : HVD_ERROR_INVALID,
                     "/image/path: %s: %s", shown, reason);
    g_error_free(cause);
    return error;
}

static void
on_examined(GObject *stream, GAsyncResult *result, gpointer data)
{
    Opening *opening = data;
    g_autofree char *shown = xd_escape(opening->path, -1, 200);
    GError *error = NULL;
    g_autoptr(GFileInfo) info =
        g_file_input_stream_query_info_finish(G_FILE_INPUT_STREAM(stream), result, &error);

    if (info == NULL) {
        opening_end(opening, image_error(opening->path, error));
        return;
    }
    *opening->bytes = g_file_info_get_size(info);
    if (g_file_info_get_file_type(info) != G_FILE_TYPE_REGULAR || *opening->bytes < 1)
        error = xd_error_new(HVD_ERROR_INVALID, "/image/path: %s: it is empty, or no regular file",
                             shown);
    else if (opening->announced >= 0 && opening->announced != *opening->bytes)
        error = xd_error_new(HVD_ERROR_INTEGRITY,
                             "the image has %" G_GINT64_FORMAT " bytes, %" G_GINT64_FORMAT
                             " were announced",
                             *opening->bytes, opening->announced);
    opening_end(opening, error);
}

static void
on_opened(GObject *file, GAsyncResult *result, gpointer data)
{
    Opening *opening = data;
    GError *error = NULL;
    GFileInputStream *stream = g_file_read_finish(G_FILE(file), result, &error);

    if (stream == NULL) {
        opening_end(opening, image_error(opening->path, error));
        return;
    }
    *opening->stream = G_INPUT_STREAM(stream);
    g_file_input_stream_query_info_async(
        stream, G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE,
        G_PRIORITY_DEFAULT, NULL, on_examined, opening);
}

void
xd_op_open_image(XdOp *op, const XdImage *image, GInputStream **stream, gint64 *bytes)
{
    g_autoptr(GFile) file = NULL;
    Opening *opening;

    *bytes = xd_image_get_size(image);
    if (image->kind == XD_IMAGE_STREAM) {
        xd_op_next(op);
        return;
    }
    opening = g_new0(Opening, 1);
    *opening = (Opening){op, g_strdup(image->file->path), *bytes, stream, bytes};
    file = g_file_new_for_path(image->file->path);
    g_file_read_async(file, G_PRIORITY_DEFAULT, xd_op_pend(op), on_opened, opening);
}
