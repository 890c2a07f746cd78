#include "text.h"

#include <string.h>

#define ELLIPSIS "\342\200\246"

/* ---- inert ---- */

/* Everything that steers a terminal instead of showing on it: SEC-17. */
static gboolean
is_active(gunichar c)
{
    switch ((int) g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR: return TRUE;
    default: return FALSE;
    }
}

static void
append_escaped(GString *out, gunichar c)
{
    if (c < 0x100)
        g_string_append_printf(out, "\\x%02x", c);
    else if (c < 0x10000)
        g_string_append_printf(out, "\\u%04x", c);
    else
        g_string_append_printf(out, "\\U%08x", c);
}

char *
text_escape(const char *text)
{
    GString *out = g_string_new(NULL);

    while (*text != '\0') {
        gunichar c = g_utf8_get_char_validated(text, -1);

        if (c == (gunichar) -1 || c == (gunichar) -2) {
            append_escaped(out, (guchar) *text++);
            continue;
        }
        if (is_active(c))
            append_escaped(out, c);
        else
            g_string_append_unichar(out, c);
        text = g_utf8_next_char(text);
    }
    return g_string_free(out, FALSE);
}

static void
append_json_escaped(GString *out, gunichar c)
{
    if (c < 0x10000)
        g_string_append_printf(out, "\\u%04x", c);
    else
        g_string_append_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                               0xdc00 + ((c - 0x10000) & 0x3ff));
}

char *
text_escape_json(const char *json)
{
    g_autofree char *valid = g_utf8_make_valid(json, -1);
    GString *out = g_string_new(NULL);

    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        /* white space between values is no danger, and inside strings JSON has it escaped */
        if (is_active(c) && c != '\n' && c != '\t' && c != '\r')
            append_json_escaped(out, c);
        else
            g_string_append_unichar(out, c);
    }
    return g_string_free(out, FALSE);
}

/* ---- measured ---- */

static guint
char_width(gunichar c)
{
    return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

guint
text_width(const char *text)
{
    guint width = 0;

    for (; *text != '\0'; text = g_utf8_next_char(text))
        width += char_width(g_utf8_get_char(text));
    return width;
}

char *
text_fit(const char *text, guint columns)
{
    const char *end = text;
    guint width = 0;

    if (text_width(text) <= columns)
        return g_strdup(text);
    while (width + char_width(g_utf8_get_char(end)) < columns) {
        width += char_width(g_utf8_get_char(end));
        end = g_utf8_next_char(end);
    }
    return g_strdup_printf("%.*s%s", (int) (end - text), text, columns > 0 ? ELLIPSIS : "");
}

void
text_pad(GString *line, const char *text, guint columns, gboolean to_the_right)
{
    guint width = text_width(text);
    guint missing = width < columns ? columns - width : 0;

    g_string_append_printf(line, "%*s", to_the_right ? (int) missing : 0, "");
    g_string_append(line, text);
    g_string_append_printf(line, "%*s", to_the_right ? 0 : (int) missing, "");
}

static void
wrap_line(GString *out, const char *line, guint indent, guint columns)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    guint used = 0;

    for (guint i = 0; words[i] != NULL; i++) {
        guint width = text_width(words[i]);

        if (used > 0 && used + 1 + width > columns) {
            g_string_append_c(out, '\n');
            used = 0;
        }
        if (used == 0)
            g_string_append_printf(out, "%*s", (int) indent, "");
        else
            g_string_append_c(out, ' ');
        g_string_append(out, words[i]);
        used += used == 0 ? indent + width : 1 + width;
    }
    g_string_append_c(out, '\n');
}

void
text_wrap(GString *out, const char *text, guint indent, guint columns)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++)
        wrap_line(out, lines[i], indent, columns);
}

/* ---- near ---- */

#define MAX_WORD 64

static guint
least(guint a, guint b, guint c)
{
    return MIN(MIN(a, b), c);
}

/* Insertions, deletions, replacements and swapped neighbours from @a to @b. */
static guint
distance(const char *a, const char *b)
{
    guint rows[3][MAX_WORD + 1];
    guint *before = rows[0], *above = rows[1], *row = rows[2];
    gsize n = strlen(b);

    for (guint k = 0; k <= n; k++)
        above[k] = k;
    for (guint i = 1; a[i - 1] != '\0'; i++) {
        guint *recycled = before;

        row[0] = i;
        for (guint k = 1; k <= n; k++) {
            row[k] = least(above[k] + 1, row[k - 1] + 1, above[k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                row[k] = MIN(row[k], before[k - 2] + 1);
        }
        before = above;
        above = row;
        row = recycled;
    }
    return above[n];
}

const char *
text_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    /* at the most two letters, and one in three: what is farther was hardly meant */
    guint least_far = 2 * MIN(2, (guint) strlen(word) / 3) + 1;

    if (strlen(word) > MAX_WORD)
        return NULL;
    for (guint i = 0; words[i] != NULL; i++) {
        guint far = strlen(words[i]) <= MAX_WORD ? 2 * distance(word, words[i]) : G_MAXUINT;

        /* what is only not finished is nearer than what has one letter wrong */
        if (g_str_has_prefix(words[i], word) && strlen(word) >= 2)
            far = 0;
        if (far >= least_far || far >= 2 * strlen(words[i]))
            continue;
        least_far = far;
        nearest = words[i];
    }
    return nearest;
}

/* ---- sizes and times ---- */

#define KIB (1024.0)
#define MIB (1024.0 * KIB)
#define GIB (1024.0 * MIB)
#define TIB (1024.0 * GIB)

char *
text_size(guint64 bytes)
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{TIB, "TiB"}, {GIB, "GiB"}, {MIB, "MiB"}, {KIB, "KiB"}};

    for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
        double amount = (double) bytes / units[i].unit;

        /* what would be rounded to 1024 of a unit is 1 of the next */
        if (amount >= 1023.95 / 1024.0)
            return g_strdup_printf(amount == (double) (guint64) amount ? "%.0f %s" : "%.1f %s",
                                   amount, units[i].name);
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT " B", bytes);
}

static gboolean
find_unit(const char *name, double *unit)
{
    static const struct {
        const char *names[4];
        double unit;
    } units[] = {
        {{"", "b", NULL}, 1.0},          {{"k", "kb", "kib", NULL}, KIB},
        {{"m", "mb", "mib", NULL}, MIB}, {{"g", "gb", "gib", NULL}, GIB},
        {{"t", "tb", "tib", NULL}, TIB},
    };
    g_autofree char *lower = g_ascii_strdown(name, -1);

    for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
        for (gsize k = 0; k < G_N_ELEMENTS(units[i].names) && units[i].names[k] != NULL; k++) {
            if (strcmp(lower, units[i].names[k]) != 0)
                continue;
            *unit = units[i].unit;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean
text_parse_size(const char *text, guint64 *bytes)
{
    char *end = NULL;
    double amount, unit;

    if (!g_ascii_isdigit(text[0]) || strpbrk(text, "xXeEpP") != NULL)
        return FALSE;
    amount = g_ascii_strtod(text, &end);
    while (*end == ' ')
        end++;
    if (!find_unit(end, &unit) || amount * unit >= 9007199254740992.0)
        return FALSE;
    *bytes = (guint64) (amount * unit);
    return *bytes > 0;
}

char *
text_duration(gint64 seconds)
{
    int s = (int) (seconds % 60), m = (int) (seconds / 60 % 60);

    if (seconds < 3600)
        return g_strdup_printf("%d:%02d", m, s);
    return g_strdup_printf("%d:%02d:%02d", (int) (seconds / 3600), m, s);
}
