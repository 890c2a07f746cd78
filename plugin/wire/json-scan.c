#include "wire/json-scan.h"

#include <string.h>

#if defined(__SSE2__) && !defined(XD_JSON_SCAN_PORTABLE)
#include <emmintrin.h>
#define HAVE_VECTORS 1
#else
#define HAVE_VECTORS 0
#endif

#define BLOCK 64

/* '[' and '{', ']' and '}' differ in this bit only. */
#define EITHER_BRACKET 0x20

#if HAVE_VECTORS

/* A bit for each byte of the block that is @wanted once the bits of @fold are set in it. */
static inline guint64
match_block(const char *block, char fold, char wanted)
{
    const __m128i folds = _mm_set1_epi8(fold);
    const __m128i wants = _mm_set1_epi8(wanted);
    guint64 bits = 0;

    for (guint i = 0; i < BLOCK / 16; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *) (block + 16 * i));
        __m128i equal = _mm_cmpeq_epi8(_mm_or_si128(bytes, folds), wants);

        bits |= (guint64) (guint32) _mm_movemask_epi8(equal) << (16 * i);
    }
    return bits;
}

#else

#define EACH_BYTE(byte) (G_GUINT64_CONSTANT(0x0101010101010101) * (guint8) (byte))

static inline guint64
match_block(const char *block, char fold, char wanted)
{
    guint64 bits = 0;

    for (guint i = 0; i < BLOCK / 8; i++) {
        guint64 word;
        guint64 zeros;

        memcpy(&word, block + 8 * i, 8);
        word = (GUINT64_FROM_LE(word) | EACH_BYTE(fold)) ^ EACH_BYTE(wanted);
        /* exact, without a carry between bytes: the top bit of each byte that is zero */
        zeros = ~(((word & EACH_BYTE(0x7f)) + EACH_BYTE(0x7f)) | word | EACH_BYTE(0x7f));
        /* the product gathers the eight top bits in its highest byte */
        bits |= ((zeros >> 7) * G_GUINT64_CONSTANT(0x0102040810204080)) >> 56 << (8 * i);
    }
    return bits;
}

#endif

/* Bits of bytes that a backslash escapes. @carry: it escapes the first byte of the next block. */
static inline guint64
find_escaped(guint64 backslashes, gboolean *carry)
{
    guint64 escaped = *carry ? 1 : 0;

    backslashes &= ~escaped; /* an escaped backslash escapes nothing */
    *carry = FALSE;
    while (backslashes != 0) {
        guint at = (guint) __builtin_ctzll(backslashes);

        if (at == BLOCK - 1) {
            *carry = TRUE;
            break;
        }
        escaped |= G_GUINT64_CONSTANT(2) << at;
        backslashes &= ~(G_GUINT64_CONSTANT(3) << at);
    }
    return escaped;
}

/* Bit n of the result is the parity of bits 0 to n: quotes become the strings between them. */
static inline guint64
fill_between(guint64 quotes)
{
    for (guint shift = 1; shift < BLOCK; shift *= 2)
        quotes ^= quotes << shift;
    return quotes;
}

/* Follows the brackets one by one to the one that closes the value; BLOCK where none does. */
static gsize
walk_brackets(XdJsonSkip *skip, guint64 opens, guint64 closes)
{
    for (guint64 left = opens | closes; left != 0; left &= left - 1) {
        guint at = (guint) __builtin_ctzll(left);

        if ((opens >> at & 1) != 0)
            skip->depth++;
        else if (--skip->depth == 0)
            return at + 1;
    }
    return BLOCK;
}

static inline gsize
skip_block(XdJsonSkip *skip, const char *block)
{
    guint64 escaped = find_escaped(match_block(block, 0, '\\'), &skip->escaped);
    guint64 quotes = match_block(block, 0, '"') & ~escaped;
    guint64 strings = fill_between(quotes) ^ (skip->in_string ? G_MAXUINT64 : 0);
    guint64 opens = match_block(block, EITHER_BRACKET, '{') & ~strings;
    guint64 closes = match_block(block, EITHER_BRACKET, '}') & ~strings;
    gsize n_closes = (gsize) __builtin_popcountll(closes);

    skip->in_string = strings >> (BLOCK - 1) != 0;
    if (n_closes >= skip->depth)
        return walk_brackets(skip, opens, closes);
    skip->depth += (gsize) __builtin_popcountll(opens);
    skip->depth -= n_closes;
    return BLOCK;
}

static inline void
skip_byte(XdJsonSkip *skip, char c)
{
    gboolean escaped = skip->escaped;

    skip->escaped = !escaped && c == '\\';
    if (c == '"' && !escaped)
        skip->in_string = !skip->in_string;
    else if (!skip->in_string && (c | EITHER_BRACKET) == '{')
        skip->depth++;
    else if (!skip->in_string && (c | EITHER_BRACKET) == '}')
        skip->depth--;
}

gsize
xd_json_skip(XdJsonSkip *skip, const char *bytes, gsize length)
{
    gsize done = 0;

    while (skip->depth > 0 && length - done >= BLOCK)
        done += skip_block(skip, bytes + done);
    while (skip->depth > 0 && done < length)
        skip_byte(skip, bytes[done++]);
    return done;
}

static gsize
scan_bytes(const char *bytes, gsize length, gboolean *is_ascii)
{
    guchar all = 0;
    gsize done = 0;

    while (done < length) {
        guchar c = (guchar) bytes[done];

        if (c == '"' || c == '\\' || c < 0x20)
            break;
        all |= c;
        done++;
    }
    if (all >= 0x80)
        *is_ascii = FALSE;
    return done;
}

#if HAVE_VECTORS

gsize
xd_json_scan_string(const char *bytes, gsize length, gboolean *is_ascii)
{
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i blank = _mm_set1_epi8(0x20);
    gsize done = 0;

    for (; length - done >= 16; done += 16) {
        __m128i text = _mm_loadu_si128((const __m128i *) (bytes + done));
        __m128i below = _mm_cmplt_epi8(text, blank); /* signed: bytes from 0x80 on as well */
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(text, quote), _mm_cmpeq_epi8(text, backslash));
        guint high = (guint) _mm_movemask_epi8(text);
        guint stops = (guint) _mm_movemask_epi8(_mm_or_si128(marks, below)) & ~high;

        if (stops != 0)
            high &= (stops & -stops) - 1; /* those before the first stop */
        if (high != 0)
            *is_ascii = FALSE;
        if (stops != 0)
            return done + (gsize) __builtin_ctz(stops);
    }
    return done + scan_bytes(bytes + done, length - done, is_ascii);
}

#else

gsize
xd_json_scan_string(const char *bytes, gsize length, gboolean *is_ascii)
{
    return scan_bytes(bytes, length, is_ascii);
}

#endif
