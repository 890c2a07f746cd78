/* The head of an HTTP request, as the toolstack's own small parser takes it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SIM_MAX_HEAD 1024 /* toolstack, xapi_globs.ml: max_header_length_tcp */

typedef struct {
    char *method;
    char *target;        /* as it came: path and query */
    char *path;          /* unescaped */
    char *version;       /* "1.1" */
    GHashTable *query;   /* unescaped */
    GHashTable *headers; /* names in lower case */
    GHashTable *cookies;
    gint64 content_length; /* -1: none */
    gboolean close;
} SimHead;

/* The length of the head that @text begins with, blank line included; 0: not complete yet. */
gsize sim_head_measure(const char *text, gsize length);
/* (nullable): NULL where the request line is none, or a number is none */
SimHead *sim_head_parse(const char *text, gsize length);
void sim_head_free(SimHead *head);
const char *sim_head_header(const SimHead *head, const char *name); /* (nullable) */
/* (nullable): a parameter of a data handler: a cookie goes before the query */
const char *sim_head_parameter(const SimHead *head, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimHead, sim_head_free)

G_END_DECLS
