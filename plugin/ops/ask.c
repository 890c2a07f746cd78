/* list_nodes with HVD_CALL_ASK: what the mirror does not hold, because no event tells of it. */
#include "ops/ask.h"

#include "ops/inventory.h"
#include "ops/operation.h"
#include "xenapi/session.h"

#define MAX_SESSIONS 3 /* that end while they are asked about */

typedef struct {
    XdOperation base;
    XdSecret *session;
    GVariant *superuser;   /* b */
    GVariant *permissions; /* as: calls in small letters; empty for the local superuser */
    gint64 server_time;
} Ask;

static void
ask_clear(gpointer data)
{
    Ask *ask = data;

    g_clear_pointer(&ask->session, xd_secret_unref);
    g_clear_pointer(&ask->superuser, g_variant_unref);
    g_clear_pointer(&ask->permissions, g_variant_unref);
}

/* ---- asking ---- */

static void
on_session(XdConnection *connection G_GNUC_UNUSED, const GError *error, gpointer op)
{
    if (error != NULL)
        xd_op_complete(op, g_error_copy(error));
    else
        xd_op_complete_again(op, xd_error_new(HVD_ERROR_NOT_REACHABLE, "the session does not last"),
                             MAX_SESSIONS, 0);
}

/* The call names the session twice: as who asks, and as what is asked about. */
static void
ask_of_session(XdOp *op, Ask *ask, const char *method, GVariant **answer)
{
    static const char *const has_ended[] = {"HANDLE_INVALID", NULL};
    XdSession *session = ask->base.connection->session;
    XdStepCall call = {.method = method,
                       .secrets = &ask->session,
                       .n_secrets = 1,
                       .out_value = answer,
                       .retry = has_ended,
                       .attempts = MAX_SESSIONS};

    if (!xd_session_is_ready(session)) {
        xd_session_when_ready(session, xd_op_pend(op), on_session, op);
        return;
    }
    g_clear_pointer(&ask->session, xd_secret_unref);
    ask->session = xd_secret_ref((XdSecret *) xd_session_get_ref(session));
    call.parameters = g_variant_new("(h)", 0);
    xd_op_call(op, &call);
}

static void
ask_superuser(XdOp *op, gpointer data)
{
    Ask *ask = data;

    ask_of_session(op, ask, "session.get_is_local_superuser", &ask->superuser);
}

static void
ask_permissions(XdOp *op, gpointer data)
{
    Ask *ask = data;

    ask_of_session(op, ask, "session.get_rbac_permissions", &ask->permissions);
}

/* Last: what comes after it would age it. */
static void
ask_time(XdOp *op, gpointer data)
{
    Ask *ask = data;
    const XdPool *pool = xd_mirror_get_pool(ask->base.connection->mirror);
    XdStepCall call = {.method = "host.get_servertime", .out_time = &ask->server_time};

    if (pool == NULL) {
        xd_op_fail(op, xd_error_new(HVD_ERROR_NOT_FOUND, "the pool shows no pool object"));
        return;
    }
    call.parameters = g_variant_new("(s)", pool->master);
    xd_op_call(op, &call);
}

/* ---- telling ---- */

static gboolean
may_call(const Ask *ask, const char *method)
{
    g_autofree const char **calls = NULL;

    if (ask->permissions == NULL)
        return FALSE;
    calls = g_variant_get_strv(ask->permissions, NULL);
    for (guint i = 0; calls[i] != NULL; i++) {
        if (g_ascii_strcasecmp(calls[i], method) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Roles are not to be had, only what they allow: one call of each that the next smaller one has not
 * (data model; the pool's own administrator has all without a list, xapi_session.ml). */
static XdNodeLoginRole
role_of(const Ask *ask)
{
    static const struct {
        const char *method;
        XdNodeLoginRole role;
    } telling[] = {
        {"subject.create", XD_NODE_LOGIN_ROLE_POOL_ADMIN},
        {"SR.introduce", XD_NODE_LOGIN_ROLE_POOL_OPERATOR},
        {"VM.pool_migrate", XD_NODE_LOGIN_ROLE_VM_POWER_ADMIN},
        {"VM.create", XD_NODE_LOGIN_ROLE_VM_ADMIN},
        {"VM.start", XD_NODE_LOGIN_ROLE_VM_OPERATOR},
        {"host.get_servertime", XD_NODE_LOGIN_ROLE_READ_ONLY},
    };

    if (ask->superuser != NULL && g_variant_get_boolean(ask->superuser))
        return XD_NODE_LOGIN_ROLE_POOL_ADMIN;
    for (gsize i = 0; i < G_N_ELEMENTS(telling); i++) {
        if (may_call(ask, telling[i].method))
            return telling[i].role;
    }
    return XD_NODE_LOGIN_ROLE_NONE;
}

static void
tell(XdOp *op, gpointer data)
{
    const Ask *ask = data;
    XdConnection *connection = ask->base.connection;
    XdNodeLogin *login = g_new0(XdNodeLogin, 1);

    login->account = g_strdup(xd_config_get_string(connection->config, XD_CONFIG_POOL_USERNAME));
    login->role = role_of(ask);
    login->server_time = MAX(ask->server_time, 0);
    xd_op_set_result(op, xd_print_nodes(connection, login), g_free);
    xd_op_next(op);
}

void
xd_ask_nodes_async(XdConnection *connection, const HvdCall *call, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer user_data)
{
    static const XdStep steps[] = {
        XD_STEP_SEE_POOL,
        {"ask-superuser", ask_superuser, NULL, 1, 60},
        {"ask-permissions", ask_permissions, NULL, 1, 60},
        {"ask-time", ask_time, NULL, 1, 60},
        {"tell", tell, NULL, 0, 5},
        {0},
    };
    static const XdOperationClass klass = {"list-nodes", steps, ask_clear};

    xd_operation_run(&klass, g_new0(Ask, 1), connection, connection->owner, NULL, call, cancellable,
                     callback, user_data);
}
