#include "base/secret-source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SECRET 4096

/* Reads to the end of @fd into the arena and nowhere else. */
static XdSecret *
read_descriptor(XdArena *arena, int fd, const char *what, GError **error)
{
    char *buffer = xd_arena_alloc(arena, MAX_SECRET + 2);
    XdSecret *secret = NULL;
    gsize length = 0;
    gssize n = 1;

    while (n > 0 && length <= MAX_SECRET) {
        n = TEMP_FAILURE_RETRY(read(fd, buffer + length, MAX_SECRET + 2 - length));
        if (n > 0)
            length += (gsize) n;
    }
    if (n >= 0 && length > 0 && buffer[length - 1] == '\n')
        length--;
    if (n < 0)
        xd_set_error(error, HVD_ERROR_SECRET, "%s cannot be read: %s", what, g_strerror(errno));
    else if (length == 0)
        xd_set_error(error, HVD_ERROR_SECRET, "%s is empty", what);
    else if (length > MAX_SECRET)
        xd_set_error(error, HVD_ERROR_SECRET, "%s is longer than %d bytes", what, MAX_SECRET);
    else if (memchr(buffer, '\0', length) != NULL)
        xd_set_error(error, HVD_ERROR_SECRET, "%s has a NUL byte in it", what);
    else
        secret = xd_secret_new(arena, buffer, length);
    xd_arena_free(arena, buffer);
    return secret;
}

/* What is wrong with a secret file, or NULL. Looked up on the descriptor, not on the name. */
static const char *
file_fault(int fd)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return "cannot be examined";
    if (!S_ISREG(info.st_mode))
        return "is not a regular file";
    if (info.st_uid != geteuid() && info.st_uid != 0)
        return "belongs to another user";
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "can be reached by group or others: chmod 600 it";
    if (info.st_size < 1)
        return "is empty";
    return info.st_size > MAX_SECRET + 1 ? "is longer than 4096 bytes" : NULL;
}

static XdSecret *
load_file(XdArena *arena, const char *path, GError **error)
{
    g_autofree char *shown = xd_escape(path, -1, 200);
    g_autofree char *what = g_strdup_printf("secret file %s", shown);
    XdSecret *secret = NULL;
    const char *fault;
    int fd;

    if (!g_path_is_absolute(path)) {
        xd_set_error(error, HVD_ERROR_SECRET, "%s needs an absolute path", what);
        return NULL;
    }
    /* non-blocking, so that a FIFO planted there cannot hold us up */
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        xd_set_error(error, HVD_ERROR_SECRET, "%s cannot be opened: %s", what,
                     errno == ELOOP ? "it is a symbolic link" : g_strerror(errno));
        return NULL;
    }
    fault = file_fault(fd);
    if (fault != NULL)
        xd_set_error(error, HVD_ERROR_SECRET, "%s %s", what, fault);
    else
        secret = read_descriptor(arena, fd, what, error);
    close(fd);
    return secret;
}

static XdSecret *
load_credential(XdArena *arena, const char *name, GError **error)
{
    /* systemd's interface (CREDENTIALS_DIRECTORY, systemd.exec(5)): read, never changed */
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");
    g_autofree char *path = NULL;

    if (directory == NULL || name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL) {
        xd_set_error(error, HVD_ERROR_SECRET, "%s",
                     directory == NULL ? "the service manager has handed no credentials over"
                                       : "a credential's name has no slash and no leading dot");
        return NULL;
    }
    path = g_build_filename(directory, name, NULL);
    return load_file(arena, path, error);
}

static XdSecret *
load_fd(XdArena *arena, const char *number, GError **error)
{
    guint64 fd = 0;

    if (!g_ascii_string_to_unsigned(number, 10, 0, 65535, &fd, NULL)) {
        xd_set_error(error, HVD_ERROR_SECRET, "fd: needs the number of a descriptor");
        return NULL;
    }
    return read_descriptor(arena, (int) fd, "the secret's descriptor", error);
}

static XdSecret *
load_from_host(XdArena *arena, const char *name, const HvdHostCallbacks *callbacks, GError **error)
{
    g_autoptr(GError) cause = NULL;
    XdSecret *secret = NULL;
    char *buffer;
    gssize length;

    if (callbacks == NULL || callbacks->read_secret == NULL) {
        xd_set_error(error, HVD_ERROR_SECRET, "the host looks up no secrets");
        return NULL;
    }
    buffer = xd_arena_alloc(arena, MAX_SECRET);
    length = callbacks->read_secret(name, buffer, MAX_SECRET, callbacks->user_data, &cause);
    if (length > 0 && length <= MAX_SECRET)
        secret = xd_secret_new(arena, buffer, (gsize) length);
    else
        xd_set_error(error, HVD_ERROR_SECRET, "the host has no secret for pool.password: %s",
                     cause != NULL ? cause->message : "it gave none");
    xd_arena_free(arena, buffer);
    return secret;
}

XdSecret *
xd_secret_load(XdArena *arena, const char *reference, const HvdHostCallbacks *callbacks,
               GError **error)
{
    if (g_str_has_prefix(reference, "file:"))
        return load_file(arena, reference + strlen("file:"), error);
    if (g_str_has_prefix(reference, "credential:"))
        return load_credential(arena, reference + strlen("credential:"), error);
    if (g_str_has_prefix(reference, "fd:"))
        return load_fd(arena, reference + strlen("fd:"), error);
    if (g_str_has_prefix(reference, "host:"))
        return load_from_host(arena, reference + strlen("host:"), callbacks, error);
    /* what is no reference may be the password itself: it goes into no message */
    xd_set_error(
        error, HVD_ERROR_SECRET_LITERAL,
        "expected a reference to a secret (file:, credential:, fd: or host:), not a value");
    return NULL;
}
