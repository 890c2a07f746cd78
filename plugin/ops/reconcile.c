#include "ops/reconcile.h"

#include "ops/mend.h"
#include "xd-documents.h"
#include "xenapi/session.h"

#include <string.h>

/* The server writes down that a session is in use every ten minutes only (xapi_globs.ml:
 * threshold_last_active); a driver's poll uses it all the time. */
#define SESSION_IDLE_S  900
#define SECRETS_AT_ONCE 4

/* A session that remains are from: is there anybody behind it? */
typedef struct {
    char *uuid;
    XdSecret *ref;      /* NULL: the pool knows none */
    gint64 last_active; /* 0: it is gone */
    gboolean asked;
} Suspect;

typedef struct {
    char *ref;
    GVariant *other_config; /* a{ss} */
    char *uuid;
} SecretObject;

typedef struct {
    XdOperation base;
    gint64 server_time;
    GPtrArray *suspects; /* (element-type Suspect) */
    GPtrArray *remains;  /* (element-type XdRemain): of the pass that is under way */
    GPtrArray *mends;    /* (element-type XdMend): likewise */
    GVariant *secrets;   /* as: references */
    GPtrArray *secret_objects;
    GPtrArray *told; /* (element-type utf8): references that stand in the report */
    XdReconcileReport report;
} Reconcile;

static const XdMirror *
mirror_of(const Reconcile *reconcile)
{
    return reconcile->base.connection->mirror;
}

static void
suspect_free(gpointer data)
{
    Suspect *suspect = data;

    g_clear_pointer(&suspect->ref, xd_secret_unref);
    g_free(suspect->uuid);
    g_free(suspect);
}

static void
secret_object_free(gpointer data)
{
    SecretObject *object = data;

    g_clear_pointer(&object->other_config, g_variant_unref);
    g_free(object->ref);
    g_free(object->uuid);
    g_free(object);
}

static void
reconcile_clear(gpointer data)
{
    Reconcile *reconcile = data;

    xd_reconcile_report_clear(&reconcile->report);
    g_ptr_array_unref(reconcile->mends);
    g_ptr_array_unref(reconcile->remains);
    g_ptr_array_unref(reconcile->suspects);
    g_ptr_array_unref(reconcile->secret_objects);
    g_ptr_array_unref(reconcile->told);
    g_clear_pointer(&reconcile->secrets, g_variant_unref);
}

static Reconcile *
reconcile_new(void)
{
    Reconcile *reconcile = g_new0(Reconcile, 1);

    reconcile->suspects = g_ptr_array_new_with_free_func(suspect_free);
    reconcile->remains = g_ptr_array_new_with_free_func((GDestroyNotify) xd_remain_free);
    reconcile->mends = g_ptr_array_new_with_free_func((GDestroyNotify) xd_mend_free);
    reconcile->secret_objects = g_ptr_array_new_with_free_func(secret_object_free);
    reconcile->told = g_ptr_array_new_with_free_func(g_free);
    reconcile->report.completed = g_ptr_array_new();
    reconcile->report.removed = g_ptr_array_new();
    reconcile->report.leftovers = g_ptr_array_new();
    return reconcile;
}

/* ---- the report ---- */

static gboolean
is_told(const Reconcile *reconcile, const char *ref)
{
    for (guint i = 0; i < reconcile->told->len; i++) {
        if (strcmp(g_ptr_array_index(reconcile->told, i), ref) == 0)
            return TRUE;
    }
    return FALSE;
}

static void
tell(Reconcile *reconcile, GPtrArray *list, const XdRemain *remain, const char *reason)
{
    XdReconcileObject *object = g_new0(XdReconcileObject, 1);

    object->kind = g_strdup(xd_mend_class(remain->kind)->class_name);
    object->uuid = g_strdup(remain->uuid);
    object->name = g_strdup(remain->name);
    object->instance = g_strdup(remain->instance);
    object->operation = g_strdup(remain->tag.operation);
    object->reason = g_strdup(reason);
    object->has_failed = object->failed =
        list == reconcile->report.leftovers && remain->doubt == NULL;
    g_ptr_array_add(list, object);
    g_ptr_array_add(reconcile->told, g_strdup(remain->ref));
}

/* ---- finding ---- */

static XdRemainSearch
search_of(Reconcile *reconcile)
{
    const XdConnection *connection = reconcile->base.connection;

    g_ptr_array_set_size(reconcile->mends, 0);
    g_ptr_array_set_size(reconcile->remains, 0);
    return (XdRemainSearch){.mirror = connection->mirror,
                            .arena = connection->arena,
                            .owner = connection->owner,
                            .epoch = connection->epoch,
                            .found = reconcile->remains};
}

static void
find_machines(XdOp *op, gpointer data)
{
    XdRemainSearch search = search_of(data);

    xd_remains_find_machines(&search);
    xd_op_next(op);
}

/* Secrets are in no event, so they are not in the mirror. */
static void
add_secrets(Reconcile *reconcile)
{
    const XdConnection *connection = reconcile->base.connection;

    for (guint i = 0; i < reconcile->secret_objects->len; i++) {
        const SecretObject *object = g_ptr_array_index(reconcile->secret_objects, i);
        const char *tag = NULL;
        XdRemain *remain;

        if (object->other_config == NULL ||
            !g_variant_lookup(object->other_config, XD_TAG_KEY, "&s", &tag))
            continue;
        remain = xd_remain_new(XD_REMAIN_SECRET, object->ref, object->uuid, "", tag,
                               connection->owner, connection->epoch);
        if (remain != NULL)
            g_ptr_array_add(reconcile->remains, remain);
    }
}

static void
find_parts(XdOp *op, gpointer data)
{
    XdRemainSearch search = search_of(data);

    xd_remains_find_parts(&search);
    add_secrets(data);
    xd_op_next(op);
}

/* ---- secrets ---- */

static void
list_secrets(XdOp *op, gpointer data)
{
    Reconcile *reconcile = data;
    XdStepCall call = {.method = "secret.get_all", .out_value = &reconcile->secrets};

    xd_op_call(op, &call);
}

static void
read_secret(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    SecretObject *object = data;
    XdStepCall call = {
        .method = "secret.get_other_config", .done = done, .out_value = &object->other_config};

    call.parameters = g_variant_new("(s)", object->ref);
    xd_op_call(op, &call);
}

static void
name_secret(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    SecretObject *object = data;
    XdStepCall call = {.method = "secret.get_uuid", .done = done, .out = &object->uuid};

    if (object->other_config == NULL ||
        !g_variant_lookup(object->other_config, XD_TAG_KEY, "&s", NULL)) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", object->ref);
    xd_op_call(op, &call);
}

static void
read_secrets(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"read-secret", read_secret, NULL, 1, 60},
        {"name-secret", name_secret, NULL, 1, 60},
        {0},
    };
    Reconcile *reconcile = data;
    gsize n = reconcile->secrets != NULL ? g_variant_n_children(reconcile->secrets) : 0;

    for (gsize i = 0; i < n; i++) {
        SecretObject *object = g_new0(SecretObject, 1);

        g_variant_get_child(reconcile->secrets, i, "s", &object->ref);
        g_ptr_array_add(reconcile->secret_objects, object);
    }
    xd_op_each(op, reconcile->secret_objects, steps, SECRETS_AT_ONCE);
}

/* ---- is anybody behind them? That is asked for a plan, too: it would threaten the living ---- */

static Suspect *
find_suspect(const Reconcile *reconcile, const char *uuid)
{
    for (guint i = 0; i < reconcile->suspects->len; i++) {
        Suspect *suspect = g_ptr_array_index(reconcile->suspects, i);

        if (strcmp(suspect->uuid, uuid) == 0)
            return suspect;
    }
    return NULL;
}

static void
ask_time(XdOp *op, gpointer data)
{
    Reconcile *reconcile = data;
    const XdPool *pool = xd_mirror_get_pool(mirror_of(reconcile));
    XdStepCall call = {
        .method = "host.get_servertime", .out_time = &reconcile->server_time, .asks = TRUE};

    if (reconcile->server_time != 0 || reconcile->remains->len == 0) {
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

static void
ask_sessions(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"find-session", find_session, NULL, 1, 60},
        {"ask-session", ask_session, NULL, 1, 60},
        {0},
    };
    Reconcile *reconcile = data;

    for (guint i = 0; i < reconcile->remains->len; i++) {
        const XdRemain *remain = g_ptr_array_index(reconcile->remains, i);
        Suspect *suspect;

        if (find_suspect(reconcile, remain->tag.session) != NULL)
            continue;
        suspect = g_new0(Suspect, 1);
        suspect->uuid = g_strdup(remain->tag.session);
        g_ptr_array_add(reconcile->suspects, suspect);
    }
    xd_op_each(op, reconcile->suspects, steps, 1);
}

static gboolean
is_gone(const Reconcile *reconcile, const Suspect *suspect)
{
    return suspect->ref == NULL || reconcile->server_time - suspect->last_active > SESSION_IDLE_S;
}

/* Left by a process that is gone, and long enough ago that it is not just coming back. */
static gboolean
is_abandoned(const Reconcile *reconcile, const XdRemain *remain)
{
    const XdConfig *config = reconcile->base.connection->config;
    gint64 age = g_get_real_time() / G_USEC_PER_SEC - remain->tag.created;
    const Suspect *suspect = find_suspect(reconcile, remain->tag.session);

    return suspect != NULL && is_gone(reconcile, suspect) &&
           age >= (gint64) xd_config_get_uint(config, XD_CONFIG_RECONCILE_GRACE);
}

/* ---- mending ---- */

static gboolean
is_quiet(XdOperation *operation, gpointer data)
{
    const Reconcile *reconcile = data;

    for (guint i = 0; i < reconcile->remains->len; i++) {
        const XdRemain *remain = g_ptr_array_index(reconcile->remains, i);

        if (is_abandoned(reconcile, remain) &&
            xd_remains_is_busy(operation->connection->mirror, &remain->tag))
            return FALSE;
    }
    return TRUE;
}

/* What the server still does for them comes to its end first. */
static void
await_tasks(XdOp *op, gpointer data)
{
    xd_op_see(op, NULL, is_quiet, data);
}

static void
mend_one(XdOp *op, gpointer data)
{
    XdMend *mend = data;

    xd_op_try(op, xd_mend_class(mend->remain->kind)->steps, mend, &mend->error);
}

static void
note_end(XdOp *op, gpointer data)
{
    const XdMend *mend = data;
    Reconcile *reconcile = xd_op_get_state(op);
    const XdMendClass *klass = xd_mend_class(mend->remain->kind);

    if (mend->error != NULL)
        tell(reconcile, reconcile->report.leftovers, mend->remain, mend->error->message);
    else if (!mend->spared)
        tell(reconcile, klass->completes ? reconcile->report.completed : reconcile->report.removed,
             mend->remain, klass->reason);
    xd_op_next(op);
}

static void
mend_all(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"mend", mend_one, NULL, 1, 7200},
        {"note", note_end, NULL, 0, 5},
        {0},
    };
    Reconcile *reconcile = data;

    for (guint i = 0; i < reconcile->remains->len; i++) {
        XdRemain *remain = g_ptr_array_index(reconcile->remains, i);

        if (is_told(reconcile, remain->ref) || !is_abandoned(reconcile, remain) ||
            xd_remains_is_busy(mirror_of(reconcile), &remain->tag))
            continue;
        if (remain->doubt != NULL)
            tell(reconcile, reconcile->report.leftovers, remain, remain->doubt);
        else
            g_ptr_array_add(reconcile->mends, xd_mend_new(&reconcile->base, remain));
    }
    xd_op_each(op, reconcile->mends, steps, 1);
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

static void
log_out_all(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {{"log-out", log_out, NULL, 1, 30}, {0}};
    Reconcile *reconcile = data;
    g_autoptr(GPtrArray) dead = g_ptr_array_new();

    for (guint i = 0; i < reconcile->suspects->len; i++) {
        Suspect *suspect = g_ptr_array_index(reconcile->suspects, i);

        if (suspect->ref != NULL && is_gone(reconcile, suspect))
            g_ptr_array_add(dead, suspect);
    }
    xd_op_each(op, dead, steps, 1);
}

static void
tell_report(XdOp *op, gpointer data)
{
    Reconcile *reconcile = data;

    xd_op_set_result(op, xd_reconcile_report_print(&reconcile->report, XD_PRINT_MASKED), g_free);
    xd_op_next(op);
}

/* Machines first: what hangs on them is a part of them until they are mended. */
static const XdStep reconcile_steps[] = {
    XD_STEP_SEE_POOL,
    {"find-machines", find_machines, NULL, 0, 5},
    {"ask-time", ask_time, NULL, 1, 60},
    {"ask-sessions", ask_sessions, NULL, 5, 600},
    {"await-tasks", await_tasks, NULL, 1, 60},
    {"mend-machines", mend_all, NULL, 50, 86400},
    {"list-secrets", list_secrets, NULL, 1, 60},
    {"read-secrets", read_secrets, NULL, 5, 600},
    {"find-parts", find_parts, NULL, 0, 5},
    {"ask-time", ask_time, NULL, 1, 60},
    {"ask-sessions", ask_sessions, NULL, 5, 600},
    {"await-tasks", await_tasks, NULL, 1, 60},
    {"mend-parts", mend_all, NULL, 30, 86400},
    {"log-out", log_out_all, NULL, 1, 600},
    {"tell", tell_report, NULL, 0, 5},
    {0},
};

void
xd_reconcile_async(XdConnection *connection, const HvdCall *call, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer user_data)
{
    static const XdOperationClass klass = {"reconcile", reconcile_steps, reconcile_clear};

    xd_operation_run(&klass, reconcile_new(), connection, connection->owner, NULL, call,
                     cancellable, callback, user_data);
}
