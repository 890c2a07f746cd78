#include "http/head.h"

#include <string.h>

gsize
sim_head_measure(const char *text, gsize length)
{
    for (gsize i = 0; i + 1 < length; i++) {
        if (text[i] != '\n')
            continue;
        if (text[i + 1] == '\n')
            return i + 2;
        if (i + 2 < length && text[i + 1] == '\r' && text[i + 2] == '\n')
            return i + 3;
    }
    return 0;
}

static GHashTable *
string_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* What is no valid escape, or would be no text, stays as it is: errors repeat it. */
static char *
unescape(const char *text)
{
    g_autofree char *plain = g_uri_unescape_string(text, NULL);

    if (plain == NULL || !g_utf8_validate(plain, -1, NULL))
        return g_strdup(text);
    return g_steal_pointer(&plain);
}

static void
parse_pairs(GHashTable *table, const char *text, const char *separators)
{
    g_auto(GStrv) pairs = g_strsplit_set(text, separators, -1);

    for (char **pair = pairs; *pair != NULL; pair++) {
        char *equals = strchr(g_strstrip(*pair), '=');

        if ((*pair)[0] == '\0')
            continue;
        if (equals != NULL)
            *equals = '\0';
        g_hash_table_insert(table, unescape(*pair), unescape(equals != NULL ? equals + 1 : ""));
    }
}

static gboolean
parse_request_line(SimHead *head, const char *line)
{
    g_auto(GStrv) all = g_strsplit_set(line, " \t\r", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    const char *query;
    g_autofree char *path = NULL;

    for (char **word = all; *word != NULL; word++) {
        if ((*word)[0] != '\0')
            g_ptr_array_add(words, *word);
    }
    if (words->len != 3 || !g_str_has_prefix(g_ptr_array_index(words, 2), "HTTP/"))
        return FALSE;
    head->method = g_strdup(g_ptr_array_index(words, 0));
    head->target = g_strdup(g_ptr_array_index(words, 1));
    head->version = g_strdup((char *) g_ptr_array_index(words, 2) + strlen("HTTP/"));
    head->close = strcmp(head->version, "1.0") == 0;
    query = strchr(head->target, '?');
    path = query != NULL ? g_strndup(head->target, (gsize) (query - head->target))
                         : g_strdup(head->target);
    head->path = unescape(path);
    if (query != NULL)
        parse_pairs(head->query, query + 1, "&");
    return TRUE;
}

static gboolean
apply_header(SimHead *head, const char *name, const char *value)
{
    if (strcmp(name, "content-length") == 0)
        return g_ascii_string_to_signed(value, 10, 0, G_MAXINT64, &head->content_length, NULL);
    if (strcmp(name, "cookie") == 0)
        parse_pairs(head->cookies, value, ";");
    if (strcmp(name, "connection") == 0 && g_ascii_strcasecmp(value, "close") == 0)
        head->close = TRUE;
    if (strcmp(name, "connection") == 0 && g_ascii_strcasecmp(value, "keep-alive") == 0)
        head->close = FALSE;
    return TRUE;
}

/* A line without a colon is passed over. */
static gboolean
parse_header(SimHead *head, char *line)
{
    char *colon = strchr(line, ':');
    g_autofree char *name = NULL;

    if (colon == NULL)
        return TRUE;
    *colon = '\0';
    name = g_ascii_strdown(g_strstrip(line), -1);
    g_strstrip(colon + 1);
    g_hash_table_insert(head->headers, g_strdup(name), g_strdup(colon + 1));
    return apply_header(head, name, colon + 1);
}

SimHead *
sim_head_parse(const char *text, gsize length)
{
    g_autoptr(SimHead) head = g_new0(SimHead, 1);
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) lines = NULL;

    head->content_length = -1;
    head->query = string_table();
    head->headers = string_table();
    head->cookies = string_table();
    if (!g_utf8_validate(copy, -1, NULL) || strlen(copy) != length)
        return NULL;
    lines = g_strsplit(copy, "\n", -1);
    if (!parse_request_line(head, lines[0]))
        return NULL;
    for (char **line = lines + 1; *line != NULL; line++) {
        if (!parse_header(head, *line))
            return NULL;
    }
    return g_steal_pointer(&head);
}

void
sim_head_free(SimHead *head)
{
    g_free(head->method);
    g_free(head->target);
    g_free(head->path);
    g_free(head->version);
    g_hash_table_unref(head->query);
    g_hash_table_unref(head->headers);
    g_hash_table_unref(head->cookies);
    g_free(head);
}

const char *
sim_head_header(const SimHead *head, const char *name)
{
    return g_hash_table_lookup(head->headers, name);
}

const char *
sim_head_parameter(const SimHead *head, const char *name)
{
    const char *cookie = g_hash_table_lookup(head->cookies, name);

    return cookie != NULL ? cookie : g_hash_table_lookup(head->query, name);
}
