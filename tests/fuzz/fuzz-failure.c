/* Failures of the toolstack, one parameter a line: the message is one line without what a terminal
 * obeys, and no live secret is in it, nor in the failure that travels with it. */
#include "fuzz.h"

#include "xenapi/failure.h"

#include <string.h>

#define SECRET "tiger-5a1c"

static void
check_text(const char *text)
{
    FUZZ_CHECK(strstr(text, SECRET) == NULL);
}

static void
check_line(const char *text)
{
    check_text(text);
    FUZZ_CHECK(g_utf8_validate(text, -1, NULL));
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        FUZZ_CHECK(!g_unichar_iscntrl(g_utf8_get_char(p)));
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 20);
    g_autoptr(XdArena) arena = xd_arena_new();
    G_GNUC_UNUSED g_autoptr(XdSecret) secret = xd_secret_new(arena, SECRET, strlen(SECRET));
    g_autoptr(GError) error = NULL;

    if (lines[0] == NULL)
        return 0;
    error = xd_failure_to_error((const char *const *) lines, arena);
    check_line(error->message);
    for (guint i = 0; xd_error_get_failure(error)[i] != NULL; i++)
        check_text(xd_error_get_failure(error)[i]);
    return 0;
}
