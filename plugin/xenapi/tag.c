#include "xenapi/tag.h"

#include <string.h>

#define VERSION     "1"
#define FIELDS      7
#define MAX_TAG     200
#define MAX_OWNER   64
#define TIME_DIGITS 10 /* hexadecimal seconds: until the year 36000 */

char *
xd_tag_operation_new(gint64 now_s)
{
    return g_strdup_printf("%010" G_GINT64_MODIFIER "x%08x%08x", (guint64) now_s, g_random_int(),
                           g_random_int());
}

char *
xd_tag_print(const char *operation, const char *kind, guint index, const char *owner,
             const char *epoch, const char *session)
{
    return g_strdup_printf(VERSION ";%s;%s;%u;%s;%s;%s", operation, kind, index, owner, epoch,
                           session);
}

static gboolean
is_field(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("-._", *p) == NULL)
            return FALSE;
    }
    return TRUE;
}

gboolean
xd_tag_is_owner(const char *text)
{
    return text[0] != '\0' && strlen(text) <= MAX_OWNER && is_field(text);
}

gboolean
xd_tag_parse(const char *text, XdTag *tag)
{
    g_auto(GStrv) fields = NULL;
    g_autofree char *seconds = NULL;
    guint64 index = 0, created = 0;

    if (strlen(text) > MAX_TAG)
        return FALSE;
    fields = g_strsplit(text, ";", FIELDS + 1);
    if (g_strv_length(fields) != FIELDS || strcmp(fields[0], VERSION) != 0)
        return FALSE;
    for (guint i = 1; i < FIELDS; i++) {
        if (!is_field(fields[i]))
            return FALSE;
    }
    seconds = g_strndup(fields[1], TIME_DIGITS);
    if (!g_ascii_string_to_unsigned(fields[3], 10, 0, G_MAXUINT, &index, NULL) ||
        !g_ascii_string_to_unsigned(seconds, 16, 0, G_MAXINT64, &created, NULL))
        return FALSE;
    *tag = (XdTag){g_steal_pointer(&fields[1]),
                   g_steal_pointer(&fields[2]),
                   (guint) index,
                   g_steal_pointer(&fields[4]),
                   g_steal_pointer(&fields[5]),
                   g_steal_pointer(&fields[6]),
                   (gint64) created};
    g_free(g_steal_pointer(&fields[0]));
    g_free(g_steal_pointer(&fields[3]));
    return TRUE;
}

void
xd_tag_clear(XdTag *tag)
{
    g_free(tag->operation);
    g_free(tag->kind);
    g_free(tag->owner);
    g_free(tag->epoch);
    g_free(tag->session);
    *tag = (XdTag){0};
}

gboolean
xd_tag_is_of(const char *text, const char *operation)
{
    gsize length = strlen(operation);

    return text != NULL && g_str_has_prefix(text, VERSION ";") &&
           strncmp(text + 2, operation, length) == 0 && text[2 + length] == ';';
}
