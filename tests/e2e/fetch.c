/* What `hvd spawn URL` reads with, alone and in a hurry: the image goes to standard output.
 *
 *   fetch URL STALL_MS
 */
#include "fetch.h"
#include "failure.h"

#include <gio/gunixoutputstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRIES    3
#define PAUSE_MS 1

static void
on_answer(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    *(GAsyncResult **) data = g_object_ref(result);
}

static gssize
read_some(GInputStream *stream, char *to, gsize size, GError **error)
{
    g_autoptr(GAsyncResult) result = NULL;

    g_input_stream_read_async(stream, to, size, G_PRIORITY_DEFAULT, NULL, on_answer, &result);
    while (result == NULL)
        g_main_context_iteration(NULL, TRUE);
    return g_input_stream_read_finish(stream, result, error);
}

static gboolean
copy(GInputStream *from, GError **error)
{
    g_autoptr(GOutputStream) to = g_unix_output_stream_new(STDOUT_FILENO, FALSE);
    char buffer[4096];
    gssize n;

    while ((n = read_some(from, buffer, sizeof buffer, error)) > 0) {
        if (!g_output_stream_write_all(to, buffer, (gsize) n, NULL, NULL, error))
            return FALSE;
    }
    return n == 0;
}

int
main(int argc, char **argv)
{
    FetchLimits limits = {TRIES, PAUSE_MS,
                          argc == 3 ? (guint) g_ascii_strtoull(argv[2], NULL, 10) : 0};
    g_autoptr(GError) error = NULL;
    g_autoptr(FetchUrl) url = argc == 3 ? fetch_url_parse(argv[1], &error) : NULL;
    g_autoptr(Fetch) fetch = url != NULL ? fetch_open(url, NULL, &limits, NULL, &error) : NULL;
    g_autofree char *text = NULL;

    if (fetch != NULL && copy(G_INPUT_STREAM(fetch), &error))
        return EXIT_SUCCESS;
    text = error != NULL ? failure_print_json(error) : g_strdup("{}");
    fprintf(stderr, "%s\n", text);
    return EXIT_FAILURE;
}
