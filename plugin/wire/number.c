#include "wire/number.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Beyond this no float has digits that matter. */
#define MAX_REAL_TEXT 64

gboolean
xd_integer_parse(const char *text, gsize length, gint64 *value)
{
    gboolean negative = length > 0 && text[0] == '-';
    gsize i = negative ? 1 : 0;
    gint64 sum = 0; /* kept negative: its range is the larger one */

    if (i == length || (text[i] == '0' && i + 1 < length))
        return FALSE;
    for (; i < length; i++) {
        if (!g_ascii_isdigit(text[i]) || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, text[i] - '0', &sum))
            return FALSE;
    }
    if (!negative && sum == G_MININT64)
        return FALSE;
    *value = negative ? sum : -sum;
    return TRUE;
}

static const struct {
    const char *name;
    double value;
} real_names[] = {
    {"nan", NAN},        {"-nan", NAN},          {"inf", INFINITY},
    {"-inf", -INFINITY}, {"infinity", INFINITY}, {"-infinity", -INFINITY},
};

gboolean
xd_real_parse(const char *text, gsize length, double *value)
{
    char copy[MAX_REAL_TEXT + 1];
    char *end = NULL;

    if (length == 0 || length > MAX_REAL_TEXT)
        return FALSE;
    memcpy(copy, text, length);
    copy[length] = '\0';
    for (gsize i = 0; i < G_N_ELEMENTS(real_names); i++) {
        if (g_ascii_strcasecmp(copy, real_names[i].name) == 0) {
            *value = real_names[i].value;
            return TRUE;
        }
    }
    /* g_ascii_strtod() alone would take blanks, hexadecimal and names in front */
    if (strspn(copy, "0123456789+-.eE") != length)
        return FALSE;
    *value = g_ascii_strtod(copy, &end);
    return end == copy + length && isfinite(*value);
}

void
xd_integer_append(XdVault *out, gint64 value)
{
    char text[20]; /* a sign and 19 digits */
    guint64 left = value < 0 ? -(guint64) value : (guint64) value;
    gsize start = sizeof text;

    do {
        text[--start] = (char) ('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        text[--start] = '-';
    xd_vault_append(out, text + start, sizeof text - start);
}

void
xd_real_append(XdVault *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    const char *formats[] = {"%.15g", "%.16g", "%.17g"};

    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_ascii_formatd(text, sizeof text, formats[i], value);
        if (g_ascii_strtod(text, NULL) == value)
            break;
    }
    xd_vault_append_string(out, text);
    if (isfinite(value) && strpbrk(text, ".e") == NULL)
        xd_vault_append_string(out, ".0");
}
