/* The pool as a value: for the file that survives the process, for crashes that fall back to an
 * earlier state, and for tests that reset the pool in a moment. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

/* Something beside the database that belongs to the state. */
typedef struct {
    const char *name;
    SimValue *(*capture)(Sim *sim); /* (transfer full) */
    void (*apply)(Sim *sim, const SimValue *value);
} SimStatePart;

typedef enum {
    /* The toolstack came back with this database: no session, no task, no memory of deletions,
     * and the generation of then. */
    SIM_STATE_REPLACE,
    /* The same toolstack, whose objects change into these: whoever watches sees events. */
    SIM_STATE_CHANGE,
} SimStateMode;

/* @path: (nullable): the file to keep it in; NULL: in memory only */
SimState *sim_state_new(Sim *sim, const char *path);
void sim_state_free(SimState *state);
void sim_state_add_part(SimState *state, const SimStatePart *part);
/* Something has changed: it is saved within half a second. */
void sim_state_note_change(SimState *state);
gboolean sim_state_save(SimState *state, GError **error);
/* %FALSE without @error: there is no file yet. */
gboolean sim_state_load(SimState *state, GError **error);

SimValue *sim_state_capture(SimState *state);
void sim_state_apply(SimState *state, const SimValue *snapshot, SimStateMode mode);
/* (nullable): what was saved last */
const SimValue *sim_state_last(const SimState *state);

/* Named snapshots in memory. */
void sim_state_keep(SimState *state, const char *name);
const SimValue *sim_state_kept(const SimState *state, const char *name); /* (nullable) */

G_END_DECLS
