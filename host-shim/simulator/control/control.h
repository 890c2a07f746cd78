/* DIR/control.sock: one JSON object a line in, one line out, for tests and for whoever started us.
 */
#pragma once

#include "core/sim.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SimControlClient SimControlClient;

/* @ready: (transfer none): what hello answers */
SimControl *sim_control_new(Sim *sim, const char *path, const SimValue *ready, GError **error);
void sim_control_free(SimControl *control);
/* Calls @func when the process has to end: by request, or because nobody is left. */
void sim_control_set_end(SimControl *control, void (*func)(gpointer data), gpointer data);

/* For the commands. An answer is given once for each command, now or later. */
Sim *sim_control_client_sim(SimControlClient *client);
const SimValue *sim_control_client_ready(SimControlClient *client);
void sim_control_answer(SimControlClient *client, SimValue *answer); /* takes @answer */
void sim_control_answer_ok(SimControlClient *client);
void sim_control_answer_problem(SimControlClient *client, const char *problem);
void sim_control_end(SimControlClient *client);

typedef struct {
    const char *name;
    void (*run)(SimControlClient *client, const SimValue *command);
} SimCommand;

extern const SimCommand sim_commands[]; /* ended by NULL */

G_END_DECLS
