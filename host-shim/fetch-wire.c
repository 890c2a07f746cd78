#include "fetch-wire.h"

#include "failure.h"
#include "fetch-trust.h"

#include <curl/curl.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_TIMEOUT_S 30
#define MAX_HEAD          (64 * 1024)

typedef struct {
    curl_socket_t fd;
    gpointer tag;
} Socket;

struct _FetchWire {
    const FetchWireClass *klass;
    gpointer data;
    char *ca_file;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    GSource *source;
    GArray *sockets; /* of Socket */
    gsize head_bytes;
    gboolean active;
    gboolean paused;
    gboolean ended;
    CURLcode code;
    char reason[CURL_ERROR_SIZE];
};

/* ---- libcurl asks us to watch ---- */

static guint
find_socket(const FetchWire *wire, curl_socket_t fd)
{
    guint i = 0;

    while (i < wire->sockets->len && g_array_index(wire->sockets, Socket, i).fd != fd)
        i++;
    return i;
}

static int
on_socket(CURL *easy G_GNUC_UNUSED, curl_socket_t fd, int what, void *user,
          void *known G_GNUC_UNUSED)
{
    FetchWire *wire = user;
    GIOCondition wanted =
        (what & CURL_POLL_IN ? G_IO_IN : 0) | (what & CURL_POLL_OUT ? G_IO_OUT : 0);
    guint at = find_socket(wire, fd);
    Socket fresh = {.fd = fd};

    if (what == CURL_POLL_REMOVE) {
        if (at < wire->sockets->len) {
            g_source_remove_unix_fd(wire->source, g_array_index(wire->sockets, Socket, at).tag);
            g_array_remove_index_fast(wire->sockets, at);
        }
    } else if (at < wire->sockets->len) {
        g_source_modify_unix_fd(wire->source, g_array_index(wire->sockets, Socket, at).tag, wanted);
    } else {
        fresh.tag = g_source_add_unix_fd(wire->source, fd, wanted);
        g_array_append_val(wire->sockets, fresh);
    }
    return 0;
}

static int
on_timer(CURLM *multi G_GNUC_UNUSED, long ms, void *user)
{
    FetchWire *wire = user;

    g_source_set_ready_time(wire->source, ms < 0 ? -1 : g_get_monotonic_time() + ms * 1000);
    return 0;
}

/* ---- and we tell it ---- */

typedef struct {
    GSource source;
    FetchWire *wire;
} WireSource;

static void
feed_sockets(FetchWire *wire)
{
    g_autoptr(GArray) sockets = g_array_copy(wire->sockets);
    int running;

    for (guint i = 0; i < sockets->len; i++) {
        const Socket *one = &g_array_index(sockets, Socket, i);
        GIOCondition got = 0;

        if (find_socket(wire, one->fd) == wire->sockets->len)
            continue; /* the one before has closed it */
        got = g_source_query_unix_fd(wire->source, one->tag);
        if (got != 0)
            curl_multi_socket_action(wire->multi, one->fd,
                                     (got & G_IO_IN ? CURL_CSELECT_IN : 0) |
                                         (got & G_IO_OUT ? CURL_CSELECT_OUT : 0) |
                                         (got & (G_IO_ERR | G_IO_HUP) ? CURL_CSELECT_ERR : 0),
                                     &running);
    }
}

static void
collect_end(FetchWire *wire)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(wire->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        wire->ended = TRUE;
        wire->code = message->data.result;
    }
}

static gboolean
dispatch(GSource *source, GSourceFunc callback G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED)
{
    FetchWire *wire = ((WireSource *) source)->wire;
    gint64 due = g_source_get_ready_time(source);
    int running;

    if (due >= 0 && due <= g_get_monotonic_time()) {
        g_source_set_ready_time(source, -1);
        curl_multi_socket_action(wire->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    feed_sockets(wire);
    collect_end(wire);
    wire->klass->turned(wire->data); /* it may have freed us */
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = dispatch};

/* ---- what comes ---- */

static size_t
on_header(char *line, size_t size, size_t n, void *user)
{
    FetchWire *wire = user;

    wire->head_bytes += size * n;
    return wire->head_bytes <= MAX_HEAD && wire->klass->line(line, size * n, wire->data) ? size * n
                                                                                         : 0;
}

static size_t
on_write(char *bytes, size_t size, size_t n, void *user)
{
    FetchWire *wire = user;

    if (wire->klass->bytes(bytes, size * n, wire->data))
        return size * n;
    wire->paused = TRUE;
    return CURL_WRITEFUNC_PAUSE;
}

/* libcurl's own sockets would be inherited by whatever we start. */
static curl_socket_t
on_open_socket(void *user G_GNUC_UNUSED, curlsocktype purpose G_GNUC_UNUSED,
               struct curl_sockaddr *address)
{
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- requests ---- */

static void
add_header(FetchWire *wire, const char *name, const char *value)
{
    g_autofree char *line = g_strdup_printf("%s: %s", name, value);

    wire->headers = curl_slist_append(wire->headers, line);
}

static void
set_headers(FetchWire *wire, const FetchRequest *request)
{
    g_autofree char *range = g_strdup_printf("bytes=%" G_GINT64_FORMAT "-", request->offset);

    if (request->offset > 0)
        add_header(wire, "Range", range);
    if (request->offset > 0 && request->validator != NULL)
        add_header(wire, "If-Range", request->validator);
    curl_easy_setopt(wire->easy, CURLOPT_HTTPHEADER, wire->headers);
}

void
fetch_wire_get(FetchWire *wire, const FetchRequest *request)
{
    CURL *easy = wire->easy;

    fetch_wire_stop(wire);
    curl_easy_reset(easy);
    fetch_trust_configure(easy, wire->ca_file);
    set_headers(wire, request);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    /* one stream on a connection: HTTP/2 would fill its window while we are paused */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long) CONNECT_TIMEOUT_S);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "hvd/" HVD_VERSION);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, wire);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, wire);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, wire->reason);
    wire->active = TRUE;
    curl_multi_add_handle(wire->multi, easy);
}

void
fetch_wire_stop(FetchWire *wire)
{
    if (wire->active)
        curl_multi_remove_handle(wire->multi, wire->easy);
    g_clear_pointer(&wire->headers, curl_slist_free_all);
    wire->active = wire->paused = wire->ended = FALSE;
    wire->head_bytes = 0;
    wire->reason[0] = '\0';
}

gboolean
fetch_wire_is_paused(const FetchWire *wire)
{
    return wire->paused;
}

void
fetch_wire_go_on(FetchWire *wire)
{
    if (!wire->paused)
        return;
    wire->paused = FALSE;
    curl_easy_pause(wire->easy, CURLPAUSE_CONT);
}

static FetchEnd
end_of(CURLcode code)
{
    switch ((int) code) {
    case CURLE_OK: return FETCH_END_WHOLE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT: return FETCH_END_UNREACHABLE; /* there is no other limit */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR: return FETCH_END_NONSENSE; /* a head without an end */
    default: return FETCH_END_BROKEN;
    }
}

gboolean
fetch_wire_take_end(FetchWire *wire, const char *shown, FetchEnd *end, GError **error)
{
    const char *reason = wire->reason[0] != '\0' ? wire->reason : curl_easy_strerror(wire->code);
    GError *untrusted;

    if (!wire->ended)
        return FALSE;
    wire->ended = FALSE;
    *end = end_of(wire->code);
    untrusted = fetch_trust_explain(wire->easy, wire->code, shown, reason);
    if (untrusted != NULL) {
        *end = FETCH_END_UNTRUSTED;
        g_propagate_error(error, untrusted);
    } else if (*end == FETCH_END_NONSENSE) {
        failure_set(error, HVD_ERROR_PROTOCOL, _("check the address: is that a web server?"),
                    _("%s: the server does not speak HTTP as it should: %s"), shown, reason);
    } else if (*end != FETCH_END_WHOLE) {
        failure_set(error, HVD_ERROR_NOT_REACHABLE, _("check the address, and the way there"),
                    "%s: %s", shown, reason);
    }
    return TRUE;
}

/* ---- the wire ---- */

FetchWire *
fetch_wire_new(const FetchWireClass *klass, gpointer data, const char *ca_file)
{
    FetchWire *wire = g_new0(FetchWire, 1);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    wire->klass = klass;
    wire->data = data;
    wire->ca_file = g_strdup(ca_file);
    wire->sockets = g_array_new(FALSE, FALSE, sizeof(Socket));
    wire->source = g_source_new(&source_funcs, sizeof(WireSource));
    ((WireSource *) wire->source)->wire = wire;
    g_source_set_static_name(wire->source, "hvd-fetch");
    g_source_attach(wire->source, g_main_context_get_thread_default());
    wire->easy = curl_easy_init();
    wire->multi = curl_multi_init();
    curl_multi_setopt(wire->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(wire->multi, CURLMOPT_SOCKETDATA, wire);
    curl_multi_setopt(wire->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(wire->multi, CURLMOPT_TIMERDATA, wire);
    return wire;
}

void
fetch_wire_free(FetchWire *wire)
{
    fetch_wire_stop(wire);
    curl_multi_setopt(wire->multi, CURLMOPT_SOCKETFUNCTION, NULL);
    curl_multi_setopt(wire->multi, CURLMOPT_TIMERFUNCTION, NULL);
    curl_easy_cleanup(wire->easy);
    curl_multi_cleanup(wire->multi);
    g_source_destroy(wire->source);
    g_source_unref(wire->source);
    g_array_unref(wire->sockets);
    g_free(wire->ca_file);
    g_free(wire);
}
