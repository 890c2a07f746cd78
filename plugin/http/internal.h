/* Shared by the files of http/ alone. */
#pragma once

#include "http/http.h"

#include <curl/curl.h>
#include <sys/epoll.h>

G_BEGIN_DECLS

/* Where an origin takes small requests: what they have in common is worked out once. */
typedef struct {
    CURLU *url;
    GPtrArray *warm; /* (element-type CURL): handles that know all but the next request */
} XdTarget;

/* One origin and the short exchanges under way there. */
typedef struct {
    XdOrigin *origin;
    char *text;
    guint busy;
    GHashTable *targets; /* (element-type utf8 XdTarget): by path */
} XdSlot;

/* @states: (element-type gint8): by descriptor */
typedef struct {
    int epoll; /* the one descriptor that the loop polls */
    GArray *states;
} XdSockets;

struct _XdHttp {
    GMainContext *context;
    CURLM *multi;
    GSource *source; /* every socket and the timer of @multi */
    XdSockets sockets;
    gint64 due;          /* when @multi wants to be called, or -1 */
    GHashTable *slots;   /* (element-type XdOrigin XdSlot) */
    GHashTable *headers; /* (element-type utf8 curl_slist): by the type of the body, or "" */
    GQueue waiting;      /* (element-type XdExchange) */
    GQueue idle;         /* (element-type CURL): handles to use again, which know nothing */
    guint running;       /* of those that may be queued */
    guint longs;         /* of these, in XD_LANE_LONG */
    GQueue exchanges; /* (element-type XdExchange): all that exist, in the order of their making */
    guint64 serials;  /* that were given out */
    guint depth;      /* of our own callbacks on the stack: see http_leave() */
    gboolean in_curl; /* libcurl is on the stack and must not be entered again */
    gboolean put_off; /* something has come while it was */
    gboolean freed;   /* by a callback */
    XdHttpOptions options;
    char *user_agent;
    char *ca_file;
    char **pins;
};

struct _XdExchange {
    XdHttp *http;
    GList link; /* in XdHttp.exchanges */
    guint64 serial;
    const XdExchangeClass *klass;
    gpointer data;
    XdSlot *slot;
    XdTarget *target; /* (nullable): of a small request */
    gboolean is_put, is_post;
    char *url;                      /* NULL where there is a target */
    struct curl_slist *headers;     /* begins with those of its own */
    struct curl_slist *own_headers; /* an array */
    guint n_own_headers;
    XdSecret *session;
    XdVault body;
    gsize body_read;
    gboolean secret_body;
    gint64 body_size;
    XdLane lane;
    guint timeout_ms;
    guint low_speed_limit;
    guint low_speed_s;
    guint64 max_body;
    gboolean bulk;

    CURL *easy; /* NULL while queued */
    CURLcode code;
    GError *error; /* the owner's, or ours */
    GSource *cancelled;
    GSource *deferred; /* an end that was known before it could start */
    gboolean over;     /* libcurl has told of its end, which comes now */
    gboolean sent;
    gboolean in_callback;
    guint paused; /* CURLPAUSE_ bits */
    guint status;
    gsize header_bytes;
    gboolean head_told;
    guint64 body_bytes;
    char reason[CURL_ERROR_SIZE];
};

/* (element-type XdOrigin XdSlot) */
GHashTable *xd_slots_new(void);
XdSlot *xd_slot_of(GHashTable *slots, const XdOrigin *origin);
/* (transfer none) (nullable): NULL: there are too many, or libcurl does not understand it */
XdTarget *xd_slot_target(XdSlot *slot, const char *path);

XdExchange *xd_exchange_new(XdHttp *http, XdSlot *slot, const XdHttpRequest *request);
void xd_exchange_free(XdExchange *exchange);
/* All that a request to @x's origin has in common with those before and after it. */
gboolean xd_exchange_prepare(const XdExchange *x, CURL *easy, GError **error);
/* What is this exchange's own. */
void xd_exchange_apply(XdExchange *x, CURL *easy);
/* Slowness counts, but for as long as it is ours. */
void xd_exchange_watch_speed(XdExchange *x);
/* Of a request to a target: leaves the handle as xd_exchange_prepare() does. */
void xd_exchange_strip(CURL *easy);
gboolean xd_exchange_tell_head(XdExchange *exchange);
/* (nullable) (transfer full): why it ends; the first reason counts */
void xd_exchange_blame(XdExchange *exchange, GError *error);
/* (nullable): what the transfer that libcurl has ended means */
GError *xd_exchange_verdict(XdExchange *exchange);

gboolean xd_sockets_init(XdSockets *sockets, GError **error);
void xd_sockets_clear(XdSockets *sockets);
/* @what: CURL_POLL_..., and @before: the last one, or 0 */
void xd_sockets_watch(XdSockets *sockets, int fd, int before, int what);
/* Those that libcurl is to be told of, without waiting. */
guint xd_sockets_ready(XdSockets *sockets, struct epoll_event *ready, guint room);
void xd_sockets_configure(XdSockets *sockets, CURL *easy);

/* The one function that may touch TLS verification options. */
gboolean xd_trust_configure(CURL *easy, const XdOrigin *origin, const XdHttpOptions *options,
                            GError **error);
gboolean xd_trust_check_pins(const char *const *pins, GError **error);
/* What a failed transfer means to the host. */
GError *xd_trust_error(CURL *easy, CURLcode code, const XdOrigin *origin, const char *reason);

G_END_DECLS
