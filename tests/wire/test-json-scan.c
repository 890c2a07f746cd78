#include "wire/json-scan.h"

#include <string.h>

/* The same by the book: one byte after another. */
static gsize
skip_slowly(const char *text, gsize length)
{
    gboolean in_string = FALSE;
    gsize depth = 1;

    for (gsize i = 0; i < length; i++) {
        char c = text[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{'))
            depth++;
        else if (!in_string && (c == ']' || c == '}') && --depth == 0)
            return i + 1;
    }
    return length;
}

static gsize
skip_in_pieces(const char *text, gsize length, gsize step)
{
    XdJsonSkip skip = {.depth = 1};
    gsize done = 0;

    while (skip.depth > 0 && done < length) {
        gsize size = MIN(step, length - done);
        g_autofree char *piece = g_memdup2(text + done, size);

        done += xd_json_skip(&skip, piece, size);
    }
    return done;
}

/* The bytes that matter: strings with runs of backslashes, quotes and brackets in them, brackets
 * between them, all at every offset. */
static GString *
random_text(GRand *rand)
{
    static const char *const outside[] = {"\"", "[", "]", "{", "}", ",", "x", "0123456"};
    static const char *const inside[] = {"\"", "\\\\", "\\\"",    "[",
                                         "}",  "a",    "0123456", "\xc3\xbc"};
    GString *text = g_string_new(NULL);
    gboolean in_string = FALSE;
    guint n = (guint) g_rand_int_range(rand, 0, 200);

    for (guint i = 0; i < n; i++) {
        int pick = g_rand_int_range(rand, 0, G_N_ELEMENTS(inside));

        g_string_append(text, in_string ? inside[pick] : outside[pick]);
        in_string ^= pick == 0;
    }
    return text;
}

static void
test_skip(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20);

    for (guint round = 0; round < 20000; round++) {
        g_autoptr(GString) text = random_text(rand);
        gsize expected = skip_slowly(text->str, text->len);

        g_assert_cmpuint(skip_in_pieces(text->str, text->len, text->len + 1), ==, expected);
        g_assert_cmpuint(skip_in_pieces(text->str, text->len, 1 + round % 130), ==, expected);
    }
}

static void
test_escape_at_border(void)
{
    for (guint slashes = 0; slashes < 8; slashes++) {
        for (gsize before = 40; before < 140; before++) {
            g_autoptr(GString) text = g_string_new("\"");

            while (text->len < before)
                g_string_append_c(text, 'x');
            for (guint i = 0; i < slashes; i++)
                g_string_append_c(text, '\\');
            g_string_append(text, slashes % 2 == 0 ? "\"]" : "\"]\"]");
            g_assert_cmpuint(skip_in_pieces(text->str, text->len, 1000), ==, text->len);
        }
    }
}

static void
test_string(void)
{
    static const char marks[] = {'"', '\\', '\n', '\0', 0x1f};

    for (gsize mark = 0; mark < G_N_ELEMENTS(marks); mark++) {
        for (gsize length = 0; length < 70; length++) {
            g_autofree char *text = g_strnfill(length + 1, 'a');
            gboolean is_ascii = TRUE;

            text[length] = marks[mark];
            g_assert_cmpuint(xd_json_scan_string(text, length + 1, &is_ascii), ==, length);
            g_assert_cmpuint(xd_json_scan_string(text, length, &is_ascii), ==, length);
            g_assert_true(is_ascii);
        }
    }
}

/* Only what stands before the end of the string counts. */
static void
test_ascii(void)
{
    for (gsize at = 0; at < 40; at++) {
        g_autofree char *text = g_strnfill(50, 'a');
        gboolean is_ascii = TRUE;

        text[at] = (char) 0xc3;
        text[45] = '"';
        xd_json_scan_string(text, 50, &is_ascii);
        g_assert_false(is_ascii);
        is_ascii = TRUE;
        text[at] = '"';
        text[at + 1] = (char) 0xff;
        g_assert_cmpuint(xd_json_scan_string(text, 50, &is_ascii), ==, at);
        g_assert_true(is_ascii);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/json-scan/skip", test_skip);
    g_test_add_func("/wire/json-scan/escape-at-border", test_escape_at_border);
    g_test_add_func("/wire/json-scan/string", test_string);
    g_test_add_func("/wire/json-scan/ascii", test_ascii);
    return g_test_run();
}
