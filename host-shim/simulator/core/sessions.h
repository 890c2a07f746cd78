/* Who is logged in, in memory only: a restart of the toolstack forgets all of it. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

typedef struct {
    char *ref;
    SimRole role;
    gboolean local;           /* of one member alone; not in the database */
    guint node;               /* of a local session */
    GPtrArray *subscriptions; /* of event.register: strings; NULL: not registered */
    guint64 next_from;        /* generation that event.next goes on from */
} SimSession;

SimSessions *sim_sessions_new(Sim *sim);
void sim_sessions_free(SimSessions *sessions);

/* (transfer none): a session with its object in the database */
SimSession *
sim_sessions_login(SimSessions *sessions, const char *user, SimRole role, const char *originator);
SimSession *sim_sessions_login_local(SimSessions *sessions, guint node);
SimSession *sim_sessions_find(SimSessions *sessions, const char *ref); /* (nullable) */
/* Wakes what waits for events in it. */
void sim_sessions_logout(SimSessions *sessions, const char *ref);
void sim_sessions_logout_all(SimSessions *sessions);
/* A call in it: last_active moves at most once in ten minutes. */
void sim_sessions_touch(SimSessions *sessions, SimSession *session);
/* Ends what has been idle for a day. */
void sim_sessions_expire(SimSessions *sessions);

/* Users: root, and one for each role, named like the role. */
void sim_sessions_set_password(SimSessions *sessions, const char *user, const char *password);
/* (nullable): NULL where there is no such user */
const char *sim_sessions_password(SimSessions *sessions, const char *user);
/* The role of a user who may log in. */
gboolean
sim_sessions_check(SimSessions *sessions, const char *user, const char *password, SimRole *role);

G_END_DECLS
