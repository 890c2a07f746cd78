#include "ops/inquiry.h"

#include "xenapi/session.h"

#include <string.h>

/* The server writes down that a session is in use every ten minutes only (xapi_globs.ml:
 * threshold_last_active); a driver's poll uses it all the time. */
#define SESSION_IDLE_S 900

/* A session that remains are from: is there anybody behind it? */
typedef struct {
    char *uuid;
    XdSecret *ref;      /* NULL: the pool knows none */
    gint64 last_active; /* 0: it is gone */
    gboolean asked;
} Suspect;

static void
suspect_free(gpointer data)
{
    Suspect *suspect = data;

    g_clear_pointer(&suspect->ref, xd_secret_unref);
    g_free(suspect->uuid);
    g_free(suspect);
}

void
xd_inquiry_init(XdInquiry *inquiry)
{
    inquiry->suspects = g_ptr_array_new_with_free_func(suspect_free);
    inquiry->remains = g_ptr_array_new_with_free_func((GDestroyNotify) xd_remain_free);
}

void
xd_inquiry_clear(XdInquiry *inquiry)
{
    g_ptr_array_unref(inquiry->remains);
    g_ptr_array_unref(inquiry->suspects);
}

/* ---- is anybody behind them? That is asked for a plan, too: it would threaten the living ---- */

static Suspect *
find_suspect(const XdInquiry *inquiry, const char *uuid)
{
    for (guint i = 0; i < inquiry->suspects->len; i++) {
        Suspect *suspect = g_ptr_array_index(inquiry->suspects, i);

        if (strcmp(suspect->uuid, uuid) == 0)
            return suspect;
    }
    return NULL;
}

void
xd_step_ask_time(XdOp *op, gpointer data)
{
    XdInquiry *inquiry = data;
    const XdPool *pool = xd_mirror_get_pool(inquiry->base.connection->mirror);
    XdStepCall call = {
        .method = "host.get_servertime", .out_time = &inquiry->server_time, .asks = TRUE};

    if (inquiry->server_time != 0 || inquiry->remains->len == 0) {
        xd_op_next(op);
        return;
    }
    if (pool == NULL) {
        xd_op_fail(op, xd_error_new(HVD_ERROR_NOT_FOUND, "the pool shows no pool object"));
        return;
    }
    call.parameters = g_variant_new("(s)", pool->master);
    xd_op_call(op, &call);
}

static void
find_session(XdOp *op, gpointer data)
{
    static const char *const done[] = {"UUID_INVALID", "HANDLE_INVALID", NULL};
    Suspect *suspect = data;
    XdStepCall call = {
        .method = "session.get_by_uuid", .done = done, .out_secret = &suspect->ref, .asks = TRUE};

    if (suspect->asked || suspect->uuid[0] == '\0') {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", suspect->uuid);
    xd_op_call(op, &call);
}

static void
ask_session(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Suspect *suspect = data;
    XdStepCall call = {.method = "session.get_last_active",
                       .done = done,
                       .secrets = &suspect->ref,
                       .n_secrets = 1,
                       .out_time = &suspect->last_active,
                       .asks = TRUE};

    if (suspect->asked || suspect->ref == NULL) {
        suspect->asked = TRUE;
        xd_op_next(op);
        return;
    }
    suspect->asked = TRUE;
    call.parameters = g_variant_new("(h)", 0);
    xd_op_call(op, &call);
}

void
xd_step_ask_sessions(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"find-session", find_session, NULL, 1, 60},
        {"ask-session", ask_session, NULL, 1, 60},
        {0},
    };
    XdInquiry *inquiry = data;

    for (guint i = 0; i < inquiry->remains->len; i++) {
        const XdRemain *remain = g_ptr_array_index(inquiry->remains, i);
        Suspect *suspect;

        if (find_suspect(inquiry, remain->tag.session) != NULL)
            continue;
        suspect = g_new0(Suspect, 1);
        suspect->uuid = g_strdup(remain->tag.session);
        g_ptr_array_add(inquiry->suspects, suspect);
    }
    xd_op_each(op, inquiry->suspects, steps, 1);
}

static gboolean
is_gone(const XdInquiry *inquiry, const Suspect *suspect)
{
    return suspect->ref == NULL || inquiry->server_time - suspect->last_active > SESSION_IDLE_S;
}

gboolean
xd_inquiry_is_abandoned(const XdInquiry *inquiry, const XdRemain *remain)
{
    const XdConfig *config = inquiry->base.connection->config;
    gint64 age = g_get_real_time() / G_USEC_PER_SEC - remain->tag.created;
    const Suspect *suspect = find_suspect(inquiry, remain->tag.session);

    return suspect != NULL && is_gone(inquiry, suspect) &&
           age >= (gint64) xd_config_get_uint(config, XD_CONFIG_RECONCILE_GRACE);
}

static gboolean
is_quiet(XdOperation *operation, gpointer data)
{
    const XdInquiry *inquiry = data;

    for (guint i = 0; i < inquiry->remains->len; i++) {
        const XdRemain *remain = g_ptr_array_index(inquiry->remains, i);

        if (xd_inquiry_is_abandoned(inquiry, remain) &&
            xd_remains_is_busy(operation->connection->mirror, &remain->tag))
            return FALSE;
    }
    return TRUE;
}

/* What the server still does for them comes to its end first. */
void
xd_step_await_tasks(XdOp *op, gpointer data)
{
    xd_op_see(op, NULL, is_quiet, data);
}

/* ---- their sessions ---- */

static void
log_out(XdOp *op, gpointer data)
{
    static const char *const done[] = {"SESSION_INVALID", "HANDLE_INVALID", NULL};
    const Suspect *suspect = data;
    XdStepCall call = {
        .method = "session.logout", .done = done, .session = suspect->ref, .optional = TRUE};

    xd_op_call(op, &call);
}

void
xd_step_log_out(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {{"log-out", log_out, NULL, 1, 30}, {0}};
    XdInquiry *inquiry = data;
    g_autoptr(GPtrArray) dead = g_ptr_array_new();

    for (guint i = 0; i < inquiry->suspects->len; i++) {
        Suspect *suspect = g_ptr_array_index(inquiry->suspects, i);

        if (suspect->ref != NULL && is_gone(inquiry, suspect))
            g_ptr_array_add(dead, suspect);
    }
    xd_op_each(op, dead, steps, 1);
}
