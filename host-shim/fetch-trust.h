/* Whom we believe to be the server of an image. */
#pragma once

#include <curl/curl.h>
#include <glib.h>

G_BEGIN_DECLS

/* The system's authorities, or those of @ca_file (nullable). There is no switch to turn it off. */
void fetch_trust_configure(CURL *easy, const char *ca_file);
/* (nullable): what a transfer's end says about trust; NULL: it is about something else */
GError *fetch_trust_explain(CURL *easy, CURLcode code, const char *shown, const char *reason);

G_END_DECLS
