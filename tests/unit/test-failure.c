#include "xenapi/failure.h"

#include <string.h>

#define WIDEST 90

/* An advice is something to do: one of its parts begins so. */
static const char *const verbs[] = {
    "ask",     "appoint", "attach",     "bring", "check",  "choose", "clear",  "connect",
    "correct", "detach",  "disconnect", "eject", "finish", "free",   "give",   "insert",
    "install", "join",    "leave",      "list",  "look",   "make",   "name",   "raise",
    "remove",  "repair",  "report",     "set",   "start",  "stop",   "switch", "take",
    "try",     "unmount", "update",     "use",   "wait",   "write",  NULL,
};

static gboolean
begins_with_verb(const char *part)
{
    g_autofree char *word = g_strndup(part, strcspn(part, " ,"));

    return g_strv_contains(verbs, word);
}

static gboolean
has_verb(const char *advice)
{
    g_auto(GStrv) parts = g_strsplit_set(advice, ":,", -1);

    for (guint i = 0; parts[i] != NULL; i++) {
        if (begins_with_verb(g_strchug(parts[i])))
            return TRUE;
    }
    return FALSE;
}

/* (nullable): what is wrong with it */
static const char *
find_offence(const char *advice)
{
    gsize length = advice != NULL ? strlen(advice) : 0;

    if (length == 0)
        return "there is none";
    if (length > WIDEST)
        return "it is too long";
    if (!g_ascii_islower(advice[0]))
        return "it begins with no small letter";
    if (strchr(".!? ,:;", advice[length - 1]) != NULL)
        return "it ends with a mark or a space";
    if (strpbrk(advice, "\n\t%") != NULL || strstr(advice, "  ") != NULL)
        return "it has a line's end, two spaces or a percent sign";
    if (!g_str_is_ascii(advice))
        return "it is not ASCII";
    return has_verb(advice) ? NULL : "it does not say what to do";
}

static void
test_advice(void)
{
    guint n;
    const XdFailureMeaning *table = xd_failure_table(&n);

    g_assert_cmpuint(n, >, 150);
    for (guint i = 0; i < n; i++) {
        const char *offence = find_offence(table[i].advice);

        if (offence != NULL) {
            g_test_message("%s: %s: %s", table[i].code, offence, table[i].advice);
            g_test_fail();
        }
    }
}

/* The judge would notice each offence. */
static void
test_offences(void)
{
    static const char *const bad[] = {
        NULL,
        "",
        "Choose another node",
        "choose another node.",
        "choose another  node",
        "choose %1",
        "the storage cannot do it",
        "choose another n\xc3\xb6"
        "de",
        "choose another node:",
        "choose a node that has memory, storage, network, a graphics card and everything else that "
        "is needed",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_nonnull(find_offence(bad[i]));
    g_assert_null(find_offence("wait a minute: the toolstack is starting"));
}

/* It is searched by halves. */
static void
test_sorted(void)
{
    guint n;
    const XdFailureMeaning *table = xd_failure_table(&n);

    for (guint i = 0; i < n; i++) {
        g_assert_true(xd_failure_lookup(table[i].code) == &table[i]);
        if (i > 0)
            g_assert_cmpstr(table[i - 1].code, <, table[i].code);
    }
    g_assert_null(xd_failure_lookup("SR_BACKEND_FAILURE_9999"));
}

static void
test_error(void)
{
    static const char *const failure[] = {"SR_BACKEND_FAILURE_79", "", "size", "", NULL};
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(GError) error = xd_failure_to_error(failure, arena);

    g_assert_true(xd_error_is(error, HVD_ERROR_INVALID));
    g_assert_cmpstr(error->message, ==, "SR_BACKEND_FAILURE_79 (size)");
    g_assert_cmpstr(xd_error_get_advice(error), ==,
                    "choose another size: a disk cannot get this one here");
}

/* What a server may have made of our own words stays out of the message (SEC-29). */
static void
test_dropped(void)
{
    static const char *const failures[][5] = {
        {"NOBODY_KNOWS_THIS_ONE", "echo"},
        {"INTERNAL_ERROR", "Failure(\"echo\")"},
        {"INVALID_VALUE", "field", "echo"},
        {"VALUE_NOT_SUPPORTED", "field", "echo", "echo"},
        {"XENAPI_PLUGIN_FAILURE", "status", "echo", "echo"},
        {"IMPORT_ERROR", "echo"},
        {"VM_MIGRATE_FAILED", "vm", "from", "to", "echo"},
        {"SR_BACKEND_FAILURE", "1", "echo", "echo"},
        {"SR_BACKEND_FAILURE_68", "", "Unable to log in [opterr=echo]", "echo"},
    };
    g_autoptr(XdArena) arena = xd_arena_new();

    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        const char *failure[] = {failures[i][0], failures[i][1], failures[i][2],
                                 failures[i][3], failures[i][4], NULL};
        g_autoptr(GError) error = xd_failure_to_error(failure, arena);

        g_assert_null(strstr(error->message, "echo"));
        g_assert_nonnull(strstr(error->message, failure[0]));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/unit/failure/advice", test_advice);
    g_test_add_func("/unit/failure/offences", test_offences);
    g_test_add_func("/unit/failure/sorted", test_sorted);
    g_test_add_func("/unit/failure/error", test_error);
    g_test_add_func("/unit/failure/dropped", test_dropped);
    return g_test_run();
}
