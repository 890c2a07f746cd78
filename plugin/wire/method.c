#include "wire/method.h"

#include <stdlib.h>
#include <string.h>

static int
compare_name(gconstpointer name, gconstpointer method)
{
    return strcmp(name, ((const XdMethod *) method)->name);
}

const XdMethod *
xd_method_find(const XdMethod *methods, guint n, const char *name)
{
    if (g_str_has_prefix(name, "Async."))
        name += strlen("Async.");
    return bsearch(name, methods, n, sizeof *methods, compare_name);
}
