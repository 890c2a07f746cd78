/* Scanning JSON faster than reading it: what nobody wants is passed 64 bytes at a time. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * XdJsonSkip: where a scan over an array or object stands between two pieces.
 * @depth: brackets that are still open; 1 behind the first one, 0 at the end
 * @in_string: the next byte is inside of a string
 * @escaped: the byte before was a backslash that escapes the next one
 */
typedef struct {
    gsize depth;
    gboolean in_string;
    gboolean escaped;
} XdJsonSkip;

/* Returns how many of @bytes belong to the value; all of them while @skip->depth stays above 0.
 * Looks at quotes, backslashes and brackets only, of either kind alike. */
gsize xd_json_skip(XdJsonSkip *skip, const char *bytes, gsize length);

/* Returns the index of the first quote, backslash or control character, or @length. Sets
 * @is_ascii to FALSE (and never to TRUE) where a byte before it is not ASCII. */
gsize xd_json_scan_string(const char *bytes, gsize length, gboolean *is_ascii);

G_END_DECLS
