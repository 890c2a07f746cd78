/* A server for tests that says exactly what a test wants it to say, right or wrong. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _TestServer TestServer;

/**
 * TestRequest: one request as it came.
 * @number: from 0, over all connections
 * @connection: from 0
 */
typedef struct {
    TestServer *server;
    GIOStream *stream;
    guint number;
    guint connection;
    char *head;
    GString *body;
    gpointer source; /* the server's own */
} TestRequest;

typedef void (*TestHandler)(TestRequest *request, gpointer data);

/* Plain, or TLS with @certificate (nullable). Listens on 127.0.0.1, in the default context. */
TestServer *test_server_new(GTlsCertificate *certificate, TestHandler handler, gpointer data);
/* The same at an address of this machine and a port, which is free. */
TestServer *test_server_new_at(const char *address, guint16 port, GTlsCertificate *certificate,
                               TestHandler handler, gpointer data);
void test_server_free(TestServer *server);
guint16 test_server_get_port(TestServer *server);
guint test_server_get_requests(TestServer *server);
guint test_server_get_connections(TestServer *server);
/* Another certificate for those who come from now on. */
void test_server_set_certificate(TestServer *server, GTlsCertificate *certificate);
/* Hangs up on all who are there; turns the loop until they have gone. */
void test_server_drop_all(TestServer *server);
/* From now on it hangs up as soon as it hears anything. */
void test_server_lose_patience(TestServer *server);
void test_server_find_patience(TestServer *server);
/* bytes of requests that were read, TLS taken off: zero while handshakes fail */
gsize test_server_get_bytes(TestServer *server);
/* bytes that floods have sent */
guint64 test_server_get_flooded(TestServer *server);

/* In the handler: says something, or hangs up. */
void test_request_send(TestRequest *request, const char *bytes, gssize length);
void test_request_reply(TestRequest *request, const char *body);
void test_request_hang_up(TestRequest *request);
/* Says @piece again and again from the loop, until the other side has had enough. */
void test_request_flood(TestRequest *request, const char *piece, gsize length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestServer, test_server_free)

G_END_DECLS
