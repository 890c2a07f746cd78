#include "xenapi/connection.h"

#include "base/secret-source.h"
#include "xenapi/events.h"
#include "xenapi/gates.h"
#include "xenapi/internal.h"
#include "xenapi/mirror.h"
#include "xenapi/session.h"
#include "xenapi/tag.h"

#include <string.h>
#include <unistd.h>

#define OWNER_DIGITS 16

typedef struct {
    GTask *task;
    XdConnection *connection;
    GSource *cancelled;
    GError *error;
} Opening;

XdConnection *
xd_connection_ref(XdConnection *connection)
{
    connection->references++;
    return connection;
}

void
xd_connection_unref(XdConnection *connection)
{
    if (--connection->references > 0)
        return;
    g_clear_pointer(&connection->events, xd_events_free);
    if (connection->free_guest != NULL)
        connection->free_guest(connection->guest);
    g_clear_pointer(&connection->mirror, xd_mirror_free);
    g_clear_pointer(&connection->session, xd_session_free);
    g_clear_pointer(&connection->gates, xd_gates_free);
    g_clear_pointer(&connection->turns, xd_gates_free);
    g_clear_pointer(&connection->http, xd_http_free);
    g_clear_pointer(&connection->config, xd_config_free);
    g_clear_pointer(&connection->log, xd_log_free);
    g_hash_table_unref(connection->operations);
    g_object_unref(connection->closing);
    xd_clock_unref(connection->clock);
    xd_arena_unref(connection->arena);
    g_main_context_unref(connection->context);
    g_free(connection->owner);
    g_free(connection->epoch);
    g_free(connection);
}

void
xd_connection_defer(XdConnection *connection, GSourceFunc func, gpointer data)
{
    g_autoptr(GSource) source = g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, func, data, NULL);
    g_source_attach(source, connection->context);
}

/* ---- closing: operations end, the poll ends, the session is logged out, the calls have ended ----
 */

static gboolean
on_all_ended(gpointer data)
{
    XdConnection *connection = data;
    g_autoptr(GTask) task = g_steal_pointer(&connection->close_task);

    xd_connection_unref(connection);
    g_task_return_boolean(task, TRUE);
    return G_SOURCE_REMOVE;
}

static void
on_session_closed(XdConnection *connection, const GError *error G_GNUC_UNUSED,
                  gpointer data G_GNUC_UNUSED)
{
    connection->logged_out = TRUE;
    if (connection->calls == 0)
        xd_connection_defer(connection, on_all_ended, connection);
}

static gboolean
on_operations_ended(gpointer data)
{
    XdConnection *connection = data;

    xd_events_stop(connection->events);
    xd_session_close(connection->session, on_session_closed, NULL);
    return G_SOURCE_REMOVE;
}

void
xd_connection_close_async(XdConnection *connection, GAsyncReadyCallback callback,
                          gpointer user_data)
{
    GHashTableIter iter;
    gpointer cancellable;

    connection->close_task = g_task_new(NULL, NULL, callback, user_data);
    g_cancellable_cancel(connection->closing);
    g_hash_table_iter_init(&iter, connection->operations);
    while (g_hash_table_iter_next(&iter, &cancellable, NULL))
        g_cancellable_cancel(cancellable);
    if (g_hash_table_size(connection->operations) == 0)
        xd_connection_defer(connection, on_operations_ended, connection);
}

void
xd_connection_close_finish(GAsyncResult *result)
{
    g_task_propagate_boolean(G_TASK(result), NULL);
}

void
xd_connection_enter(XdConnection *connection, GCancellable *cancellable)
{
    g_hash_table_add(connection->operations, g_object_ref(cancellable));
    xd_connection_ref(connection);
}

void
xd_connection_leave(XdConnection *connection, GCancellable *cancellable)
{
    g_hash_table_remove(connection->operations, cancellable);
    if (connection->close_task != NULL && g_hash_table_size(connection->operations) == 0)
        xd_connection_defer(connection, on_operations_ended, connection);
    xd_connection_unref(connection);
}

void
xd_connection_enter_call(XdConnection *connection)
{
    connection->calls++;
}

void
xd_connection_leave_call(XdConnection *connection)
{
    connection->calls--;
    if (connection->logged_out && connection->calls == 0)
        xd_connection_defer(connection, on_all_ended, connection);
}

/* ---- opening ---- */

/* Who makes our objects, when the configuration does not say: this machine and this user. */
static char *
derive_owner(void)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *machine = NULL;
    g_autofree char *user = g_strdup_printf("/%u", (guint) geteuid());

    if (!g_file_get_contents("/etc/machine-id", &machine, NULL, NULL))
        machine = g_strdup(g_get_host_name());
    g_checksum_update(checksum, (const guchar *) machine, -1);
    g_checksum_update(checksum, (const guchar *) user, -1);
    return g_strndup(g_checksum_get_string(checksum), OWNER_DIGITS);
}

static XdConnection *
connection_new(const XdConnectionOptions *options)
{
    XdConnection *connection = g_new0(XdConnection, 1);

    connection->references = 1;
    connection->context = g_main_context_ref_thread_default();
    connection->clock = options->clock != NULL ? xd_clock_ref(options->clock) : xd_clock_new();
    connection->arena = xd_arena_new();
    if (options->callbacks != NULL)
        memcpy(&connection->callbacks, options->callbacks,
               MIN(options->callbacks->struct_size, sizeof connection->callbacks));
    connection->log = xd_log_new(&connection->callbacks);
    connection->closing = g_cancellable_new();
    connection->operations =
        g_hash_table_new_full(NULL, NULL, (GDestroyNotify) g_object_unref, NULL);
    connection->epoch = g_strdup_printf("%08x", g_random_int());
    connection->mirror = xd_mirror_new(connection->clock);
    if (!xd_arena_is_locked(connection->arena))
        xd_log(connection->log, G_LOG_LEVEL_WARNING, "xd-base", NULL,
               "secrets cannot be locked in memory: raise the limit of locked memory");
    return connection;
}

static gboolean
make_http(XdConnection *connection, GError **error)
{
    const XdConfig *config = connection->config;
    const char *ca_file = xd_config_get_string(config, XD_CONFIG_TLS_CA_FILE);
    XdHttpOptions options = {
        .arena = connection->arena,
        .user_agent = "hvd-xenapi/" HVD_VERSION,
        .ca_file = ca_file[0] != '\0' ? ca_file : NULL,
        .pins = xd_config_get_strv(config, XD_CONFIG_TLS_PINS),
        .plaintext_on_loopback = xd_config_get_choice(config, XD_CONFIG_HTTP_ALLOW_PLAINTEXT) != 0,
        .connect_timeout_s = xd_config_get_uint(config, XD_CONFIG_HTTP_CONNECT_TIMEOUT),
        .short_per_origin = xd_config_get_uint(config, XD_CONFIG_HTTP_CONNECTIONS_SHORT),
        .total = xd_config_get_uint(config, XD_CONFIG_HTTP_CONNECTIONS_TOTAL),
    };

    connection->http = xd_http_new(&options, error);
    return connection->http != NULL;
}

static gboolean
make_session(XdConnection *connection, GError **error)
{
    const XdConfig *config = connection->config;
    g_autoptr(XdOrigin) origin = NULL;
    g_autoptr(XdSecret) password = NULL;

    if (xd_config_get_string(config, XD_CONFIG_POOL_URL)[0] == '\0') {
        xd_set_error(error, HVD_ERROR_CONFIG, "pool.url is not set: where is the pool?");
        return FALSE;
    }
    origin = xd_origin_parse(xd_config_get_string(config, XD_CONFIG_POOL_URL), error);
    if (origin == NULL)
        return FALSE;
    password =
        xd_secret_load(connection->arena, xd_config_get_string(config, XD_CONFIG_POOL_PASSWORD),
                       &connection->callbacks, error);
    if (password == NULL) {
        g_prefix_error(error, "pool.password: ");
        return FALSE;
    }
    connection->session =
        xd_session_new(connection, g_steal_pointer(&origin), g_steal_pointer(&password));
    return TRUE;
}

static gboolean
take_owner(XdConnection *connection, GError **error)
{
    const char *owner = xd_config_get_string(connection->config, XD_CONFIG_POOL_OWNER);

    connection->owner = owner[0] != '\0' ? g_strdup(owner) : derive_owner();
    if (xd_tag_is_owner(connection->owner))
        return TRUE;
    xd_set_error(
        error, HVD_ERROR_CONFIG,
        "configuration: pool.owner: expected 1 to 64 letters, digits, \".\", \"_\" or \"-\"");
    return FALSE;
}

static gboolean
connection_prepare(XdConnection *connection, const XdConnectionOptions *options, GError **error)
{
    connection->config = xd_config_load(options->config_file, options->settings, error);
    if (connection->config == NULL || !take_owner(connection, error) ||
        !make_http(connection, error) || !make_session(connection, error))
        return FALSE;
    connection->gates =
        xd_gates_new(xd_config_get_uint(connection->config, XD_CONFIG_STORAGE_CONCURRENCY));
    connection->turns = xd_gates_new(1);
    connection->events = xd_events_new(connection);
    return TRUE;
}

static void
opening_free(gpointer data)
{
    Opening *opening = data;

    xd_clear_source(&opening->cancelled);
    g_clear_pointer(&opening->connection, xd_connection_unref);
    g_clear_error(&opening->error);
    g_free(opening);
}

static void
on_given_up(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Opening *opening = g_task_get_task_data(task);

    xd_connection_close_finish(result);
    g_task_return_error(task, g_steal_pointer(&opening->error));
}

static void
on_first_picture(XdConnection *connection, const GError *error, gpointer data)
{
    GTask *task = data;
    Opening *opening = g_task_get_task_data(task);

    xd_clear_source(&opening->cancelled);
    opening->connection = NULL;
    if (error == NULL) {
        g_task_return_pointer(task, connection, NULL);
        g_object_unref(task);
        return;
    }
    opening->error = g_error_copy(error);
    xd_connection_close_async(connection, on_given_up, task);
}

static gboolean
on_open_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    Opening *opening = g_task_get_task_data(data);

    xd_clear_source(&opening->cancelled);
    xd_events_stop(opening->connection->events); /* tells on_first_picture() */
    return G_SOURCE_REMOVE;
}

void
xd_connection_open_async(const XdConnectionOptions *options, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, cancellable, callback, user_data);
    Opening *opening = g_new0(Opening, 1);
    GError *error = NULL;

    g_task_set_check_cancellable(task, FALSE);
    g_task_set_task_data(task, opening, opening_free);
    opening->connection = connection_new(options);
    if (!connection_prepare(opening->connection, options, &error)) {
        g_task_return_error(task, error);
        g_object_unref(task);
        return;
    }
    if (cancellable != NULL) {
        opening->cancelled = g_cancellable_source_new(cancellable);
        g_source_set_callback(opening->cancelled, G_SOURCE_FUNC(on_open_cancelled), task, NULL);
        g_source_attach(opening->cancelled, opening->connection->context);
    }
    if (options->watch != NULL)
        options->watch(opening->connection);
    xd_events_start(opening->connection->events, on_first_picture, task);
}

XdConnection *
xd_connection_open_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}
