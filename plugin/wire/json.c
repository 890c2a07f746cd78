#include "wire/json.h"

#include "wire/json-scan.h"
#include "wire/json-word.h"

#include "base/error.h"

#include <string.h>

#define MAX_DEPTH 64 /* bits of XdJsonReader.maps */

/* Numbers and literals are gathered here, so they have a length that no real one reaches. */
#define MAX_WORD 512

typedef enum {
    STATE_VALUE,         /* any value */
    STATE_FIRST_ELEMENT, /* behind '[' */
    STATE_FIRST_KEY,     /* behind '{' */
    STATE_KEY,           /* behind ',' in a map */
    STATE_COLON,
    STATE_AFTER_VALUE, /* ',' or the end of the container */
    STATE_STRING,
    STATE_ESCAPE, /* behind a backslash */
    STATE_HEX,    /* behind \u */
    STATE_WORD,   /* in a number or a literal */
    STATE_SKIP_STRING,
    STATE_SKIP_CONTAINER,
    STATE_DONE,
    STATE_BROKEN,
} State;

struct _XdJsonReader {
    XdSink *sink;
    XdJsonLimits limits;
    State state;
    GError *error;

    const char *piece; /* what is being fed, for offsets */
    gsize offset;      /* of the piece in the text */

    guint depth;
    guint64 maps; /* bit n: the container at depth n + 1 is a map */

    /* Of the value that nobody wants. Where the limits are strict it is read like any other, but
     * in silence, until the depth of its key is reached again. */
    gboolean skip_next;
    gboolean is_silent;
    guint silent_depth;
    XdJsonSkip skip;
    char skip_close; /* what its last byte has to be */

    /* Of the string that is being read. */
    gboolean is_key;
    gboolean is_gathered; /* some of it is in the vault */
    gboolean is_ascii;
    XdVault text;
    guint hex_left;
    gunichar hex;
    gunichar high; /* the first half of a surrogate pair, else 0 */

    char word[MAX_WORD + 1];
    gsize word_length;
};

/* ---- errors ---- */

static const char *
fail(XdJsonReader *reader, const char *at, const char *what)
{
    gsize offset = reader->offset + (gsize) (at - reader->piece);

    reader->state = STATE_BROKEN;
    reader->error = xd_error_new(HVD_ERROR_PROTOCOL, "no valid JSON: %s at byte %" G_GSIZE_FORMAT,
                                 what, offset);
    return NULL;
}

/* What the sink made of a token. NULL: it refused. */
static const char *
obey(XdJsonReader *reader, XdVerdict verdict, const char *next)
{
    if (G_UNLIKELY(verdict == XD_SINK_REFUSE)) {
        reader->state = STATE_BROKEN;
        reader->error = g_steal_pointer(&reader->sink->error);
        if (reader->error == NULL)
            reader->error = xd_error_new(HVD_ERROR_PROTOCOL, "unexpected content");
        return NULL;
    }
    if (verdict == XD_SINK_SKIP)
        reader->skip_next = TRUE;
    return next;
}

/* One token to the sink, unless nobody wants it; gives @next, or NULL where the sink refused. */
#define TELL(reader, next, token, ...)                                                             \
    ((reader)->is_silent ? (next)                                                                  \
                         : obey((reader), (reader)->sink->klass->token(__VA_ARGS__), (next)))

/* ---- containers ---- */

static inline gboolean
is_in_map(const XdJsonReader *reader)
{
    return reader->depth > 0 && (reader->maps >> (reader->depth - 1) & 1) != 0;
}

static inline void
finish_value(XdJsonReader *reader)
{
    reader->state = reader->depth == 0 ? STATE_DONE : STATE_AFTER_VALUE;
    if (reader->is_silent && reader->depth == reader->silent_depth)
        reader->is_silent = FALSE;
}

static const char *
open_container(XdJsonReader *reader, const char *at, gboolean is_map)
{
    if (reader->depth >= reader->limits.max_depth)
        return fail(reader, at, "nested too deeply");
    reader->maps &= ~(G_GUINT64_CONSTANT(1) << reader->depth);
    reader->maps |= (guint64) is_map << reader->depth;
    reader->depth++;
    reader->state = is_map ? STATE_FIRST_KEY : STATE_FIRST_ELEMENT;
    return TELL(reader, at + 1, begin, reader->sink, is_map);
}

static const char *
close_container(XdJsonReader *reader, const char *at)
{
    gboolean was_silent = reader->is_silent;

    if (is_in_map(reader) != (*at == '}'))
        return fail(reader, at, "bracket of the wrong kind");
    reader->depth--;
    finish_value(reader);
    return was_silent ? at + 1 : TELL(reader, at + 1, end, reader->sink);
}

/* ---- numbers and literals ---- */

static const char *
finish_word(XdJsonReader *reader, const char *at)
{
    XdJsonWord word;
    const char *problem;

    reader->word[reader->word_length] = '\0';
    problem = xd_json_word_parse(reader->word, reader->word_length, reader->limits.strict, &word);
    if (problem != NULL)
        return fail(reader, at, problem);
    switch (word.kind) {
    case XD_JSON_WORD_INTEGER: return TELL(reader, at, integer, reader->sink, word.integer);
    case XD_JSON_WORD_REAL: return TELL(reader, at, real, reader->sink, word.real);
    case XD_JSON_WORD_BOOLEAN: return TELL(reader, at, boolean, reader->sink, word.boolean);
    case XD_JSON_WORD_NULL:
    default: return TELL(reader, at, null, reader->sink);
    }
}

static gboolean
is_word_char(char c)
{
    return g_ascii_isalnum(c) || c == '-' || c == '+' || c == '.';
}

static const char *
read_word(XdJsonReader *reader, const char *p, const char *end)
{
    while (p < end && is_word_char(*p)) {
        if (reader->word_length == MAX_WORD)
            return fail(reader, p, "number too long");
        reader->word[reader->word_length++] = *p++;
    }
    if (p == end)
        return p;
    p = finish_word(reader, p);
    if (p != NULL)
        finish_value(reader);
    return p;
}

/* ---- strings ---- */

static const char *
gather(XdJsonReader *reader, const char *at, const char *bytes, gsize length)
{
    if (length > reader->limits.max_string - reader->text.length)
        return fail(reader, at, "string too long");
    xd_vault_append(&reader->text, bytes, length);
    reader->is_gathered = TRUE;
    return at;
}

static const char *
gather_char(XdJsonReader *reader, const char *at, gunichar c)
{
    char bytes[6];

    return gather(reader, at, bytes, (gsize) g_unichar_to_utf8(c, bytes));
}

/* Text that cannot be, half a surrogate pair or a NUL, is refused in documents; from the server,
 * which never sends any, it arrives as U+FFFD. */
static const char *
gather_impossible(XdJsonReader *reader, const char *at, const char *what)
{
    if (reader->limits.strict)
        return fail(reader, at, what);
    return gather_char(reader, at, 0xfffd);
}

static const char *
drop_high(XdJsonReader *reader, const char *at)
{
    if (reader->high == 0)
        return at;
    reader->high = 0;
    return gather_impossible(reader, at, "lone surrogate");
}

static const char *
finish_string(XdJsonReader *reader, const char *next, const char *text, gsize length)
{
    if (length > reader->limits.max_string)
        return fail(reader, next, "string too long");
    if (!reader->is_ascii && !g_utf8_validate_len(text, length, NULL))
        return fail(reader, next, "no UTF-8");
    if (reader->is_key) {
        reader->state = STATE_COLON;
        return TELL(reader, next, key, reader->sink, text, length);
    }
    next = TELL(reader, next, string, reader->sink, text, length);
    if (next != NULL)
        finish_value(reader);
    return next;
}

static const char *
finish_gathered(XdJsonReader *reader, const char *next)
{
    next = finish_string(reader, next, reader->text.data, reader->text.length);
    if (next != NULL)
        xd_vault_truncate(&reader->text, 0);
    return next;
}

static const char *
read_string(XdJsonReader *reader, const char *p, const char *end)
{
    gsize length = xd_json_scan_string(p, (gsize) (end - p), &reader->is_ascii);
    const char *stop = p + length;

    if (reader->high != 0 && (length > 0 || *stop != '\\') && drop_high(reader, p) == NULL)
        return NULL;
    if (stop < end && *stop == '"' && !reader->is_gathered)
        return finish_string(reader, stop + 1, p, length);
    if (gather(reader, p, p, length) == NULL)
        return NULL;
    if (stop == end)
        return end;
    if (*stop == '"')
        return finish_gathered(reader, stop + 1);
    if (*stop != '\\')
        return fail(reader, stop, "control character in a string");
    reader->state = STATE_ESCAPE;
    return stop + 1;
}

static const char *
read_escape(XdJsonReader *reader, const char *p, const char *end G_GNUC_UNUSED)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (*p == 'u') {
        reader->state = STATE_HEX;
        reader->hex_left = 4;
        reader->hex = 0;
        return p + 1;
    }
    found = *p != '\0' ? strchr(names, *p) : NULL;
    if (found == NULL)
        return fail(reader, p, "unknown escape");
    reader->state = STATE_STRING;
    if (drop_high(reader, p) == NULL)
        return NULL;
    return gather(reader, p, values + (found - names), 1) != NULL ? p + 1 : NULL;
}

static const char *
finish_hex(XdJsonReader *reader, const char *at)
{
    gunichar c = reader->hex;

    reader->state = STATE_STRING;
    if (reader->high != 0 && c >= 0xdc00 && c <= 0xdfff) {
        c = 0x10000 + ((reader->high - 0xd800) << 10) + (c - 0xdc00);
        reader->high = 0;
        return gather_char(reader, at, c);
    }
    if (drop_high(reader, at) == NULL)
        return NULL;
    if (c >= 0xd800 && c <= 0xdbff) {
        reader->high = c;
        return at;
    }
    if (c >= 0xdc00 && c <= 0xdfff)
        return gather_impossible(reader, at, "lone surrogate");
    return c == 0 ? gather_impossible(reader, at, "NUL") : gather_char(reader, at, c);
}

static const char *
read_hex(XdJsonReader *reader, const char *p, const char *end G_GNUC_UNUSED)
{
    int digit = g_ascii_xdigit_value(*p);

    if (digit < 0)
        return fail(reader, p, "malformed escape");
    reader->hex = reader->hex << 4 | (gunichar) digit;
    if (--reader->hex_left > 0)
        return p + 1;
    return finish_hex(reader, p) != NULL ? p + 1 : NULL;
}

/* ---- what nobody wants ---- */

static const char *
skip_string(XdJsonReader *reader, const char *p, const char *end)
{
    gboolean is_ascii;

    if (reader->skip.escaped) {
        reader->skip.escaped = FALSE;
        return p + 1;
    }
    p += xd_json_scan_string(p, (gsize) (end - p), &is_ascii);
    if (p == end)
        return p;
    if (*p == '"')
        finish_value(reader);
    else if (*p == '\\')
        reader->skip.escaped = TRUE;
    return p + 1;
}

static const char *
skip_container(XdJsonReader *reader, const char *p, const char *end)
{
    p += xd_json_skip(&reader->skip, p, (gsize) (end - p));
    if (reader->skip.depth > 0)
        return p;
    if (p[-1] != reader->skip_close)
        return fail(reader, p, "bracket of the wrong kind");
    finish_value(reader);
    return p;
}

/* Numbers and literals are short: they are read as ever, only in silence. */
static void
start_skip(XdJsonReader *reader, char first)
{
    reader->skip = (XdJsonSkip){.depth = 1};
    reader->skip_close = first == '{' ? '}' : ']';
    if (first == '"')
        reader->state = STATE_SKIP_STRING;
    else
        reader->state = STATE_SKIP_CONTAINER;
}

/* ---- between the values ---- */

static inline const char *
pass_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static const char *
start_string(XdJsonReader *reader, const char *at, gboolean is_key)
{
    reader->state = STATE_STRING;
    reader->is_key = is_key;
    reader->is_gathered = FALSE;
    reader->is_ascii = TRUE;
    return at + 1;
}

static const char *
start_value(XdJsonReader *reader, const char *at)
{
    gboolean is_text = *at == '"' || *at == '{' || *at == '[';

    if (reader->skip_next) {
        reader->skip_next = FALSE;
        if (is_text && !reader->limits.strict) {
            start_skip(reader, *at);
            return at + 1;
        }
        if (!reader->is_silent) {
            reader->is_silent = TRUE;
            reader->silent_depth = reader->depth;
        }
    }
    if (*at == '"')
        return start_string(reader, at, FALSE);
    if (is_text)
        return open_container(reader, at, *at == '{');
    if (!is_word_char(*at))
        return fail(reader, at, "a value is missing");
    reader->state = STATE_WORD;
    reader->word_length = 0;
    return at;
}

static const char *
read_value(XdJsonReader *reader, const char *p, const char *end)
{
    p = pass_blanks(p, end);
    return p < end ? start_value(reader, p) : p;
}

static const char *
read_first_element(XdJsonReader *reader, const char *p, const char *end)
{
    p = pass_blanks(p, end);
    if (p == end)
        return p;
    return *p == ']' ? close_container(reader, p) : start_value(reader, p);
}

static const char *
read_key(XdJsonReader *reader, const char *p, const char *end)
{
    p = pass_blanks(p, end);
    if (p == end)
        return p;
    if (*p == '}' && reader->state == STATE_FIRST_KEY)
        return close_container(reader, p);
    return *p == '"' ? start_string(reader, p, TRUE) : fail(reader, p, "a key is missing");
}

static const char *
read_colon(XdJsonReader *reader, const char *p, const char *end)
{
    p = pass_blanks(p, end);
    if (p == end)
        return p;
    if (*p != ':')
        return fail(reader, p, "a colon is missing");
    reader->state = STATE_VALUE;
    return p + 1;
}

static const char *
read_after_value(XdJsonReader *reader, const char *p, const char *end)
{
    p = pass_blanks(p, end);
    if (p == end)
        return p;
    if (*p == '}' || *p == ']')
        return close_container(reader, p);
    if (*p != ',')
        return fail(reader, p, "a comma is missing");
    reader->state = is_in_map(reader) ? STATE_KEY : STATE_VALUE;
    return p + 1;
}

static const char *
read_nothing(XdJsonReader *reader, const char *p, const char *end)
{
    p = pass_blanks(p, end);
    return p == end ? p : fail(reader, p, "more than one value");
}

static const char *
read_broken(XdJsonReader *reader, const char *p, const char *end G_GNUC_UNUSED)
{
    return fail(reader, p, "nothing is read after an error");
}

/* Each gets at least one byte and returns how far it came, NULL with an error. */
static const char *(*const readers[])(XdJsonReader *reader, const char *p, const char *end) = {
    [STATE_VALUE] = read_value,
    [STATE_FIRST_ELEMENT] = read_first_element,
    [STATE_FIRST_KEY] = read_key,
    [STATE_KEY] = read_key,
    [STATE_COLON] = read_colon,
    [STATE_AFTER_VALUE] = read_after_value,
    [STATE_STRING] = read_string,
    [STATE_ESCAPE] = read_escape,
    [STATE_HEX] = read_hex,
    [STATE_WORD] = read_word,
    [STATE_SKIP_STRING] = skip_string,
    [STATE_SKIP_CONTAINER] = skip_container,
    [STATE_DONE] = read_nothing,
    [STATE_BROKEN] = read_broken,
};

/* ---- the face ---- */

XdJsonReader *
xd_json_reader_new(XdSink *sink, const XdJsonLimits *limits, XdArena *arena)
{
    XdJsonReader *reader = g_new0(XdJsonReader, 1);

    reader->sink = sink;
    reader->limits = *limits;
    reader->limits.max_depth = MIN(limits->max_depth, MAX_DEPTH);
    xd_vault_init(&reader->text, arena);
    return reader;
}

void
xd_json_reader_free(XdJsonReader *reader)
{
    xd_vault_clear(&reader->text);
    g_clear_error(&reader->error);
    g_free(reader);
}

static gboolean
take_error(XdJsonReader *reader, GError **error)
{
    reader->state = STATE_BROKEN;
    xd_vault_truncate(&reader->text, 0);
    g_propagate_error(error, g_steal_pointer(&reader->error));
    return FALSE;
}

gboolean
xd_json_reader_feed(XdJsonReader *reader, const char *bytes, gsize length, GError **error)
{
    const char *p = bytes;
    const char *end = bytes + length;

    if (length == 0 && reader->state != STATE_BROKEN)
        return TRUE;
    reader->piece = bytes;
    if (length > reader->limits.max_bytes - reader->offset)
        p = fail(reader, bytes, "text too long");
    while (p != NULL && p < end)
        p = readers[reader->state](reader, p, end);
    if (p == NULL)
        return take_error(reader, error);
    reader->offset += length;
    return TRUE;
}

gboolean
xd_json_reader_end(XdJsonReader *reader, GError **error)
{
    const char *at = "";

    reader->piece = at;
    /* A number at the top has no other end than that of the text. */
    if (reader->state == STATE_WORD && finish_word(reader, at) != NULL)
        finish_value(reader);
    if (reader->state == STATE_DONE)
        return TRUE;
    if (reader->error == NULL && reader->state == STATE_BROKEN)
        read_broken(reader, at, at);
    else if (reader->error == NULL)
        fail(reader, at, "it ends early");
    return take_error(reader, error);
}
