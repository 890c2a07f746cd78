#include "ops/open-image.h"

#include "model/record.h"

#define SIZE_AND_TYPE G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE

typedef struct {
    XdOp *op; /* NULL: given up */
    GFile *file;
    char *path;
    gint64 announced; /* bytes, or -1 */
    GSource *given_up;
    GInputStream **stream;
    gint64 *bytes;
} Opening;

static void
opening_free(Opening *opening)
{
    xd_clear_source(&opening->given_up);
    g_object_unref(opening->file);
    g_free(opening->path);
    g_free(opening);
}

static void
opening_end(Opening *opening, GError *error)
{
    XdOp *op = opening->op;

    opening_free(opening);
    xd_op_complete(op, error);
}

/* A file system that hangs holds a thread of GIO's that does not care for our asking: what it says at last
 * finds nobody. */
static gboolean
on_given_up(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    Opening *opening = data;
    XdOp *op = g_steal_pointer(&opening->op);

    xd_clear_source(&opening->given_up);
    xd_op_complete(op, g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled"));
    return G_SOURCE_REMOVE;
}

/* TRUE: it was given up, and @error is nobody's: both are freed. */
static gboolean
is_over(Opening *opening, GError *error)
{
    if (opening->op != NULL)
        return FALSE;
    g_clear_error(&error);
    opening_free(opening);
    return TRUE;
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

/* (nullable) (transfer full): why @info is that of no image; @failed (nullable) (transfer full): why there is
 * none */
static GError *
find_fault(Opening *opening, GFileInfo *info, GError *failed)
{
    g_autofree char *shown = xd_escape(opening->path, -1, 200);
    gint64 bytes;

    if (info == NULL)
        return image_error(opening->path, failed);
    bytes = g_file_info_get_size(info);
    if (g_file_info_get_file_type(info) != G_FILE_TYPE_REGULAR || bytes < 1)
        return xd_error_new(HVD_ERROR_INVALID, "/image/path: %s: it is empty, or no regular file",
                            shown);
    if (opening->announced >= 0 && opening->announced != bytes)
        return xd_error_new(HVD_ERROR_INTEGRITY,
                            "the image has %" G_GINT64_FORMAT " bytes, %" G_GINT64_FORMAT
                            " were announced",
                            bytes, opening->announced);
    return NULL;
}

/* What was looked at before may have been replaced. */
static void
on_examined(GObject *stream, GAsyncResult *result, gpointer data)
{
    Opening *opening = data;
    GError *error = NULL;
    g_autoptr(GFileInfo) info =
        g_file_input_stream_query_info_finish(G_FILE_INPUT_STREAM(stream), result, &error);

    if (is_over(opening, error))
        return;
    error = find_fault(opening, info, error);
    if (error == NULL) {
        *opening->stream = G_INPUT_STREAM(g_object_ref(stream));
        *opening->bytes = g_file_info_get_size(info);
    }
    opening_end(opening, error);
}

static void
on_opened(GObject *file, GAsyncResult *result, gpointer data)
{
    Opening *opening = data;
    GError *error = NULL;
    g_autoptr(GFileInputStream) stream = g_file_read_finish(G_FILE(file), result, &error);

    if (is_over(opening, error))
        return;
    if (stream == NULL)
        opening_end(opening, image_error(opening->path, error));
    else
        g_file_input_stream_query_info_async(stream, SIZE_AND_TYPE, G_PRIORITY_DEFAULT, NULL,
                                             on_examined, opening);
}

/* Opening a FIFO waits for somebody who writes into it; looking at one does not. */
static void
on_looked_at(GObject *file, GAsyncResult *result, gpointer data)
{
    Opening *opening = data;
    GError *error = NULL;
    g_autoptr(GFileInfo) info = g_file_query_info_finish(G_FILE(file), result, &error);

    if (is_over(opening, error))
        return;
    error = find_fault(opening, info, error);
    if (error != NULL)
        opening_end(opening, error);
    else
        g_file_read_async(opening->file, G_PRIORITY_DEFAULT, NULL, on_opened, opening);
}

void
xd_op_open_image(XdOp *op, const XdImage *image, GInputStream **stream, gint64 *bytes)
{
    Opening *opening;

    *bytes = xd_image_get_size(image);
    if (image->kind == XD_IMAGE_STREAM) {
        xd_op_next(op);
        return;
    }
    opening = g_new0(Opening, 1);
    *opening = (Opening){.op = op,
                         .file = g_file_new_for_path(image->file->path),
                         .path = g_strdup(image->file->path),
                         .announced = *bytes,
                         .stream = stream,
                         .bytes = bytes};
    opening->given_up = g_cancellable_source_new(xd_op_pend(op));
    g_source_set_callback(opening->given_up, G_SOURCE_FUNC(on_given_up), opening, NULL);
    g_source_attach(opening->given_up, g_main_context_get_thread_default());
    g_file_query_info_async(opening->file, SIZE_AND_TYPE, G_FILE_QUERY_INFO_NONE,
                            G_PRIORITY_DEFAULT, NULL, on_looked_at, opening);
}
