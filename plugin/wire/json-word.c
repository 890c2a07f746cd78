#include "wire/json-word.h"

#include "wire/number.h"

#include <math.h>

static const struct {
    const char *name;
    XdJsonWord word;
    gboolean is_json; /* the others are Yojson's floats that are none: XAPI may send them */
} names[] = {
    {"true", {.kind = XD_JSON_WORD_BOOLEAN, .boolean = TRUE}, TRUE},
    {"false", {.kind = XD_JSON_WORD_BOOLEAN, .boolean = FALSE}, TRUE},
    {"null", {.kind = XD_JSON_WORD_NULL}, TRUE},
    {"NaN", {.kind = XD_JSON_WORD_REAL, .real = NAN}, FALSE},
    {"Infinity", {.kind = XD_JSON_WORD_REAL, .real = INFINITY}, FALSE},
    {"-Infinity", {.kind = XD_JSON_WORD_REAL, .real = -INFINITY}, FALSE},
};

/* At least one digit; NULL where there is none. */
static const char *
pass_digits(const char *p)
{
    const char *start = p;

    while (g_ascii_isdigit(*p))
        p++;
    return p > start ? p : NULL;
}

/* RFC 8259, section 6. */
static gboolean
is_number(const char *p, gboolean *is_integer)
{
    if (*p == '-')
        p++;
    p = *p == '0' ? p + 1 : pass_digits(p);
    if (p == NULL)
        return FALSE;
    *is_integer = *p == '\0';
    if (*p == '.' && (p = pass_digits(p + 1)) == NULL)
        return FALSE;
    if (*p == 'e' || *p == 'E') {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        p = pass_digits(p);
    }
    return p != NULL && *p == '\0';
}

static const char *
parse_real(const char *text, gboolean strict, XdJsonWord *word)
{
    double value = g_ascii_strtod(text, NULL);

    if (!isfinite(value))
        return "number out of range";
    if (strict && value == floor(value))
        return "integer spelt with a fraction or an exponent";
    *word = (XdJsonWord){.kind = XD_JSON_WORD_REAL, .real = value};
    return NULL;
}

const char *
xd_json_word_parse(const char *text, gsize length, gboolean strict, XdJsonWord *word)
{
    gboolean may_be_name = !g_ascii_isdigit(text[0]);
    gboolean is_integer = FALSE;

    for (gsize i = 0; may_be_name && i < G_N_ELEMENTS(names); i++) {
        if ((names[i].is_json || !strict) && g_str_equal(text, names[i].name)) {
            *word = names[i].word;
            return NULL;
        }
    }
    if (!is_number(text, &is_integer))
        return "unknown word or malformed number";
    if (!is_integer)
        return parse_real(text, strict, word);
    *word = (XdJsonWord){.kind = XD_JSON_WORD_INTEGER};
    return xd_integer_parse(text, length, &word->integer) ? NULL : "integer out of range";
}
