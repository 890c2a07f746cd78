#include "ops/lifecycle.h"

#include "ops/describe.h"
#include "ops/find.h"
#include "xenapi/mirror.h"

#include <string.h>

/* What the host knows of a VM; nodes are references, which are resolved when the batch is in. */
typedef struct {
    HvdState state;
    char *node;
    gboolean is_new; /* has not run yet, and nobody was told of it */
} Known;

typedef struct {
    char *uuid;
    char *name;
    HvdState state;
    char *node;
    gboolean gone;
} Event;

typedef struct {
    XdConnection *connection; /* which owns it */
    GHashTable *known;        /* (element-type utf8 Known): by reference */
    GQueue events;            /* (element-type Event): to be told when the batch is in */
} Lifecycle;

static void
known_free(gpointer data)
{
    Known *known = data;

    g_free(known->node);
    g_free(known);
}

static void
event_free(gpointer data)
{
    Event *event = data;

    g_free(event->uuid);
    g_free(event->name);
    g_free(event->node);
    g_free(event);
}

static void
lifecycle_free(gpointer data)
{
    Lifecycle *lifecycle = data;

    g_hash_table_unref(lifecycle->known);
    g_queue_clear_full(&lifecycle->events, event_free);
    g_free(lifecycle);
}

/* ---- telling ---- */

/* The host may call slots from its callback, or close the connection. */
static gboolean
on_batch_in(gpointer data)
{
    XdConnection *connection = data;
    Lifecycle *lifecycle = connection->guest;
    Event *event;

    while ((event = g_queue_pop_head(&lifecycle->events)) != NULL) {
        const XdHost *host = xd_get_host(connection->mirror, event->node);
        g_autofree char *node = g_strdup(host != NULL ? host->uuid : "");
        HvdLifecycle told = {.struct_size = sizeof told,
                             .uuid = event->uuid,
                             .name = event->name,
                             .state = event->state,
                             .node = node,
                             .gone = event->gone};

        if (!g_cancellable_is_cancelled(connection->closing))
            connection->callbacks.lifecycle(&told, connection->callbacks.user_data);
        event_free(event);
    }
    xd_connection_unref(connection);
    return G_SOURCE_REMOVE;
}

static void
queue_event(Lifecycle *lifecycle, const XdVM *vm, const Known *known, gboolean gone)
{
    const char *uuid = xd_map_get(&vm->other_config, XD_INSTANCE_KEY);
    Event *event = g_new0(Event, 1);

    event->uuid = g_strdup(uuid != NULL ? uuid : "");
    event->name = g_strdup(vm->name_label);
    event->state = gone ? HVD_STATE_NONE : known->state;
    event->node = g_strdup(gone ? NULL : known->node);
    event->gone = gone;
    if (g_queue_is_empty(&lifecycle->events))
        xd_connection_defer(xd_connection_ref(lifecycle->connection), on_batch_in,
                            lifecycle->connection);
    g_queue_push_tail(&lifecycle->events, event);
}

/* ---- noticing ---- */

static gboolean
is_machine(const XdVM *vm)
{
    return !vm->is_a_template && !vm->is_a_snapshot && !vm->is_control_domain;
}

static void
notice_gone(Lifecycle *lifecycle, const XdVM *vm)
{
    const Known *known = g_hash_table_lookup(lifecycle->known, vm->parent.ref);
    gboolean is_news = known != NULL && !known->is_new;

    g_hash_table_remove(lifecycle->known, vm->parent.ref);
    if (is_news)
        queue_event(lifecycle, vm, NULL, TRUE);
}

/* At no node: whatever it comes to rest in is another state. */
static Known *
known_add(Lifecycle *lifecycle, const XdVM *vm, gboolean is_new)
{
    Known *known = g_new0(Known, 1);

    known->is_new = is_new;
    g_hash_table_insert(lifecycle->known, g_strdup(vm->parent.ref), known);
    return known;
}

/* Power state and node are in between while an operation runs (verified-sequences 1.1). A VM that is being
 * put together is at rest now and then, which says nothing: it is told of when it first runs. One that is in
 * motion in the first picture was there before. */
static void
notice(Lifecycle *lifecycle, const XdVM *vm)
{
    gboolean complete = xd_mirror_is_complete(lifecycle->connection->mirror);
    gboolean rests = vm->current_operations.n == 0;
    Known *known = g_hash_table_lookup(lifecycle->known, vm->parent.ref);

    if (known == NULL && (rests || !complete))
        known = known_add(lifecycle, vm, complete);
    if (!rests || (known->state == xd_state_of(vm) && g_strcmp0(known->node, vm->resident_on) == 0))
        return;
    known->state = xd_state_of(vm);
    g_free(known->node);
    known->node = g_strdup(vm->resident_on);
    known->is_new = known->is_new && known->state == HVD_STATE_SHUTDOWN;
    if (complete && !known->is_new) /* the first picture is no news */
        queue_event(lifecycle, vm, known, FALSE);
}

/* Another machine under a reference whose end was not told. */
static gboolean
is_other(const XdRecord *before, const XdRecord *now)
{
    return before != NULL && now != NULL &&
           strcmp(((const XdVM *) before)->uuid, ((const XdVM *) now)->uuid) != 0;
}

static void
observe(const XdRecord *before, const XdRecord *now, gpointer data)
{
    const XdRecord *record = now != NULL ? now : before;

    if (record->klass != &xd_class_vm)
        return;
    if (is_other(before, now))
        notice_gone(data, (const XdVM *) before);
    if (now != NULL && is_machine((const XdVM *) now))
        notice(data, (const XdVM *) now);
    else
        notice_gone(data, (const XdVM *) record);
}

void
xd_lifecycle_watch(XdConnection *connection)
{
    Lifecycle *lifecycle;

    if (connection->callbacks.lifecycle == NULL)
        return;
    lifecycle = g_new0(Lifecycle, 1);
    lifecycle->connection = connection;
    lifecycle->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, known_free);
    connection->guest = lifecycle;
    connection->free_guest = lifecycle_free;
    xd_mirror_set_observer(connection->mirror, observe, lifecycle);
}
