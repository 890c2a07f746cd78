#include "partial.h"

#include "failure.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixoutputstream.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct _Partial {
    char *path;
    char *beside; /* (nullable): the hidden name, where it has one */
    int fd;
    gboolean replace;
    GOutputStream *stream;
};

void
partial_free(Partial *partial)
{
    g_clear_object(&partial->stream);
    if (partial->fd >= 0)
        close(partial->fd);
    if (partial->beside != NULL)
        unlink(partial->beside);
    g_free(partial->beside);
    g_free(partial->path);
    g_free(partial);
}

static gboolean
refuse_existing(const char *path, GError **error)
{
    failure_set(error, HVD_ERROR_EXISTS, _("--force replaces it"), _("%s is there already"), path);
    return FALSE;
}

/* A device or a pipe is nothing that a file takes the place of. */
gboolean
partial_check(const char *path, gboolean replace, GError **error)
{
    struct stat info;

    if (lstat(path, &info) != 0)
        return TRUE;
    if (S_ISREG(info.st_mode))
        return replace || refuse_existing(path, error);
    failure_set(error, HVD_ERROR_INVALID, NULL, _("%s is there, and no regular file"), path);
    return FALSE;
}

static char *
make_hidden_name(const Partial *partial, const char *suffix)
{
    g_autofree char *directory = g_path_get_dirname(partial->path);
    g_autofree char *name = g_path_get_basename(partial->path);
    g_autofree char *hidden = g_strdup_printf(".%.200s.%s", name, suffix);

    return g_build_filename(directory, hidden, NULL);
}

/* By which a file without a name gets one. */
static char *
make_link(const Partial *partial)
{
    return g_strdup_printf("/proc/self/fd/%d", partial->fd);
}

static gboolean
open_nameless(Partial *partial)
{
    g_autofree char *directory = g_path_get_dirname(partial->path);
    g_autofree char *link = NULL;

    partial->fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (partial->fd < 0)
        return FALSE;
    link = make_link(partial);
    if (access(link, F_OK) == 0)
        return TRUE;
    close(partial->fd);
    partial->fd = -1;
    return FALSE;
}

/* mkostemp() opens exclusively, follows no link and lets nobody else in (SEC-36). */
static gboolean
open_hidden(Partial *partial)
{
    partial->beside = make_hidden_name(partial, "XXXXXX");
    partial->fd = mkostemp(partial->beside, O_CLOEXEC);
    if (partial->fd >= 0)
        return fchmod(partial->fd, 0600) == 0;
    g_clear_pointer(&partial->beside, g_free);
    return FALSE;
}

Partial *
partial_new(const char *path, gboolean replace, GError **error)
{
    g_autoptr(Partial) partial = g_new0(Partial, 1);

    partial->path = g_strdup(path);
    partial->replace = replace;
    partial->fd = -1;
    if (!partial_check(path, replace, error))
        return NULL;
    if (!open_nameless(partial) && !open_hidden(partial)) {
        failure_set_file(error, path, errno);
        return NULL;
    }
    partial->stream = g_unix_output_stream_new(partial->fd, FALSE);
    return g_steal_pointer(&partial);
}

GOutputStream *
partial_get_stream(const Partial *partial)
{
    return partial->stream;
}

static int
link_as(const Partial *partial, const char *path)
{
    g_autofree char *link = make_link(partial);

    return linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* A name that is taken is given by renaming alone. */
static int
take_hidden_name(Partial *partial)
{
    g_autofree char *random = g_strdup_printf("%08x", g_random_int());
    g_autofree char *beside = make_hidden_name(partial, random);

    if (link_as(partial, beside) != 0)
        return -1;
    partial->beside = g_steal_pointer(&beside);
    return 0;
}

/* Whoever made a file of the name meanwhile keeps it; where the file system cannot tell, the look at
 * the beginning has to do. */
static int
take_name(Partial *partial)
{
    if (partial->beside == NULL && !partial->replace)
        return link_as(partial, partial->path);
    if (partial->beside == NULL && take_hidden_name(partial) != 0)
        return -1;
    if (!partial->replace) {
        if (renameat2(AT_FDCWD, partial->beside, AT_FDCWD, partial->path, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EINVAL && errno != ENOSYS)
            return -1;
    }
    return g_rename(partial->beside, partial->path);
}

gboolean
partial_complete(Partial *partial, GError **error)
{
    if (fsync(partial->fd) != 0 || take_name(partial) != 0) {
        if (errno == EEXIST)
            return refuse_existing(partial->path, error);
        failure_set_file(error, partial->path, errno);
        return FALSE;
    }
    g_clear_pointer(&partial->beside, g_free);
    return TRUE;
}
