#include "xenapi/barrier.h"

#include "xenapi/call.h"
#include "xenapi/internal.h"
#include "xenapi/mirror.h"
#include "xenapi/session.h"

#include <string.h>

typedef struct {
    XdConnection *connection;
    XdBarrierDone done;
    gpointer data;
    char *token;
    guint generation; /* of the session, when the token was there */
    XdWatch *watch;
    GSource *cancelled;
    GCancellable *cancellable;
} Barrier;

static void
barrier_end(Barrier *barrier, const GError *error)
{
    XdConnection *connection = barrier->connection;

    if (barrier->watch != NULL)
        xd_mirror_unwatch(connection->mirror, barrier->watch);
    xd_clear_source(&barrier->cancelled);
    barrier->done(connection, error, barrier->data);
    g_clear_object(&barrier->cancellable);
    g_free(barrier->token);
    g_free(barrier);
    xd_connection_leave_call(connection);
}

/* A session that came later begins with a whole picture, which no token is needed for: a coordinator that has
 * just taken over may be behind it. */
static gboolean
is_past(const Barrier *barrier)
{
    const XdMirror *mirror = barrier->connection->mirror;
    const char *token = xd_mirror_get_token(mirror);

    if (xd_session_get_generation(barrier->connection->session) != barrier->generation &&
        xd_mirror_is_fresh(mirror))
        return TRUE;
    /* tokens are of fixed width, so they compare as text; the empty one is of a broken poll */
    return token[0] != '\0' && strcmp(token, barrier->token) >= 0;
}

static void
on_batch(gpointer data)
{
    if (is_past(data))
        barrier_end(data, NULL);
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer data)
{
    g_autoptr(GError) error = NULL;

    g_cancellable_set_error_if_cancelled(cancellable, &error);
    barrier_end(data, error);
    return G_SOURCE_REMOVE;
}

static void
on_injected(XdConnection *connection, const XdReply *reply, const GError *error, gpointer data)
{
    Barrier *barrier = data;

    if (error != NULL) {
        barrier_end(barrier, error);
        return;
    }
    barrier->token = g_variant_dup_string(reply->value, NULL);
    barrier->generation = xd_session_get_generation(connection->session);
    if (barrier->cancellable != NULL) {
        barrier->cancelled = g_cancellable_source_new(barrier->cancellable);
        g_source_set_callback(barrier->cancelled, G_SOURCE_FUNC(on_cancelled), barrier, NULL);
        g_source_attach(barrier->cancelled, connection->context);
    }
    barrier->watch = xd_mirror_watch(connection->mirror, NULL, on_batch, barrier);
    on_batch(barrier);
}

void
xd_barrier(XdConnection *connection, GCancellable *cancellable, XdBarrierDone done, gpointer data)
{
    const XdPool *pool = xd_mirror_get_pool(connection->mirror);
    Barrier *barrier = g_new0(Barrier, 1);
    XdCall call = {.method = "event.inject"};

    barrier->connection = connection;
    barrier->done = done;
    barrier->data = data;
    barrier->cancellable = cancellable != NULL ? g_object_ref(cancellable) : NULL;
    xd_connection_enter_call(connection);
    /* the class is written as in calls here: "vm" would be HANDLE_INVALID */
    call.parameters =
        g_variant_new("(ss)", "pool", pool != NULL ? pool->parent.ref : "OpaqueRef:NULL");
    xd_call(connection, &call, cancellable, on_injected, barrier);
}
