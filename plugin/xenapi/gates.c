#include "xenapi/gates.h"

typedef struct {
    guint inside;
    GQueue waiting; /* (element-type Ticket) */
} Gate;

typedef struct {
    Gate *gate;
    XdGateOpen open;
    gpointer data;
    GSource *cancelled;
} Ticket;

struct _XdGates {
    guint width;
    GHashTable *gates; /* (element-type utf8 Gate): only those with somebody inside */
};

static void
gate_free(gpointer data)
{
    Gate *gate = data;

    g_assert(g_queue_is_empty(&gate->waiting));
    g_free(gate);
}

XdGates *
xd_gates_new(guint width)
{
    XdGates *gates = g_new0(XdGates, 1);

    gates->width = MAX(width, 1);
    gates->gates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, gate_free);
    return gates;
}

void
xd_gates_free(XdGates *gates)
{
    g_hash_table_unref(gates->gates);
    g_free(gates);
}

static void
ticket_end(Ticket *ticket, GError *error)
{
    xd_clear_source(&ticket->cancelled);
    ticket->open(ticket->data, error);
    g_free(ticket);
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer data)
{
    Ticket *ticket = data;
    GError *error = NULL;

    g_queue_remove(&ticket->gate->waiting, ticket);
    g_cancellable_set_error_if_cancelled(cancellable, &error);
    ticket_end(ticket, error);
    return G_SOURCE_REMOVE;
}

static void
wait_at(Gate *gate, GCancellable *cancellable, XdGateOpen open, gpointer data)
{
    Ticket *ticket = g_new0(Ticket, 1);

    *ticket = (Ticket){gate, open, data, g_cancellable_source_new(cancellable)};
    g_source_set_callback(ticket->cancelled, G_SOURCE_FUNC(on_cancelled), ticket, NULL);
    g_source_attach(ticket->cancelled, g_main_context_get_thread_default());
    g_queue_push_tail(&gate->waiting, ticket);
}

void
xd_gate_enter(XdGates *gates, const char *key, GCancellable *cancellable, XdGateOpen open,
              gpointer data)
{
    Gate *gate = g_hash_table_lookup(gates->gates, key);

    if (gate == NULL) {
        gate = g_new0(Gate, 1);
        g_hash_table_insert(gates->gates, g_strdup(key), gate);
    }
    if (gate->inside >= gates->width) {
        wait_at(gate, cancellable, open, data);
        return;
    }
    gate->inside++;
    open(data, NULL);
}

void
xd_gate_leave(XdGates *gates, const char *key)
{
    Gate *gate = g_hash_table_lookup(gates->gates, key);
    Ticket *next = g_queue_pop_head(&gate->waiting);

    if (next != NULL) { /* the place goes from hand to hand */
        ticket_end(next, NULL);
        return;
    }
    if (--gate->inside == 0)
        g_hash_table_remove(gates->gates, key);
}
