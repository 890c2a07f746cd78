#include "api/families.h"
#include "core/sessions.h"

/* captures: login_wrong_password, login_unknown_user */
static gboolean
check_credentials(SimCall *call, SimRole *role)
{
    SimSessions *sessions = sim_call_sim(call)->sessions;
    const char *user = sim_call_text(call, 0);
    const char *text = "Authentication failure";

    if (sim_sessions_check(sessions, user, sim_call_text(call, 1), role))
        return TRUE;
    if (sim_sessions_password(sessions, user) == NULL)
        text = "User not known to the underlying authentication module";
    sim_call_fail(call, "SESSION_AUTHENTICATION_FAILED", user, text, NULL);
    return FALSE;
}

static void
login_with_password(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    const SimSession *session;
    SimRole role;

    if (sim_call_node(call) != sim_coordinator(sim)) {
        sim_call_fail(call, "HOST_IS_SLAVE", sim_coordinator(sim)->address, NULL);
        return;
    }
    if (!check_credentials(call, &role))
        return;
    session =
        sim_sessions_login(sim->sessions, sim_call_text(call, 0), role, sim_call_text(call, 3));
    sim_call_return(call, sim_string(session->ref));
}

/* For one host alone, good for little, and taken by members too (captures: slave_local_login). */
static void
slave_local_login_with_password(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    SimRole role;

    if (check_credentials(call, &role))
        sim_call_return(
            call,
            sim_string(sim_sessions_login_local(sim->sessions, sim_call_node(call)->number)->ref));
}

static void
logout(SimCall *call)
{
    sim_sessions_logout(sim_call_sim(call)->sessions, sim_call_session(call));
    sim_call_return(call, NULL);
}

/* The old password is not looked at (captures: change_password_old_not_checked). */
static void
change_password(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    const SimObject *session = sim_db_find(sim->db, "session", sim_call_session(call));
    const char *user = session != NULL ? sim_object_text(session, "auth_user_name") : "root";

    sim_sessions_set_password(sim->sessions, user, sim_call_text(call, 1));
    sim_call_return(call, NULL);
}

static void
get_all_subject_identifiers(SimCall *call)
{
    sim_call_return(call, sim_array());
}

const SimHandlerEntry sim_session_handlers[] = {
    {"session.login_with_password", login_with_password},
    {"session.slave_local_login_with_password", slave_local_login_with_password},
    {"session.logout", logout},
    {"session.local_logout", logout},
    {"session.change_password", change_password},
    {"session.get_all_subject_identifiers", get_all_subject_identifiers},
    {NULL, NULL},
};
