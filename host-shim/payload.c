#include "payload.h"

#include "failure.h"
#include "locked.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define PAGE (PAYLOAD_MOST + 2) /* one byte to see that there is more, one for the end */

struct _Payload {
    char *text;
};

void
payload_free(Payload *payload)
{
    locked_free(payload->text, PAGE);
    g_free(payload);
}

/* Straight into the locked memory: stdio would keep a copy. */
static gssize
read_all(int fd, char *to)
{
    gsize length = 0;
    gssize n;

    while ((n = read(fd, to + length, PAYLOAD_MOST + 1 - length)) != 0) {
        if (n < 0 && errno != EINTR)
            return -1;
        length += n > 0 ? (gsize) n : 0;
    }
    return (gssize) length;
}

static const char *
find_problem(const char *text, gsize length)
{
    if (length == 0)
        return N_("it is empty: a document is expected");
    if (length > PAYLOAD_MOST)
        return N_("it is longer than 1 MiB: no document is");
    if (!g_utf8_validate(text, (gssize) length, NULL))
        return N_("it is no text in UTF-8: a document is expected");
    return NULL;
}

Payload *
payload_read_fd(int fd, const char *name, GError **error)
{
    g_autoptr(Payload) payload = g_new0(Payload, 1);
    const char *problem;
    gssize length;

    payload->text = locked_new(PAGE);
    if (payload->text == NULL) {
        failure_set(error, HVD_ERROR_FAILED, NULL, _("%s: no memory for it"), name);
        return NULL;
    }
    length = read_all(fd, payload->text);
    if (length < 0) {
        failure_set_file(error, name, errno);
        return NULL;
    }
    problem = find_problem(payload->text, (gsize) length);
    if (problem != NULL) {
        failure_set(error, HVD_ERROR_INVALID, NULL, "%s: %s", name, _(problem));
        return NULL;
    }
    return g_steal_pointer(&payload);
}

Payload *
payload_read(const char *path, GError **error)
{
    Payload *payload;
    int fd;

    if (strcmp(path, "-") == 0)
        return payload_read_fd(STDIN_FILENO, _("standard input"), error);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        failure_set_file(error, path, errno);
        return NULL;
    }
    payload = payload_read_fd(fd, path, error);
    close(fd);
    return payload;
}

const char *
payload_get_text(const Payload *payload)
{
    return payload->text;
}
