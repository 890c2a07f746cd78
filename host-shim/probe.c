#include "probe.h"

#include "certificate.h"

#include <string.h>

Probe *
probe_new(const char *name, const char *address)
{
    Probe *probe = g_new0(Probe, 1);

    probe->name = g_strdup(name);
    probe->address = g_strdup(address);
    return probe;
}

void
probe_free(Probe *probe)
{
    g_free(probe->name);
    g_free(probe->address);
    g_free(probe->peer);
    g_free(probe->pin);
    g_clear_pointer(&probe->expires, g_date_time_unref);
    g_clear_error(&probe->error);
    g_free(probe);
}

gboolean
probe_has_pin(char **pins, const char *address, const char *pin)
{
    gsize length = strlen(address);

    for (; pins != NULL && *pins != NULL; pins++) {
        if (g_ascii_strncasecmp(*pins, address, length) == 0 && (*pins)[length] == '=' &&
            (pin == NULL || strcmp(*pins + length + 1, pin) == 0))
            return TRUE;
    }
    return FALSE;
}

/* ---- one of them ---- */

typedef struct {
    Probe *probe;
    const ProbeTrust *trust;
    GCancellable *cancellable;
    GSocketConnection *connection;
    GIOStream *secured;
    guint *running;
} Attempt;

/* The end: what was not said until now is @error. */
static void
attempt_end(Attempt *attempt, GError *error)
{
    if (attempt->probe->error == NULL)
        attempt->probe->error = error;
    else
        g_clear_error(&error);
    if (attempt->connection != NULL)
        g_io_stream_close(G_IO_STREAM(attempt->connection), NULL, NULL);
    g_clear_object(&attempt->secured);
    g_clear_object(&attempt->connection);
    (*attempt->running)--;
    g_free(attempt);
}

static void
take_certificate(Probe *probe, GTlsCertificate *certificate)
{
    g_autoptr(GByteArray) der = NULL;

    g_object_get(certificate, "certificate", &der, NULL);
    g_clear_pointer(&probe->pin, g_free);
    g_clear_pointer(&probe->expires, g_date_time_unref);
    probe->pin = der != NULL ? certificate_make_pin(der->data, der->len) : NULL;
    probe->expires = g_tls_certificate_get_not_valid_after(certificate);
}

static gboolean
shows_pinned_key(const Attempt *attempt)
{
    const Probe *probe = attempt->probe;

    return probe->pin != NULL && probe_has_pin(attempt->trust->pins, probe->address, probe->pin);
}

/* Comes only where the chain, the name or the dates are wrong. A pinned key makes up for that, as it
 * does for the driver; nothing else does. */
static gboolean
on_certificate(GTlsConnection *connection G_GNUC_UNUSED, GTlsCertificate *certificate,
               GTlsCertificateFlags flaws, gpointer data)
{
    Attempt *attempt = data;

    take_certificate(attempt->probe, certificate);
    attempt->probe->flaws = flaws;
    return shows_pinned_key(attempt);
}

static void
on_shaken(GObject *source, GAsyncResult *result, gpointer data)
{
    Attempt *attempt = data;
    GTlsConnection *connection = G_TLS_CONNECTION(source);
    GTlsCertificate *certificate;
    GError *error = NULL;

    if (g_tls_connection_handshake_finish(connection, result, &error)) {
        certificate = g_tls_connection_get_peer_certificate(connection);
        if (certificate != NULL)
            take_certificate(attempt->probe, certificate);
        attempt->probe->trusted = !attempt->probe->pinned || shows_pinned_key(attempt);
    }
    attempt_end(attempt, error);
}

/* (nullable): for the address */
static GIOStream *
secure(Attempt *attempt, GError **error)
{
    g_autoptr(GSocketConnectable) identity =
        g_network_address_new(attempt->probe->address, (guint16) attempt->trust->port);
    g_autoptr(GTlsDatabase) authorities = NULL;
    GIOStream *stream =
        g_tls_client_connection_new(G_IO_STREAM(attempt->connection), identity, error);

    if (stream == NULL || attempt->trust->ca_file == NULL)
        return stream;
    authorities = g_tls_file_database_new(attempt->trust->ca_file, error);
    if (authorities == NULL) {
        g_object_unref(stream);
        return NULL;
    }
    g_tls_connection_set_database(G_TLS_CONNECTION(stream), authorities);
    return stream;
}

static char *
describe_peer(GSocketConnection *connection)
{
    g_autoptr(GSocketAddress) address = g_socket_connection_get_remote_address(connection, NULL);

    if (!G_IS_INET_SOCKET_ADDRESS(address))
        return NULL;
    return g_inet_address_to_string(
        g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)));
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
    Attempt *attempt = data;
    GError *error = NULL;

    attempt->connection =
        g_socket_client_connect_to_host_finish(G_SOCKET_CLIENT(source), result, &error);
    if (attempt->connection == NULL) {
        attempt_end(attempt, error);
        return;
    }
    attempt->probe->reached = TRUE;
    attempt->probe->peer = describe_peer(attempt->connection);
    attempt->probe->blind = !g_tls_backend_supports_tls(g_tls_backend_get_default());
    if (!attempt->trust->tls || attempt->probe->blind) {
        attempt_end(attempt, NULL);
        return;
    }
    attempt->secured = secure(attempt, &error);
    if (attempt->secured == NULL) {
        attempt_end(attempt, error);
        return;
    }
    g_signal_connect(attempt->secured, "accept-certificate", G_CALLBACK(on_certificate), attempt);
    g_tls_connection_handshake_async(G_TLS_CONNECTION(attempt->secured), G_PRIORITY_DEFAULT,
                                     attempt->cancellable, on_shaken, attempt);
}

/* ---- all of them ---- */

void
probe_run(GPtrArray *probes, const ProbeTrust *trust, GCancellable *cancellable)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    guint running = probes->len;

    /* the driver goes through no proxy, and asking for one would read the desktop's settings */
    g_socket_client_set_enable_proxy(client, FALSE);
    g_socket_client_set_timeout(client, trust->timeout_s);
    for (guint i = 0; i < probes->len; i++) {
        Attempt *attempt = g_new0(Attempt, 1);

        attempt->probe = g_ptr_array_index(probes, i);
        attempt->probe->pinned = probe_has_pin(trust->pins, attempt->probe->address, NULL);
        attempt->trust = trust;
        attempt->cancellable = cancellable;
        attempt->running = &running;
        g_socket_client_connect_to_host_async(client, attempt->probe->address,
                                              (guint16) trust->port, cancellable, on_connected,
                                              attempt);
    }
    while (running > 0)
        g_main_context_iteration(NULL, TRUE);
}
