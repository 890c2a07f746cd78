#include "core/sessions.h"

#include "core/events.h"

#include <string.h>

#define IDLE_TIMEOUT_S   (24 * 60 * 60) /* toolstack, xapi_globs.ml: inactive_session_timeout */
#define TOUCH_INTERVAL_S (10 * 60)      /* xapi_globs.ml: threshold_last_active */

struct _SimSessions {
    Sim *sim;
    GHashTable *by_ref;    /* reference -> SimSession */
    GHashTable *passwords; /* user -> password */
};

static void
session_free(gpointer data)
{
    SimSession *session = data;

    g_clear_pointer(&session->subscriptions, g_ptr_array_unref);
    g_free(session->ref);
    g_free(session);
}

SimSessions *
sim_sessions_new(Sim *sim)
{
    SimSessions *sessions = g_new0(SimSessions, 1);

    sessions->sim = sim;
    sessions->by_ref = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, session_free);
    sessions->passwords = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return sessions;
}

void
sim_sessions_free(SimSessions *sessions)
{
    g_hash_table_unref(sessions->by_ref);
    g_hash_table_unref(sessions->passwords);
    g_free(sessions);
}

static SimSession *
session_new(SimSessions *sessions, const char *ref, SimRole role)
{
    SimSession *session = g_new0(SimSession, 1);

    session->ref = g_strdup(ref);
    session->role = role;
    g_hash_table_insert(sessions->by_ref, session->ref, session);
    return session;
}

/* Of an account with a role: every call that it may make, in small letters. The local superuser has no
 * list (toolstack, xapi_session.ml). */
static SimValue *
permissions_of(const SimModel *model, SimRole role)
{
    SimValue *calls = sim_array();

    for (guint i = 0; i < sim_model_n_messages(model); i++) {
        const SimMessage *message = sim_model_message_at(model, i);

        if (message->role <= role)
            sim_array_add(calls, sim_string_take(g_ascii_strdown(message->full_name, -1)));
    }
    return calls;
}

SimSession *
sim_sessions_login(SimSessions *sessions, const char *user, SimRole role, const char *originator)
{
    Sim *sim = sessions->sim;
    gint64 now = sim_clock_now(sim->clock);
    gboolean superuser = strcmp(user, "root") == 0;
    SimObject *object = sim_db_create(sim->db, "session");

    sim_object_set_ref(object, "this_host", sim_coordinator_host(sim));
    sim_object_set(object, "last_active", sim_date(now));
    sim_object_set(object, "validation_time", sim_date(now));
    sim_object_set_text(object, "auth_user_name", user);
    sim_object_set_text(object, "originator", originator);
    sim_object_set_bool(object, "is_local_superuser", superuser);
    if (!superuser)
        sim_object_set(object, "rbac_permissions", permissions_of(sim->model, role));
    return session_new(sessions, sim_object_get_ref(object), role);
}

SimSession *
sim_sessions_login_local(SimSessions *sessions, guint node)
{
    g_autofree char *ref = sim_ids_ref(sessions->sim->ids);
    SimSession *session = session_new(sessions, ref, SIM_ROLE_POOL_ADMIN);

    session->local = TRUE;
    session->node = node;
    return session;
}

SimSession *
sim_sessions_find(SimSessions *sessions, const char *ref)
{
    return g_hash_table_lookup(sessions->by_ref, ref);
}

void
sim_sessions_logout(SimSessions *sessions, const char *ref)
{
    SimObject *object = sim_db_find(sessions->sim->db, "session", ref);
    g_autofree char *copy = g_strdup(ref); /* @ref may be the session's own */

    if (object != NULL)
        sim_db_destroy(object);
    g_hash_table_remove(sessions->by_ref, copy);
    sim_events_session_gone(sessions->sim->events, copy);
}

void
sim_sessions_logout_all(SimSessions *sessions)
{
    g_autoptr(GList) all = g_hash_table_get_values(sessions->by_ref);

    for (GList *item = all; item != NULL; item = item->next)
        sim_sessions_logout(sessions, ((SimSession *) item->data)->ref);
}

void
sim_sessions_touch(SimSessions *sessions, SimSession *session)
{
    SimObject *object = sim_db_find(sessions->sim->db, "session", session->ref);
    gint64 now = sim_clock_now(sessions->sim->clock);

    if (object != NULL && now > sim_object_int(object, "last_active") + TOUCH_INTERVAL_S)
        sim_object_set(object, "last_active", sim_date(now));
}

/* A session with an unfinished task does not expire, but a task does not tell whose it is; those
 * that run in the simulator are shorter than a day. */
void
sim_sessions_expire(SimSessions *sessions)
{
    Sim *sim = sessions->sim;
    gint64 now = sim_clock_now(sim->clock);
    SimObject *object = sim_db_first(sim->db, "session");

    while (object != NULL) {
        SimObject *next = sim_object_next(object);

        if (now - sim_object_int(object, "last_active") > IDLE_TIMEOUT_S)
            sim_sessions_logout(sessions, sim_object_get_ref(object));
        object = next;
    }
}

void
sim_sessions_set_password(SimSessions *sessions, const char *user, const char *password)
{
    g_hash_table_insert(sessions->passwords, g_strdup(user), g_strdup(password));
}

const char *
sim_sessions_password(SimSessions *sessions, const char *user)
{
    return g_hash_table_lookup(sessions->passwords, user);
}

gboolean
sim_sessions_check(SimSessions *sessions, const char *user, const char *password, SimRole *role)
{
    const char *known = sim_sessions_password(sessions, user);

    if (known == NULL || strcmp(known, password) != 0)
        return FALSE;
    *role = SIM_ROLE_POOL_ADMIN;
    for (guint i = 0; i < SIM_N_ROLES; i++) {
        if (strcmp(sim_role_name((SimRole) i), user) == 0)
            *role = (SimRole) i;
    }
    return TRUE;
}
