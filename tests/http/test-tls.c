/* SEC-11, SEC-12: whom the client talks to over TLS, and that the others get not one byte. */
#include "certificates.h"
#include "server.h"

#include "http/internal.h"

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

static XdHttp *
client_new(XdArena *arena, const char *const *pins)
{
    g_autofree char *ca_file = certificates_path("good-ca", ".pem");
    const XdHttpOptions options = {.arena = arena,
                                   .user_agent = "test/1",
                                   .ca_file = ca_file,
                                   .pins = pins,
                                   .connect_timeout_s = 10,
                                   .short_per_origin = 2,
                                   .total = 4};

    return xd_http_new(&options, NULL);
}

static GError *
ask_with(XdHttp *http, XdArena *arena, guint16 port)
{
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
    return outcome.error;
}

/* As a call that is repeatable: a connection that was cut in the meantime is noticed when it is used. */
static GError *
ask_again(XdHttp *http, XdArena *arena, guint16 port)
{
    GError *error = ask_with(http, arena, port);

    if (!xd_error_is(error, HVD_ERROR_NOT_REACHABLE))
        return error;
    g_error_free(error);
    return ask_with(http, arena, port);
}

static GError *
ask(guint16 port, const char *const *pins)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    XdHttp *http = client_new(arena, pins);
    GError *error = ask_with(http, arena, port);

    xd_http_free(http);
    return error;
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
check(const char *name, const char *const *pins, int code, const char *says)
{
    g_autoptr(TestServer) server = server_new(name);
    g_autoptr(GError) error = ask(test_server_get_port(server), pins);

    if (code < 0) {
        g_assert_no_error(error);
        return;
    }
    g_assert_error(error, XD_ERROR, code);
    g_assert_nonnull(strstr(error->message, says));
    g_assert_cmpuint(test_server_get_bytes(server), ==, 0);
}

/* Who is whom: make-certificates. The security level of OpenSSL says what is too weak. */
static const struct {
    const char *server;
    int code; /* -1: taken */
    const char *says;
} matrix[] = {
    {"good", -1, NULL},
    {"linked", -1, NULL},
    {"unlinked", HVD_ERROR_TLS_UNTRUSTED, "not from a trusted authority"},
    {"by-server", HVD_ERROR_TLS_UNTRUSTED, "not from a trusted authority"},
    {"foreign", HVD_ERROR_TLS_UNTRUSTED, "not from a trusted authority"},
    {"self", HVD_ERROR_TLS_UNTRUSTED, "not from a trusted authority"},
    {"weak-key", HVD_ERROR_TLS_UNTRUSTED, "too weak"},
    {"weak-digest", HVD_ERROR_TLS_UNTRUSTED, "too weak"},
    {"expired", HVD_ERROR_TLS_EXPIRED, "has expired"},
    {"future", HVD_ERROR_TLS_EXPIRED, "is not valid yet"},
    {"other-name", HVD_ERROR_TLS_NAME, "for another name"},
};

static void
test_certificates(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(matrix); i++)
        check(matrix[i].server, NULL, matrix[i].code, matrix[i].says);
}

static int
on_remark(CURL *easy G_GNUC_UNUSED, curl_infotype type, char *text, size_t length, void *data)
{
    if (type == CURLINFO_TEXT)
        g_string_append_len(data, text, (gssize) length);
    return 0;
}

/* The authorities that are named are in place of the system's, also of those in the folder that libcurl
 * was built to look into. That one no test can fill, but libcurl says where it looks. */
static void
test_authorities(void)
{
    g_autoptr(TestServer) server = server_new("good");
    XdOrigin origin = {TRUE, (char *) "127.0.0.1", test_server_get_port(server)};
    g_autofree char *url = xd_origin_to_string(&origin);
    g_autofree char *ca_file = certificates_path("good-ca", ".pem");
    g_autofree char *from_file = g_strconcat("CAfile: ", ca_file, "\n", NULL);
    const XdHttpOptions options = {.ca_file = ca_file};
    g_autoptr(GString) remarks = g_string_new(NULL);
    CURLM *multi = curl_multi_init();
    CURL *easy = curl_easy_init();
    int running = 1;

    g_assert_true(xd_trust_configure(easy, &origin, &options, NULL));
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_remark);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, remarks);
    curl_multi_add_handle(multi, easy);
    while (running > 0) {
        curl_multi_perform(multi, &running);
        g_main_context_iteration(NULL, FALSE);
    }
    g_assert_nonnull(strstr(remarks->str, from_file));
    g_assert_nonnull(strstr(remarks->str, "CApath: none\n"));
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
}

/* With pins, chain, name and dates do not matter, but the key does, also of a good certificate. Who is not
 * known shows the key that the operator has to compare. */
static const struct {
    const char *server;
    const char *pinned[2]; /* in this order: rotation, either of them counts */
    const char *host;
    int code;
} pin_matrix[] = {
    {"self", {"self"}, "127.0.0.1", -1},
    {"self", {"good", "self"}, "127.0.0.1", -1},
    {"self", {"self", "good"}, "127.0.0.1", -1},
    {"expired", {"expired"}, "127.0.0.1", -1},
    {"self", {"good"}, "127.0.0.1", HVD_ERROR_TLS_PIN},
    {"self", {"good", "foreign"}, "127.0.0.1", HVD_ERROR_TLS_PIN},
    {"good", {"self"}, "127.0.0.1", HVD_ERROR_TLS_PIN},
    {"self", {"self"}, "192.0.2.1", HVD_ERROR_TLS_UNTRUSTED},
    {"good", {"self"}, "192.0.2.1", -1},
};

static void
test_pins(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(pin_matrix); i++) {
        const char *second = pin_matrix[i].pinned[1];
        g_autofree char *a = certificates_pin(pin_matrix[i].host, pin_matrix[i].pinned[0]);
        g_autofree char *b = second != NULL ? certificates_pin(pin_matrix[i].host, second) : NULL;
        g_autofree char *shown = certificates_pin("127.0.0.1", pin_matrix[i].server);
        const char *pins[] = {a, b, NULL};
        gboolean is_pin = pin_matrix[i].code == HVD_ERROR_TLS_PIN;

        check(pin_matrix[i].server, pins, pin_matrix[i].code,
              is_pin ? strstr(shown, "sha256//") : "not from a trusted authority");
    }
}

/* The server goes over to another certificate while it is in use. A connection that stands goes on; a new
 * one is looked at. */
static const struct {
    const char *to;
    const char *pinned[2];
    int code;
} rotations[] = {
    {"next", {NULL}, -1},
    {"foreign", {NULL}, HVD_ERROR_TLS_UNTRUSTED},
    {"expired", {NULL}, HVD_ERROR_TLS_EXPIRED},
    {"next", {"good", "next"}, -1},
    {"foreign", {"good", "foreign"}, -1},
    {"next", {"good"}, HVD_ERROR_TLS_PIN},
    {"next", {"good", "self"}, HVD_ERROR_TLS_PIN},
};

static void
rotate(TestServer *server, const char *name)
{
    g_autoptr(GTlsCertificate) certificate = certificates_load(name);

    test_server_set_certificate(server, certificate);
}

static void
test_rotation(gconstpointer data)
{
    guint i = GPOINTER_TO_UINT(data);
    const char *second = rotations[i].pinned[1];
    g_autofree char *a = certificates_pin("127.0.0.1", "good");
    g_autofree char *b = second != NULL ? certificates_pin("127.0.0.1", second) : NULL;
    g_autofree char *shown = certificates_pin("127.0.0.1", rotations[i].to);
    const char *pins[] = {rotations[i].pinned[0] != NULL ? a : NULL, b, NULL};
    g_autoptr(TestServer) server = server_new("good");
    guint16 port = test_server_get_port(server);
    g_autoptr(XdArena) arena = xd_arena_new();
    XdHttp *http = client_new(arena, pins);
    g_autoptr(GError) error = ask_with(http, arena, port);
    gsize heard;

    g_assert_no_error(error);
    rotate(server, rotations[i].to);
    error = ask_with(http, arena, port);
    g_assert_no_error(error);
    g_assert_cmpuint(test_server_get_connections(server), ==, 1);
    heard = test_server_get_bytes(server);
    test_server_drop_all(server);
    error = ask_again(http, arena, port);
    g_assert_cmpuint(test_server_get_connections(server), >, 1);
    if (rotations[i].code < 0) {
        g_assert_no_error(error);
    } else {
        g_assert_error(error, XD_ERROR, rotations[i].code);
        g_assert_cmpuint(test_server_get_bytes(server), ==, heard);
    }
    if (rotations[i].code == HVD_ERROR_TLS_PIN)
        g_assert_nonnull(strstr(error->message, strstr(shown, "sha256//")));
    /* the old one is back */
    g_clear_error(&error);
    rotate(server, "good");
    test_server_drop_all(server);
    error = ask_again(http, arena, port);
    g_assert_no_error(error);
    xd_http_free(http);
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

/* A server that can do no better. What it is willing to do is up to it, what the machine's policy would
 * allow is in openssl.cnf. */
static void
test_old_protocol(gconstpointer option)
{
    g_autofree char *certificate = certificates_path("good", ".pem");
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocess) process =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE |
                             G_SUBPROCESS_FLAGS_STDIN_PIPE,
                         &error, "openssl", "s_server", option, "-cipher", "DEFAULT@SECLEVEL=0",
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
    g_test_add_func("/http/tls/authorities", test_authorities);
    g_test_add_func("/http/tls/pins", test_pins);
    g_test_add_func("/http/tls/malformed-pins", test_malformed_pins);
    g_test_add_func("/http/tls/no-signal", test_no_signal);
    g_test_add_data_func("/http/tls/tls-1.0", "-tls1", test_old_protocol);
    g_test_add_data_func("/http/tls/tls-1.1", "-tls1_1", test_old_protocol);
    for (guint i = 0; i < G_N_ELEMENTS(rotations); i++) {
        g_autofree char *path = g_strdup_printf("/http/tls/rotation/%u-%s", i, rotations[i].to);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_rotation);
    }
    status = g_test_run();
    certificates_remove();
    return status;
}
