/* References to items of a Secret Service; and what hvd says where it was built without libsecret, which
 * is linked here in its place. */
#include "credential.h"
#include "failure.h"
#include "keyring.h"

#include <string.h>

static void
test_parse(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GHashTable) attributes = keyring_parse("user=root,server=a=b,empty=", &error);
    g_autofree char *names = NULL;

    g_assert_no_error(error);
    g_assert_cmpuint(g_hash_table_size(attributes), ==, 3);
    g_assert_cmpstr(g_hash_table_lookup(attributes, "user"), ==, "root");
    g_assert_cmpstr(g_hash_table_lookup(attributes, "server"), ==, "a=b");
    g_assert_cmpstr(g_hash_table_lookup(attributes, "empty"), ==, "");
    names = keyring_print_names(attributes);
    g_assert_cmpstr(names, ==, "empty, server, user");
}

static void
test_refused(void)
{
    static const char *const texts[] = {"",          "canary",     "=canary",
                                        "a=canary,", ",a=canary",  "a=b,,c=d",
                                        "a=1,a=2",   "a=b,canary", "a=canary\xff"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(keyring_parse(texts[i], &error));
        g_assert_error(error, FAILURE, HVD_ERROR_SECRET);
        g_assert_null(strstr(error->message, "canary"));
    }
}

static void
test_without(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *advice = NULL;
    g_autoptr(Credential) credential = NULL;
    char buffer[1];

    g_setenv("HVD_CREDENTIAL", "secret-service:a=b", TRUE);
    credential = credential_take();
    g_assert_false(credential_check(credential, &error));
    g_assert_error(error, FAILURE, HVD_ERROR_SECRET);
    g_assert_nonnull(strstr(error->message, "built without libsecret"));
    advice = failure_dup_advice(error);
    g_assert_nonnull(strstr(advice, "file:PATH"));
    g_clear_error(&error);
    g_assert_cmpint(keyring_read(NULL, buffer, sizeof buffer, &error), ==, -1);
    g_assert_error(error, FAILURE, HVD_ERROR_SECRET);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim/keyring/parse", test_parse);
    g_test_add_func("/shim/keyring/refused", test_refused);
    g_test_add_func("/shim/keyring/without", test_without);
    return g_test_run();
}
