#include "core/events.h"

#include "core/batch.h"
#include "core/sessions.h"

#include <string.h>

#define MAX_MESSAGES 1000

typedef struct {
    char *ref;
    SimValue *record;
    guint64 generation;
} Message;

typedef struct {
    SimEvents *events;
    SimCall *call;
    SimSubscriptions subscriptions;
    guint64 since;
    guint64 messages_since;
    gboolean legacy; /* event.next: no token, no end */
    gboolean expired;
    guint deadline_timer;
    guint wake_timer;
} Poll;

struct _SimEvents {
    Sim *sim;
    GPtrArray *polls; /* of Poll: those that sleep */
    GQueue messages;  /* of Message, oldest first */
    gint64 next_id;   /* of event.next */
};

static void
message_free(gpointer data)
{
    Message *message = data;

    sim_value_unref(message->record);
    g_free(message->ref);
    g_free(message);
}

static void
poll_free(gpointer data)
{
    Poll *poll = data;
    SimClock *clock = poll->events->sim->clock;

    sim_clock_cancel(clock, poll->deadline_timer);
    sim_clock_cancel(clock, poll->wake_timer);
    sim_subscriptions_clear(&poll->subscriptions);
    sim_call_unref(poll->call);
    g_free(poll);
}

SimEvents *
sim_events_new(Sim *sim)
{
    SimEvents *events = g_new0(SimEvents, 1);

    events->sim = sim;
    events->polls = g_ptr_array_new_with_free_func(poll_free);
    g_queue_init(&events->messages);
    return events;
}

void
sim_events_free(SimEvents *events)
{
    g_ptr_array_unref(events->polls);
    g_queue_clear_full(&events->messages, message_free);
    g_free(events);
}

char *
sim_events_token(guint64 generation, guint64 message_generation)
{
    return g_strdup_printf("%020" G_GUINT64_FORMAT ",%020" G_GUINT64_FORMAT, generation,
                           message_generation);
}

static gboolean
parse_token(const char *token, guint64 *generation, guint64 *message_generation)
{
    const char *comma = strchr(token, ',');
    g_autofree char *first = NULL;

    *generation = *message_generation = 0;
    if (token[0] == '\0')
        return TRUE;
    if (comma == NULL)
        return FALSE;
    first = g_strndup(token, (gsize) (comma - token));
    return g_ascii_string_to_unsigned(first, 10, 0, G_MAXINT64, generation, NULL) &&
           g_ascii_string_to_unsigned(comma + 1, 10, 0, G_MAXINT64, message_generation, NULL);
}

/* A poll that ends: out of the list first, for the answer may start whatever it likes. */
static Poll *
take_poll(SimEvents *events, Poll *poll)
{
    guint index;

    if (g_ptr_array_find(events->polls, poll, &index))
        return g_ptr_array_steal_index(events->polls, index);
    return poll;
}

/* Messages come before everything else, with the id 0 (captures: event_from_all_classes). */
static guint64
add_messages(Poll *poll, SimValue *list)
{
    guint64 last = poll->messages_since;

    if (!sim_subscriptions_match(&poll->subscriptions, "message", NULL))
        return 0;
    for (GList *item = poll->events->messages.head; item != NULL; item = item->next) {
        const Message *message = item->data;
        SimValue *event;

        if (message->generation <= poll->messages_since)
            continue;
        last = message->generation;
        event = sim_event_new("0", "0.0", "message", "add", message->ref);
        sim_map_add(event, "snapshot", sim_value_ref(message->record));
        sim_array_add(list, event);
    }
    return last;
}

static void
answer_from(Poll *poll, const SimBatch *batch, SimValue *list, guint64 message_generation)
{
    SimValue *result = sim_map();

    sim_batch_print(batch, list);
    sim_map_add(result, "events", list);
    sim_map_add(result, "valid_ref_counts", sim_batch_counts(poll->events->sim->db));
    sim_map_add(result, "token",
                sim_string_take(sim_events_token(batch->last, message_generation)));
    sim_call_return(poll->call, result);
}

/* The ids of event.next count the events that were told; the timestamp is a time there. */
static void
answer_next(Poll *poll, const SimBatch *batch, SimValue *list)
{
    SimEvents *events = poll->events;
    SimSession *session = sim_sessions_find(events->sim->sessions, sim_call_session(poll->call));
    g_autofree char *now =
        g_strdup_printf("%" G_GINT64_FORMAT ".", sim_clock_now(events->sim->clock));
    SimValue *result = sim_array();

    sim_batch_print(batch, list);
    for (guint i = 0; i < sim_value_size(list); i++) {
        g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, events->next_id++);
        g_autoptr(SimValue) event =
            sim_map_with(sim_value_at(list, i), "timestamp", sim_string(now));

        sim_array_add(result, sim_map_with(event, "id", sim_string(id)));
    }
    sim_value_unref(list);
    if (session != NULL)
        session->next_from = batch->last;
    sim_call_return(poll->call, result);
}

static void on_wake(gpointer data);
static void on_deadline(gpointer data);

/* Tells what there is, or lets the poll sleep. */
static void
look(Poll *poll)
{
    SimEvents *events = poll->events;
    g_auto(SimBatch) batch = {0};
    SimValue *list = sim_array();
    guint64 message_generation;

    if (sim_call_is_over(poll->call)) {
        sim_value_unref(list);
        poll_free(take_poll(events, poll));
        return;
    }
    sim_batch_collect(&batch, events->sim->db, &poll->subscriptions, poll->since);
    message_generation = add_messages(poll, list);
    if (sim_batch_is_empty(&batch) && sim_value_size(list) == 0 && !poll->expired) {
        sim_value_unref(list);
        poll->since = batch.last;
        return;
    }
    take_poll(events, poll);
    if (poll->legacy)
        answer_next(poll, &batch, list);
    else
        answer_from(poll, &batch, list, message_generation);
    poll_free(poll);
}

static void
on_wake(gpointer data)
{
    Poll *poll = data;

    poll->wake_timer = 0;
    look(poll);
}

static void
on_deadline(gpointer data)
{
    Poll *poll = data;

    poll->deadline_timer = 0;
    poll->expired = TRUE;
    look(poll);
}

void
sim_events_note_change(SimEvents *events)
{
    for (guint i = 0; i < events->polls->len; i++) {
        Poll *poll = g_ptr_array_index(events->polls, i);

        if (poll->wake_timer == 0)
            poll->wake_timer = sim_clock_after_ms(
                events->sim->clock, events->sim->options.event_delay_ms, on_wake, poll);
    }
}

void
sim_events_session_gone(SimEvents *events, const char *session)
{
    for (guint i = events->polls->len; i > 0; i--) {
        Poll *poll = g_ptr_array_index(events->polls, i - 1);

        if (strcmp(sim_call_session(poll->call), session) != 0)
            continue;
        g_ptr_array_steal_index(events->polls, i - 1);
        if (!sim_call_is_over(poll->call))
            sim_call_fail(poll->call, "SESSION_INVALID", session, NULL);
        poll_free(poll);
    }
}

static Poll *
poll_new(SimEvents *events, SimCall *call)
{
    Poll *poll = g_new0(Poll, 1);

    poll->events = events;
    poll->call = sim_call_ref(call);
    return poll;
}

void
sim_events_from(SimEvents *events, SimCall *call, const SimValue *classes, const char *token,
                double timeout_s)
{
    Poll *poll = poll_new(events, call);
    const char *bad = NULL;

    if (!sim_subscriptions_read(&poll->subscriptions, classes, &bad)) {
        sim_call_fail(call, "EVENT_SUBSCRIPTION_PARSE_FAILURE", bad, NULL);
        poll_free(poll);
        return;
    }
    if (!parse_token(token, &poll->since, &poll->messages_since)) {
        sim_call_fail(call, "EVENT_FROM_TOKEN_PARSE_FAILURE", token, NULL);
        poll_free(poll);
        return;
    }
    poll->expired = !(timeout_s > 0);
    /* Beyond 104 days the toolstack waits for 24 hours (xenapi-protocol 4.1). */
    if (timeout_s > 104.0 * 24 * 3600)
        timeout_s = 24.0 * 3600;
    poll->deadline_timer =
        sim_clock_after_ms(events->sim->clock, timeout_s * 1000, on_deadline, poll);
    g_ptr_array_add(events->polls, poll);
    look(poll);
}

/* (nullable): fails the call where its session has not registered */
static SimSession *
find_registered(SimEvents *events, SimCall *call)
{
    SimSession *session = sim_sessions_find(events->sim->sessions, sim_call_session(call));
    g_autofree char *digest = NULL;
    g_autofree char *track = NULL;

    if (session != NULL && session->subscriptions != NULL)
        return session;
    /* The toolstack names the session by a digest here (captures: event_next_not_registered). */
    digest = g_compute_checksum_for_string(G_CHECKSUM_MD5, sim_call_session(call), -1);
    track = g_strconcat("trackid=", digest, NULL);
    sim_call_fail(call, "SESSION_NOT_REGISTERED", track, NULL);
    return NULL;
}

void
sim_events_register(SimEvents *events, SimCall *call, const SimValue *classes)
{
    SimSession *session = sim_sessions_find(events->sim->sessions, sim_call_session(call));

    if (session != NULL && session->subscriptions == NULL) {
        session->subscriptions = g_ptr_array_new_with_free_func(g_free);
        session->next_from = sim_db_generation(events->sim->db);
    }
    for (guint i = 0; session != NULL && i < sim_value_size(classes); i++)
        g_ptr_array_add(session->subscriptions, g_strdup(sim_value_text(sim_value_at(classes, i))));
    sim_call_return(call, NULL);
}

void
sim_events_unregister(SimEvents *events, SimCall *call, const SimValue *classes)
{
    SimSession *session = find_registered(events, call);

    if (session == NULL)
        return;
    for (guint i = 0; i < sim_value_size(classes); i++) {
        guint index;

        if (g_ptr_array_find_with_equal_func(session->subscriptions,
                                             sim_value_text(sim_value_at(classes, i)), g_str_equal,
                                             &index))
            g_ptr_array_remove_index(session->subscriptions, index);
    }
    sim_call_return(call, NULL);
}

void
sim_events_next(SimEvents *events, SimCall *call)
{
    SimSession *session = find_registered(events, call);
    g_autoptr(SimValue) classes = sim_array();
    const char *bad = NULL;
    Poll *poll;

    if (session == NULL)
        return;
    for (guint i = 0; i < session->subscriptions->len; i++)
        sim_array_add(classes, sim_string(g_ptr_array_index(session->subscriptions, i)));
    poll = poll_new(events, call);
    sim_subscriptions_read(&poll->subscriptions, classes, &bad);
    poll->legacy = TRUE;
    poll->since = session->next_from;
    poll->messages_since = session->next_from;
    g_ptr_array_add(events->polls, poll);
    look(poll);
}

gint64
sim_events_next_id(SimEvents *events)
{
    return events->next_id;
}

void
sim_events_post(SimEvents *events, const char *name, gint64 priority, const char *class_name,
                const SimObject *about, const char *body)
{
    Sim *sim = events->sim;
    Message *message = g_new0(Message, 1);

    message->ref = sim_ids_ref(sim->ids);
    message->record = sim_map();
    sim_map_add(message->record, "uuid", sim_string_take(sim_ids_uuid(sim->ids)));
    sim_map_add(message->record, "name", sim_string(name));
    sim_map_add(message->record, "priority", sim_int(priority));
    sim_map_add(message->record, "cls", sim_string(class_name));
    sim_map_add(message->record, "obj_uuid", sim_string(sim_object_text(about, "uuid")));
    sim_map_add(message->record, "timestamp", sim_date(sim_clock_now(sim->clock)));
    sim_map_add(message->record, "body", sim_string(body));
    message->generation = sim_db_generation(sim->db) + 1;
    sim_db_set_generation(sim->db, message->generation);
    g_queue_push_tail(&events->messages, message);
    if (events->messages.length > MAX_MESSAGES)
        message_free(g_queue_pop_head(&events->messages));
    sim_events_note_change(events);
}

SimValue *
sim_events_messages(SimEvents *events, gint64 since)
{
    SimValue *map = sim_map();

    for (GList *item = events->messages.head; item != NULL; item = item->next) {
        const Message *message = item->data;

        if (sim_value_int(sim_map_get(message->record, "timestamp")) >= since)
            sim_map_add(map, message->ref, sim_value_ref(message->record));
    }
    return map;
}

static GList *
find_message(SimEvents *events, const char *ref)
{
    GList *item = events->messages.head;

    while (item != NULL && strcmp(((Message *) item->data)->ref, ref) != 0)
        item = item->next;
    return item;
}

const SimValue *
sim_events_find_message(SimEvents *events, const char *ref)
{
    GList *item = find_message(events, ref);

    return item != NULL ? ((Message *) item->data)->record : NULL;
}

gboolean
sim_events_destroy_message(SimEvents *events, const char *ref)
{
    GList *item = find_message(events, ref);

    if (item == NULL)
        return FALSE;
    message_free(item->data);
    g_queue_delete_link(&events->messages, item);
    return TRUE;
}
