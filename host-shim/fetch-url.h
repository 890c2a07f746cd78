/* Addresses of images: what is asked for, and what of it may be shown. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    char *
        text; /* what the server is asked for; a signature in its query may be as good as a password */
    char *shown; /* without query and fragment: for messages */
    char *name;  /* the last part of the path, without its suffix; "" where it has none */
    gboolean tls;
} FetchUrl;

/* Is it an address, and no file's name? */
gboolean fetch_url_is(const char *text);

/* Refuses what has a user or a password in it, and shows them nowhere. Errors: INVALID, SECRET_LITERAL. */
FetchUrl *fetch_url_parse(const char *text, GError **error);
/* Where a redirect leads: never away from https. Errors: REDIRECTED. */
FetchUrl *fetch_url_follow(const FetchUrl *from, const char *location, GError **error);
FetchUrl *fetch_url_copy(const FetchUrl *url);
void fetch_url_free(FetchUrl *url);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FetchUrl, fetch_url_free)

G_END_DECLS
