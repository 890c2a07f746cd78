#include "image.h"

#include "failure.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 64

void
image_clear(Image *image)
{
    image->fetch = NULL;
    g_clear_pointer(&image->document, payload_free);
    g_clear_object(&image->stream);
    g_clear_pointer(&image->name, g_free);
}

/* ---- what its first bytes say ---- */

static gboolean
looks_like_document(const char *path, const struct stat *info, const char *head, gsize length)
{
    gsize blanks = strspn(head, " \t\r\n");

    if (g_str_has_suffix(path, ".json"))
        return TRUE;
    return S_ISREG(info->st_mode) && info->st_size <= (off_t) PAYLOAD_MOST && blanks < length &&
           head[blanks] == '{';
}

/* Formats by their first bytes, as file(1) knows them. */
static const char *
find_format(const char *head, gsize length)
{
    static const struct {
        const char *bytes;
        gsize length;
        const char *name;
    } formats[] = {
        {"QFI\xfb", 4, "qcow2"},
        {"KDMV", 4, "VMDK"},
        {"# Disk Desc", 11, "VMDK"},
        {"vhdxfile", 8, "VHDX"},
        {"conectix", 8, "VHD"},
        {"<<< ", 4, "VDI"},
        {"\x1f\x8b", 2, "gzip"},
        {"BZh", 3, "bzip2"},
        {"\xfd"
         "7zXZ\0",
         6, "xz"},
        {"\x28\xb5\x2f\xfd", 4, "zstd"},
        {"PK\x03\x04", 4, "zip"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (length >= formats[i].length && memcmp(head, formats[i].bytes, formats[i].length) == 0)
            return formats[i].name;
    }
    return NULL;
}

static gboolean
check_format(const char *path, const char *head, gsize length, GError **error)
{
    const char *format = find_format(head, length);

    if (format == NULL)
        return TRUE;
    failure_set(error, HVD_ERROR_UNSUPPORTED,
                _("unpack or convert it, e.g. with qemu-img convert -O raw"),
                _("%s is of the format %s, and not a raw image"), path, format);
    return FALSE;
}

/* ---- what it is ---- */

/* -1: of pipes and terminals nobody knows */
static gint64
find_size(int fd, const struct stat *info)
{
    if (S_ISREG(info->st_mode))
        return info->st_size;
    return S_ISBLK(info->st_mode) ? lseek(fd, 0, SEEK_END) : -1;
}

static char *
name_of(const char *path)
{
    g_autofree char *name = g_filename_display_basename(path);
    char *dot = strrchr(name, '.');

    if (dot != NULL && dot != name)
        *dot = '\0';
    return g_steal_pointer(&name);
}

/* Takes @fd. */
static gboolean
take_image(Image *image, int fd, const char *path, const struct stat *info, GError **error)
{
    image->stream = g_unix_input_stream_new(fd, TRUE);
    image->size_bytes = find_size(fd, info);
    image->name = strcmp(path, "-") == 0 ? g_strdup("") : name_of(path);
    if (S_ISBLK(info->st_mode))
        lseek(fd, 0, SEEK_SET);
    if (image->size_bytes != 0)
        return TRUE;
    failure_set(error, HVD_ERROR_INVALID, NULL, _("%s is empty: an image is expected"), path);
    return FALSE;
}

/* Takes @fd. */
static gboolean
take_document(Image *image, int fd, const char *path, GError **error)
{
    image->document = payload_read_fd(fd, path, error);
    close(fd);
    return image->document != NULL;
}

static gboolean
take_file(Image *image, int fd, const char *path, gboolean is_image, GError **error)
{
    char head[HEAD_BYTES + 1] = {0};
    struct stat info = {0};
    int problem = fstat(fd, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
    gssize n = 0;

    if (problem != 0) {
        failure_set_file(error, path, problem);
        close(fd);
        return FALSE;
    }
    if (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))
        n = MAX(pread(fd, head, HEAD_BYTES, 0), 0);
    if (!is_image && looks_like_document(path, &info, head, (gsize) n))
        return take_document(image, fd, path, error);
    if (check_format(path, head, (gsize) n, error))
        return take_image(image, fd, path, &info, error);
    close(fd);
    return FALSE;
}

static gboolean
open_file(Image *image, const char *path, gboolean is_image, GError **error)
{
    gboolean is_stdin = strcmp(path, "-") == 0;
    int fd;

    if (is_stdin && !is_image) {
        image->document = payload_read(path, error);
        return image->document != NULL;
    }
    fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return take_file(image, fd, path, is_image, error);
    if (strstr(path, "://") != NULL)
        failure_set(error, HVD_ERROR_UNSUPPORTED, _("fetch it first, or name an http(s) address"),
                    _("%s: images come from https://, http:// and files alone"), path);
    else
        failure_set_file(error, path, errno);
    return FALSE;
}

static gboolean
open_url(Image *image, const char *text, const ImageOptions *options, GError **error)
{
    g_autoptr(FetchUrl) url = fetch_url_parse(text, error);
    char head[HEAD_BYTES];

    if (url == NULL)
        return FALSE;
    image->fetch = fetch_open(url, options->ca_file, &fetch_limits, options->cancellable, error);
    if (image->fetch == NULL)
        return FALSE;
    image->stream = G_INPUT_STREAM(image->fetch);
    image->size_bytes = fetch_get_size(image->fetch);
    image->name = g_strdup(url->name);
    return check_format(url->shown, head, fetch_peek(image->fetch, head, sizeof head), error);
}

gboolean
image_open(Image *image, const char *path, const ImageOptions *options, GError **error)
{
    *image = (Image){0};
    return fetch_url_is(path) ? open_url(image, path, options, error)
                              : open_file(image, path, options->is_image, error);
}

GError *
image_explain(const Image *image, GError *error)
{
    const GError *problem = image->fetch != NULL ? fetch_get_problem(image->fetch) : NULL;
    g_autofree char *advice = problem != NULL ? failure_dup_advice(problem) : NULL;
    GError *better;

    if (problem == NULL || !failure_is(error, HVD_ERROR_INTEGRITY))
        return error; /* what was left behind counts for more, above all */
    better = failure_new(problem->code, advice, "%s", error->message);
    g_error_free(error);
    return better;
}
