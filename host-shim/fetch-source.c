#include "fetch-source.h"

#include "failure.h"
#include "fetch-bytes.h"
#include "fetch-judge.h"
#include "fetch-wire.h"

#include <glib/gi18n.h>

#define MAX_REDIRECTS 5
#define FULL          (256 * 1024) /* bytes that wait for the reader: then the server has to wait, too */
#define PROGRESS      (1024 * 1024)
#define MAX_STALLS    2 /* in a row */
#define MAX_DOUBLINGS 10

struct _FetchSource {
    void (*changed)(gpointer data);
    gpointer data;
    FetchUrl *url; /* as it was named */
    FetchUrl *at;  /* where redirects have led */
    FetchLimits limits;
    FetchWire *wire;
    GSource *clock;
    gint64 heard; /* when something came; 0: nothing is being waited for */

    FetchHead first; /* of the answer that was taken first */
    FetchHead head;  /* of the one that comes now */
    FetchVerdict verdict;
    gboolean is_judged;
    guint redirects;
    guint tries, stalls;
    gint64 milestone; /* what has to come until the tries are counted anew */
    GError *why;      /* what the last answer that was no good had to say */

    FetchBytes bytes;
    gboolean ended;
    GError *error;
};

/* ---- how far it is ---- */

static gboolean
was_taken(const FetchSource *self)
{
    return self->first.status != 0;
}

static gboolean
can_resume(const FetchSource *self)
{
    return was_taken(self) && self->first.length >= 0 &&
           fetch_head_get_validator(&self->first) != NULL;
}

/* Takes @error. */
static void
stop(FetchSource *self, GError *error)
{
    if (fetch_bytes_is_comparing(&self->bytes))
        g_byte_array_set_size(self->bytes.waiting, 0);
    fetch_wire_stop(self->wire);
    self->heard = 0;
    g_source_set_ready_time(self->clock, -1);
    self->error = error;
}

/* ---- asking ---- */

static void
hear(FetchSource *self)
{
    self->heard = g_get_monotonic_time();
}

static gint64
silence_due(const FetchSource *self)
{
    return self->heard + (gint64) self->limits.stall_ms * 1000;
}

static void
ask(FetchSource *self)
{
    FetchRequest request = {.url = self->at->text};

    if (can_resume(self)) {
        request.offset = fetch_bytes_get_received(&self->bytes);
        request.validator = fetch_head_get_validator(&self->first);
    }
    self->bytes.offset = request.offset;
    self->is_judged = FALSE;
    fetch_head_clear(&self->head);
    hear(self);
    g_source_set_ready_time(self->clock, silence_due(self));
    fetch_wire_get(self->wire, &request);
}

static void
begin(FetchSource *self)
{
    g_clear_pointer(&self->at, fetch_url_free);
    self->at = fetch_url_copy(self->url);
    self->redirects = 0;
    ask(self);
}

static void
follow(FetchSource *self)
{
    GError *error = NULL;
    FetchUrl *to = fetch_url_follow(self->at, self->head.location, &error);

    if (to != NULL && ++self->redirects > MAX_REDIRECTS) {
        g_clear_pointer(&to, fetch_url_free);
        failure_set(&error, HVD_ERROR_REDIRECTED, _("name the image's last address"),
                    _("%s: the server points from one place to the next, more than %d times"),
                    self->url->shown, MAX_REDIRECTS);
    }
    if (to == NULL) {
        stop(self, error);
        return;
    }
    fetch_url_free(self->at);
    self->at = to;
    ask(self);
}

/* Takes @why. */
static void
give_up(FetchSource *self, GError *why)
{
    g_autofree char *advice = failure_dup_advice(why);

    stop(self, failure_new(why->code, advice, _("%s; tried %u times in vain"), why->message,
                           self->tries + 1));
    g_error_free(why);
}

/* Takes @why. */
static void
ask_later(FetchSource *self, GError *why)
{
    gint64 pause_ms = (gint64) self->limits.pause_ms << MIN(self->tries, MAX_DOUBLINGS);
    GError *lost = NULL;

    if (self->tries >= self->limits.tries || self->stalls >= MAX_STALLS) {
        give_up(self, why);
        return;
    }
    g_error_free(why);
    if (self->bytes.delivered > 0 && !can_resume(self)) {
        fetch_judge_set_lost(self->url->shown, &lost);
        stop(self, lost);
        return;
    }
    fetch_wire_stop(self->wire);
    if (!can_resume(self))
        self->bytes.offset = 0; /* what is here has to come again: nobody may have it before */
    self->tries++;
    self->heard = 0;
    pause_ms = MAX(pause_ms, (gint64) self->head.retry_after_s * 1000);
    g_source_set_ready_time(self->clock, g_get_monotonic_time() + pause_ms * 1000);
}

/* ---- the clock: a pause is over, or nothing comes ---- */

static void
on_silence(FetchSource *self)
{
    self->stalls++;
    ask_later(self, failure_new(HVD_ERROR_TIMED_OUT, _("look whether the server is well"),
                                _("%s: nothing came for %u s"), self->url->shown,
                                self->limits.stall_ms / 1000));
}

static gboolean
on_clock(gpointer data)
{
    FetchSource *self = data;

    g_source_set_ready_time(self->clock, -1);
    if (self->heard == 0) {
        begin(self);
        return G_SOURCE_CONTINUE;
    }
    if (fetch_wire_is_paused(self->wire))
        hear(self); /* it is the reader who lets us wait */
    if (silence_due(self) > g_get_monotonic_time()) {
        g_source_set_ready_time(self->clock, silence_due(self));
        return G_SOURCE_CONTINUE;
    }
    on_silence(self);
    self->changed(self->data); /* it may have freed us */
    return G_SOURCE_CONTINUE;
}

static gboolean
clock_dispatch(GSource *source G_GNUC_UNUSED, GSourceFunc callback, gpointer data)
{
    return callback(data);
}

static GSourceFuncs clock_funcs = {.dispatch = clock_dispatch};

/* ---- what comes ---- */

/* The head is there: is it worth its body? */
static gboolean
judge(FetchSource *self)
{
    FetchAsked asked = {
        .shown = self->url->shown,
        .first = was_taken(self) ? &self->first : NULL,
        .offset = self->bytes.offset,
        .is_delivered = self->bytes.delivered > 0,
    };

    g_clear_error(&self->why);
    self->is_judged = TRUE;
    self->verdict = fetch_judge(&asked, &self->head, &self->why);
    if (self->verdict != FETCH_TAKE)
        return FALSE;
    if (!was_taken(self)) {
        self->first = self->head;
        self->bytes.size = self->first.length;
        fetch_head_init(&self->head);
    } else if (self->head.status == 200) {
        self->bytes.offset = 0;
    }
    return TRUE;
}

static gboolean
on_line(const char *line, gsize length, gpointer data)
{
    FetchSource *self = data;

    hear(self);
    if (self->is_judged) /* behind the body */
        return TRUE;
    fetch_head_take(&self->head, line, length);
    if (line[0] != '\r' && line[0] != '\n')
        return TRUE;
    return self->head.status < 200 || judge(self);
}

static gboolean
on_bytes(const char *more, gsize length, gpointer data)
{
    FetchSource *self = data;
    const char *fault = fetch_bytes_find_fault(&self->bytes, more, length);

    hear(self);
    if (self->verdict != FETCH_TAKE)
        return TRUE;
    if (fault != NULL) {
        self->verdict = FETCH_FAIL;
        failure_set(&self->why, HVD_ERROR_INTEGRITY, _("try again, or look at the server's log"),
                    "%s: %s", self->url->shown, _(fault));
        return TRUE;
    }
    if (!fetch_bytes_is_comparing(&self->bytes) && self->bytes.waiting->len >= FULL)
        return FALSE;
    fetch_bytes_add(&self->bytes, more, length);
    if (fetch_bytes_get_received(&self->bytes) >= self->milestone) {
        self->milestone = fetch_bytes_get_received(&self->bytes) + PROGRESS;
        self->tries = self->stalls = 0;
    }
    return TRUE;
}

/* ---- how an answer ends ---- */

/* Takes @error. */
static void
on_broken(FetchSource *self, FetchEnd end, GError *error)
{
    if (end == FETCH_END_UNTRUSTED || end == FETCH_END_NONSENSE ||
        (end == FETCH_END_UNREACHABLE && !was_taken(self)))
        stop(self, error);
    else
        ask_later(self, error);
}

static void
on_whole(FetchSource *self)
{
    if (self->first.length >= 0 && !fetch_bytes_is_complete(&self->bytes)) {
        g_autofree char *got = g_strdup_printf("%" G_GINT64_FORMAT, self->bytes.offset);
        g_autofree char *whole = g_strdup_printf("%" G_GINT64_FORMAT, self->first.length);

        ask_later(self,
                  failure_new(HVD_ERROR_INTEGRITY, NULL, _("%s: it ends after %s of %s bytes"),
                              self->url->shown, got, whole));
        return;
    }
    self->ended = TRUE;
    self->heard = 0;
    g_source_set_ready_time(self->clock, -1);
}

static void
on_end(FetchSource *self, FetchEnd end, GError *error)
{
    g_autoptr(GError) owned = error;

    if (!self->is_judged)
        on_broken(self, end, g_steal_pointer(&owned));
    else if (self->verdict == FETCH_FOLLOW)
        follow(self);
    else if (self->verdict == FETCH_AGAIN)
        ask_later(self, g_steal_pointer(&self->why));
    else if (self->verdict == FETCH_FAIL)
        stop(self, g_steal_pointer(&self->why));
    else if (end == FETCH_END_WHOLE || fetch_bytes_is_complete(&self->bytes))
        on_whole(self);
    else
        on_broken(self, end, g_steal_pointer(&owned));
}

static void
on_turned(gpointer data)
{
    FetchSource *self = data;
    FetchEnd end = FETCH_END_WHOLE;
    GError *error = NULL;

    if (fetch_wire_take_end(self->wire, self->url->shown, &end, &error))
        on_end(self, end, error);
    else if (self->error == NULL && self->is_judged && self->verdict == FETCH_FAIL)
        stop(self, g_steal_pointer(&self->why));
    self->changed(self->data); /* it may have freed us */
}

static const FetchWireClass wire_class = {on_line, on_bytes, on_turned};

/* ---- what the reader sees ---- */

gboolean
fetch_source_is_ready(const FetchSource *self, gsize size)
{
    return self->error != NULL || self->ended || fetch_bytes_is_complete(&self->bytes) ||
           (self->bytes.waiting->len >= size && !fetch_bytes_is_comparing(&self->bytes));
}

gsize
fetch_source_peek(const FetchSource *self, char *to, gsize size)
{
    return fetch_bytes_peek(&self->bytes, to, size);
}

gsize
fetch_source_take(FetchSource *self, char *to, gsize size)
{
    gsize n = fetch_bytes_take(&self->bytes, to, size);

    if (fetch_wire_is_paused(self->wire) && self->bytes.waiting->len <= FULL / 2) {
        hear(self);
        fetch_wire_go_on(self->wire);
    }
    return n;
}

gint64
fetch_source_get_size(const FetchSource *self)
{
    return self->first.length;
}

const GError *
fetch_source_get_error(const FetchSource *self)
{
    return self->error;
}

FetchSource *
fetch_source_new(const FetchUrl *url, const char *ca_file, const FetchLimits *limits,
                 void (*changed)(gpointer data), gpointer data)
{
    FetchSource *self = g_new0(FetchSource, 1);

    self->changed = changed;
    self->data = data;
    self->url = fetch_url_copy(url);
    self->limits = *limits;
    fetch_head_init(&self->first);
    fetch_head_init(&self->head);
    self->milestone = PROGRESS;
    fetch_bytes_init(&self->bytes);
    self->clock = g_source_new(&clock_funcs, sizeof(GSource));
    g_source_set_callback(self->clock, on_clock, self, NULL);
    g_source_set_ready_time(self->clock, -1);
    g_source_attach(self->clock, g_main_context_get_thread_default());
    self->wire = fetch_wire_new(&wire_class, self, ca_file);
    begin(self);
    return self;
}

void
fetch_source_free(FetchSource *self)
{
    fetch_wire_free(self->wire);
    g_source_destroy(self->clock);
    g_source_unref(self->clock);
    fetch_url_free(self->url);
    fetch_url_free(self->at);
    fetch_head_clear(&self->first);
    fetch_head_clear(&self->head);
    fetch_bytes_clear(&self->bytes);
    g_clear_error(&self->why);
    g_clear_error(&self->error);
    g_free(self);
}
