/* event.from and its elders: batches cut from the database's generations. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

SimEvents *sim_events_new(Sim *sim);
void sim_events_free(SimEvents *events);

/* Something in the database, or a message, has changed. */
void sim_events_note_change(SimEvents *events);
/* Polls in a session that ends answer SESSION_INVALID at once. */
void sim_events_session_gone(SimEvents *events, const char *session);

/* Answers @call now or when there is something to tell. @classes: array of strings. */
void sim_events_from(SimEvents *events, SimCall *call, const SimValue *classes, const char *token,
                     double timeout_s);
void sim_events_register(SimEvents *events, SimCall *call, const SimValue *classes);
void sim_events_unregister(SimEvents *events, SimCall *call, const SimValue *classes);
void sim_events_next(SimEvents *events, SimCall *call);
gint64 sim_events_next_id(SimEvents *events);
char *sim_events_token(guint64 generation, guint64 message_generation);

/* Messages are no rows of the database, but they have generations and events. */
void sim_events_post(SimEvents *events, const char *name, gint64 priority, const char *class_name,
                     const SimObject *about, const char *body);
/* A map of reference to record; those of @since and later */
SimValue *sim_events_messages(SimEvents *events, gint64 since);
const SimValue *sim_events_find_message(SimEvents *events, const char *ref); /* (nullable) */
gboolean sim_events_destroy_message(SimEvents *events, const char *ref);

G_END_DECLS
