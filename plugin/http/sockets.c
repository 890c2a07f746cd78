/* The sockets of one client. libcurl lets go of a connection with each answer and takes it up with the next
 * request: till then it rests where it is, since taking it out and putting it in costs four times as much as
 * asking whether it is still there. */
#include "http/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* A node that loses its power says nothing: a call that waits for its answer would notice when its own time is
 * over, the poll after a minute. */
#define KEEPALIVE_IDLE_S     10
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT      3

typedef enum {
    SOCKET_OTHER, /* none, or the resolver's, of whose closing nobody tells */
    SOCKET_CONNECTION,
    SOCKET_RESTING, /* in the epoll descriptor, and none of libcurl's now */
} SocketState;

gboolean
xd_sockets_init(XdSockets *self, GError **error)
{
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll < 0) {
        xd_set_error(error, HVD_ERROR_FAILED, "no descriptor for the network is left: %s",
                     g_strerror(errno));
        return FALSE;
    }
    self->states = g_array_new(FALSE, TRUE, sizeof(gint8));
    return TRUE;
}

void
xd_sockets_clear(XdSockets *self)
{
    g_array_unref(self->states);
    close(self->epoll);
}

static SocketState
get_state(const XdSockets *self, int fd)
{
    return (guint) fd < self->states->len ? g_array_index(self->states, gint8, fd) : SOCKET_OTHER;
}

static void
set_state(XdSockets *self, int fd, SocketState state)
{
    if ((guint) fd >= self->states->len)
        g_array_set_size(self->states, (guint) fd + 1);
    g_array_index(self->states, gint8, fd) = (gint8) state;
}

/* It has something to say that nobody has asked for. */
static void
end_rest(XdSockets *self, int fd)
{
    set_state(self, fd, SOCKET_CONNECTION);
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void
let_go(XdSockets *self, int fd, int before)
{
    if (before == CURL_POLL_IN && get_state(self, fd) == SOCKET_CONNECTION)
        set_state(self, fd, SOCKET_RESTING);
    else
        epoll_ctl(self->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void
xd_sockets_watch(XdSockets *self, int fd, int before, int what)
{
    struct epoll_event event = {.events = (what & CURL_POLL_IN ? EPOLLIN : 0) |
                                          (what & CURL_POLL_OUT ? EPOLLOUT : 0),
                                .data.fd = fd};
    gboolean rested = get_state(self, fd) == SOCKET_RESTING;

    if (what == CURL_POLL_REMOVE) {
        let_go(self, fd, before);
        return;
    }
    if (rested)
        set_state(self, fd, SOCKET_CONNECTION);
    if ((before == 0 && !rested) || epoll_ctl(self->epoll, EPOLL_CTL_MOD, fd, &event) != 0)
        epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event);
}

guint
xd_sockets_ready(XdSockets *self, struct epoll_event *ready, guint room)
{
    int n = epoll_wait(self->epoll, ready, (int) room, 0);
    guint kept = 0;

    for (int i = 0; i < n; i++) {
        if (get_state(self, ready[i].data.fd) == SOCKET_RESTING)
            end_rest(self, ready[i].data.fd);
        else
            ready[kept++] = ready[i];
    }
    return kept;
}

/* libcurl's own sockets would be inherited by whatever the host starts. */
static curl_socket_t
on_open(void *user, curlsocktype purpose G_GNUC_UNUSED, struct curl_sockaddr *address)
{
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    const int count = KEEPALIVE_COUNT;

    if (fd < 0)
        return fd;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count); /* libcurl 7.88 has no option */
    set_state(user, fd, SOCKET_CONNECTION);
    return fd;
}

/* Closing alone would leave one in the descriptor that a child of the host's has as well. */
static int
on_close(void *user, curl_socket_t fd)
{
    XdSockets *self = user;

    if (get_state(self, fd) == SOCKET_RESTING)
        end_rest(self, fd);
    set_state(self, fd, SOCKET_OTHER);
    return close(fd);
}

void
xd_sockets_configure(XdSockets *self, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long) KEEPALIVE_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long) KEEPALIVE_INTERVAL_S);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, self);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, self);
}
