/* Whom the driver gives the password to when a connection is opened, and whom not: SEC-11, SEC-12,
 * SEC-13. The servers count what they hear. */
#include "certificates.h"
#include "toolstack.h"

#include "xenapi/call.h"
#include "xenapi/mirror.h"

#include <string.h>

#define OTHER "127.0.0.2" /* also this machine */

static guint16
port_of(Toolstack *toolstack)
{
    return test_server_get_port(toolstack_get_server(toolstack));
}

static void
assert_untouched(Toolstack *toolstack)
{
    g_assert_cmpuint(test_server_get_connections(toolstack_get_server(toolstack)), ==, 0);
}

/* ---- TLS ---- */

typedef struct {
    const char *server;
    const char *pins[2]; /* of whom, for 127.0.0.1 */
    int code;            /* -1: opened */
} TlsCase;

static const TlsCase tls_cases[] = {
    {"good", {NULL}, -1},
    {"foreign", {NULL}, HVD_ERROR_TLS_UNTRUSTED},
    {"self", {NULL}, HVD_ERROR_TLS_UNTRUSTED},
    {"expired", {NULL}, HVD_ERROR_TLS_EXPIRED},
    {"future", {NULL}, HVD_ERROR_TLS_EXPIRED},
    {"other-name", {NULL}, HVD_ERROR_TLS_NAME},
    {"self", {"self"}, -1},
    {"self", {"good", "self"}, -1},
    {"self", {"good"}, HVD_ERROR_TLS_PIN},
    {"good", {"self"}, HVD_ERROR_TLS_PIN},
};

static char *
https_url(Toolstack *toolstack)
{
    return g_strdup_printf("pool.url=https://127.0.0.1:%u", port_of(toolstack));
}

static XdConnection *
open_tls(Toolstack *toolstack, const char *pins, GError **error)
{
    g_autofree char *url = https_url(toolstack);
    g_autofree char *authority = certificates_path("good-ca", ".pem");
    g_autofree char *ca_file = g_strconcat("tls.ca-file=", authority, NULL);
    g_autofree char *pinned = g_strconcat("tls.pins=", pins, NULL);
    const char *settings[] = {url, ca_file, pinned, NULL};

    return toolstack_open(toolstack, settings, error);
}

static void
test_tls(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(tls_cases); i++) {
        const TlsCase *c = &tls_cases[i];
        g_autoptr(GTlsCertificate) certificate = certificates_load(c->server);
        g_autoptr(Toolstack) toolstack = toolstack_new(certificate);
        g_autofree char *a = c->pins[0] != NULL ? certificates_pin("127.0.0.1", c->pins[0]) : NULL;
        g_autofree char *b = c->pins[1] != NULL ? certificates_pin("127.0.0.1", c->pins[1]) : NULL;
        g_autofree char *pins = g_strjoin(";", a != NULL ? a : "", b, NULL);
        g_autoptr(GError) error = NULL;
        XdConnection *connection = open_tls(toolstack, pins, &error);

        if (c->code < 0) {
            g_assert_no_error(error);
            g_assert_true(toolstack_heard_password(toolstack));
            toolstack_close(connection);
            continue;
        }
        g_assert_null(connection);
        g_assert_error(error, XD_ERROR, c->code);
        g_assert_cmpuint(test_server_get_bytes(toolstack_get_server(toolstack)), ==, 0);
    }
}

/* ---- another certificate while the connection is open ---- */

static const TlsCase rotations[] = {
    {"next", {NULL}, -1},
    {"next", {"good", "next"}, -1},
    {"foreign", {"good", "foreign"}, -1},
    {"next", {"good"}, HVD_ERROR_TLS_PIN},
    {"foreign", {NULL}, HVD_ERROR_TLS_UNTRUSTED},
    {"expired", {NULL}, HVD_ERROR_TLS_EXPIRED},
};

typedef struct {
    gboolean ended;
    GError *error;
} Outcome;

static void
on_called(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply G_GNUC_UNUSED,
          const GError *error, gpointer data)
{
    Outcome *outcome = data;

    outcome->ended = TRUE;
    outcome->error = error != NULL ? g_error_copy(error) : NULL;
}

static GError *
call(XdConnection *connection)
{
    XdCall request = {.method = "secret.get_uuid",
                      .parameters = g_variant_new("(s)", "OpaqueRef:x")};
    Outcome outcome = {0};

    xd_call(connection, &request, NULL, on_called, &outcome);
    while (!outcome.ended)
        g_main_context_iteration(NULL, TRUE);
    return outcome.error;
}

static void
go_over_to(Toolstack *toolstack, const char *name)
{
    g_autoptr(GTlsCertificate) certificate = certificates_load(name);

    test_server_set_certificate(toolstack_get_server(toolstack), certificate);
    test_server_drop_all(toolstack_get_server(toolstack));
}

/* Until the poll runs again, over a connection of its own. */
static void
wait_for_poll(Toolstack *toolstack, const XdConnection *connection, guint polls)
{
    while (toolstack_count(toolstack, "event.from") <= polls ||
           !xd_mirror_is_fresh(connection->mirror))
        g_main_context_iteration(NULL, TRUE);
}

static void
assert_not_trusted(Toolstack *toolstack, XdConnection *connection, const TlsCase *c)
{
    TestServer *server = toolstack_get_server(toolstack);
    gsize heard = test_server_get_bytes(server);
    g_autofree char *shown = NULL;
    g_autoptr(GError) error = NULL;
    const char *key;

    while (xd_mirror_is_fresh(connection->mirror))
        g_main_context_iteration(NULL, TRUE);
    error = call(connection);
    g_assert_error(error, XD_ERROR, c->code);
    g_assert_cmpuint(test_server_get_bytes(server), ==, heard);
    if (c->code != HVD_ERROR_TLS_PIN)
        return;
    shown = certificates_pin("127.0.0.1", c->server);
    key = strstr(shown, "sha256//");
    g_assert_nonnull(strstr(error->message, key));
    while (strstr(xd_mirror_get_stale_reason(connection->mirror), key) == NULL)
        g_main_context_iteration(NULL, TRUE);
}

/* Where it may not be trusted nobody is told anything, and all is well again when the old one is back. */
static void
test_rotation(gconstpointer data)
{
    const TlsCase *c = data;
    g_autoptr(GTlsCertificate) certificate = certificates_load("good");
    g_autoptr(Toolstack) toolstack = toolstack_new(certificate);
    g_autofree char *a = c->pins[0] != NULL ? certificates_pin("127.0.0.1", c->pins[0]) : NULL;
    g_autofree char *b = c->pins[1] != NULL ? certificates_pin("127.0.0.1", c->pins[1]) : NULL;
    g_autofree char *pins = g_strjoin(";", a != NULL ? a : "", b, NULL);
    g_autoptr(GError) error = NULL;
    XdConnection *connection = open_tls(toolstack, pins, &error);
    guint polls;

    g_assert_no_error(error);
    polls = toolstack_count(toolstack, "event.from");
    go_over_to(toolstack, c->server);
    if (c->code >= 0) {
        assert_not_trusted(toolstack, connection, c);
        polls = toolstack_count(toolstack, "event.from");
        go_over_to(toolstack, "good");
    }
    wait_for_poll(toolstack, connection, polls);
    error = call(connection);
    g_assert_no_error(error);
    g_assert_cmpuint(toolstack_count(toolstack, "session.login_with_password"), ==, 1);
    toolstack_close(connection);
}

/* Plain HTTP to a server that wants TLS. */
static void
test_mixed_up(void)
{
    g_autoptr(GTlsCertificate) certificate = certificates_load("good");
    g_autoptr(Toolstack) toolstack = toolstack_new(certificate);

    g_assert_null(toolstack_open(toolstack, NULL, NULL));
    g_assert_false(toolstack_heard_password(toolstack));
}

/* ---- plain http ---- */

static void
test_plaintext(void)
{
    static const char *const beyond[] = {"http://192.0.2.1", "http://localhost",
                                         "http://xen.example", "http://10.0.0.1:80",
                                         "http://[2001:db8::1]"};
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    const char *no[] = {"http.allow-plaintext=no", NULL};
    g_autoptr(GError) error = NULL;

    g_assert_null(toolstack_open(toolstack, no, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_PLAINTEXT);
    for (gsize i = 0; i < G_N_ELEMENTS(beyond); i++) {
        g_autofree char *url = g_strconcat("pool.url=", beyond[i], NULL);
        const char *settings[] = {url, NULL};

        g_clear_error(&error);
        g_assert_null(toolstack_open(toolstack, settings, &error));
        g_assert_error(error, XD_ERROR, HVD_ERROR_PLAINTEXT);
    }
    assert_untouched(toolstack);
}

/* ---- HOST_IS_SLAVE ---- */

static void
answer_slave(TestRequest *request, guint id, gpointer data)
{
    toolstack_fail(request, id, "HOST_IS_SLAVE", data);
}

static void
send_to(Toolstack *toolstack, const char *where)
{
    toolstack_plant(toolstack, "session.login_with_password", 1, 99, answer_slave, (char *) where);
}

static void
test_coordinator(void)
{
    g_autoptr(Toolstack) member = toolstack_new(NULL);
    g_autoptr(Toolstack) coordinator = toolstack_new_at(OTHER, port_of(member), NULL);
    g_autoptr(GError) error = NULL;
    XdConnection *connection;

    send_to(member, OTHER);
    connection = toolstack_open(member, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(toolstack_count(coordinator, "session.login_with_password"), ==, 1);
    toolstack_close(connection);
}

/* Where it may not lead: nobody is asked, at the same port neither. */
static void
test_nonsense(void)
{
    static const char *const nonsense[] = {
        "evil@" OTHER, OTHER "/path", OTHER ":22",        "",    "a b",        "[::1]", "-x",
        "..",          "http://x",    "127.0.0.2\\r\\nx", "x?y", "127.0.0.2#", "1.2.3", "%31"};
    g_autofree char *longest = g_strnfill(300, 'a');
    g_autoptr(Toolstack) member = toolstack_new(NULL);
    g_autoptr(Toolstack) trap = toolstack_new_at(OTHER, port_of(member), NULL);

    for (gsize i = 0; i <= G_N_ELEMENTS(nonsense); i++) {
        guint before = toolstack_count(member, "session.login_with_password");
        g_autoptr(GError) error = NULL;

        send_to(member, i < G_N_ELEMENTS(nonsense) ? nonsense[i] : longest);
        g_assert_null(toolstack_open(member, NULL, &error));
        g_assert_error(error, XD_ERROR, HVD_ERROR_REDIRECTED);
        g_assert_cmpuint(toolstack_count(member, "session.login_with_password"), ==, before + 1);
    }
    assert_untouched(trap);
}

/* Two that point at each other: it ends. */
static void
test_loop(void)
{
    g_autoptr(Toolstack) one = toolstack_new(NULL);
    g_autoptr(Toolstack) two = toolstack_new_at(OTHER, port_of(one), NULL);
    g_autoptr(GError) error = NULL;

    send_to(one, OTHER);
    send_to(two, "127.0.0.1");
    g_assert_null(toolstack_open(one, NULL, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_REDIRECTED);
    g_assert_cmpuint(toolstack_count(one, "session.login_with_password") +
                         toolstack_count(two, "session.login_with_password"),
                     <=, 3);
}

/* The member's pin is not the coordinator's: that one has to prove itself. */
static void
test_pin_of_coordinator(void)
{
    g_autoptr(GTlsCertificate) certificate = certificates_load("self");
    g_autoptr(GTlsCertificate) another = certificates_load("foreign");
    g_autofree char *pin = certificates_pin("127.0.0.1", "self");
    g_autofree char *wrong = certificates_pin(OTHER, "self");
    g_autofree char *right = certificates_pin(OTHER, "foreign");
    const struct {
        const char *pin;
        int code;
    } cases[] = {
        {NULL, HVD_ERROR_TLS_UNTRUSTED},
        {wrong, HVD_ERROR_TLS_PIN},
        {right, -1},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Toolstack) member = toolstack_new(certificate);
        g_autoptr(Toolstack) coordinator = toolstack_new_at(OTHER, port_of(member), another);
        g_autofree char *pins = g_strjoin(";", pin, cases[i].pin, NULL);
        g_autoptr(GError) error = NULL;
        XdConnection *connection;

        send_to(member, OTHER);
        connection = open_tls(member, pins, &error);
        if (connection != NULL) {
            g_assert_cmpint(cases[i].code, ==, -1);
            toolstack_close(connection);
            continue;
        }
        g_assert_error(error, XD_ERROR, cases[i].code);
        g_assert_cmpuint(test_server_get_bytes(toolstack_get_server(coordinator)), ==, 0);
    }
}

/* ---- nodes that are not trusted ---- */

#define HOST(name, address)                                                                        \
    "{\"class\":\"host\",\"operation\":\"add\",\"ref\":\"OpaqueRef:" name "\",\"snapshot\":{"      \
    "\"uuid\":\"" name "\",\"address\":\"" address "\"}}"

static void
answer_two_hosts(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    toolstack_answer(
        request, id,
        "{\"events\":[" HOST("one", "127.0.0.1") "," HOST(
            "two", OTHER) "],\"valid_ref_counts\":{\"host\":2},\"token\":\"the-token\"}");
}

static guint
connections_of(Toolstack *toolstack)
{
    return test_server_get_connections(toolstack_get_server(toolstack));
}

/* The coordinator is away for a while, and the only other node shows a certificate that is not trusted: that
 * is not where the search ends. */
static void
test_untrusted_member(void)
{
    g_autoptr(GTlsCertificate) certificate = certificates_load("good");
    g_autoptr(GTlsCertificate) another = certificates_load("self");
    g_autoptr(Toolstack) coordinator = toolstack_new(certificate);
    g_autoptr(Toolstack) member = toolstack_new_at(OTHER, port_of(coordinator), another);
    g_autoptr(GError) error = NULL;
    XdConnection *connection;
    guint polls;

    toolstack_plant(coordinator, "event.from", 1, 1, answer_two_hosts, NULL);
    connection = open_tls(coordinator, "", &error);
    g_assert_no_error(error);
    test_server_lose_patience(toolstack_get_server(coordinator));
    test_server_drop_all(toolstack_get_server(coordinator));
    while (connections_of(member) < 2)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(test_server_get_bytes(toolstack_get_server(member)), ==, 0);
    test_server_find_patience(toolstack_get_server(coordinator));
    polls = toolstack_count(coordinator, "event.from");
    wait_for_poll(coordinator, connection, polls);
    toolstack_close(connection);
}

/* ---- other ways out ---- */

static void
answer_moved(TestRequest *request, guint id G_GNUC_UNUSED, gpointer data)
{
    g_autofree char *head = g_strdup_printf(
        "HTTP/1.1 307 Moved\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n", (char *) data);

    test_request_send(request, head, -1);
}

static void
test_redirect(void)
{
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    g_autoptr(Toolstack) trap = toolstack_new(NULL);
    g_autofree char *there = g_strdup_printf("http://127.0.0.1:%u/jsonrpc", port_of(trap));
    g_autoptr(GError) error = NULL;

    toolstack_plant(toolstack, "session.login_with_password", 1, 9, answer_moved, there);
    g_assert_null(toolstack_open(toolstack, NULL, &error));
    g_assert_cmpuint(toolstack_count(toolstack, "session.login_with_password"), ==, 1);
    g_assert_true(xd_error_is(error, HVD_ERROR_REDIRECTED) ||
                  xd_error_is(error, HVD_ERROR_UNKNOWN_OUTCOME));
    assert_untouched(trap);
}

static void
test_proxies(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    g_autoptr(Toolstack) toolstack = toolstack_new(NULL);
    g_autoptr(Toolstack) trap = toolstack_new(NULL);
    g_autofree char *there = g_strdup_printf("http://127.0.0.1:%u", port_of(trap));
    g_autoptr(GError) error = NULL;
    XdConnection *connection;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        g_setenv(names[i], there, TRUE);
    connection = toolstack_open(toolstack, NULL, &error);
    g_assert_no_error(error);
    toolstack_close(connection);
    assert_untouched(trap);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        g_unsetenv(names[i]);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    certificates_make(argv[1]);
    g_test_add_func("/trust/tls", test_tls);
    for (guint i = 0; i < G_N_ELEMENTS(rotations); i++) {
        g_autofree char *path = g_strdup_printf("/trust/rotation/%u-%s", i, rotations[i].server);

        g_test_add_data_func(path, &rotations[i], test_rotation);
    }
    g_test_add_func("/trust/mixed-up", test_mixed_up);
    g_test_add_func("/trust/plaintext", test_plaintext);
    g_test_add_func("/trust/coordinator", test_coordinator);
    g_test_add_func("/trust/nonsense", test_nonsense);
    g_test_add_func("/trust/loop", test_loop);
    g_test_add_func("/trust/pin-of-coordinator", test_pin_of_coordinator);
    g_test_add_func("/trust/untrusted-member", test_untrusted_member);
    g_test_add_func("/trust/redirect", test_redirect);
    g_test_add_func("/trust/proxies", test_proxies);
    status = g_test_run();
    certificates_remove();
    return status;
}
