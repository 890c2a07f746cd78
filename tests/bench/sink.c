/* A node that does nothing but move the bytes of disks, as fast as it can: neither it nor a toolstack
 * behind it is what a transfer waits for.
 *
 * bench-sink ADDRESS PORT SIZE [CERTIFICATE KEY]
 *
 * GET gives SIZE bytes, PUT takes what it announces. When a transfer is over its path goes to standard
 * output, a line of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK    (1 << 20)
#define MAX_HEAD 8192

typedef struct {
    SSL_CTX *tls; /* NULL: plain */
    unsigned long long size;
} Node;

typedef struct {
    const Node *node;
    int fd;
    SSL *tls;
    char head[MAX_HEAD + 1];
    size_t head_length; /* with the empty line */
    size_t received;    /* what came with the head included */
} Peer;

static ssize_t
peer_read(Peer *peer, char *to, size_t room)
{
    return peer->tls != NULL ? SSL_read(peer->tls, to, (int) room) : read(peer->fd, to, room);
}

static int
peer_write(Peer *peer, const char *from, size_t length)
{
    while (length > 0) {
        ssize_t n = peer->tls != NULL ? SSL_write(peer->tls, from, (int) length)
                                      : write(peer->fd, from, length);

        if (n <= 0)
            return 0;
        from += n;
        length -= (size_t) n;
    }
    return 1;
}

static int
read_head(Peer *peer)
{
    const char *end = NULL;

    while (end == NULL) {
        ssize_t n = peer_read(peer, peer->head + peer->received, MAX_HEAD - peer->received);

        if (n <= 0)
            return 0;
        peer->received += (size_t) n;
        peer->head[peer->received] = '\0';
        end = strstr(peer->head, "\r\n\r\n");
        if (end == NULL && peer->received == MAX_HEAD)
            return 0;
    }
    peer->head_length = (size_t) (end - peer->head) + 4;
    return 1;
}

/* As xapi does it: the head first, then the bytes, then the connection ends. */
static int
greet(Peer *peer)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nconnection: close\r\n"
                               "content-type: application/octet-stream\r\n\r\n";

    return peer_write(peer, head, sizeof head - 1);
}

static int
give(Peer *peer, char *chunk)
{
    unsigned long long left = peer->node->size;

    memset(chunk, 'x', CHUNK);
    while (left > 0) {
        size_t length = left < CHUNK ? (size_t) left : CHUNK;

        if (!peer_write(peer, chunk, length))
            return 0;
        left -= length;
    }
    return 1;
}

static int
take(Peer *peer, char *chunk)
{
    const char *announced = strcasestr(peer->head, "\r\ncontent-length:");
    unsigned long long left = announced != NULL ? strtoull(announced + 17, NULL, 10) : 0;

    left -= peer->received - peer->head_length;
    while (left > 0) {
        ssize_t n = peer_read(peer, chunk, left < CHUNK ? (size_t) left : CHUNK);

        if (n <= 0)
            return 0;
        left -= (unsigned long long) n;
    }
    return 1;
}

/* In one write, since several peers may be at their end. */
static void
tell(Peer *peer)
{
    char line[MAX_HEAD + 1];
    char *path = strchr(peer->head, ' ') + 1;
    int length = snprintf(line, sizeof line, "%.*s\n", (int) strcspn(path, " "), path);

    if (write(STDOUT_FILENO, line, (size_t) length) != length)
        exit(1);
}

static void *
serve(void *data)
{
    Peer *peer = data;
    char *chunk = malloc(CHUNK);
    int whole = 1;

    if (peer->node->tls != NULL) {
        peer->tls = SSL_new(peer->node->tls);
        SSL_set_fd(peer->tls, peer->fd);
        whole = SSL_accept(peer->tls) == 1;
    }
    whole = whole && read_head(peer) && greet(peer);
    if (whole && (strncmp(peer->head, "PUT ", 4) == 0 ? take(peer, chunk) : give(peer, chunk)))
        tell(peer);
    if (peer->tls != NULL) {
        SSL_shutdown(peer->tls);
        SSL_free(peer->tls);
    }
    close(peer->fd);
    free(chunk);
    free(peer);
    return NULL;
}

static int
listen_at(const char *address, const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t) strtoul(port, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *) &at, sizeof at) != 0 || listen(fd, 16) != 0) {
        fprintf(stderr, "%s port %s: %s\n", address, port, strerror(errno));
        exit(1);
    }
    return fd;
}

static SSL_CTX *
load_tls(const char *certificate, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (SSL_CTX_use_certificate_chain_file(tls, certificate) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1)
        return tls;
    fprintf(stderr, "%s, %s: no certificate with its key\n", certificate, key);
    exit(1);
}

int
main(int argc, char **argv)
{
    Node node = {0};
    int listener;

    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: bench-sink ADDRESS PORT SIZE [CERTIFICATE KEY]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    node.size = strtoull(argv[3], NULL, 10);
    node.tls = argc == 6 ? load_tls(argv[4], argv[5]) : NULL;
    listener = listen_at(argv[1], argv[2]);
    puts("ready");
    fflush(stdout);
    for (;;) {
        Peer *peer = calloc(1, sizeof *peer);
        pthread_t thread;

        peer->node = &node;
        peer->fd = accept(listener, NULL, NULL);
        if (peer->fd < 0 || pthread_create(&thread, NULL, serve, peer) != 0)
            return 1;
        pthread_detach(thread);
    }
}
