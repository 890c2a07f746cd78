/* Read by libcurl's own parser: another one might see another host in the same text. */
#include "fetch-url.h"

#include "failure.h"

#include <curl/curl.h>
#include <glib/gi18n.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURLU, curl_url_cleanup)

void
fetch_url_free(FetchUrl *url)
{
    g_free(url->text);
    g_free(url->shown);
    g_free(url->name);
    g_free(url);
}

FetchUrl *
fetch_url_copy(const FetchUrl *url)
{
    FetchUrl *copy = g_new0(FetchUrl, 1);

    copy->text = g_strdup(url->text);
    copy->shown = g_strdup(url->shown);
    copy->name = g_strdup(url->name);
    copy->tls = url->tls;
    return copy;
}

gboolean
fetch_url_is(const char *text)
{
    return g_ascii_strncasecmp(text, "https://", strlen("https://")) == 0 ||
           g_ascii_strncasecmp(text, "http://", strlen("http://")) == 0;
}

/* (nullable) */
static char *
dup_part(CURLU *parsed, CURLUPart which, unsigned int flags)
{
    char *part = NULL;
    char *copy;

    if (curl_url_get(parsed, which, &part, flags) != CURLUE_OK)
        return NULL;
    copy = g_strdup(part);
    curl_free(part);
    return copy;
}

static gboolean
has_part(CURLU *parsed, CURLUPart which)
{
    g_autofree char *part = dup_part(parsed, which, 0);

    return part != NULL;
}

/* Takes away what nobody may see. */
static char *
make_shown(CURLU *parsed)
{
    g_autoptr(CURLU) copy = curl_url_dup(parsed);

    curl_url_set(copy, CURLUPART_USER, NULL, 0);
    curl_url_set(copy, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(copy, CURLUPART_OPTIONS, NULL, 0);
    curl_url_set(copy, CURLUPART_QUERY, NULL, 0);
    curl_url_set(copy, CURLUPART_FRAGMENT, NULL, 0);
    return dup_part(copy, CURLUPART_URL, 0);
}

/* "/images/debian%2012.raw": "debian 12" */
static char *
make_name(CURLU *parsed)
{
    g_autofree char *path = dup_part(parsed, CURLUPART_PATH, CURLU_URLDECODE);
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    g_autofree char *name = g_utf8_make_valid(slash != NULL ? slash + 1 : "", -1);
    char *dot = strrchr(name, '.');

    if (dot != NULL && dot != name)
        *dot = '\0';
    return g_steal_pointer(&name);
}

static FetchUrl *
make_url(CURLU *parsed)
{
    FetchUrl *url = g_new0(FetchUrl, 1);
    g_autofree char *scheme = dup_part(parsed, CURLUPART_SCHEME, 0);

    curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0);
    url->text = dup_part(parsed, CURLUPART_URL, 0);
    url->shown = make_shown(parsed);
    url->name = make_name(parsed);
    url->tls = g_strcmp0(scheme, "https") == 0;
    return url;
}

static gboolean
has_user(CURLU *parsed)
{
    return has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD);
}

FetchUrl *
fetch_url_parse(const char *text, GError **error)
{
    g_autoptr(CURLU) parsed = curl_url();
    g_autofree char *shown = NULL;

    if (!fetch_url_is(text) || curl_url_set(parsed, CURLUPART_URL, text, 0) != CURLUE_OK) {
        failure_set(error, HVD_ERROR_INVALID, _("write it as https://ADDRESS/PATH"), "%s",
                    _("the image's URL is none"));
        return NULL;
    }
    if (!has_user(parsed))
        return make_url(parsed);
    shown = make_shown(parsed);
    failure_set(error, HVD_ERROR_SECRET_LITERAL,
                _("take one that needs none, or download the image and name the file"),
                _("%s: no user name and no password may stand in an image's URL"), shown);
    return NULL;
}

/* (nullable): why nobody goes there */
static const char *
find_objection(CURLU *parsed, const FetchUrl *from, const FetchUrl *to)
{
    if (has_user(parsed))
        return N_("it has a user name or a password in it");
    if (!fetch_url_is(to->text))
        return N_("it is neither http nor https");
    if (from->tls && !to->tls)
        return N_("from https to http nobody follows");
    return NULL;
}

FetchUrl *
fetch_url_follow(const FetchUrl *from, const char *location, GError **error)
{
    g_autoptr(CURLU) parsed = curl_url();
    g_autoptr(FetchUrl) to = NULL;
    const char *objection = N_("that is no URL");

    if (curl_url_set(parsed, CURLUPART_URL, from->text, 0) == CURLUE_OK &&
        curl_url_set(parsed, CURLUPART_URL, location, CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME) ==
            CURLUE_OK) {
        to = make_url(parsed);
        objection = find_objection(parsed, from, to);
    }
    if (objection == NULL)
        return g_steal_pointer(&to);
    failure_set(error, HVD_ERROR_REDIRECTED,
                _("name the image's last address, or download it and name the file"),
                _("%s: the server points to %s: %s"), from->shown,
                to != NULL ? to->shown : _("somewhere else"), _(objection));
    return NULL;
}
