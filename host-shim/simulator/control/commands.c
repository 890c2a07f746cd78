#include "control/control.h"

#include "api/node.h"
#include "control/dump.h"
#include "core/call.h"
#include "core/events.h"
#include "core/policy.h"
#include "core/sessions.h"
#include "core/state.h"
#include "core/stats.h"
#include "core/task.h"
#include "data/disk.h"
#include "data/targets.h"
#include "http/power.h"
#include "http/server.h"

#include <string.h>

static Sim *
sim_of(SimControlClient *client)
{
    return sim_control_client_sim(client);
}

static SimValue *
ok_answer(void)
{
    SimValue *answer = sim_map();

    sim_map_add(answer, "ok", sim_bool(TRUE));
    return answer;
}

static void
answer_result(SimControlClient *client, gboolean done, GError *error)
{
    if (done)
        sim_control_answer_ok(client);
    else
        sim_control_answer_problem(client, error != NULL ? error->message : "failed");
}

static void
hello(SimControlClient *client, const SimValue *command)
{
    (void) command;
    sim_control_answer(client, sim_value_ref(sim_control_client_ready(client)));
}

static void
stats(SimControlClient *client, const SimValue *command)
{
    Sim *sim = sim_of(client);
    SimValue *answer = sim_stats_describe(sim->stats);

    (void) command;
    sim_map_add(answer, "connections", sim_int(sim_server_count_connections(sim->server)));
    sim_control_answer(client, answer);
}

static void
reset_stats(SimControlClient *client, const SimValue *command)
{
    (void) command;
    sim_stats_reset(sim_of(client)->stats);
    sim_control_answer_ok(client);
}

static void
dump(SimControlClient *client, const SimValue *command)
{
    sim_control_answer(client,
                       sim_dump(sim_of(client), sim_value_bool(sim_map_get(command, "disks"))));
}

static void
on_call_done(SimCall *call, const SimAnswer *answer, gpointer data)
{
    SimControlClient *client = data;
    SimValue *reply = sim_map();

    (void) call;
    if (answer == NULL)
        sim_map_add(reply, "error", sim_strings("HOST_STILL_BOOTING", NULL));
    else if (answer->error != NULL)
        sim_map_add(reply, "error", sim_value_ref(answer->error));
    else
        sim_map_add(reply, "result", sim_value_ref(answer->value));
    sim_control_answer(client, reply);
}

/* As root and from inside: {"cmd":"call","method":"VM.create","params":[...]}, no session. */
static void
call(SimControlClient *client, const SimValue *command)
{
    Sim *sim = sim_of(client);
    const char *method = sim_map_get_text(command, "method");
    const SimValue *params = sim_map_get(command, "params");
    g_autoptr(SimValue) none = sim_array();
    g_autofree char *async_method = g_strconcat("Async.", method, NULL);
    SimCallStart start = {
        .method = sim_value_bool(sim_map_get(command, "async")) ? async_method : method,
        .params = params != NULL && sim_value_kind(params) == SIM_ARRAY ? params : none,
        .node = sim_coordinator(sim),
        .trusted = TRUE,
        .done = on_call_done,
        .data = client,
    };

    if (method == NULL)
        sim_control_answer_problem(client, "\"method\" is missing");
    else
        sim_call_start(sim, &start);
}

/* (nullable): answers where the command names none */
static SimObject *
find_object(SimControlClient *client, const SimValue *command)
{
    const char *class_name = sim_map_get_text(command, "class");
    const char *ref = sim_map_get_text(command, "ref");
    SimObject *object =
        class_name != NULL && ref != NULL ? sim_db_find(sim_of(client)->db, class_name, ref) : NULL;

    if (object == NULL)
        sim_control_answer_problem(client, "no such object");
    return object;
}

static void
set(SimControlClient *client, const SimValue *command)
{
    SimObject *object = find_object(client, command);
    const char *name = sim_map_get_text(command, "field");
    const SimValue *value = sim_map_get(command, "value");
    const SimField *field;
    SimValue *accepted;

    if (object == NULL)
        return;
    field = name != NULL ? sim_class_find_field(sim_object_class(object), name) : NULL;
    accepted = field != NULL && value != NULL ? sim_type_read(field->type, value) : NULL;
    if (accepted == NULL) {
        sim_control_answer_problem(client, "no such field, or a value of another type");
        return;
    }
    sim_object_set(object, field->name, accepted);
    sim_update_allowed(sim_of(client), object);
    sim_control_answer_ok(client);
}

static void
on_arrived(gpointer data)
{
    SimControlClient *client = data;
    Sim *sim = sim_of(client);
    SimValue *answer = ok_answer();

    sim_sessions_expire(sim->sessions);
    sim_tasks_collect(sim);
    sim_map_add(answer, "now", sim_date(sim_clock_now(sim->clock)));
    sim_control_answer(client, answer);
}

static void
advance_clock(SimControlClient *client, const SimValue *command)
{
    sim_clock_advance(sim_of(client)->clock, sim_value_float(sim_map_get(command, "advance")),
                      on_arrived, client);
}

static void
fault(SimControlClient *client, const SimValue *command)
{
    SimFaults *faults = sim_of(client)->faults;
    const SimValue *rule = sim_map_get(command, "add");
    const SimValue *clear = sim_map_get(command, "clear");
    g_autofree char *problem = NULL;

    if (rule != NULL && !sim_faults_add(faults, rule, &problem)) {
        sim_control_answer_problem(client, problem);
        return;
    }
    if (clear != NULL)
        sim_faults_clear(faults,
                         sim_value_kind(clear) == SIM_STRING ? sim_value_text(clear) : NULL);
    if (sim_value_bool(sim_map_get(command, "list")))
        sim_control_answer(client, sim_faults_describe(faults));
    else
        sim_control_answer_ok(client);
}

static void
on_fired(gpointer data)
{
    sim_control_answer_ok(data);
}

static void
wait_for_fault(SimControlClient *client, const SimValue *command)
{
    const char *id = sim_map_get_text(command, "id");

    if (id == NULL || !sim_faults_wait(sim_of(client)->faults, id, on_fired, client))
        sim_control_answer_problem(client, "no such rule");
}

static void
release(SimControlClient *client, const SimValue *command)
{
    const char *id = sim_map_get_text(command, "id");

    if (id != NULL && sim_faults_release(sim_of(client)->faults, id))
        sim_control_answer_ok(client);
    else
        sim_control_answer_problem(client, "no such rule");
}

static void
iscsi_target(SimControlClient *client, const SimValue *command)
{
    g_autoptr(SimValue) description = sim_map_without(command, "cmd");
    g_autofree char *problem = NULL;

    if (sim_targets_add(sim_of(client)->targets, description, &problem))
        sim_control_answer_ok(client);
    else
        sim_control_answer_problem(client, problem);
}

static void
save(SimControlClient *client, const SimValue *command)
{
    g_autoptr(GError) error = NULL;
    gboolean saved = sim_state_save(sim_of(client)->state, &error);

    (void) command;
    answer_result(client, saved, error);
}

static void
stop(SimControlClient *client, const SimValue *command)
{
    (void) command;
    sim_power_stop(sim_of(client));
    sim_control_answer_ok(client);
}

static void
start(SimControlClient *client, const SimValue *command)
{
    g_autoptr(GError) error = NULL;
    gboolean started = sim_power_start(sim_of(client), &error);

    (void) command;
    answer_result(client, started, error);
}

static void
restart(SimControlClient *client, const SimValue *command)
{
    sim_power_stop(sim_of(client));
    start(client, command);
}

/* Falls back to the last save, or to the snapshot that "to" names; "keep": loses nothing;
 * "down": stays away until start. */
static void
crash(SimControlClient *client, const SimValue *command)
{
    Sim *sim = sim_of(client);
    const char *name = sim_map_get_text(command, "to");
    const SimValue *back_to =
        name != NULL ? sim_state_kept(sim->state, name) : sim_state_last(sim->state);

    if (name != NULL && back_to == NULL) {
        sim_control_answer_problem(client, "no such snapshot");
        return;
    }
    sim_power_crash(sim, sim_value_bool(sim_map_get(command, "keep")) ? NULL : back_to);
    if (sim_value_bool(sim_map_get(command, "down")))
        sim_control_answer_ok(client);
    else
        start(client, command);
}

/* (nullable): by number, address or uuid; answers where there is none */
static SimNode *
find_node(SimControlClient *client, const SimValue *command)
{
    Sim *sim = sim_of(client);
    const SimValue *wanted = sim_map_get(command, "node");
    const char *text = wanted != NULL ? sim_value_text(wanted) : "";

    for (guint i = 0; wanted != NULL && i < sim->nodes->len; i++) {
        SimNode *node = g_ptr_array_index(sim->nodes, i);
        const SimObject *host = sim_node_host(sim, node);

        if ((sim_value_kind(wanted) == SIM_INT && sim_value_int(wanted) == node->number) ||
            strcmp(text, node->address) == 0 ||
            (host != NULL && strcmp(text, sim_object_text(host, "uuid")) == 0))
            return node;
    }
    sim_control_answer_problem(client, "no such node");
    return NULL;
}

static void
node_crash(SimControlClient *client, const SimValue *command)
{
    SimNode *node = find_node(client, command);

    if (node == NULL)
        return;
    sim_power_node_crash(sim_of(client), node);
    sim_control_answer_ok(client);
}

static void
node_boot(SimControlClient *client, const SimValue *command)
{
    SimNode *node = find_node(client, command);
    g_autoptr(GError) error = NULL;

    gboolean booted = FALSE;

    if (node == NULL)
        return;
    booted = sim_power_node_boot(sim_of(client), node, &error);
    if (booted)
        sim_node_note_boot(sim_of(client), node);
    answer_result(client, booted, error);
}

static void
node_kill(SimControlClient *client, const SimValue *command)
{
    SimNode *node = find_node(client, command);

    if (node == NULL)
        return;
    sim_power_node_kill(sim_of(client), node);
    sim_control_answer_ok(client);
}

static void
node_revive(SimControlClient *client, const SimValue *command)
{
    SimNode *node = find_node(client, command);
    g_autoptr(GError) error = NULL;
    gboolean revived = FALSE;

    if (node == NULL)
        return;
    revived = sim_power_node_revive(sim_of(client), node, &error);
    answer_result(client, revived, error);
}

static void
coordinator(SimControlClient *client, const SimValue *command)
{
    SimNode *node = find_node(client, command);

    if (node == NULL)
        return;
    sim_power_set_coordinator(sim_of(client), node);
    sim_control_answer_ok(client);
}

static void
drop_deletions(SimControlClient *client, const SimValue *command)
{
    sim_db_drop_deletions(sim_of(client)->db,
                          (guint) MAX(sim_value_int(sim_map_get(command, "n")), 0));
    sim_control_answer_ok(client);
}

static const char *
snapshot_name(const SimValue *command)
{
    const char *name = sim_map_get_text(command, "name");

    return name != NULL ? name : "snapshot";
}

static void
snapshot_state(SimControlClient *client, const SimValue *command)
{
    Sim *sim = sim_of(client);

    sim_state_keep(sim->state, snapshot_name(command));
    sim_disks_keep(sim->disks, snapshot_name(command));
    sim_control_answer_ok(client);
}

/* What runs ends without an answer; sessions go on unless "sessions" is false. */
static void
restore_state(SimControlClient *client, const SimValue *command)
{
    Sim *sim = sim_of(client);
    const SimValue *snapshot = sim_state_kept(sim->state, snapshot_name(command));
    const SimValue *sessions = sim_map_get(command, "sessions");

    if (snapshot == NULL) {
        sim_control_answer_problem(client, "no such snapshot");
        return;
    }
    sim_calls_abandon_work(sim->calls);
    if (sessions != NULL && !sim_value_bool(sessions))
        sim_sessions_logout_all(sim->sessions);
    sim_state_apply(sim->state, snapshot, SIM_STATE_CHANGE);
    sim_disks_restore(sim->disks, snapshot_name(command));
    sim_control_answer_ok(client);
}

/* Everybody is logged out; what runs goes on. */
static void
logout(SimControlClient *client, const SimValue *command)
{
    (void) command;
    sim_sessions_logout_all(sim_of(client)->sessions);
    sim_control_answer_ok(client);
}

static void
shutdown_process(SimControlClient *client, const SimValue *command)
{
    (void) command;
    sim_control_end(client);
}

const SimCommand sim_commands[] = {
    {"hello", hello},
    {"stats", stats},
    {"reset-stats", reset_stats},
    {"dump", dump},
    {"call", call},
    {"set", set},
    {"clock", advance_clock},
    {"fault", fault},
    {"wait", wait_for_fault},
    {"release", release},
    {"iscsi-target", iscsi_target},
    {"save", save},
    {"restart", restart},
    {"crash", crash},
    {"stop", stop},
    {"start", start},
    {"node-crash", node_crash},
    {"node-boot", node_boot},
    {"node-kill", node_kill},
    {"node-revive", node_revive},
    {"coordinator", coordinator},
    {"logout", logout},
    {"drop-deletions", drop_deletions},
    {"snapshot-state", snapshot_state},
    {"restore-state", restore_state},
    {"shutdown", shutdown_process},
    {NULL, NULL},
};
