/* Failures: names, exit statuses that never change, and what is shown of them. */
#include "document.h"
#include "failure.h"

#include <gio/gio.h>
#include <string.h>

static void
test_exit_statuses(void)
{
    /* scripts rely on these numbers */
    static const struct {
        int code;
        int status;
        const char *name;
    } cases[] = {
        {HVD_ERROR_FAILED, 1, "FAILED"},
        {FAILURE_USAGE, 2, "USAGE"},
        {HVD_ERROR_INVALID, 3, "INVALID"},
        {HVD_ERROR_NOT_FOUND, 4, "NOT_FOUND"},
        {HVD_ERROR_EXISTS, 5, "EXISTS"},
        {HVD_ERROR_AMBIGUOUS, 6, "AMBIGUOUS"},
        {HVD_ERROR_STATE, 7, "STATE"},
        {HVD_ERROR_BUSY, 8, "BUSY"},
        {HVD_ERROR_NO_RESOURCES, 9, "NO_RESOURCES"},
        {HVD_ERROR_DENIED, 10, "DENIED"},
        {HVD_ERROR_AUTH, 11, "AUTH"},
        {HVD_ERROR_NOT_REACHABLE, 12, "NOT_REACHABLE"},
        {HVD_ERROR_TIMED_OUT, 13, "TIMED_OUT"},
        {HVD_ERROR_UNKNOWN_OUTCOME, 14, "UNKNOWN_OUTCOME"},
        {HVD_ERROR_UNSUPPORTED, 15, "UNSUPPORTED"},
        {HVD_ERROR_PROTOCOL, 16, "PROTOCOL"},
        {HVD_ERROR_INTEGRITY, 17, "INTEGRITY"},
        {HVD_ERROR_LEFTOVERS, 18, "LEFTOVERS"},
        {HVD_ERROR_CONFIG, 19, "CONFIG"},
        {HVD_ERROR_SECRET, 20, "SECRET"},
        {HVD_ERROR_SECRET_LITERAL, 21, "SECRET_LITERAL"},
        {HVD_ERROR_PLAINTEXT, 22, "PLAINTEXT"},
        {HVD_ERROR_TLS, 23, "TLS"},
        {HVD_ERROR_TLS_UNTRUSTED, 24, "TLS_UNTRUSTED"},
        {HVD_ERROR_TLS_EXPIRED, 25, "TLS_EXPIRED"},
        {HVD_ERROR_TLS_NAME, 26, "TLS_NAME"},
        {HVD_ERROR_TLS_PIN, 27, "TLS_PIN"},
        {HVD_ERROR_REDIRECTED, 28, "REDIRECTED"},
        {FAILURE_CANCELLED, 130, "CANCELLED"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) ours = failure_new(cases[i].code, NULL, "x");

        g_assert_cmpint(failure_get_exit_status(ours), ==, cases[i].status);
        g_assert_cmpstr(failure_get_name(ours), ==, cases[i].name);
        g_assert_true(failure_is(ours, cases[i].code));
    }
    g_assert_cmpint(HVD_ERROR_REDIRECTED, ==, 26); /* a new code needs a line here */
}

static void
test_foreign_domains(void)
{
    g_autoptr(GError) cancelled = g_error_new(G_IO_ERROR, G_IO_ERROR_CANCELLED, "x");
    g_autoptr(GError) other = g_error_new(G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "x");
    g_autoptr(GError) border = g_error_new(HVD_ERROR, HVD_ERROR_BUSY, "x");

    g_assert_cmpint(failure_get_exit_status(cancelled), ==, 130);
    g_assert_cmpint(failure_get_exit_status(other), ==, 1);
    g_assert_cmpint(failure_get_exit_status(border), ==, 8);
    g_assert_false(failure_is(NULL, HVD_ERROR_FAILED));
}

static void
test_ours(void)
{
    g_autoptr(GError) error =
        failure_new(HVD_ERROR_AMBIGUOUS, "use a uuid", "two are called %s", "\033[31m");
    JsonObject *candidate = json_object_new();
    g_autoptr(GError) copy = NULL;
    g_autofree char *text = NULL;
    g_autofree char *json = NULL;

    json_object_set_string_member(candidate, "uuid", "u-1\nu-2");
    json_object_set_string_member(candidate, "state", "running");
    json_object_set_string_member(candidate, "node", "n-1");
    failure_add_candidate(error, candidate);
    copy = g_error_copy(error);
    text = failure_print(copy, FALSE);
    g_assert_cmpstr(text, ==,
                    "hvd: AMBIGUOUS: two are called \\x1b[31m\n"
                    "  candidate: u-1\\x0au-2  running on n-1\n"
                    "  advice: use a uuid\n");
    json = failure_print_json(copy);
    g_assert_cmpstr(json, ==,
                    "{\"code\":\"AMBIGUOUS\",\"message\":\"two are called \\u001b[31m\","
                    "\"advice\":\"use a uuid\",\"candidates\":[{\"uuid\":\"u-1\\nu-2\",\"state\":"
                    "\"running\",\"node\":\"n-1\"}]}");
}

static void
test_of_the_driver(void)
{
    static const char document[] =
        "{\"code\":\"LEFTOVERS\",\"message\":\"spawn a: failed\",\"advice\":\"look\","
        "\"leftovers\":[\"VM 1\",\"VDI\\u001b 2\"]}";
    g_autoptr(GError) error = failure_from_driver(
        g_error_new(HVD_ERROR, HVD_ERROR_LEFTOVERS, "spawn a: failed"), g_strdup(document));
    g_autofree char *text = failure_print(error, FALSE);
    g_autofree char *coloured = failure_print(error, TRUE);
    g_autofree char *json = failure_print_json(error);

    g_assert_cmpint(failure_get_exit_status(error), ==, 18);
    g_assert_cmpstr(text, ==,
                    "hvd: LEFTOVERS: spawn a: failed\n"
                    "  advice: look\n"
                    "  left behind: VM 1\n"
                    "  left behind: VDI\\x1b 2\n");
    g_assert_true(g_str_has_prefix(coloured, "hvd: \033[31mLEFTOVERS\033[0m: spawn"));
    g_assert_cmpstr(json, ==, document);
}

static void
test_bad_document(void)
{
    static const char *const documents[] = {"", "[]", "{", "{\"advice\":5,\"leftovers\":\"x\"}"};

    for (gsize i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autoptr(GError) error = failure_from_driver(
            g_error_new(HVD_ERROR, HVD_ERROR_BUSY, "busy"), g_strdup(documents[i]));
        g_autofree char *text = failure_print(error, FALSE);

        g_assert_cmpstr(text, ==, "hvd: BUSY: busy\n");
    }
}

/* In options of hvd; the driver's own stays where it knows more. */
static void
test_advice(void)
{
    static const struct {
        int code;
        const char *given;
        const char *word;
    } cases[] = {
        {HVD_ERROR_NOT_FOUND, NULL, "hvd nodes --storage"},
        {HVD_ERROR_EXISTS, NULL, "--request-id"},
        {HVD_ERROR_AUTH, "theirs", "--user"},
        {HVD_ERROR_NOT_REACHABLE, NULL, "--pool"},
        {HVD_ERROR_NOT_REACHABLE, "theirs", "theirs"},
        {HVD_ERROR_TIMED_OUT, NULL, "--timeout"},
        {HVD_ERROR_LEFTOVERS, NULL, "reconcile.grace=0"},
        {HVD_ERROR_CONFIG, NULL, "hvd config"},
        {HVD_ERROR_SECRET, NULL, "HVD_CREDENTIAL"},
        {HVD_ERROR_PLAINTEXT, NULL, "https"},
        {HVD_ERROR_TLS_UNTRUSTED, "theirs", "--ca-file"},
        {HVD_ERROR_TLS_NAME, "theirs", "--pin"},
        {HVD_ERROR_TLS_PIN, NULL, "--pin"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *given = cases[i].given;
        g_autofree char *document =
            g_strdup_printf("{\"message\":\"m\"%s%s%s}", given != NULL ? ",\"advice\":\"" : "",
                            given != NULL ? given : "", given != NULL ? "\"" : "");
        g_autoptr(GError) error = failure_from_driver(g_error_new(HVD_ERROR, cases[i].code, "m"),
                                                      g_steal_pointer(&document));
        g_autofree char *text = failure_print(error, FALSE);
        g_autofree char *json = failure_print_json(error);

        g_assert_nonnull(strstr(text, cases[i].word));
        g_assert_nonnull(strstr(json, cases[i].word));
    }
}

static void
test_rename(void)
{
    g_autoptr(GError) error = failure_new(HVD_ERROR_STATE, NULL, "power-on u-1: u-1 is off");
    g_autoptr(GError) told = failure_new(HVD_ERROR_STATE, NULL, "web-1 (u-1) has moved");

    failure_rename(error, "u-1", "web-1");
    g_assert_cmpstr(error->message, ==, "power-on web-1 (u-1): u-1 is off");
    failure_rename(told, "u-1", "web-1");
    g_assert_cmpstr(told->message, ==, "web-1 (u-1) has moved");
}

/* Deeper than any document, and than a recursive parser may stand. */
static void
test_deep_document(void)
{
    g_autofree char *deep = g_strnfill(200000, '[');
    g_autofree char *quoted = g_strdup_printf("\"%s\\\"[\"", deep);
    g_autoptr(JsonNode) text = document_parse(quoted);

    g_assert_null(document_parse(deep));
    g_assert_nonnull(text);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim/failure/exit-statuses", test_exit_statuses);
    g_test_add_func("/shim/failure/foreign-domains", test_foreign_domains);
    g_test_add_func("/shim/failure/ours", test_ours);
    g_test_add_func("/shim/failure/of-the-driver", test_of_the_driver);
    g_test_add_func("/shim/failure/bad-document", test_bad_document);
    g_test_add_func("/shim/failure/advice", test_advice);
    g_test_add_func("/shim/failure/rename", test_rename);
    g_test_add_func("/shim/failure/deep-document", test_deep_document);
    return g_test_run();
}
