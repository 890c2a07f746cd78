#include "ops/reconcile.h"

#include "ops/inquiry.h"
#include "ops/mend.h"
#include "xd-documents.h"

#include <string.h>

#define SECRETS_AT_ONCE 4
#define MAX_SHOWN       200

#define IS_STOPPED N_("reconcile was stopped before")

typedef struct {
    char *ref;
    GVariant *other_config; /* a{ss} */
    char *uuid;
} SecretObject;

typedef struct {
    XdInquiry head;
    GPtrArray *mends;  /* (element-type XdMend): of the pass that is under way */
    GVariant *secrets; /* as: references */
    GPtrArray *secret_objects;
    GPtrArray *told; /* (element-type utf8): references that stand in the report */
    XdReconcileReport report;
} Reconcile;

static const XdMirror *
mirror_of(const Reconcile *reconcile)
{
    return reconcile->head.base.connection->mirror;
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
    g_ptr_array_unref(reconcile->secret_objects);
    g_ptr_array_unref(reconcile->told);
    g_clear_pointer(&reconcile->secrets, g_variant_unref);
    xd_inquiry_clear(&reconcile->head);
}

static Reconcile *
reconcile_new(void)
{
    Reconcile *reconcile = g_new0(Reconcile, 1);

    xd_inquiry_init(&reconcile->head);
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

/* The report may get lost on its way: what was destroyed stands in the log as well. */
static void
log_object(const Reconcile *reconcile, const XdReconcileObject *object, gboolean stays)
{
    XdLogFields fields = {.op = "reconcile", .ref = object->uuid};
    g_autofree char *shown = xd_escape(object->name, -1, MAX_SHOWN);

    xd_log(reconcile->head.base.connection->log, G_LOG_LEVEL_INFO, "xd-ops", &fields,
           "%s %s (%s): %s: %s", object->kind, object->uuid, shown, stays ? "stays" : "put right",
           object->reason);
}

static void
tell(XdOp *op, GPtrArray *list, const XdRemain *remain, const char *reason)
{
    Reconcile *reconcile = xd_op_get_state(op);
    XdReconcileObject *object = g_new0(XdReconcileObject, 1);

    object->kind = g_strdup(xd_mend_class(remain->kind)->class_name);
    object->uuid = g_strdup(remain->uuid);
    object->name = g_strdup(remain->name);
    object->instance = g_strdup(remain->instance);
    object->operation = g_strdup(remain->tag.operation);
    object->reason = g_strdup(reason);
    object->has_failed = object->failed =
        list == reconcile->report.leftovers && remain->doubt == NULL;
    if (xd_op_get_plan(op) == NULL)
        log_object(reconcile, object, list == reconcile->report.leftovers);
    g_ptr_array_add(list, object);
    g_ptr_array_add(reconcile->told, g_strdup(remain->ref));
}

/* ---- finding ---- */

static XdRemainSearch
search_of(Reconcile *reconcile)
{
    const XdConnection *connection = reconcile->head.base.connection;

    g_ptr_array_set_size(reconcile->mends, 0);
    g_ptr_array_set_size(reconcile->head.remains, 0);
    return (XdRemainSearch){.mirror = connection->mirror,
                            .arena = connection->arena,
                            .owner = connection->owner,
                            .epoch = connection->epoch,
                            .found = reconcile->head.remains};
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
    const XdConnection *connection = reconcile->head.base.connection;

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
            g_ptr_array_add(reconcile->head.remains, remain);
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

/* ---- secrets: whose role may not see them is told so, and by tell_early() what was mended before ---- */

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

/* ---- mending ---- */

static void
note_end(XdOp *op, gpointer data)
{
    const XdMend *mend = data;
    Reconcile *reconcile = xd_op_get_state(op);
    const XdMendClass *klass = xd_mend_class(mend->remain->kind);

    if (mend->error != NULL)
        tell(op, reconcile->report.leftovers, mend->remain, mend->error->message);
    else if (!mend->spared)
        tell(op, klass->completes ? reconcile->report.completed : reconcile->report.removed,
             mend->remain, klass->reason);
    xd_op_next(op);
}

static void
mend_all(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"mend", xd_step_mend, NULL, 1, 7200},
        {"note", note_end, NULL, 0, 5},
        {0},
    };
    Reconcile *reconcile = data;

    for (guint i = 0; i < reconcile->head.remains->len; i++) {
        XdRemain *remain = g_ptr_array_index(reconcile->head.remains, i);

        if (is_told(reconcile, remain->ref) || !xd_inquiry_is_abandoned(&reconcile->head, remain) ||
            xd_remains_is_busy(mirror_of(reconcile), &remain->tag))
            continue;
        if (remain->doubt != NULL)
            tell(op, reconcile->report.leftovers, remain, remain->doubt);
        else
            g_ptr_array_add(reconcile->mends, xd_mend_new(&reconcile->head.base, remain));
    }
    xd_op_each(op, reconcile->mends, steps, 1);
}

static void
tell_report(XdOp *op, gpointer data)
{
    Reconcile *reconcile = data;

    xd_op_set_result(op, xd_reconcile_report_print(&reconcile->report, XD_PRINT_MASKED), g_free);
    xd_op_next(op);
}

/* What was under way, and what is left to do, when it is stopped. */
static void
tell_rest(XdOp *op, Reconcile *reconcile)
{
    for (guint i = 0; i < reconcile->mends->len; i++) {
        const XdMend *mend = g_ptr_array_index(reconcile->mends, i);
        const XdMendClass *klass = xd_mend_class(mend->remain->kind);

        if (mend->spared || is_told(reconcile, mend->remain->ref))
            continue;
        if (klass->klass != NULL &&
            xd_mirror_get(mirror_of(reconcile), klass->klass, mend->remain->ref) == NULL)
            tell(op, reconcile->report.removed, mend->remain, klass->reason);
        else
            tell(op, reconcile->report.leftovers, mend->remain, IS_STOPPED);
    }
}

/* Nothing that is destroyed comes back: once there is something to tell, a failure or a stop ends with the
 * report so far. */
static void
tell_early(XdOp *op, gpointer data)
{
    Reconcile *reconcile = data;

    if (xd_op_get_plan(op) == NULL)
        tell_rest(op, reconcile);
    if (xd_op_get_plan(op) != NULL ||
        reconcile->report.completed->len + reconcile->report.removed->len == 0) {
        xd_op_next(op);
        return;
    }
    reconcile->report.ended_early = g_strdup(xd_op_get_error(op)->message);
    xd_log(reconcile->head.base.connection->log, G_LOG_LEVEL_MESSAGE, "xd-ops",
           &(XdLogFields){.op = "reconcile"},
           "it ended early, what the report does not name was perhaps not looked at: %s",
           reconcile->report.ended_early);
    xd_op_set_result(op, xd_reconcile_report_print(&reconcile->report, XD_PRINT_MASKED), g_free);
    xd_op_make_good(op, data);
}

/* Machines first: what hangs on them is a part of them until they are mended. */
static const XdStep reconcile_steps[] = {
    XD_STEP_SEE_POOL,
    {"find-machines", find_machines, tell_early, 0, 5},
    XD_STEPS_INQUIRE,
    {"mend-machines", mend_all, NULL, 50, 86400},
    {"list-secrets", list_secrets, NULL, 1, 60},
    {"read-secrets", read_secrets, NULL, 5, 600},
    {"find-parts", find_parts, NULL, 0, 5},
    XD_STEPS_INQUIRE,
    {"mend-parts", mend_all, NULL, 30, 86400},
    {"log-out", xd_step_log_out, NULL, 1, 600},
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
