/* Every recorded answer of the real toolstack, through the codec that its content type names. */
#include "answer.h"

#include "base/error.h"

#include <string.h>

static gboolean
has_header(const char *head, const char *line)
{
    g_autofree char *lower = g_ascii_strdown(head, -1);

    return strstr(lower, line) != NULL;
}

/* The id that the request had, for the answer's sake. */
static guint
request_id(const char *body)
{
    const char *id = g_strrstr(body, "\"id\":");

    return id != NULL ? (guint) g_ascii_strtoull(id + strlen("\"id\":"), NULL, 10) : 0;
}

static void
decode(const char *name, const XdCodec *codec, const char *body, gboolean is_answer)
{
    static const gsize steps[] = {1 << 30, 7};
    g_autofree char *first = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *line =
            answer_decode(codec, body, strlen(body), steps[i], request_id(body), &error);

        if ((line != NULL) != is_answer)
            g_test_message("%s: %.200s", name, line != NULL ? line : error->message);
        g_assert_true((line != NULL) == is_answer);
        if (!is_answer)
            g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
        if (i == 0)
            first = g_steal_pointer(&line);
        else
            g_assert_cmpstr(line, ==, first);
    }
}

/* Data handlers, a bare array, ids that are strings, several answers in one file. */
static const char *const others[] = {
    "GET_", "PUT_", "system_listMethods", "json1_id_string", "json2_id_string", "http_",
};

static gboolean
is_other(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        if (g_str_has_prefix(name, others[i]))
            return TRUE;
    }
    return !g_str_has_suffix(name, ".resp");
}

static guint
decode_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = NULL;
    char *body;
    gsize length;

    g_assert_true(g_file_get_contents(path, &text, &length, NULL));
    body = strstr(text, "\r\n\r\n");
    if (body == NULL)
        return 0;
    *body = '\0';
    body += 4;
    if (has_header(text, "content-type: application/json"))
        decode(name, &xd_codec_json, body, TRUE);
    else if (has_header(text, "content-type: text/xml"))
        decode(name, &xd_codec_xml, body, TRUE);
    else
        decode(name, name[0] == 'j' ? &xd_codec_json : &xd_codec_xml, body, FALSE);
    return 1;
}

static void
test_all(void)
{
    g_autoptr(GDir) directory = NULL;
    const char *name;
    guint n = 0;

    directory = g_dir_open(TEST_CAPTURES, 0, NULL);
    while ((name = g_dir_read_name(directory)) != NULL) {
        if (!is_other(name))
            n += decode_file(TEST_CAPTURES, name);
    }
    g_test_message("%u answers", n);
    g_assert_cmpuint(n, >, 200);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/captures/all", test_all);
    return g_test_run();
}
