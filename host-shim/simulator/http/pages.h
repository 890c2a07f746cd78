/* The fixed pages that the toolstack's HTTP server answers with, byte by byte as captured. */
#pragma once

#include "http/connection.h"

G_BEGIN_DECLS

typedef enum {
    SIM_PAGE_UNAUTHORISED, /* text: the realm */
    SIM_PAGE_FORBIDDEN,
    SIM_PAGE_BAD_REQUEST,
    SIM_PAGE_TIMEOUT,
    SIM_PAGE_TOO_LARGE,
    SIM_PAGE_INTERNAL, /* text: the exception, not yet escaped */
    SIM_PAGE_NOT_IMPLEMENTED,
    SIM_PAGE_UNAVAILABLE,
} SimPage;

/* Sends the page and closes. */
void sim_page_send(SimConnection *connection, SimPage page, const char *text);
/* 301 to https, whatever was asked (captures: http_get_root). */
void sim_page_moved(SimConnection *connection);
/* A status of the caller's choice, "404 Not Found", without a page; closes. */
void sim_page_status(SimConnection *connection, const char *status);
/* 302 to another node, same path and query. */
void sim_page_redirect(SimConnection *connection, const char *location);
/* The answer of a call; keeps the connection as the client wishes. */
void
sim_page_rpc(SimConnection *connection, const char *content_type, const char *body, gsize length);
/* "HTTP/1.1 200 OK\r\n" for this request's version */
void sim_page_status_line(SimConnection *connection, const char *status);

G_END_DECLS
