/* One disk in or out, by the driver or by bare libcurl; its seconds and its peak of memory go to standard
 * output.
 *
 * bench-disk driver in|out|digest SIZE FILE POOL-DIRECTORY VDI [CA-FILE]
 * bench-disk curl   in|out|digest SIZE FILE URL [CA-FILE]
 *
 * digest: out, and the SHA-256 of the bytes is made, on both sides by GLib.
 * FILE has the bytes, or gets them. The pool is a simulated one, whose node is bench-sink. */
#include "figure.h"
#include "image/raw.h"
#include "ops/operation.h"
#include "pool.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (512 * 1024L) /* the best for it */

typedef struct {
    gboolean in;
    gboolean digest;
    guint64 size;
    const char *file;
} Disk;

/* ---- the driver: one step of spawn, or of snapshot ---- */

typedef struct {
    XdOperation base;
    const Disk *disk;
    const char *vdi; /* its uuid */
    XdSource *source;
    XdDrain *drain;
} Transfer;

static void
move(XdOp *op, gpointer data)
{
    Transfer *transfer = data;
    XdConnection *connection = transfer->base.connection;
    gsize buffer = xd_config_get_uint(connection->config, XD_CONFIG_TRANSFER_BUFFER_BYTES);
    const XdVDI *vdi =
        (const XdVDI *) xd_mirror_find_one(connection->mirror, XD_BY_VDI_UUID, transfer->vdi);
    XdStepTransfer step = {
        .vdi = vdi->parent.ref, .sr = vdi->sr, .size = transfer->disk->size, .kind = "bench"};
    g_autoptr(GFile) file = g_file_new_for_path(transfer->disk->file);

    if (transfer->disk->in) {
        g_autoptr(GFileInputStream) stream = g_file_read(file, NULL, NULL);

        transfer->source =
            xd_raw_source_new(G_INPUT_STREAM(stream), transfer->disk->size, NULL, buffer);
    } else {
        g_autoptr(GFileOutputStream) stream =
            g_file_append_to(file, G_FILE_CREATE_NONE, NULL, NULL);

        transfer->drain = xd_raw_drain_new(G_OUTPUT_STREAM(stream), transfer->disk->digest, buffer);
    }
    step.source = transfer->source;
    step.drain = transfer->drain;
    xd_op_transfer(op, &step);
}

static void
transfer_clear(gpointer data)
{
    Transfer *transfer = data;

    g_clear_pointer(&transfer->source, xd_source_free);
    g_clear_pointer(&transfer->drain, xd_drain_free);
}

static double
run_driver(const Disk *disk, const char *directory, const char *vdi, const char *ca_file)
{
    static const XdStep steps[] = {{"move", move, NULL, 1, 3600}, {0}};
    static const XdOperationClass klass = {"bench", steps, transfer_clear};
    g_autoptr(TestPool) pool = test_pool_join(directory, NULL);
    g_autofree char *trust = g_strconcat("tls.ca-file=", ca_file, NULL);
    const char *more[] = {ca_file != NULL ? trust : NULL, NULL};
    g_auto(GStrv) settings = test_pool_settings(pool, more);
    XdConnection *connection = figure_open(settings);
    Transfer *transfer = g_new0(Transfer, 1);
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;
    gint64 start = g_get_monotonic_time();
    double seconds;

    transfer->disk = disk;
    transfer->vdi = vdi;
    xd_operation_run(&klass, transfer, connection, vdi, NULL, NULL, NULL, figure_keep_result,
                     &result);
    while (result == NULL)
        g_main_context_iteration(NULL, TRUE);
    seconds = (double) (g_get_monotonic_time() - start) / G_USEC_PER_SEC;
    g_free(g_task_propagate_pointer(G_TASK(result), &error));
    g_assert_no_error(error);
    figure_close(connection);
    return seconds;
}

/* ---- bare libcurl ---- */

static size_t
from_file(char *to, size_t size, size_t n, void *data)
{
    ssize_t got = read(GPOINTER_TO_INT(data), to, size * n);

    return got < 0 ? CURL_READFUNC_ABORT : (size_t) got;
}

typedef struct {
    int fd;
    GChecksum *checksum; /* (nullable) */
} Target;

static size_t
to_file(char *from, size_t size, size_t n, void *data)
{
    const Target *target = data;
    ssize_t put = write(target->fd, from, size * n);

    if (target->checksum != NULL && put > 0)
        g_checksum_update(target->checksum, (const guchar *) from, put);
    return put < 0 ? 0 : (size_t) put;
}

static double
run_curl(const Disk *disk, const char *url, const char *ca_file)
{
    int fd = open(disk->file, disk->in ? O_RDONLY : O_WRONLY | O_APPEND);
    g_autoptr(GChecksum) checksum = disk->digest ? g_checksum_new(G_CHECKSUM_SHA256) : NULL;
    Target target = {fd, checksum};
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    gint64 start = g_get_monotonic_time();
    CURLcode code;

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, disk->in ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) (disk->in ? disk->size : 0));
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, from_file);
    curl_easy_setopt(easy, CURLOPT_READDATA, GINT_TO_POINTER(fd));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, to_file);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &target);
    if (ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    code = curl_easy_perform(easy);
    if (code != CURLE_OK)
        g_error("libcurl: %s", curl_easy_strerror(code));
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    close(fd);
    return (double) (g_get_monotonic_time() - start) / G_USEC_PER_SEC;
}

int
main(int argc, char **argv)
{
    gboolean driver = argc > 1 && strcmp(argv[1], "driver") == 0;
    int last = driver ? 7 : 6;
    Disk disk;
    double seconds;

    if (argc < last || argc > last + 1) {
        g_printerr("usage: bench-disk driver in|out|digest SIZE FILE POOL-DIRECTORY VDI [CA-FILE]\n"
                   "       bench-disk curl in|out|digest SIZE FILE URL [CA-FILE]\n");
        return 2;
    }
    disk = (Disk){.in = strcmp(argv[2], "in") == 0,
                  .digest = strcmp(argv[2], "digest") == 0,
                  .size = g_ascii_strtoull(argv[3], NULL, 10),
                  .file = argv[4]};
    seconds =
        driver ? run_driver(&disk, argv[5], argv[6], argv[7]) : run_curl(&disk, argv[5], argv[6]);
    g_print("%.6f %" G_GUINT64_FORMAT "\n", seconds, figure_memory("VmHWM"));
    return 0;
}
