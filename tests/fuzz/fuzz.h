/* What the fuzz targets share. */
#pragma once

#include <glib.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

/* (transfer full): the input up to its first NUL */
static inline char *
fuzz_text(const guint8 *data, size_t size)
{
    return size > 0 ? g_strndup((const char *) data, size) : g_strdup("");
}

/* What must hold whatever the input is; not g_assert(), which could be compiled out. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            g_error("%s:%d: %s", __FILE__, __LINE__, #condition);                                  \
    } while (0)
