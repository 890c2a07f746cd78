/* SEC-11, SEC-12: whom the client talks to over TLS, and that the others get not one byte. */
#include "http/http.h"
#include "server.h"

#include <string.h>

typedef struct {
    gboolean ended;
    GError *error;
} Outcome;

static char *directory;

static char *
path_of(const char *name, const char *suffix)
{
    g_autofree char *file = g_strconcat(name, suffix, NULL);

    return g_build_filename(directory, file, NULL);
}

static char *
pin_of(const char *host, const char *name)
{
    g_autofree char *path = path_of(name, ".pin");
    g_autofree char *pin = NULL;

    g_assert_true(g_file_get_contents(path, &pin, NULL, NULL));
    return g_strdup_printf("%s=%s", host, pin);
}

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
    g_autofree char *ca_file = path_of("good-ca", ".pem");
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
    g_autofree char *path = path_of(name, ".pem");
    g_autoptr(GError) error = NULL;
    g_autoptr(GTlsCertificate) certificate = g_tls_certificate_new_from_file(path, &error);

    g_assert_no_error(error);
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
    g_autofree char *self = pin_of("127.0.0.1", "self");
    g_autofree char *good = pin_of("127.0.0.1", "good");
    g_autofree char *elsewhere = pin_of("192.0.2.1", "self");
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

/* A server that can do no better than TLS 1.1. */
static void
test_old_protocol(void)
{
    g_autofree char *certificate = path_of("good", ".pem");
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocess) process =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE |
                             G_SUBPROCESS_FLAGS_STDIN_PIPE,
                         &error, "openssl", "s_server", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0",
                         "-cert", certificate, "-accept", "127.0.0.1:0", NULL);
    g_autoptr(GDataInputStream) out = NULL;
    guint port = 0;

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
    g_subprocess_wait(process, NULL, NULL);
}

int
main(int argc, char **argv)
{
    g_autofree char *made = NULL;
    int status;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    directory = made = g_dir_make_tmp("hvd-tls-XXXXXX", NULL);
    {
        const char *command[] = {argv[1], directory, NULL};

        g_assert_true(g_spawn_sync(NULL, (char **) command, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
                                   NULL, &status, NULL));
        g_assert_cmpint(status, ==, 0);
    }
    g_test_add_func("/http/tls/certificates", test_certificates);
    g_test_add_func("/http/tls/pins", test_pins);
    g_test_add_func("/http/tls/malformed-pins", test_malformed_pins);
    g_test_add_func("/http/tls/old-protocol", test_old_protocol);
    status = g_test_run();
    {
        const char *command[] = {"rm", "-rf", directory, NULL};

        g_spawn_sync(NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                     NULL, NULL);
    }
    return status;
}
