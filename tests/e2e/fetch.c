/* What `hvd spawn URL` reads with, alone and in a hurry: the image goes to standard output, in small
 * pieces; that takes no more memory than a few buffers, however large it is.
 *
 *   fetch URL STALL_MS [CANCEL]      CANCEL: behind that many bytes the read that waits is cancelled
 */
#include "fetch.h"
#include "failure.h"
#include "peak.h"

#include <gio/gunixoutputstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRIES    3
#define PAUSE_MS 1
#define MOST_KIB (8 * 1024)

static void
on_answer(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    *(GAsyncResult **) data = g_object_ref(result);
}

static gssize
read_some(GInputStream *stream, char *to, gsize size, gboolean cancelled, GError **error)
{
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(GAsyncResult) result = NULL;

    g_input_stream_read_async(stream, to, size, G_PRIORITY_DEFAULT, cancellable, on_answer,
                              &result);
    if (cancelled)
        g_cancellable_cancel(cancellable);
    while (result == NULL)
        g_main_context_iteration(NULL, TRUE);
    return g_input_stream_read_finish(stream, result, error);
}

static gboolean
copy(GInputStream *from, guint64 cancel, GError **error)
{
    g_autoptr(GOutputStream) to = g_unix_output_stream_new(STDOUT_FILENO, FALSE);
    guint64 peak = peak_begin();
    char buffer[4096];
    guint64 copied = 0;
    gssize n;

    while ((n = read_some(from, buffer, sizeof buffer, copied == cancel, error)) > 0) {
        copied += (guint64) n;
        if (!g_output_stream_write_all(to, buffer, (gsize) n, NULL, NULL, error))
            return FALSE;
    }
    peak_assert(peak, MOST_KIB);
    return n == 0;
}

static guint64
number(const char *text)
{
    return g_ascii_strtoull(text, NULL, 10);
}

int
main(int argc, char **argv)
{
    FetchLimits limits = {TRIES, PAUSE_MS, (guint) number(argc > 2 ? argv[2] : "0")};
    guint64 cancel = argc > 3 ? number(argv[3]) : G_MAXUINT64;
    g_autoptr(GError) error = NULL;
    g_autoptr(FetchUrl) url = argc > 2 ? fetch_url_parse(argv[1], &error) : NULL;
    g_autoptr(Fetch) fetch = url != NULL ? fetch_open(url, NULL, &limits, NULL, &error) : NULL;
    g_autofree char *text = NULL;

    if (fetch != NULL && copy(G_INPUT_STREAM(fetch), cancel, &error))
        return EXIT_SUCCESS;
    text = error != NULL ? failure_print_json(error) : g_strdup("{}");
    fprintf(stderr, "%s\n", text);
    return EXIT_FAILURE;
}
