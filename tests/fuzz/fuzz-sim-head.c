/* The simulator's reader of requests: a head ends at one place, however much of it is there; all that was
 * taken from it is text; and spelt again from what was taken, it is taken as the same. */
#include "fuzz.h"

#include "http/head.h"

#include <string.h>

static void
check_measure(const char *text, gsize length, gsize head)
{
    for (gsize n = 0; n <= length; n++)
        FUZZ_CHECK(sim_head_measure(text, n) == (n < head || head == 0 ? 0 : head));
}

static void
check_word(const char *word)
{
    FUZZ_CHECK(word[0] != '\0' && strpbrk(word, " \t\r\n") == NULL);
}

static void
check_texts(GHashTable *table)
{
    GHashTableIter iter;
    gpointer name, value;

    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        FUZZ_CHECK(g_utf8_validate(name, -1, NULL));
        FUZZ_CHECK(g_utf8_validate(value, -1, NULL));
    }
}

static gboolean
has_same(GHashTable *one, GHashTable *other)
{
    GHashTableIter iter;
    gpointer name, value;

    g_hash_table_iter_init(&iter, one);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        if (g_strcmp0(g_hash_table_lookup(other, name), value) != 0)
            return FALSE;
    }
    return g_hash_table_size(one) == g_hash_table_size(other);
}

static char *
spell(const SimHead *head)
{
    GString *text = g_string_new(NULL);
    GHashTableIter iter;
    gpointer name, value;

    g_string_append_printf(text, "%s %s HTTP/%s\r\n", head->method, head->target, head->version);
    g_hash_table_iter_init(&iter, head->headers);
    while (g_hash_table_iter_next(&iter, &name, &value))
        g_string_append_printf(text, "%s: %s\r\n", (char *) name, (char *) value);
    g_string_append(text, "\r\n");
    return g_string_free(text, FALSE);
}

static void
check_again(const SimHead *head)
{
    g_autofree char *text = spell(head);
    g_autoptr(SimHead) again = sim_head_parse(text, strlen(text));

    FUZZ_CHECK(again != NULL);
    FUZZ_CHECK(strcmp(head->method, again->method) == 0);
    FUZZ_CHECK(strcmp(head->target, again->target) == 0);
    FUZZ_CHECK(strcmp(head->path, again->path) == 0);
    FUZZ_CHECK(strcmp(head->version, again->version) == 0);
    FUZZ_CHECK(head->content_length == again->content_length);
    FUZZ_CHECK(has_same(head->headers, again->headers));
    FUZZ_CHECK(has_same(head->query, again->query));
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    const char *text = (const char *) data;
    gsize length = MIN(size, SIM_MAX_HEAD + 4);
    gsize measured = sim_head_measure(text, length);
    g_autoptr(SimHead) head = NULL;

    check_measure(text, length, measured);
    if (measured == 0 || measured > SIM_MAX_HEAD)
        return 0;
    head = sim_head_parse(text, measured);
    if (head == NULL)
        return 0;
    FUZZ_CHECK(head->content_length >= -1);
    FUZZ_CHECK((head->content_length >= 0) == (sim_head_header(head, "content-length") != NULL));
    check_word(head->method);
    check_word(head->target);
    FUZZ_CHECK(g_utf8_validate(head->path, -1, NULL));
    check_texts(head->query);
    check_texts(head->cookies);
    check_texts(head->headers);
    check_again(head);
    return 0;
}
