/* One exchange: what libcurl is told about it, and what libcurl tells. */
#include "http/internal.h"

#include <string.h>

#define MAX_HEADER_BYTES (16 * 1024)
#define BULK_BUFFER      (512 * 1024)
/* A disk that comes is copied once more: out of the processor's nearest caches a larger one is slower. */
#define DISK_BUFFER (64 * 1024)

/* Headers of all requests with a body of this type. */
static struct curl_slist *
find_headers(XdHttp *http, const char *content_type)
{
    const char *key = content_type != NULL ? content_type : "";
    struct curl_slist *headers = g_hash_table_lookup(http->headers, key);
    g_autofree char *agent = NULL;
    g_autofree char *line = NULL;

    if (headers != NULL)
        return headers;
    /* CURLOPT_USERAGENT would have libcurl put this line together for each request */
    agent = g_strconcat("User-Agent: ", http->options.user_agent, NULL);
    headers = curl_slist_append(NULL, agent);
    /* never answered by xapi, and libcurl would wait a second for it (observed.md) */
    headers = curl_slist_append(headers, "Expect:");
    headers = curl_slist_append(headers, "Accept:");
    line = g_strconcat("Content-Type: ", content_type, NULL);
    if (content_type != NULL)
        headers = curl_slist_append(headers, line);
    g_hash_table_insert(http->headers, g_strdup(key), headers);
    return headers;
}

/* The request's own stand in front of them. */
static void
set_headers(XdExchange *x, const XdHttpRequest *request)
{
    guint n = request->headers != NULL ? g_strv_length((char **) request->headers) : 0;
    struct curl_slist *headers = find_headers(x->http, request->content_type);

    x->own_headers = n > 0 ? g_new(struct curl_slist, n) : NULL;
    x->n_own_headers = n;
    while (n-- > 0) {
        x->own_headers[n] = (struct curl_slist){g_strdup(request->headers[n]), headers};
        headers = &x->own_headers[n];
    }
    x->headers = headers;
}

/* Its body goes in one packet with its head: two make the server wake up twice. */
static gboolean
is_small(const XdExchange *x)
{
    return x->is_post && !x->bulk && !x->secret_body && x->body.data != NULL;
}

XdExchange *
xd_exchange_new(XdHttp *http, XdSlot *slot, const XdHttpRequest *request)
{
    XdExchange *x = g_new0(XdExchange, 1);

    x->http = http;
    x->slot = slot;
    x->is_put = strcmp(request->method, "PUT") == 0;
    x->is_post = strcmp(request->method, "POST") == 0;
    x->session = request->session != NULL ? xd_secret_ref((XdSecret *) request->session) : NULL;
    x->body_size = request->body_size;
    x->lane = request->lane;
    x->timeout_ms = request->timeout_ms;
    x->low_speed_limit = request->low_speed_limit;
    x->low_speed_s = request->low_speed_s;
    x->max_body = request->max_body;
    x->bulk = request->bulk;
    x->secret_body = request->secret_body;
    if (request->body != NULL) {
        x->body = *request->body;
        x->body_size = (gint64) x->body.length;
        *request->body = (XdVault){0};
    }
    x->target = is_small(x) ? xd_slot_target(slot, request->path) : NULL;
    x->url = x->target == NULL ? g_strconcat(slot->text, request->path, NULL) : NULL;
    set_headers(x, request);
    return x;
}

void
xd_exchange_free(XdExchange *x)
{
    xd_clear_source(&x->cancelled);
    xd_clear_source(&x->deferred);
    for (guint i = 0; i < x->n_own_headers; i++)
        g_free(x->own_headers[i].data);
    g_free(x->own_headers);
    g_clear_pointer(&x->session, xd_secret_unref);
    xd_vault_clear(&x->body);
    g_free(x->url);
    g_clear_error(&x->error);
    g_free(x);
}

/* As libcurl has understood it: what stands in a trailer, or before the answer proper, is none. */
static void
note_status(XdExchange *x)
{
    long status = 0;

    if (x->easy != NULL && curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        x->status = (guint) status;
}

void
xd_exchange_blame(XdExchange *x, GError *error)
{
    if (x->error == NULL)
        x->error = error;
    else
        g_clear_error(&error);
}

GError *
xd_exchange_verdict(XdExchange *x)
{
    const char *host = x->slot->origin->host;
    long sent = 0;

    if (x->easy != NULL && curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK)
        x->sent = x->sent || sent > 0;
    note_status(x);
    if (x->error != NULL)
        return g_steal_pointer(&x->error);
    if (x->code == CURLE_OPERATION_TIMEDOUT && !x->sent)
        return xd_error_new(HVD_ERROR_NOT_REACHABLE, "no connection to %s in time", host);
    if (x->code != CURLE_OK)
        return xd_trust_error(x->easy, x->code, x->slot->origin, x->reason);
    if (x->status >= 300 && x->status < 400)
        return xd_error_new(HVD_ERROR_REDIRECTED, "%s answered with a redirect (HTTP status %u)",
                            host, x->status);
    if (x->status < 200 || x->status > 999) /* libcurl takes "HTTP/2 20", and 101 as an end */
        return xd_error_new(HVD_ERROR_PROTOCOL,
                            "%s does not speak HTTP as it should: status %u is no answer", host,
                            x->status);
    return NULL;
}

/* ---- what libcurl calls ---- */

static size_t
on_read(char *buffer, size_t size, size_t n, void *user)
{
    XdExchange *x = user;
    gsize room = size * n, length = 0;
    GError *error = NULL;
    XdFlow flow;

    if (x->error != NULL) /* it has been cancelled since */
        return CURL_READFUNC_ABORT;
    x->sent = TRUE;
    if (x->body.data != NULL) {
        length = MIN(room, x->body.length - x->body_read);
        memcpy(buffer, x->body.data + x->body_read, length);
        x->body_read += length;
        return length;
    }
    x->in_callback = TRUE;
    flow = x->klass->read_body(x, buffer, room, &length, x->data, &error);
    x->in_callback = FALSE;
    xd_exchange_blame(x, error); /* it may have been cancelled meanwhile */
    if (flow == XD_FLOW_STOP)
        return CURL_READFUNC_ABORT;
    if (flow == XD_FLOW_PAUSE) {
        x->paused |= CURLPAUSE_SEND;
        xd_exchange_watch_speed(x);
        return CURL_READFUNC_PAUSE;
    }
    return length;
}

static size_t
on_header(char *line G_GNUC_UNUSED, size_t size, size_t n, void *user)
{
    XdExchange *x = user;
    gsize length = size * n;

    x->header_bytes += length;
    if (x->header_bytes > MAX_HEADER_BYTES) {
        x->error = xd_error_new(HVD_ERROR_PROTOCOL, "the headers of %s exceed %u bytes",
                                x->slot->origin->host, (guint) MAX_HEADER_BYTES);
        return 0;
    }
    return length;
}

gboolean
xd_exchange_tell_head(XdExchange *x)
{
    const char *type = NULL;
    GError *error = NULL;
    gboolean go_on;

    if (x->head_told || x->klass->head == NULL)
        return TRUE;
    x->head_told = TRUE;
    note_status(x);
    curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
    go_on = x->klass->head(x, x->status, type != NULL ? type : "", x->data, &error);
    xd_exchange_blame(x, error);
    return go_on;
}

static size_t
on_write(char *bytes, size_t size, size_t n, void *user)
{
    XdExchange *x = user;
    gsize length = size * n;
    XdFlow flow = XD_FLOW_STOP;
    GError *error = NULL;

    if (x->error != NULL)
        return 0;
    if (length > x->max_body - x->body_bytes) {
        x->error =
            xd_error_new(HVD_ERROR_PROTOCOL, "the answer of %s exceeds %" G_GUINT64_FORMAT " bytes",
                         x->slot->origin->host, x->max_body);
        return 0;
    }
    x->in_callback = TRUE;
    if (xd_exchange_tell_head(x))
        flow = x->klass->data(x, bytes, length, x->data, &error);
    x->in_callback = FALSE;
    xd_exchange_blame(x, error);
    if (flow == XD_FLOW_STOP)
        return 0;
    if (flow == XD_FLOW_PAUSE) {
        x->paused |= CURLPAUSE_RECV;
        return CURL_WRITEFUNC_PAUSE;
    }
    x->body_bytes += length;
    return length;
}

/* Before each request that libcurl makes. On a kept connection that dies before the answer, libcurl 7.88
 * would send a body that it has whole again (Curl_retry_request), a second VM.create. Here it is stopped,
 * and we say that the outcome is unknown. */
static int
on_request(void *user, char *address G_GNUC_UNUSED, char *own_address G_GNUC_UNUSED,
           int port G_GNUC_UNUSED, int own_port G_GNUC_UNUSED)
{
    XdExchange *x = user;

    if (x->sent && x->error == NULL)
        x->error = xd_error_new(HVD_ERROR_NOT_REACHABLE, "%s hung up before it answered",
                                x->slot->origin->host);
    if (x->sent || x->error != NULL)
        return CURL_PREREQFUNC_ABORT;
    x->sent = TRUE;
    return CURL_PREREQFUNC_OK;
}

static void
set_body(XdExchange *x, CURL *easy)
{
    if (x->body_size < 0) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    if (is_small(x)) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) x->body_size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, x->body.data);
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, x);
        return;
    }
    /* A read callback and no seek callback: unable to rewind, libcurl sends nothing again. */
    curl_easy_setopt(easy, x->is_put ? CURLOPT_UPLOAD : CURLOPT_POST, 1L);
    curl_easy_setopt(easy, x->is_put ? CURLOPT_INFILESIZE_LARGE : CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t) x->body_size);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, x);
}

static void
set_cookie(XdExchange *x, CURL *easy)
{
    g_auto(XdVault) cookie = {0};
    gsize length = 0;
    const char *session;

    if (x->session == NULL)
        return;
    session = xd_secret_reveal(x->session, &length);
    xd_vault_init(&cookie, x->http->options.arena);
    xd_vault_append_string(&cookie, "session_id=");
    xd_vault_append(&cookie, session, length);
    curl_easy_setopt(easy, CURLOPT_COOKIE, cookie.data);
}

gboolean
xd_exchange_prepare(const XdExchange *x, CURL *easy, GError **error)
{
    const XdHttpOptions *options = &x->http->options;

    if (!xd_trust_configure(easy, x->slot->origin, options, error))
        return FALSE;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* those of the environment are not ours to use */
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    xd_sockets_configure(&x->http->sockets, easy);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long) options->connect_timeout_s);
    if (x->target != NULL)
        curl_easy_setopt(easy, CURLOPT_CURLU, x->target->url);
    else
        curl_easy_setopt(easy, CURLOPT_URL, x->url);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    return TRUE;
}

/* libcurl 7.88 exempts only what is not taken in: what we have nothing to send for is not the node's fault. */
void
xd_exchange_watch_speed(XdExchange *x)
{
    gboolean waits_for_us = (x->paused & CURLPAUSE_SEND) != 0;

    curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, waits_for_us ? 0L : (long) x->low_speed_s);
}

void
xd_exchange_apply(XdExchange *x, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) x->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long) x->low_speed_limit);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long) x->low_speed_s);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                     (curl_off_t) MIN(x->max_body, (guint64) G_MAXINT64));
    if (x->bulk) {
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                         x->lane == XD_LANE_POLL ? (long) BULK_BUFFER : (long) DISK_BUFFER);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long) BULK_BUFFER);
    }
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->reason);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
    set_body(x, easy);
    set_cookie(x, easy);
}

/* What points into the exchange, or is a secret. The rest of it the next one sets anew. */
void
xd_exchange_strip(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_COOKIE, NULL);
}
