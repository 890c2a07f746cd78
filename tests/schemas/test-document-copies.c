/* SEC-5: a password goes from the document's text into its XdSecret, and nowhere else. */
#include "copies.h"
#include "xd-documents.h"

#include <string.h>

/* The text with the canary in it, spelt with an escape where that is wanted, and the tag in front
 * or behind. */
static void
write_document(XdVault *text, const XdSecret *canary, gboolean is_escaped, gboolean is_late)
{
    gsize length;
    const char *password = xd_secret_reveal(canary, &length);

    xd_vault_append_string(text, is_late ? "{" : "{\"driver_volume_type\":\"iscsi\",");
    xd_vault_append_string(text,
                           "\"data\":{\"target_portal\":\"a\",\"target_iqn\":\"iqn.2010-10.a\","
                           "\"auth_password\":\"");
    if (is_escaped) {
        static const char hex[] = "0123456789abcdef";

        xd_vault_append_string(text, "\\u00");
        xd_vault_append_char(text, hex[password[0] >> 4]);
        xd_vault_append_char(text, hex[password[0] & 15]);
    }
    xd_vault_append(text, password + is_escaped, length - (gsize) is_escaped);
    xd_vault_append_string(text, "\"}");
    xd_vault_append_string(text, is_late ? ",\"driver_volume_type\":\"iscsi\"}" : "}");
}

static void
test_password(void)
{
    for (guint way = 0; way < 4; way++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdArena) arena = xd_arena_new();
        g_autoptr(XdSecret) canary = copies_make_canary(arena, "document");
        g_auto(XdConnectionInfo) info = {0};
        g_auto(XdVault) text = {0};

        xd_vault_init(&text, arena);
        write_document(&text, canary, way % 2 == 1, way / 2 == 1);
        g_assert_true(
            xd_connection_info_parse(text.data, (gssize) text.length, arena, &info, &error));
        xd_vault_clear(&text);
        g_assert_true(xd_secret_equal(info.iscsi->data.auth_password, canary));
        g_assert_cmpuint(copies_count(canary), ==, 2);
        xd_connection_info_clear(&info);
        g_assert_cmpuint(copies_count(canary), ==, 1);
    }
}

/* A document that is refused for something else leaves nothing of it, neither in the error. */
static void
test_refused(void)
{
    static const char rest[] = ",\"data\":1}";

    for (guint late = 0; late < 2; late++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdArena) arena = xd_arena_new();
        g_autoptr(XdSecret) canary = copies_make_canary(arena, "refused");
        XdConnectionInfo info = {0};
        g_auto(XdVault) text = {0};

        xd_vault_init(&text, arena);
        write_document(&text, canary, FALSE, late == 1);
        xd_vault_truncate(&text, text.length - 1);
        xd_vault_append_string(&text, rest);
        g_assert_false(
            xd_connection_info_parse(text.data, (gssize) text.length, arena, &info, &error));
        xd_vault_clear(&text);
        g_assert_cmpuint(copies_count(canary), ==, 1);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/documents/copies/password", test_password);
    g_test_add_func("/documents/copies/refused", test_refused);
    return g_test_run();
}
