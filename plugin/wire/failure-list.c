#include "wire/failure-list.h"

/* The longest lists of the toolstack have some ten elements; texts of storage back-ends are some
 * hundred bytes. */
#define MAX_FAILURE_ITEMS 64
#define MAX_FAILURE_BYTES (64 * 1024)

static char *
take_text(XdFailure *failure, const char *text, gsize length)
{
    gsize room = MAX_FAILURE_BYTES - failure->bytes;

    if (length > room) {
        const char *cut = text + room;

        while (cut > text && ((guchar) *cut & 0xc0) == 0x80) /* inside of a character */
            cut--;
        length = (gsize) (cut - text);
        failure->bytes = MAX_FAILURE_BYTES;
    } else {
        failure->bytes += length;
    }
    return g_strndup(text, length);
}

void
xd_failure_set_code(XdFailure *failure, const char *text, gsize length)
{
    g_free(failure->code);
    failure->code = take_text(failure, text, length);
}

void
xd_failure_add(XdFailure *failure, const char *text, gsize length)
{
    if (failure->items == NULL)
        failure->items = g_ptr_array_new_with_free_func(g_free);
    if (failure->items->len < MAX_FAILURE_ITEMS && failure->bytes < MAX_FAILURE_BYTES)
        g_ptr_array_add(failure->items, take_text(failure, text, length));
}

char **
xd_failure_steal(XdFailure *failure)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    const char *code;

    if (failure->code != NULL)
        g_ptr_array_add(list, g_steal_pointer(&failure->code));
    if (failure->items != NULL)
        g_ptr_array_extend_and_steal(list, g_steal_pointer(&failure->items));
    code = list->len > 0 ? g_ptr_array_index(list, 0) : "";
    if (*code == '\0')
        return NULL;
    g_ptr_array_add(list, NULL);
    return (char **) g_ptr_array_steal(list, NULL);
}

void
xd_failure_clear(XdFailure *failure)
{
    g_clear_pointer(&failure->code, g_free);
    g_clear_pointer(&failure->items, g_ptr_array_unref);
}
