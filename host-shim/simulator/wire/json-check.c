/* json-glib takes comments, single quotes and much else, and crashes on 100,000 nested arrays. So
 * whatever comes in is first checked against the grammar here, without recursion. */
#include "wire/rpc.h"

#include <string.h>

typedef struct {
    const char *at;
    const char *end;
    const char *why; /* set once something is wrong */
    gboolean in_object[SIM_MAX_DEPTH];
    guint depth;
} Scan;

static gboolean
fail(Scan *scan, const char *why)
{
    if (scan->why == NULL)
        scan->why = why;
    return FALSE;
}

static void
skip_space(Scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0')
        scan->at++;
}

static char
peek(const Scan *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

/* The four digits of \uXXXX; -1 where they are none. */
static gint
take_hex(Scan *scan)
{
    gint code = 0;

    if (scan->end - scan->at < 4)
        return -1;
    for (guint i = 0; i < 4; i++) {
        gint digit = g_ascii_xdigit_value(scan->at[i]);

        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    scan->at += 4;
    return code;
}

static gboolean
take_unicode(Scan *scan)
{
    gint code = take_hex(scan);

    if (code <= 0)
        return fail(scan, "Invalid unicode escape");
    if (code >= 0xd800 && code < 0xdc00) {
        gint low = -1;

        if (scan->end - scan->at >= 6 && scan->at[0] == '\\' && scan->at[1] == 'u') {
            scan->at += 2;
            low = take_hex(scan);
        }
        if (low < 0xdc00 || low > 0xdfff)
            return fail(scan, "Lone surrogate");
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return fail(scan, "Lone surrogate");
    }
    return TRUE;
}

static gboolean
take_string(Scan *scan)
{
    scan->at++;
    while (scan->at < scan->end && *scan->at != '"') {
        if ((guchar) *scan->at < 0x20)
            return fail(scan, "Control character in a string");
        if (*scan->at++ != '\\')
            continue;
        if (peek(scan) == 'u') {
            scan->at++;
            if (!take_unicode(scan))
                return FALSE;
            continue;
        }
        if (peek(scan) == '\0' || strchr("\"\\/bfnrt", *scan->at) == NULL)
            return fail(scan, "Invalid escape");
        scan->at++;
    }
    if (scan->at == scan->end)
        return fail(scan, "Unexpected end of input");
    scan->at++;
    return TRUE;
}

static gboolean
take_digits(Scan *scan)
{
    const char *first = scan->at;

    while (g_ascii_isdigit(peek(scan)))
        scan->at++;
    return scan->at > first || fail(scan, "Invalid number");
}

/* 64 bits are what the other side of the codec has. */
static gboolean
check_range(Scan *scan, const char *first)
{
    g_autofree char *text = g_strndup(first, MIN(scan->at - first, 32));

    return g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, NULL, NULL) ||
           fail(scan, "Integer overflow");
}

static gboolean
take_number(Scan *scan)
{
    const char *first = scan->at;
    gboolean whole = TRUE;

    if (peek(scan) == '-')
        scan->at++;
    if (peek(scan) == '0' && scan->end - scan->at > 1 && g_ascii_isdigit(scan->at[1]))
        return fail(scan, "Invalid number");
    if (!take_digits(scan))
        return FALSE;
    if (peek(scan) == '.') {
        whole = FALSE;
        scan->at++;
        if (!take_digits(scan))
            return FALSE;
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        whole = FALSE;
        scan->at++;
        if (peek(scan) == '+' || peek(scan) == '-')
            scan->at++;
        if (!take_digits(scan))
            return FALSE;
    }
    return !whole || check_range(scan, first);
}

static gboolean
take_word(Scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};

    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        gsize length = strlen(words[i]);

        if ((gsize) (scan->end - scan->at) >= length && strncmp(scan->at, words[i], length) == 0) {
            scan->at += length;
            return TRUE;
        }
    }
    return fail(scan, scan->at == scan->end ? "Unexpected end of input" : "Invalid token");
}

static gboolean
take_scalar(Scan *scan)
{
    char c = peek(scan);

    if (c == '"')
        return take_string(scan);
    if (c == '-' || g_ascii_isdigit(c))
        return take_number(scan);
    return take_word(scan);
}

static gboolean
take_key(Scan *scan)
{
    skip_space(scan);
    if (peek(scan) != '"')
        return fail(scan, scan->at == scan->end ? "Unexpected end of input" : "Expected a key");
    if (!take_string(scan))
        return FALSE;
    skip_space(scan);
    if (peek(scan) != ':')
        return fail(scan, "Expected ':'");
    scan->at++;
    return TRUE;
}

/* Opens an array or object. An empty one is closed at once; then a value is complete. */
static gboolean
open_container(Scan *scan, gboolean *complete)
{
    gboolean object = *scan->at == '{';

    if (scan->depth == SIM_MAX_DEPTH)
        return fail(scan, "Nested too deeply");
    scan->in_object[scan->depth++] = object;
    scan->at++;
    skip_space(scan);
    *complete = peek(scan) == (object ? '}' : ']');
    if (*complete) {
        scan->at++;
        scan->depth--;
        return TRUE;
    }
    return !object || take_key(scan);
}

/* After a complete value: a comma and the next one, or the ends of containers. */
static gboolean
close_or_continue(Scan *scan, gboolean *done)
{
    while (scan->depth > 0) {
        gboolean object = scan->in_object[scan->depth - 1];

        skip_space(scan);
        if (peek(scan) == ',') {
            scan->at++;
            return !object || take_key(scan);
        }
        if (scan->at == scan->end)
            return fail(scan, "Unexpected end of input");
        if (*scan->at != (object ? '}' : ']'))
            return fail(scan, "Expected ',' or the end");
        scan->at++;
        scan->depth--;
    }
    *done = TRUE;
    return TRUE;
}

static gboolean
check_document(Scan *scan)
{
    gboolean done = FALSE;

    while (!done) {
        gboolean complete = TRUE;

        skip_space(scan);
        if (peek(scan) == '{' || peek(scan) == '[') {
            if (!open_container(scan, &complete))
                return FALSE;
        } else if (!take_scalar(scan)) {
            return FALSE;
        }
        if (complete && !close_or_continue(scan, &done))
            return FALSE;
    }
    skip_space(scan);
    return scan->at == scan->end || fail(scan, "Junk after end of JSON value");
}

char *
sim_json_check(const char *text, gsize length)
{
    Scan scan = {text, text + length, NULL, {FALSE}, 0};
    guint line = 1;
    const char *line_start = text;

    if (!g_utf8_validate_len(text, length, NULL))
        return g_strdup("Line 1, bytes 0-0:\nInvalid UTF-8");
    if (check_document(&scan))
        return NULL;
    for (const char *c = text; c < scan.at; c++) {
        if (*c == '\n') {
            line++;
            line_start = c + 1;
        }
    }
    return g_strdup_printf("Line %u, bytes %d-%d:\n%s", line, (int) (scan.at - line_start) - 1,
                           (int) (scan.at - line_start), scan.why);
}
