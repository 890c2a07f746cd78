/* Text for terminals: what is escaped, how wide it is, what was meant, how sizes read. */
#include "text.h"

static void
test_escape(void)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        {"plain", "plain"},
        {"gr\303\274n", "gr\303\274n"},
        {"a\nb\tc", "a\\x0ab\\x09c"},
        {"\033[2J", "\\x1b[2J"},
        {"\177", "\\x7f"},
        {"\302\233"
         "31m",
         "\\x9b31m"},                        /* CSI as one character */
        {"\342\200\256evil", "\\u202eevil"}, /* right-to-left override */
        {"\342\201\246", "\\u2066"},
        {"\342\200\213", "\\u200b"},         /* zero width */
        {"\342\200\250", "\\u2028"},         /* line separator */
        {"\363\240\200\201", "\\U000e0001"}, /* a tag character */
        {"a\377b", "a\\xffb"},
        {"\303", "\\xc3"},
        {"\355\240\200", "\\xed\\xa0\\x80"}, /* a surrogate */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = text_escape(cases[i].text);

        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}

static void
test_escape_json(void)
{
    static const struct {
        const char *json;
        const char *inert;
    } cases[] = {
        {"{\"a\":\"gr\303\274n\"}\n", "{\"a\":\"gr\303\274n\"}\n"},
        {"\"\342\200\256\"", "\"\\u202e\""},
        {"\"\302\233\177\"", "\"\\u009b\\u007f\""},
        {"\"\363\240\200\201\"", "\"\\udb40\\udc01\""},
        {"\"caf\351\"}", "\"caf\357\277\275\"}"},
        {"\"a\374", "\"a\357\277\275"}, /* the last byte says that five more follow */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *inert = text_escape_json(cases[i].json);

        g_assert_cmpstr(inert, ==, cases[i].inert);
    }
}

static void
test_width_and_fit(void)
{
    static const struct {
        const char *text;
        guint columns;
        const char *fitted;
    } cases[] = {
        {"abc", 3, "abc"},
        {"abcd", 3, "ab\342\200\246"},
        {"abcd", 1, "\342\200\246"},
        {"abcd", 0, ""},
        {"\346\227\245\346\234\254", 4, "\346\227\245\346\234\254"}, /* two wide characters */
        {"\346\227\245\346\234\254", 3, "\346\227\245\342\200\246"},
        {"\346\227\245\346\234\254", 2, "\342\200\246"}, /* no half of one */
        {"e\314\201e\314\201", 2, "e\314\201e\314\201"}, /* combining accents */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *fitted = text_fit(cases[i].text, cases[i].columns);

        g_assert_cmpstr(fitted, ==, cases[i].fitted);
        g_assert_cmpuint(text_width(fitted), <=, cases[i].columns);
    }
}

static void
test_pad(void)
{
    g_autoptr(GString) line = g_string_new(NULL);

    text_pad(line, "\346\227\245", 4, FALSE);
    text_pad(line, "7", 3, TRUE);
    text_pad(line, "long", 2, TRUE);
    g_assert_cmpstr(line->str, ==, "\346\227\245    7long");
}

static void
test_wrap(void)
{
    g_autoptr(GString) out = g_string_new(NULL);

    text_wrap(out, "one two three four\nfive unbreakable-as-it-is", 2, 12);
    g_assert_cmpstr(out->str, ==, "  one two\n  three four\n  five\n  unbreakable-as-it-is\n");
}

static void
test_nearest(void)
{
    static const char *const words[] = {"list",     "info",      "nodes", "migrate", "reconcile",
                                        "power on", "power off", "one",   NULL};
    static const struct {
        const char *word;
        const char *meant;
    } cases[] = {
        {"lst", "list"},
        {"lits", "list"},
        {"node", "nodes"},
        {"migarte", "migrate"},
        {"recon", "reconcile"},
        {"zzz", NULL},
        {"", NULL},
        {"l", NULL},
        {"infos", "info"},
        {"power of", "power off"},
        {"nope", NULL}, /* two letters of "one", and three of four */
        {"on", "one"},  /* only not finished */
        {"un", NULL},
        {"mgrtae", "migrate"},
        {"mgrat", NULL},
    };
    g_autofree char *endless = g_strnfill(5000, 'x');

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(text_nearest(cases[i].word, words), ==, cases[i].meant);
    g_assert_null(text_nearest(endless, words));
}

static void
test_sizes(void)
{
    static const struct {
        guint64 bytes;
        const char *shown;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {1536, "1.5 KiB"},
        {G_GUINT64_CONSTANT(536870912), "512 MiB"},
        {G_GUINT64_CONSTANT(1073741823), "1.0 GiB"},
        {G_GUINT64_CONSTANT(2199023255552), "2 TiB"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = text_size(cases[i].bytes);

        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}

static void
test_parse_size(void)
{
    static const struct {
        const char *text;
        guint64 bytes; /* 0: refused */
    } cases[] = {
        {"1", 1},
        {"512M", G_GUINT64_CONSTANT(536870912)},
        {"1.5GiB", G_GUINT64_CONSTANT(1610612736)},
        {"2 g", G_GUINT64_CONSTANT(2147483648)},
        {"10kb", 10240},
        {"1T", G_GUINT64_CONSTANT(1099511627776)},
        {"0", 0},
        {"", 0},
        {"-1M", 0},
        {"M", 0},
        {"12Q", 0},
        {"1e9", 0},
        {"0x10", 0},
        {"nan", 0},
        {"99999999T", 0},
        {"5 M B", 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint64 bytes = 0;

        g_assert_cmpint(text_parse_size(cases[i].text, &bytes), ==, cases[i].bytes != 0);
        g_assert_cmpuint(bytes, ==, cases[i].bytes);
    }
}

static void
test_duration(void)
{
    static const struct {
        gint64 seconds;
        const char *shown;
    } cases[] = {{0, "0:00"}, {65, "1:05"}, {3599, "59:59"}, {3612, "1:00:12"}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = text_duration(cases[i].seconds);

        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim/text/escape", test_escape);
    g_test_add_func("/shim/text/escape-json", test_escape_json);
    g_test_add_func("/shim/text/width-and-fit", test_width_and_fit);
    g_test_add_func("/shim/text/pad", test_pad);
    g_test_add_func("/shim/text/wrap", test_wrap);
    g_test_add_func("/shim/text/nearest", test_nearest);
    g_test_add_func("/shim/text/sizes", test_sizes);
    g_test_add_func("/shim/text/parse-size", test_parse_size);
    g_test_add_func("/shim/text/duration", test_duration);
    return g_test_run();
}
