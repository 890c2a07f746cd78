#include "xenapi/login.h"

#include "xenapi/call.h"

#include <string.h>

#define LOGIN_TIMEOUT_MS 30000 /* the server sleeps for seconds before it refuses a password */
#define PROBE_TIMEOUT_MS 5000
#define MAX_REFERENCE    512

/* TRUE: it ends here. */
static gboolean
has_stopped(XdLogin *login)
{
    g_autoptr(GError) stopped = NULL;

    if (!login->is_stopped)
        return FALSE;
    stopped = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "no longer needed");
    login->done(login, stopped, login->data);
    return TRUE;
}

/* ---- which pool it is of: a node that was put out of ours still knows the password ---- */

static void
on_pool(XdConnection *connection, const XdReply *reply G_GNUC_UNUSED, const GError *error,
        gpointer data)
{
    XdLogin *login = data;
    g_autoptr(GError) stranger = NULL;

    if (has_stopped(login))
        return;
    if (g_strcmp0(xd_error_get_failure_code(error), "UUID_INVALID") == 0) {
        error = stranger =
            xd_error_new(HVD_ERROR_NOT_REACHABLE, "%s leads another pool", login->origin->host);
        xd_log(connection->log, G_LOG_LEVEL_WARNING, "xd-xenapi",
               &(XdLogFields){.host = login->origin->host}, "%s", error->message);
    }
    login->done(login, error, login->data);
}

static void
login_ask_pool(XdLogin *login)
{
    XdCall call = {.method = "pool.get_by_uuid",
                   .parameters = g_variant_new("(s)", login->pool),
                   .session = login->ref,
                   .origin = login->origin,
                   .timeout_ms = LOGIN_TIMEOUT_MS,
                   .flags = XD_CALL_NO_SESSION | XD_CALL_ONCE};

    xd_call(login->connection, &call, login->cancellable, on_pool, login);
}

/* ---- what the session is called ---- */

static void
login_take_uuid(XdLogin *login, const XdReply *reply, const GError *error)
{
    g_autoptr(GError) nonsense = NULL;

    if (error == NULL && !g_uuid_string_is_valid(g_variant_get_string(reply->value, NULL)))
        error = nonsense = xd_error_new(HVD_ERROR_PROTOCOL, "the session's uuid is none");
    if (error == NULL)
        login->uuid = g_variant_dup_string(reply->value, NULL);
    if (error == NULL && login->is_new && login->pool != NULL)
        login_ask_pool(login);
    else
        login->done(login, error, login->data);
}

static void
login_ask_uuid(XdLogin *login, guint timeout_ms, XdCallDone done)
{
    XdCall call = {.method = "session.get_uuid",
                   .parameters = g_variant_new("(h)", 0),
                   .secrets = &login->ref,
                   .n_secrets = 1,
                   .session = login->ref,
                   .origin = login->origin,
                   .timeout_ms = timeout_ms,
                   .flags = XD_CALL_NO_SESSION | XD_CALL_ONCE};

    xd_call(login->connection, &call, login->cancellable, done, login);
}

static void
on_uuid(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply, const GError *error,
        gpointer data)
{
    XdLogin *login = data;

    if (!has_stopped(login))
        login_take_uuid(login, reply, error);
}

/* ---- a new session ---- */

/* What the server gives is not believed: a reference goes into a cookie, a uuid into marks. */
static gboolean
is_reference(const XdSecret *secret)
{
    gsize length;
    const char *text = xd_secret_reveal(secret, &length);

    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isgraph(text[i]) || strchr("\";,\\", text[i]) != NULL)
            return FALSE;
    }
    return length > 0 && length <= MAX_REFERENCE;
}

static void
login_failed(XdLogin *login, const GError *error)
{
    const XdConfig *config = login->connection->config;
    g_autoptr(GError) told = g_error_copy(error);
    g_autofree char *user =
        xd_escape(xd_config_get_string(config, XD_CONFIG_POOL_USERNAME), -1, 100);

    g_prefix_error(&told, "log in to %s as \"%s\": ", login->origin->host, user);
    login->done(login, told, login->data);
}

static void
on_logged_in(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply, const GError *error,
             gpointer data)
{
    XdLogin *login = data;
    g_autoptr(GError) nonsense = NULL;

    if (error == NULL && !is_reference(reply->secret))
        error = nonsense = xd_error_new(HVD_ERROR_PROTOCOL, "the session's reference is none");
    if (error == NULL) {
        g_clear_pointer(&login->ref, xd_secret_unref);
        login->ref = xd_secret_ref(reply->secret);
        login->is_new = TRUE;
    }
    if (has_stopped(login))
        return;
    if (error != NULL)
        login_failed(login, error);
    else
        login_ask_uuid(login, LOGIN_TIMEOUT_MS, on_uuid);
}

static void
login_call(XdLogin *login)
{
    const XdConfig *config = login->connection->config;
    const char *originator = xd_config_get_string(config, XD_CONFIG_POOL_ORIGINATOR);
    g_autofree char *own = g_strconcat("hvd-xenapi/", login->connection->owner, NULL);
    XdCall call = {.method = "session.login_with_password",
                   .secrets = &login->password,
                   .n_secrets = 1,
                   .origin = login->origin,
                   .timeout_ms = LOGIN_TIMEOUT_MS,
                   .flags = XD_CALL_NO_SESSION | XD_CALL_ONCE};

    /* always with an originator of our own: root's sessions without one share a pot of 400
     * (db_gc_util.ml), and a busy stranger could push ours out */
    call.parameters = g_variant_new("(shss)", xd_config_get_string(config, XD_CONFIG_POOL_USERNAME),
                                    0, "1.0", originator[0] != '\0' ? originator : own);
    xd_call(login->connection, &call, login->cancellable, on_logged_in, login);
}

/* ---- the face ---- */

/* If nothing is wrong, it was the network, and the session lives. */
static void
on_probed(XdConnection *connection G_GNUC_UNUSED, const XdReply *reply, const GError *error,
          gpointer data)
{
    XdLogin *login = data;

    if (has_stopped(login))
        return;
    if (g_strcmp0(xd_error_get_failure_code(error), "SESSION_INVALID") == 0)
        login_call(login);
    else
        login_take_uuid(login, reply, error);
}

void
xd_login_start(XdLogin *login)
{
    if (login->ref != NULL)
        login_ask_uuid(login, PROBE_TIMEOUT_MS, on_probed);
    else
        login_call(login);
}

void
xd_login_free(XdLogin *login)
{
    xd_origin_free(login->origin);
    g_clear_pointer(&login->ref, xd_secret_unref);
    xd_secret_unref(login->password);
    g_object_unref(login->cancellable);
    g_free(login->uuid);
    g_free(login);
}

/* ---- what a failure says ---- */

/* Nodes may point at each other for a moment, while one takes over; one that has just started fails in ways of
 * its own for up to two minutes (xenapi-protocol 2.3). */
gboolean
xd_login_is_passing(const GError *error)
{
    return xd_error_is(error, HVD_ERROR_NOT_REACHABLE) || xd_error_is(error, HVD_ERROR_TIMED_OUT) ||
           xd_error_is(error, HVD_ERROR_BUSY) || xd_error_is(error, HVD_ERROR_PROTOCOL) ||
           xd_error_is(error, HVD_ERROR_REDIRECTED) || xd_error_is(error, HVD_ERROR_FAILED) ||
           xd_error_is(error, HVD_ERROR_UNKNOWN_OUTCOME);
}

gboolean
xd_login_is_distrust(const GError *error)
{
    return xd_error_is(error, HVD_ERROR_TLS) || xd_error_is(error, HVD_ERROR_TLS_UNTRUSTED) ||
           xd_error_is(error, HVD_ERROR_TLS_EXPIRED) || xd_error_is(error, HVD_ERROR_TLS_NAME) ||
           xd_error_is(error, HVD_ERROR_TLS_PIN) || xd_error_is(error, HVD_ERROR_AUTH);
}

gboolean
xd_login_names_coordinator(const GError *error)
{
    return g_strcmp0(xd_error_get_failure_code(error), "HOST_IS_SLAVE") == 0 &&
           xd_error_get_failure(error)[1] != NULL;
}
