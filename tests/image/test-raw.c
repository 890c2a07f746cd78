/* Raw bytes in and out, in every size of piece, short, long and wrong: a count or a digest that is not what
 * was announced is an error (SEC-33). */
#include "image/raw.h"

#include <string.h>

static gboolean woken;

static void
on_wake(gpointer data G_GNUC_UNUSED)
{
    woken = TRUE;
}

static GBytes *
pattern(gsize size)
{
    guint8 *bytes = g_malloc(size);

    for (gsize i = 0; i < size; i++)
        bytes[i] = (guint8) (i * 7 + i / 251);
    return g_bytes_new_take(bytes, size);
}

/* Reads all there is, @step bytes at a time; NULL on a fault. */
static GByteArray *
read_all(XdSource *source, gsize step, GError **error)
{
    g_autoptr(GByteArray) all = g_byte_array_new();
    g_autofree char *piece = g_malloc(step);

    source->wake = on_wake;
    while (source->position < source->size) {
        gsize length = 0;
        XdFlow flow = source->klass->read(source, piece, step, &length, error);

        if (flow == XD_FLOW_STOP)
            return NULL;
        g_assert_true(flow == XD_FLOW_GO || length == 0);
        g_byte_array_append(all, (guint8 *) piece, (guint) length);
        for (woken = FALSE; flow == XD_FLOW_PAUSE && !woken;)
            g_main_context_iteration(NULL, TRUE);
    }
    if (!source->klass->verify(source, error))
        return NULL;
    return g_steal_pointer(&all);
}

/* In memory, or a file, which is read in another way. */
static GInputStream *
open_bytes(GBytes *bytes, gboolean as_file)
{
    g_autoptr(GFileIOStream) both = NULL;
    g_autoptr(GFile) file = NULL;
    GFileInputStream *stream;

    if (!as_file)
        return g_memory_input_stream_new_from_bytes(bytes);
    file = g_file_new_tmp("test-raw-XXXXXX", &both, NULL);
    g_assert_nonnull(file);
    g_assert_true(g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(both)),
                                            g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                            NULL, NULL, NULL));
    stream = g_file_read(file, NULL, NULL);
    g_assert_nonnull(stream);
    g_assert_true(g_file_delete(file, NULL, NULL));
    return G_INPUT_STREAM(stream);
}

static GByteArray *
read_image(gsize actual, guint64 announced, const char *sha256, gsize step, gboolean as_file,
           GError **error)
{
    g_autoptr(GBytes) bytes = pattern(actual);
    g_autoptr(GInputStream) stream = open_bytes(bytes, as_file);
    g_autoptr(XdSource) source = xd_raw_source_new(stream, announced, sha256, 64);
    g_autoptr(GByteArray) all = read_all(source, step, error);

    if (all != NULL)
        g_assert_cmpmem(all->data, all->len, g_bytes_get_data(bytes, NULL), actual);
    return g_steal_pointer(&all);
}

static void
test_whole(void)
{
    static const gsize sizes[] = {1, 63, 64, 65, 127, 128, 129, 1000};
    static const gsize steps[] = {1, 10, 64, 4096};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        for (gsize k = 0; k < 2 * G_N_ELEMENTS(steps); k++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(GByteArray) all =
                read_image(sizes[i], sizes[i], NULL, steps[k / 2], k % 2 != 0, &error);

            g_assert_no_error(error);
            g_assert_cmpuint(all->len, ==, sizes[i]);
        }
    }
}

static void
assert_refused(gsize actual, guint64 announced, const char *sha256, const char *why)
{
    for (gsize step = 1; step < 200; step += 33) { /* odd and even ones */
        g_autoptr(GError) error = NULL;

        g_assert_null(read_image(actual, announced, sha256, step, step % 2 != 0, &error));
        g_assert_error(error, XD_ERROR, HVD_ERROR_INTEGRITY);
        g_assert_nonnull(strstr(error->message, why));
    }
}

static void
test_short(void)
{
    assert_refused(0, 1, NULL, "the image ends too early");
    assert_refused(64, 65, NULL, "the image ends too early");
    assert_refused(999, 1000, NULL, "the image ends too early");
}

/* The last byte must not leave before the surplus is known. */
static void
test_long(void)
{
    static const gsize sizes[] = {1, 63, 64, 65, 128, 1000};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
        assert_refused(sizes[i] + 1, sizes[i], NULL, "has more than");
}

static void
test_digest(void)
{
    g_autoptr(GBytes) bytes = pattern(300);
    g_autofree char *right = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
    g_autofree char *upper = g_ascii_strup(right, -1);
    g_autofree char *wrong = g_strdup(right);
    g_autoptr(GError) error = NULL;
    GByteArray *all;

    wrong[0] = wrong[0] == 'a' ? 'b' : 'a';
    all = read_image(300, 300, right, 100, FALSE, &error);
    g_assert_nonnull(all);
    g_byte_array_unref(all);
    all = read_image(300, 300, upper, 100, TRUE, &error);
    g_assert_nonnull(all);
    g_byte_array_unref(all);
    assert_refused(300, 300, wrong, "SHA-256");
}

/* Let go of in the middle of a read: its answer finds nobody, and nothing leaks. */
static void
test_abandoned(void)
{
    g_autoptr(GBytes) bytes = pattern(300);
    g_autoptr(GInputStream) stream = g_memory_input_stream_new_from_bytes(bytes);
    XdSource *source = xd_raw_source_new(stream, 300, NULL, 64);
    char piece[10];
    gsize length;

    g_assert_cmpint(source->klass->read(source, piece, 10, &length, NULL), ==, XD_FLOW_PAUSE);
    xd_source_free(source);
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* ---- a stream whose read ends while it is being cancelled ---- */

/* It is its own result. */
typedef struct {
    GInputStream parent;
    GAsyncReadyCallback callback; /* (nullable): while it reads */
    gpointer data;
} Hasty;
typedef GInputStreamClass HastyClass;

GType hasty_get_type(void);
G_DEFINE_TYPE_WITH_CODE(Hasty, hasty, G_TYPE_INPUT_STREAM,
                        G_IMPLEMENT_INTERFACE(G_TYPE_ASYNC_RESULT, NULL))

static void
on_hasty_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    Hasty *hasty = data;
    GAsyncReadyCallback callback = hasty->callback;

    hasty->callback = NULL;
    callback(G_OBJECT(hasty), G_ASYNC_RESULT(hasty), hasty->data);
}

static void
hasty_read_async(GInputStream *stream, void *bytes G_GNUC_UNUSED, gsize size G_GNUC_UNUSED,
                 int priority G_GNUC_UNUSED, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer data)
{
    Hasty *hasty = (Hasty *) stream;

    hasty->callback = callback;
    hasty->data = data;
    g_signal_connect_object(cancellable, "cancelled", G_CALLBACK(on_hasty_cancelled), stream, 0);
}

static gssize
hasty_read_finish(GInputStream *stream G_GNUC_UNUSED, GAsyncResult *result G_GNUC_UNUSED,
                  GError **error)
{
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
    return -1;
}

static void
hasty_class_init(HastyClass *klass)
{
    klass->read_async = hasty_read_async;
    klass->read_finish = hasty_read_finish;
}

static void
hasty_init(Hasty *hasty G_GNUC_UNUSED)
{
}

/* Its answer comes before we have done cancelling. */
static void
test_hasty(void)
{
    g_autoptr(GInputStream) stream = g_object_new(hasty_get_type(), NULL);
    XdSource *source = xd_raw_source_new(stream, 300, NULL, 64);
    char piece[10];
    gsize length;

    g_assert_cmpint(source->klass->read(source, piece, 10, &length, NULL), ==, XD_FLOW_PAUSE);
    xd_source_free(source);
    g_assert_null(((Hasty *) stream)->callback);
}

static void
on_finished(gpointer data, GError *error)
{
    g_assert_no_error(error);
    *(gboolean *) data = TRUE;
}

static void
test_drain(void)
{
    static const gsize steps[] = {1, 10, 64, 100, 1000};

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GBytes) bytes = pattern(1000);
        g_autofree char *digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
        g_autoptr(GOutputStream) stream = g_memory_output_stream_new_resizable();
        g_autoptr(XdDrain) drain = xd_raw_drain_new(stream, i % 2 == 0, 64);
        const char *data = g_bytes_get_data(bytes, NULL);
        gboolean finished = FALSE;
        gsize done = 0;

        drain->wake = on_wake;
        drain->finished = on_finished;
        drain->wake_data = &finished;
        while (done < 1000) {
            gsize length = MIN(steps[i], 1000 - done);
            XdFlow flow = drain->klass->write(drain, data + done, length, NULL);

            done += flow == XD_FLOW_GO ? length : 0;
            for (woken = FALSE; flow == XD_FLOW_PAUSE && !woken;)
                g_main_context_iteration(NULL, TRUE);
        }
        drain->klass->finish(drain, NULL);
        while (!finished)
            g_main_context_iteration(NULL, TRUE);
        g_assert_cmpmem(g_memory_output_stream_get_data(G_MEMORY_OUTPUT_STREAM(stream)),
                        g_memory_output_stream_get_data_size(G_MEMORY_OUTPUT_STREAM(stream)), data,
                        1000);
        g_assert_cmpstr(xd_raw_drain_get_sha256(drain), ==, i % 2 == 0 ? digest : NULL);
    }
}

static gboolean
on_busy(gpointer data)
{
    (*(guint *) data)++;
    return G_SOURCE_CONTINUE;
}

/* Whatever else keeps the loop busy. */
static void
test_drain_when_busy(void)
{
    g_autoptr(GOutputStream) stream = g_memory_output_stream_new_resizable();
    g_autoptr(XdDrain) drain = xd_raw_drain_new(stream, FALSE, 64);
    gboolean finished = FALSE;
    guint turns = 0;
    guint busy = g_idle_add_full(G_PRIORITY_DEFAULT, on_busy, &turns, NULL);

    drain->finished = on_finished;
    drain->wake_data = &finished;
    drain->klass->finish(drain, NULL);
    while (!finished && turns < 1000)
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(finished);
    g_source_remove(busy);
}

static void
on_failed(gpointer data, GError *error)
{
    g_assert_error(error, XD_ERROR, HVD_ERROR_FAILED);
    g_error_free(error);
    *(gboolean *) data = TRUE;
}

static void
test_drain_full(void)
{
    char small[100];
    g_autoptr(GOutputStream) stream = g_memory_output_stream_new(small, sizeof small, NULL, NULL);
    g_autoptr(XdDrain) drain = xd_raw_drain_new(stream, TRUE, 64);
    gboolean finished = FALSE;
    char piece[64] = {0};

    drain->finished = on_failed;
    drain->wake_data = &finished;
    g_assert_cmpint(drain->klass->write(drain, piece, 64, NULL), ==, XD_FLOW_GO);
    g_assert_cmpint(drain->klass->write(drain, piece, 64, NULL), ==, XD_FLOW_GO);
    drain->klass->finish(drain, NULL);
    while (!finished)
        g_main_context_iteration(NULL, TRUE);
}

/* ---- a stream that takes its time, and does not look at who cancels ---- */

typedef struct {
    GOutputStream parent;
    GTask *write; /* (nullable): under way */
} Stuck;
typedef GOutputStreamClass StuckClass;

GType stuck_get_type(void);
G_DEFINE_TYPE(Stuck, stuck, G_TYPE_OUTPUT_STREAM)

static void
stuck_write_async(GOutputStream *stream, const void *bytes G_GNUC_UNUSED, gsize size G_GNUC_UNUSED,
                  int priority G_GNUC_UNUSED, GCancellable *cancellable G_GNUC_UNUSED,
                  GAsyncReadyCallback callback, gpointer data)
{
    ((Stuck *) stream)->write = g_task_new(stream, NULL, callback, data);
}

static gssize
stuck_write_finish(GOutputStream *stream G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
    return g_task_propagate_int(G_TASK(result), error);
}

static void
stuck_class_init(StuckClass *klass)
{
    klass->write_async = stuck_write_async;
    klass->write_finish = stuck_write_finish;
}

static void
stuck_init(Stuck *stuck G_GNUC_UNUSED)
{
}

static void
on_given_up(gpointer data, GError *error)
{
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_error_free(error);
    ++*(guint *) data;
}

/* The last piece is never taken: whoever waits for it may give up, at once, and the stream's own end finds
 * nobody. */
static void
test_drain_stuck(void)
{
    Stuck *stuck = g_object_new(stuck_get_type(), NULL);
    XdDrain *drain = xd_raw_drain_new(G_OUTPUT_STREAM(stuck), FALSE, 64);
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    guint given_up = 0;
    char piece[64] = {0};

    drain->wake = on_wake;
    drain->finished = on_given_up;
    drain->wake_data = &given_up;
    g_assert_cmpint(drain->klass->write(drain, piece, 64, NULL), ==, XD_FLOW_GO);
    drain->klass->finish(drain, cancellable);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(given_up, ==, 0);
    g_cancellable_cancel(cancellable);
    g_assert_cmpuint(given_up, ==, 0); /* from the loop */
    while (given_up == 0)
        g_main_context_iteration(NULL, TRUE);
    xd_drain_free(drain);
    g_task_return_int(stuck->write, 64);
    g_clear_object(&stuck->write);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(given_up, ==, 1);
    g_object_unref(stuck);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/raw/whole", test_whole);
    g_test_add_func("/image/raw/short", test_short);
    g_test_add_func("/image/raw/long", test_long);
    g_test_add_func("/image/raw/digest", test_digest);
    g_test_add_func("/image/raw/abandoned", test_abandoned);
    g_test_add_func("/image/raw/hasty", test_hasty);
    g_test_add_func("/image/raw/drain", test_drain);
    g_test_add_func("/image/raw/drain-when-busy", test_drain_when_busy);
    g_test_add_func("/image/raw/drain-full", test_drain_full);
    g_test_add_func("/image/raw/drain-stuck", test_drain_stuck);
    return g_test_run();
}
