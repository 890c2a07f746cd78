#include "fetch-head.h"

#include <curl/curl.h>
#include <string.h>

/* Between a file's last change and the answer: what changes twice in a second has one time. */
#define OLD_ENOUGH_S 60

#define MAX_RETRY_AFTER_S 60

void
fetch_head_init(FetchHead *head)
{
    *head = (FetchHead){.length = -1, .first = -1, .last = -1, .size = -1};
}

void
fetch_head_clear(FetchHead *head)
{
    g_free(head->etag);
    g_free(head->modified);
    g_free(head->date);
    g_free(head->location);
    fetch_head_init(head);
}

/* ---- fields ---- */

/* Digits and nothing else; moves @text behind them. -1: there are none, or too many */
static gint64
take_number(const char **text)
{
    g_autofree char *digits = g_strndup(*text, strspn(*text, "0123456789"));
    guint64 number = 0;

    *text += strlen(digits);
    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT64, &number, NULL))
        return -1;
    return (gint64) number;
}

static void
take_text(char **member, const char *value)
{
    g_free(*member);
    *member = g_strdup(value);
}

static void
take_length(FetchHead *head, const char *value)
{
    head->length = take_number(&value);
    if (*value != '\0')
        head->length = -1;
}

/* "bytes 100-199/1000" */
static void
take_range(FetchHead *head, const char *value)
{
    gint64 first, last, size;

    if (g_ascii_strncasecmp(value, "bytes ", strlen("bytes ")) != 0)
        return;
    value += strlen("bytes ");
    first = take_number(&value);
    if (first < 0 || *value++ != '-')
        return;
    last = take_number(&value);
    if (last < first || *value++ != '/')
        return;
    size = take_number(&value);
    if (size <= last || *value != '\0')
        return;
    head->first = first;
    head->last = last;
    head->size = size;
}

static void
take_retry_after(FetchHead *head, const char *value)
{
    gint64 seconds = take_number(&value); /* of a date we know nothing better than to try */

    head->retry_after_s = *value == '\0' ? (guint) CLAMP(seconds, 0, MAX_RETRY_AFTER_S) : 0;
}

static void
take_field(FetchHead *head, const char *name, const char *value)
{
    if (g_ascii_strcasecmp(name, "content-length") == 0)
        take_length(head, value);
    else if (g_ascii_strcasecmp(name, "content-range") == 0)
        take_range(head, value);
    else if (g_ascii_strcasecmp(name, "etag") == 0)
        take_text(&head->etag, value);
    else if (g_ascii_strcasecmp(name, "last-modified") == 0)
        take_text(&head->modified, value);
    else if (g_ascii_strcasecmp(name, "date") == 0)
        take_text(&head->date, value);
    else if (g_ascii_strcasecmp(name, "location") == 0)
        take_text(&head->location, value);
    else if (g_ascii_strcasecmp(name, "retry-after") == 0)
        take_retry_after(head, value);
    else if (g_ascii_strcasecmp(name, "content-encoding") == 0)
        head->is_packed = g_ascii_strcasecmp(value, "identity") != 0;
    else if (g_ascii_strcasecmp(name, "content-type") == 0)
        head->is_page = g_ascii_strncasecmp(value, "text/html", strlen("text/html")) == 0;
}

void
fetch_head_take(FetchHead *head, const char *line, gsize length)
{
    g_autofree char *text = g_strchomp(g_strndup(line, length));
    char *colon = strchr(text, ':');
    const char *space = strchr(text, ' ');
    gint64 status;

    if (strncmp(text, "HTTP/", strlen("HTTP/")) == 0) {
        fetch_head_clear(head);
        space = space != NULL ? space + 1 : "";
        status = take_number(&space);
        head->status = (guint) CLAMP(status, 0, 999);
        return;
    }
    if (colon == NULL)
        return;
    *colon = '\0';
    take_field(head, g_strchomp(text), g_strchug(colon + 1));
}

/* ---- what it is good for ---- */

static gboolean
is_strong(const char *etag)
{
    gsize length = strlen(etag);

    return length >= 2 && etag[0] == '"' && etag[length - 1] == '"';
}

static gboolean
is_old_enough(const FetchHead *head)
{
    gint64 modified = head->modified != NULL ? curl_getdate(head->modified, NULL) : -1;
    gint64 date = head->date != NULL ? curl_getdate(head->date, NULL) : -1;

    return modified >= 0 && date - modified >= OLD_ENOUGH_S;
}

const char *
fetch_head_get_validator(const FetchHead *head)
{
    if (head->etag != NULL)
        return is_strong(head->etag) ? head->etag : NULL;
    return is_old_enough(head) ? head->modified : NULL;
}

static gboolean
differ(const char *one, const char *other)
{
    return one != NULL && other != NULL && strcmp(one, other) != 0;
}

gboolean
fetch_head_fits(const FetchHead *head, const FetchHead *other)
{
    return !differ(head->etag, other->etag) && !differ(head->modified, other->modified);
}
