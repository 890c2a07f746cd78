#include "base/secret.h"

#include <string.h>

static void
test_reveal(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdSecret) secret = xd_secret_new(arena, "tiger\0tail", 10);
    gsize length = 0;

    g_assert_cmpmem(xd_secret_reveal(secret, &length), 10, "tiger\0tail", 10);
    g_assert_cmpuint(length, ==, 10);
    g_assert_cmpint(xd_secret_reveal(secret, NULL)[10], ==, '\0');
}

static void
test_equal(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdSecret) a = xd_secret_new(arena, "tiger", 5);
    g_autoptr(XdSecret) b = xd_secret_new(arena, "tiger", 5);
    g_autoptr(XdSecret) c = xd_secret_new(arena, "tigen", 5);
    g_autoptr(XdSecret) d = xd_secret_new(arena, "tige", 4);

    g_assert_true(xd_secret_equal(a, b));
    g_assert_false(xd_secret_equal(a, c));
    g_assert_false(xd_secret_equal(a, d));
    g_assert_false(xd_secret_equal(a, NULL));
}

/* SEC-5: the block that a secret leaves is zero when the next owner gets it. */
static void
test_wiped(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    const char zeros[200] = {0};
    char *block = xd_arena_alloc(arena, 200);

    memset(block, 'S', 200);
    xd_arena_free(arena, block);
    g_assert_true(xd_arena_alloc(arena, 200) == (gpointer) block);
    g_assert_cmpmem(block + sizeof(gpointer), 192, zeros, 192);
    xd_arena_free(arena, block);
}

static void
test_large(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();

    for (gsize size = 1; size < 1 << 20; size = size * 3 + 1) {
        char *block = xd_arena_alloc(arena, size);

        memset(block, 'x', size);
        xd_arena_free(arena, block);
    }
}

/* A vault moves when it grows; nothing of it may stay in the blocks that it left. */
static void
test_vault(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdVault) vault = {0};
    g_autoptr(GString) expected = g_string_new(NULL);

    xd_vault_init(&vault, arena);
    for (guint i = 0; i < 5000; i++) {
        char c = (char) ('a' + i % 26);

        xd_vault_append_char(&vault, c);
        g_string_append_c(expected, c);
    }
    xd_vault_append_string(&vault, "end");
    g_string_append(expected, "end");
    g_assert_cmpstr(vault.data, ==, expected->str);
    xd_vault_truncate(&vault, 3);
    g_assert_cmpstr(vault.data, ==, "abc");
    g_assert_cmpint(vault.data[100], ==, '\0');
}

static void
test_redact(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    G_GNUC_UNUSED g_autoptr(XdSecret) kept = xd_secret_new(arena, "tiger", 5);
    XdSecret *gone = xd_secret_new(arena, "lion!", 5);
    G_GNUC_UNUSED g_autoptr(XdSecret) shorter = xd_secret_new(arena, "ox", 2);
    g_autofree char *all = xd_arena_redact(arena, "tigertiger and lion! by ox");
    g_autofree char *rest = NULL;

    g_assert_cmpstr(all, ==, "<hidden><hidden> and <hidden> by ox");
    xd_secret_unref(gone);
    rest = xd_arena_redact(arena, "tiger and lion!");
    g_assert_cmpstr(rest, ==, "<hidden> and lion!");
}

/* The secret outlives the arena's first owner. */
static void
test_reference(void)
{
    XdArena *arena = xd_arena_new();
    g_autoptr(XdSecret) secret = xd_secret_new(arena, "x", 1);

    xd_arena_unref(arena);
    g_assert_cmpstr(xd_secret_reveal(secret, NULL), ==, "x");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/secret/reveal", test_reveal);
    g_test_add_func("/base/secret/equal", test_equal);
    g_test_add_func("/base/secret/wiped", test_wiped);
    g_test_add_func("/base/secret/large", test_large);
    g_test_add_func("/base/secret/vault", test_vault);
    g_test_add_func("/base/secret/redact", test_redact);
    g_test_add_func("/base/secret/reference", test_reference);
    return g_test_run();
}
