/* Moving running machines between hosts that share their storage, one by one or all of a host. */
#include "api/allowed.h"
#include "api/domain.h"
#include "api/families.h"
#include "api/placement.h"
#include "core/task.h"

#include <string.h>

typedef struct {
    SimObject *vm;
    SimObject *from;
    SimObject *to;
    SimObject *subtask;
} Move;

static void
move_free(gpointer data)
{
    Move *move = data;

    sim_object_unref(move->vm);
    sim_object_unref(move->from);
    sim_object_unref(move->to);
    g_clear_pointer(&move->subtask, sim_object_unref);
    g_free(move);
}

static Move *
move_of(SimCall *call)
{
    return sim_call_state(call);
}

static gboolean
is_gone(SimCall *call)
{
    const Move *move = move_of(call);

    if (sim_object_is_alive(move->vm) && sim_object_is_alive(move->from) &&
        sim_object_is_alive(move->to))
        return FALSE;
    sim_call_fail(call, "OBJECT_NOLONGER_EXISTS", NULL);
    return TRUE;
}

static void
end_subtask(Move *move)
{
    if (move->subtask != NULL && sim_object_is_alive(move->subtask))
        sim_db_destroy(move->subtask);
}

static void
abort_move(SimCall *call)
{
    Move *move = move_of(call);

    end_subtask(move);
    if (sim_object_is_alive(move->vm))
        sim_object_set_ref(move->vm, "scheduled_to_be_resident_on", NULL);
}

/* ---- the steps (captures: migrate_events_01 to 04) ---- */

/* See vm-power.c. */
static void
go_on_alone(SimCall *call)
{
    sim_call_go_on_alone(call, move_of(call)->from);
}

static gboolean
send_memory(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    sim_call_set_orphan(call, go_on_alone);
    return TRUE;
}

static gboolean
hand_over(SimCall *call)
{
    Move *move = move_of(call);
    Sim *sim = sim_call_sim(call);

    if (is_gone(call))
        return FALSE;
    sim_call_set_cancellable(call, FALSE);
    sim_domain_note_cancel_points(call, 12);
    move->subtask =
        sim_object_ref(sim_task_new(sim, "VM.pool_migrate_complete", "", sim_call_session(call)));
    sim_object_set_ref(move->subtask, "resident_on", move->to);
    sim_object_set_ref(move->subtask, "subtask_of", sim_call_task(call));
    sim_object_set_ref(move->vm, "resident_on", move->to);
    sim_object_set_ref(move->vm, "scheduled_to_be_resident_on", NULL);
    return TRUE;
}

static gboolean
arrive(SimCall *call)
{
    Move *move = move_of(call);
    Sim *sim = sim_call_sim(call);
    SimObject *metrics;

    if (is_gone(call))
        return FALSE;
    sim_domain_destroy_all(move->vm, "consoles");
    sim_domain_create_consoles(sim, move->vm, move->to);
    sim_domain_new_domid(sim, move->vm, move->to);
    metrics = sim_object_follow(move->vm, "guest_metrics");
    if (metrics != NULL)
        sim_object_set(metrics, "last_updated", sim_date(sim_clock_now(sim->clock)));
    return TRUE;
}

static gboolean
announce_move(SimCall *call)
{
    Move *move = move_of(call);
    Sim *sim = sim_call_sim(call);

    if (is_gone(call))
        return FALSE;
    end_subtask(move);
    sim_hosts_update_memory(sim);
    sim_vm_post(sim, move->vm, "VM_MIGRATED",
                "migrated from host '%s' (uuid: %s) to host '%s' (uuid: %s)",
                sim_object_text(move->from, "name_label"), sim_object_text(move->from, "uuid"),
                sim_object_text(move->to, "name_label"), sim_object_text(move->to, "uuid"));
    return TRUE;
}

static const SimStep move_steps[] = {
    {send_memory, 1, 0.625}, {hand_over, 1, 0.875}, {arrive, 0.4, -1},
    {announce_move, 1, -1},  {NULL, 0, 0},
};

static void
vm_pool_migrate(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimObject *to = vm != NULL ? sim_call_object(call, 1) : NULL;
    SimObject *from;
    SimValue *error;
    Move *move;

    if (to == NULL || !sim_vm_allow(call, vm, "pool_migrate", "running") ||
        !sim_vm_require_agent(call, vm) || !sim_call_lock(call, vm, "pool_migrate"))
        return;
    from = sim_object_follow(vm, "resident_on");
    error = sim_vm_cannot_run_on(sim_call_sim(call), vm, to, to != from);
    if (error != NULL) {
        sim_call_fail_with(call, error);
        return;
    }
    if (!sim_call_lock(call, to, "vm_migrate"))
        return;
    move = g_new0(Move, 1);
    move->vm = sim_object_ref(vm);
    move->from = sim_object_ref(from);
    move->to = sim_object_ref(to);
    sim_object_set_ref(vm, "scheduled_to_be_resident_on", to);
    sim_call_set_abort(call, abort_move);
    sim_call_run(call, move_steps, move, move_free);
}

/* ---- all of a host ---- */

static gint
compare_ages(gconstpointer a, gconstpointer b)
{
    guint64 first = sim_object_created(*(SimObject *const *) a);
    guint64 second = sim_object_created(*(SimObject *const *) b);

    return first < second ? -1 : first > second;
}

/* (transfer container): what has to leave @host, the oldest first (captures: host_evacuate) */
static GPtrArray *
list_guests(const SimObject *host)
{
    g_autoptr(GPtrArray) vms = sim_object_follow_all(host, "resident_VMs");

    for (guint i = vms->len; i > 0; i--) {
        if (sim_object_bool(g_ptr_array_index(vms, i - 1), "is_control_domain"))
            g_ptr_array_remove_index(vms, i - 1);
    }
    g_ptr_array_sort(vms, compare_ages);
    return g_steal_pointer(&vms);
}

/* (nullable): where @vm would go; else @error (out) (transfer full) says why it stays */
static SimObject *
find_refuge(Sim *sim, const SimObject *vm, const SimObject *host, SimValue **error)
{
    SimObject *best = NULL;

    *error = sim_vm_has_agent(vm) ? sim_strings("NO_HOSTS_AVAILABLE", NULL)
                                  : sim_strings("VM_LACKS_FEATURE", sim_object_get_ref(vm), NULL);
    for (SimObject *other = sim_db_first(sim->db, "host"); other != NULL && sim_vm_has_agent(vm);
         other = sim_object_next(other)) {
        SimValue *reason;

        if (other == host || !sim_host_is_live(other) || !sim_object_bool(other, "enabled"))
            continue;
        reason = sim_vm_cannot_run_on(sim, vm, other, TRUE);
        if (reason != NULL) {
            sim_value_unref(*error);
            *error = reason;
        } else if (best == NULL || sim_host_free_memory(other) > sim_host_free_memory(best)) {
            best = other;
        }
    }
    if (best != NULL)
        g_clear_pointer(error, sim_value_unref);
    return best;
}

/* Machine -> why it cannot leave. */
static SimValue *
find_stuck(Sim *sim, const SimObject *host)
{
    g_autoptr(GPtrArray) vms = list_guests(host);
    SimValue *stuck = sim_map();

    for (guint i = 0; i < vms->len; i++) {
        const SimObject *vm = g_ptr_array_index(vms, i);
        SimValue *error = NULL;

        if (find_refuge(sim, vm, host, &error) == NULL)
            sim_map_add(stuck, sim_object_get_ref(vm), error);
    }
    return stuck;
}

static void
host_get_vms_which_prevent_evacuation(SimCall *call)
{
    SimObject *host = sim_call_object(call, 0);

    if (host != NULL)
        sim_call_return(call, find_stuck(sim_call_sim(call), host));
}

static void
append_reason(GString *text, const SimValue *error)
{
    if (text->len > 0)
        g_string_append_c(text, '|');
    for (guint i = 0; i < sim_value_size(error); i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "",
                               sim_value_text(sim_value_at(error, i)));
}

static void
host_assert_can_evacuate(SimCall *call)
{
    SimObject *host = sim_call_object(call, 0);
    g_autoptr(SimValue) stuck = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    if (host == NULL)
        return;
    stuck = find_stuck(sim_call_sim(call), host);
    for (guint i = 0; i < sim_value_size(stuck); i++)
        append_reason(text, sim_value_at(stuck, i));
    if (text->len > 0)
        sim_call_fail(call, "CANNOT_EVACUATE_HOST", text->str, NULL);
    else
        sim_call_return(call, NULL);
}

/* One after the other, each with a task of its own. */
static gboolean
move_next(SimCall *call)
{
    SimObject *host = sim_call_object(call, 0);
    SimValue *error = NULL;
    const SimObject *vm;
    const SimObject *refuge;
    SimValue *params;
    g_autoptr(GPtrArray) vms = NULL;

    if (host == NULL)
        return FALSE;
    vms = list_guests(host);
    if (vms->len == 0)
        return TRUE;
    vm = g_ptr_array_index(vms, 0);
    refuge = find_refuge(sim_call_sim(call), vm, host, &error);
    if (refuge == NULL) {
        sim_call_fail_with(call, error);
        return FALSE;
    }
    params = sim_strings(sim_object_get_ref(vm), sim_object_get_ref(refuge), NULL);
    sim_array_add(params, sim_string_map("live", "true", NULL));
    sim_call_repeat(call);
    sim_call_spawn(call, "VM.pool_migrate", params, NULL);
    return FALSE;
}

static const SimStep evacuate_steps[] = {{move_next, 0, -1}, {NULL, 0, 0}};

/* Nothing moves where one cannot (captures: host_evacuate). */
static void
host_evacuate(SimCall *call)
{
    SimObject *host = sim_call_object(call, 0);
    g_autoptr(SimValue) stuck = NULL;

    if (host == NULL || !sim_call_lock(call, host, "evacuate"))
        return;
    stuck = find_stuck(sim_call_sim(call), host);
    if (sim_value_size(stuck) > 0)
        sim_call_fail_with(call, sim_value_ref(sim_value_at(stuck, 0)));
    else
        sim_call_run(call, evacuate_steps, NULL, NULL);
}

const SimHandlerEntry sim_vm_migrate_handlers[] = {
    {"VM.pool_migrate", vm_pool_migrate},
    {"host.evacuate", host_evacuate},
    {"host.assert_can_evacuate", host_assert_can_evacuate},
    {"host.get_vms_which_prevent_evacuation", host_get_vms_which_prevent_evacuation},
    {NULL, NULL},
};
