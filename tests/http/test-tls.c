/* SEC-11, SEC-12: whom the client talks to over TLS, and that the others get not one byte. */
#include "certificates.h"
#include "server.h"

#include "http/http.h"

#include <signal.h>
#include <string.h>

typedef struct {
    gboolean ended;
    GError *error;
} Outcome;

static XdFlow
on_data(XdExchange *exchange G_GNUC_UNUSED, const char *bytes G_GNUC_UNUSED,
        gsize length G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return XD_FLOW_GO;
}

static void
on_done(XdExchange *exchange G_GNUC_UNUSED, const GError *error, gpointer data)
{
    Outcome *outcome = data;

    outcome->ended = TRUE;
    outcome->error = error != NULL ? g_error_copy(error) : NULL;
}

static const XdExchangeClass exchange_class = {.data = on_data, .done = on_done};

static GError *
ask(guint16 port, const char *const *pins)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autofree char *ca_file = certificates_path("good-ca", ".pem");
    XdHttpOptions options = {.arena = arena,
                             .user_agent = "test/1",
                             .ca_file = ca_file,
                             .pins = pins,
                             .connect_timeout_s = 10,
                             .short_per_origin = 2,
                             .total = 4};
    XdHttp *http = xd_http_new(&options, NULL);
    XdOrigin origin = {TRUE, (char *) "127.0.0.1", port};
    g_auto(XdVault) body = {0};
    XdHttpRequest request = {
        .origin = &origin, .method = "POST", .path = "/jsonrpc", .body = &body, .max_body = 1000};
    Outcome outcome = {0};

    xd_vault_init(&body, arena);
    xd_vault_append_string(&body, "the password");
    xd_http_send(http, &request, &exchange_class, &outcome, NULL);
    while (!outcome.ended)
        g_main_context_iteration(NULL, TRUE);
    xd_http_free(http);
    return outcome.error;
}

static void
on_request(TestRequest *request, gpointer data G_GNUC_UNUSED)
{
    test_request_reply(request, "fine");
}

static TestServer *
server_new(const char *name)
{
    g_autoptr(GTlsCertificate) certificate = certificates_load(name);

    return test_server_new(certificate, on_request, NULL);
}

static void
test_certificates(void)
{
    static const struct {
        const char *server;
        int code; /* -1: taken */
    } cases[] = {
        {"good", -1},
        {"foreign", HVD_ERROR_TLS_UNTRUSTED},
        {"self", HVD_ERROR_TLS_UNTRUSTED},
        {"expired", HVD_ERROR_TLS_EXPIRED},
        {"future", HVD_ERROR_TLS_EXPIRED},
        {"other-name", HVD_ERROR_TLS_NAME},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(TestServer) server = server_new(cases[i].server);
        g_autoptr(GError) error = ask(test_server_get_port(server), NULL);

        if (cases[i].code < 0) {
            g_assert_no_error(error);
            continue;
        }
        g_assert_error(error, XD_ERROR, cases[i].code);
        g_assert_cmpuint(test_server_get_bytes(server), ==, 0);
    }
}

/* With pins, chain and name do not matter, but the key does, also of a good certificate. */
static void
test_pins(void)
{
    g_autofree char *self = certificates_pin("127.0.0.1", "self");
    g_autofree char *good = certificates_pin("127.0.0.1", "good");
    g_autofree char *elsewhere = certificates_pin("192.0.2.1", "self");
    const struct {
        const char *server;
        const char *pins[3];
        int code;
    } cases[] = {
        {"self", {self}, -1},
        {"self", {good, self}, -1}, /* rotation: the second one counts as well */
        {"self", {good}, HVD_ERROR_TLS_PIN},
        {"good", {self}, HVD_ERROR_TLS_PIN},
        {"self", {elsewhere}, HVD_ERROR_TLS_UNTRUSTED},
        {"good", {elsewhere}, -1},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(TestServer) server = server_new(cases[i].server);
        g_autoptr(GError) error = ask(test_server_get_port(server), cases[i].pins);

        if (cases[i].code < 0) {
            g_assert_no_error(error);
            continue;
        }
        g_assert_error(error, XD_ERROR, cases[i].code);
        g_assert_cmpuint(test_server_get_bytes(server), ==, 0);
    }
}

static void
test_malformed_pins(void)
{
    static const char *const bad[] = {
        "127.0.0.1",
        "127.0.0.1=",
        "=sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "127.0.0.1=sha1//AAAA",
        "127.0.0.1=sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "127.0.0.1=sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!=",
        "127.0.0.1=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(XdArena) arena = xd_arena_new();
        const char *pins[] = {bad[i], NULL};
        XdHttpOptions options = {.arena = arena, .pins = pins, .total = 1};
        g_autoptr(GError) error = NULL;

        g_assert_null(xd_http_new(&options, &error));
        g_assert_error(error, XD_ERROR, HVD_ERROR_CONFIG);
    }
}

static XdFlow
on_read_body(XdExchange *exchange G_GNUC_UNUSED, char *buffer, gsize size, gsize *length,
             gpointer data G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    memset(buffer, 'x', size);
    *length = size;
    return XD_FLOW_GO;
}

/* A server that hangs up while we write: that is an error, and no signal that ends the host. */
static void
test_no_signal(void)
{
    static const XdExchangeClass uploading = {
        .read_body = on_read_body, .data = on_data, .done = on_done};
    g_autoptr(TestServer) server = server_new("good");
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autofree char *ca_file = certificates_path("good-ca", ".pem");
    XdHttpOptions options = {.arena = arena,
                             .user_agent = "test/1",
                             .ca_file = ca_file,
                             .connect_timeout_s = 10,
                             .total = 4};
    XdHttp *http = xd_http_new(&options, NULL);
    XdOrigin origin = {TRUE, (char *) "127.0.0.1", test_server_get_port(server)};
    XdHttpRequest request = {.origin = &origin,
                             .method = "PUT",
                             .path = "/",
                             .body_size = G_GINT64_CONSTANT(1) << 40,
                             .lane = XD_LANE_LONG,
                             .bulk = TRUE,
                             .max_body = 1000};
    Outcome outcome = {0};

    signal(SIGPIPE, SIG_DFL);
    test_server_lose_patience(server);
    xd_http_send(http, &request, &uploading, &outcome, NULL);
    while (!outcome.ended)
        g_main_context_iteration(NULL, TRUE);
    g_assert_error(outcome.error, XD_ERROR, HVD_ERROR_NOT_REACHABLE);
    g_error_free(outcome.error);
    xd_http_free(http);
}

/* A server that can do no better than TLS 1.1. */
static void
test_old_protocol(void)
{
    g_autofree char *certificate = certificates_path("good", ".pem");
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocess) process =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE |
                             G_SUBPROCESS_FLAGS_STDIN_PIPE,
                         &error, "openssl", "s_server", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0",
                         "-cert", certificate, "-accept", "127.0.0.1:0", NULL);
    g_autoptr(GDataInputStream) out = NULL;
    guint port = 0;
    char *heard;

    g_assert_no_error(error);
    out = g_data_input_stream_new(g_subprocess_get_stdout_pipe(process));
    while (port == 0) {
        g_autofree char *line = g_data_input_stream_read_line(out, NULL, NULL, NULL);

        g_assert_nonnull(line);
        if (g_str_has_prefix(line, "ACCEPT"))
            port = (guint) g_ascii_strtoull(strrchr(line, ':') + 1, NULL, 10);
    }
    error = ask((guint16) port, NULL);
    g_assert_error(error, XD_ERROR, HVD_ERROR_TLS);
    g_subprocess_force_exit(process);
    while ((heard = g_data_input_stream_read_line(out, NULL, NULL, NULL)) != NULL) {
        g_assert_null(strstr(heard, "password")); /* it prints what it gets */
        g_free(heard);
    }
    g_subprocess_wait(process, NULL, NULL);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    certificates_make(argv[1]);
    g_test_add_func("/http/tls/certificates", test_certificates);
    g_test_add_func("/http/tls/pins", test_pins);
    g_test_add_func("/http/tls/malformed-pins", test_malformed_pins);
    g_test_add_func("/http/tls/no-signal", test_no_signal);
    g_test_add_func("/http/tls/old-protocol", test_old_protocol);
    status = g_test_run();
    certificates_remove();
    return status;
}
