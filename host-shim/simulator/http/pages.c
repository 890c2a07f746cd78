#include "http/pages.h"

#include <string.h>

#define PAGE(title, text) "<html><body><h1>HTTP " title "</h1>" text "</body></html>"

static const char *const statuses[] = {
    [SIM_PAGE_UNAUTHORISED] = "401 Unauthorised",
    [SIM_PAGE_FORBIDDEN] = "403 Forbidden",
    [SIM_PAGE_BAD_REQUEST] = "400 Bad Request",
    [SIM_PAGE_TIMEOUT] = "408 Request Timeout",
    [SIM_PAGE_TOO_LARGE] = "431 Request Header Fields Too Large",
    [SIM_PAGE_INTERNAL] = "500 Internal Error",
    [SIM_PAGE_NOT_IMPLEMENTED] = "501 Method not implemented",
    [SIM_PAGE_UNAVAILABLE] = "503 Service Unavailable",
};

/* %s: what the page is about */
static const char *const bodies[] = {
    [SIM_PAGE_UNAUTHORISED] = PAGE("401 unauthorised", "Please check your credentials and retry."),
    [SIM_PAGE_FORBIDDEN] = PAGE("403 forbidden", "Access to the requested resource is forbidden."),
    [SIM_PAGE_BAD_REQUEST] =
        PAGE("400 bad request", "The HTTP request was malformed. Please correct and retry."),
    [SIM_PAGE_TIMEOUT] = PAGE("408 request timeout", "Timed out waiting for the request."),
    [SIM_PAGE_TOO_LARGE] =
        PAGE("431 request header fields too large", "Exceeded the maximum header size."),
    [SIM_PAGE_INTERNAL] =
        PAGE("500 internal server error",
             "An unexpected error occurred; please wait a while and try again. If the problem "
             "persists, please contact your support representative.<h1> Additional information "
             "</h1>%s"),
    [SIM_PAGE_NOT_IMPLEMENTED] =
        PAGE("501 Method Not Implemented", "<p>Unknown %s not supported.<br /></p>"),
    [SIM_PAGE_UNAVAILABLE] = PAGE("503 service unavailable", "The service is unavailable."),
};

void
sim_page_status_line(SimConnection *connection, const char *status)
{
    const SimHead *head = sim_connection_head(connection);
    g_autofree char *line =
        g_strdup_printf("HTTP/%s %s\r\n", head != NULL ? head->version : "1.1", status);

    sim_connection_write(connection, line, strlen(line));
}

static void
append_escaped(GString *out, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    /* GLib writes &#39; where the toolstack writes &apos;. */
    g_auto(GStrv) parts = g_strsplit(escaped, "&#39;", -1);
    g_autofree char *joined = g_strjoinv("&apos;", parts);

    g_string_append(out, joined);
}

static GString *
page_body(SimPage page, const char *text)
{
    GString *body = g_string_new(NULL);
    const char *format = bodies[page];
    const char *hole = strstr(format, "%s");

    if (hole == NULL) {
        g_string_append(body, format);
        return body;
    }
    g_string_append_len(body, format, hole - format);
    append_escaped(body, text != NULL ? text : "");
    g_string_append(body, hole + strlen("%s"));
    return body;
}

void
sim_page_send(SimConnection *connection, SimPage page, const char *text)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GString) body = page_body(page, text);

    g_string_append_printf(out,
                           "content-length: %" G_GSIZE_FORMAT "\r\ncontent-type: text/html\r\n"
                           "connection: close\r\ncache-control: no-cache, no-store\r\n",
                           body->len);
    if (page == SIM_PAGE_UNAUTHORISED)
        g_string_append_printf(out, "WWW-Authenticate: Basic realm=\"%s\"\r\n", text);
    g_string_append_printf(out, "\r\n%s", body->str);
    sim_page_status_line(connection, statuses[page]);
    sim_connection_write(connection, out->str, out->len);
    sim_connection_finish(connection, FALSE);
}

void
sim_page_moved(SimConnection *connection)
{
    const SimHead *head = sim_connection_head(connection);
    const char *host = sim_head_header(head, "host");
    g_autofree char *text = g_strdup_printf(
        "content-length: 0\r\nlocation: https://%s%s\r\n\r\n",
        host != NULL ? host : sim_connection_node(connection)->address, head->target);

    sim_page_status_line(connection, "301 Moved Permanently");
    sim_connection_write(connection, text, strlen(text));
    sim_connection_finish(connection, FALSE);
}

void
sim_page_status(SimConnection *connection, const char *status)
{
    const char *rest = "content-length: 0\r\nconnection: close\r\n\r\n";

    sim_page_status_line(connection, status);
    sim_connection_write(connection, rest, strlen(rest));
    sim_connection_finish(connection, FALSE);
}

void
sim_page_redirect(SimConnection *connection, const char *location)
{
    g_autofree char *text = g_strdup_printf(
        "content-length: 0\r\nconnection: close\r\ncache-control: no-cache, no-store\r\n"
        "Location: %s\r\n\r\n",
        location);

    sim_page_status_line(connection, "302 Found");
    sim_connection_write(connection, text, strlen(text));
    sim_connection_finish(connection, FALSE);
}

void
sim_page_rpc(SimConnection *connection, const char *content_type, const char *body, gsize length)
{
    gboolean close = sim_connection_head(connection)->close;
    g_autofree char *text = g_strdup_printf(
        "content-length: %" G_GSIZE_FORMAT "\r\nconnection: %s\r\n"
        "cache-control: no-cache, no-store\r\ncontent-type: %s\r\n"
        "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: X-Requested-With\r\n\r\n",
        length, close ? "close" : "keep-alive", content_type);

    sim_page_status_line(connection, "200 OK");
    sim_connection_write(connection, text, strlen(text));
    sim_connection_write(connection, body, length);
    sim_connection_finish(connection, !close);
}
