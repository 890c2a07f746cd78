/* What one simulated pool tells another while a machine moves between them. The words are ours: no
 * client sees them (xenapi-protocol 5, "/services"). */
#pragma once

#include "http/server.h"

G_BEGIN_DECLS

extern const SimRoute sim_service_routes[]; /* ended by NULL */

/* A command for the pool of @url, which api/receive.h explains. */
typedef struct _SimQuestion SimQuestion;
/* @answer: NULL where there is none; @error (transfer full): then, unless nobody answered */
typedef void (*SimQuestionFunc)(const SimValue *answer, SimValue *error, gpointer data);

/* Belongs to itself until @func is called. */
SimQuestion *sim_question_ask(const char *url, const char *session, const SimValue *command,
                              SimQuestionFunc func, gpointer data);
/* @func will not be called any more. */
void sim_question_forget(SimQuestion *question);

G_END_DECLS
