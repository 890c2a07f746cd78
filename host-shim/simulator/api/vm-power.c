/* Starting and stopping: each operation is a table of steps over api/domain.h. */
#include "api/allowed.h"
#include "api/domain.h"
#include "api/families.h"
#include "api/placement.h"
#include "api/storage.h"
#include "core/task.h"

#include <string.h>

typedef struct {
    SimObject *vm;
    SimObject *host;
    gboolean paused;
    gboolean clean;
    gboolean reserved; /* devices and memory have to be given back on failure */
} Power;

static void
power_free(gpointer data)
{
    Power *power = data;

    g_clear_pointer(&power->vm, sim_object_unref);
    g_clear_pointer(&power->host, sim_object_unref);
    g_free(power);
}

static Power *
power_new(SimObject *vm, SimObject *host)
{
    Power *power = g_new0(Power, 1);

    power->vm = sim_object_ref(vm);
    power->host = host != NULL ? sim_object_ref(host) : NULL;
    return power;
}

static Power *
power_of(SimCall *call)
{
    return sim_call_state(call);
}

/* Somebody destroyed it from under us: only possible by force through the control socket. */
static gboolean
is_gone(SimCall *call)
{
    if (sim_object_is_alive(power_of(call)->vm))
        return FALSE;
    sim_call_fail(call, "OBJECT_NOLONGER_EXISTS", NULL);
    return TRUE;
}

/* Whoever runs the domains has been told, and does not need the toolstack (toolstack, xapi_xenops.ml: start,
 * shutdown, reboot queue their work in xenopsd; on_xapi_restart takes over what has become of it). */
static void
go_on_alone(SimCall *call)
{
    const Power *power = power_of(call);
    const SimObject *host = power->host;

    if (host == NULL && sim_object_is_alive(power->vm))
        host = sim_object_follow(power->vm, "resident_on");
    if (host != NULL)
        sim_call_go_on_alone(call, host);
}

/* ---- start ---- */

static void
abort_start(SimCall *call)
{
    Power *power = power_of(call);

    if (!power->reserved || !sim_object_is_alive(power->vm))
        return;
    sim_domain_detach_devices(call, power->vm);
    sim_object_set_ref(power->vm, "scheduled_to_be_resident_on", NULL);
}

/* Every device is a point more at which a start can be cancelled (captures:
 * task_get_record_pending; scenario rescue_unrescue). */
static guint
count_start_points(const SimObject *vm)
{
    return 10 + sim_domain_count_devices(vm);
}

static gboolean
prepare_start(SimCall *call)
{
    Power *power = power_of(call);
    SimObject *task = sim_call_task(call);
    SimObject *metrics;

    if (is_gone(call))
        return FALSE;
    sim_domain_attach_devices(power->vm);
    sim_domain_prepare_first_start(sim_call_sim(call), power->vm);
    metrics = sim_object_follow(power->vm, "guest_metrics");
    if (metrics != NULL) {
        sim_db_destroy(metrics);
        sim_object_set_ref(power->vm, "guest_metrics", NULL);
    }
    if (task != NULL)
        sim_object_set(task, "progress", sim_float(2.0 / count_start_points(power->vm)));
    sim_call_set_orphan(call, go_on_alone);
    return TRUE;
}

static gboolean
build(SimCall *call)
{
    Power *power = power_of(call);
    const char *failure = sim_object_map_text(power->vm, "xenstore_data", "vm-data/sim-fail-start");

    if (is_gone(call))
        return FALSE;
    /* captures: VM_start_internal_error */
    if (failure != NULL) {
        sim_call_fail_internal(call, "xenopsd internal error: %s", failure);
        return FALSE;
    }
    sim_call_set_cancellable(call, FALSE);
    sim_domain_build(call, power->vm, power->host);
    sim_object_set_text(power->vm, "power_state", power->paused ? "Paused" : "Running");
    sim_domain_settle_devices(call, power->vm);
    sim_call_set_orphan(call, NULL);
    return TRUE;
}

static gboolean
announce_start(SimCall *call)
{
    Power *power = power_of(call);
    g_autofree char *where = sim_host_phrase(power->host);

    if (is_gone(call))
        return FALSE;
    sim_domain_note_cancel_points(call, count_start_points(power->vm));
    sim_vm_update_allowed_all(power->vm);
    sim_vm_post(sim_call_sim(call), power->vm, "VM_STARTED", "started on %s", where);
    return TRUE;
}

static const SimStep start_steps[] = {
    {prepare_start, SIM_MOMENT, -1},
    {build, 1, -1},
    {announce_start, 0, -1},
    {NULL, 0, 0},
};

static gboolean
refuse_record_kind(SimCall *call, const SimObject *vm)
{
    if (sim_object_bool(vm, "is_a_snapshot"))
        sim_call_fail(call, "VM_IS_SNAPSHOT", sim_object_get_ref(vm), "start", NULL);
    else if (sim_object_bool(vm, "is_a_template"))
        sim_call_fail(call, "VM_IS_TEMPLATE", sim_object_get_ref(vm), NULL);
    else
        return FALSE;
    return TRUE;
}

static void
run_start(SimCall *call, SimObject *vm, SimObject *host, gboolean paused)
{
    Power *power;
    SimValue *in_use = sim_domain_check_disks(vm);

    if (in_use != NULL) {
        sim_call_fail_with(call, in_use);
        return;
    }
    power = power_new(vm, host);
    power->paused = paused;
    power->reserved = TRUE;
    sim_call_forward(call, host);
    sim_call_mark(call, host, "vm_start");
    sim_object_set_ref(vm, "scheduled_to_be_resident_on", host);
    sim_domain_reserve_devices(call, vm);
    sim_call_set_abort(call, abort_start);
    sim_call_run(call, start_steps, power, power_free);
}

static void
vm_start(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimObject *host;

    if (vm == NULL || !sim_vm_allow(call, vm, "start", "halted") || refuse_record_kind(call, vm) ||
        !sim_call_lock(call, vm, "start"))
        return;
    host = sim_vm_choose_host(sim_call_sim(call), vm);
    if (host == NULL)
        sim_call_fail(call, "NO_HOSTS_AVAILABLE", NULL);
    else
        run_start(call, vm, host, sim_value_bool(sim_call_arg(call, 1)));
}

static void
vm_start_on(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimObject *host = vm != NULL ? sim_call_object(call, 1) : NULL;
    SimValue *error;

    if (host == NULL || !sim_vm_allow(call, vm, "start_on", "halted") ||
        refuse_record_kind(call, vm) || !sim_call_lock(call, vm, "start_on"))
        return;
    error = sim_vm_cannot_run_on(sim_call_sim(call), vm, host, TRUE);
    if (error != NULL)
        sim_call_fail_with(call, error);
    else
        run_start(call, vm, host, sim_value_bool(sim_call_arg(call, 2)));
}

/* ---- pause ---- */

static gboolean
do_pause(SimCall *call)
{
    Power *power = power_of(call);
    Sim *sim = sim_call_sim(call);

    if (is_gone(call))
        return FALSE;
    sim_object_set_text(power->vm, "power_state", power->paused ? "Paused" : "Running");
    sim_vm_update_allowed_all(power->vm);
    sim_domain_note_cancel_points(call, 1);
    if (power->paused)
        sim_vm_post(sim, power->vm, "VM_PAUSED", "paused");
    else
        sim_vm_post(sim, power->vm, "VM_UNPAUSED", "unpaused");
    return TRUE;
}

static const SimStep pause_steps[] = {{do_pause, SIM_MOMENT, -1}, {NULL, 0, 0}};

static void
change_pause(SimCall *call, const char *operation, const char *state, gboolean paused)
{
    SimObject *vm = sim_call_object(call, 0);
    Power *power;

    if (vm == NULL || !sim_vm_allow(call, vm, operation, state) ||
        !sim_call_lock(call, vm, operation))
        return;
    power = power_new(vm, NULL);
    power->paused = paused;
    sim_call_run(call, pause_steps, power, power_free);
}

static void
vm_pause(SimCall *call)
{
    change_pause(call, "pause", "running", TRUE);
}

static void
vm_unpause(SimCall *call)
{
    change_pause(call, "unpause", "paused", FALSE);
}

/* ---- shutdown ---- */

/* The guest was not down yet: it goes on (captures: task_cancel, VM_pause). */
static void
abort_shutdown(SimCall *call)
{
    Power *power = power_of(call);

    if (!sim_object_is_alive(power->vm) || !sim_vm_is(power->vm, "Paused"))
        return;
    sim_object_set_text(power->vm, "power_state", "Running");
    sim_agent_start(sim_call_sim(call), power->vm, FALSE);
    sim_vm_update_allowed_all(power->vm);
}

/* The devices are points of a shutdown, too (captures: task_get_record_cancelled; scenarios
 * destroy_running, rescue_unrescue). */
static void
set_shutdown_progress(SimCall *call, guint done)
{
    const Power *power = power_of(call);
    SimObject *task = sim_call_task(call);
    guint points = (power->clean ? 9 : 8) + sim_domain_count_devices(power->vm);

    if (task != NULL)
        sim_object_set(task, "progress", sim_float((double) done / points));
}

static gboolean
ask_guest(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    set_shutdown_progress(call, 1);
    sim_call_set_orphan(call, go_on_alone);
    return TRUE;
}

static gboolean
stop_guest(SimCall *call)
{
    Power *power = power_of(call);

    if (is_gone(call))
        return FALSE;
    set_shutdown_progress(call, power->clean ? 6 : 5);
    if (sim_vm_is(power->vm, "Suspended"))
        return TRUE;
    sim_call_set_orphan(call, go_on_alone);
    sim_object_set_text(power->vm, "power_state", "Paused");
    sim_agent_stop(sim_call_sim(call), power->vm);
    sim_vm_update_allowed_all(power->vm);
    return TRUE;
}

static gboolean
tear_down(SimCall *call)
{
    Power *power = power_of(call);

    if (is_gone(call))
        return FALSE;
    sim_domain_note_cancel_points(call,
                                  (power->clean ? 10 : 9) + sim_domain_count_devices(power->vm));
    sim_domain_tear_down(call, power->vm);
    sim_call_set_orphan(call, NULL);
    sim_vm_post(sim_call_sim(call), power->vm, "VM_SHUTDOWN",
                power->clean ? "shutdown" : "shutdown forcibly");
    return TRUE;
}

static const SimStep clean_shutdown_steps[] = {
    {ask_guest, SIM_MOMENT, -1},
    {stop_guest, 1, -1},
    {tear_down, 1, -1},
    {NULL, 0, 0},
};

static const SimStep hard_shutdown_steps[] = {
    {stop_guest, 0, -1},
    {tear_down, 1, -1},
    {NULL, 0, 0},
};

static void
start_clean_shutdown(SimCall *call, const char *operation)
{
    SimObject *vm = sim_call_object(call, 0);
    Power *power;

    if (vm == NULL || !sim_vm_allow(call, vm, operation, "running") ||
        !sim_vm_require_agent(call, vm) || !sim_call_lock(call, vm, operation))
        return;
    power = power_new(vm, NULL);
    power->clean = TRUE;
    sim_call_set_abort(call, abort_shutdown);
    sim_call_run(call, clean_shutdown_steps, power, power_free);
}

static void
vm_clean_shutdown(SimCall *call)
{
    start_clean_shutdown(call, "clean_shutdown");
}

/* Clean where the guest helps, else hard. */
static void
vm_shutdown(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    Power *power;

    if (vm == NULL)
        return;
    if (sim_vm_is(vm, "Running") && sim_vm_has_agent(vm)) {
        start_clean_shutdown(call, "shutdown");
        return;
    }
    if (!sim_vm_allow(call, vm, "shutdown", "paused, suspended, running") ||
        !sim_call_lock(call, vm, "shutdown"))
        return;
    power = power_new(vm, NULL);
    sim_call_run(call, hard_shutdown_steps, power, power_free);
}

static void
cancel_other(Sim *sim, SimCall *other)
{
    SimObject *task = sim_call_task(other);

    if (task != NULL)
        sim_task_note_wish(sim, task, "cancel");
    sim_call_cancel(other);
}

/* A hard operation ends what stands in its way by itself (verified-sequences 3.3). Anything else
 * it waits for. */
static void
cancel_others(SimCall *call, const SimObject *vm)
{
    static const char *const softer[] = {
        "clean_shutdown", "clean_reboot", "shutdown",    "hard_reboot",
        "pool_migrate",   "suspend",      "call_plugin", NULL};
    const SimValue *current = sim_object_get(vm, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        SimCall *other = sim_calls_find_key(sim_call_sim(call)->calls, sim_map_key(current, i));

        if (other != NULL && other != call &&
            g_strv_contains(softer, sim_value_text(sim_value_at(current, i))))
            cancel_other(sim_call_sim(call), other);
    }
}

static void
drop_suspend_image(Sim *sim, SimObject *vm)
{
    SimObject *image = sim_object_follow(vm, "suspend_VDI");

    if (image != NULL)
        sim_vdi_delete(sim, image);
    sim_object_set_ref(vm, "suspend_VDI", NULL);
}

static void
vm_hard_shutdown(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm == NULL || !sim_vm_allow(call, vm, "hard_shutdown", "paused, suspended, running"))
        return;
    cancel_others(call, vm);
    if (!sim_call_lock(call, vm, "hard_shutdown"))
        return;
    /* A snapshot's memory image goes, and that is all. */
    if (sim_vm_is(vm, "Suspended"))
        drop_suspend_image(sim_call_sim(call), vm);
    sim_call_run(call, hard_shutdown_steps, power_new(vm, NULL), power_free);
}

/* ---- reboot ---- */

static void
abort_reboot(SimCall *call)
{
    Power *power = power_of(call);

    if (sim_object_is_alive(power->vm))
        sim_domain_settle_devices(call, power->vm);
}

static gboolean
go_down(SimCall *call)
{
    Power *power = power_of(call);

    if (is_gone(call))
        return FALSE;
    if (power->clean)
        sim_agent_stop(sim_call_sim(call), power->vm);
    sim_vm_update_allowed_all(power->vm);
    sim_call_set_orphan(call, go_on_alone);
    return TRUE;
}

static gboolean
come_up(SimCall *call)
{
    Power *power = power_of(call);
    Sim *sim = sim_call_sim(call);

    if (is_gone(call))
        return FALSE;
    sim_domain_rebuild(call, power->vm);
    /* A hard reboot makes new guest metrics, a clean one keeps them (verified-sequences 3.3). */
    sim_agent_start(sim, power->vm, !power->clean);
    sim_object_set_text(power->vm, "power_state", "Running");
    sim_domain_settle_devices(call, power->vm);
    sim_call_set_orphan(call, NULL);
    sim_vm_update_allowed_all(power->vm);
    sim_domain_note_cancel_points(call, power->clean ? 24 : 23);
    sim_vm_post(sim, power->vm, "VM_REBOOTED",
                power->clean ? "rebooted cleanly" : "rebooted forcibly");
    return TRUE;
}

static const SimStep clean_reboot_steps[] = {
    {go_down, 1, 6.0 / 23},
    {go_down, 1, 12.0 / 23},
    {come_up, 1, -1},
    {NULL, 0, 0},
};

static const SimStep hard_reboot_steps[] = {
    {go_down, SIM_MOMENT, 5.0 / 22},
    {go_down, 1, 0.5},
    {come_up, 1, -1},
    {NULL, 0, 0},
};

/* Whoever was on its way down is gone when its turn comes (captures: conflict_second_hard_reboot,
 * after which the machine was halted). */
static gboolean
come_too_late(SimCall *call)
{
    SimObject *vm = power_of(call)->vm;

    if (is_gone(call))
        return FALSE;
    sim_domain_tear_down(call, vm);
    sim_call_fail_internal(call, "the VM %s is not resident on this host", sim_object_get_ref(vm));
    return FALSE;
}

static const SimStep cut_in_steps[] = {{come_too_late, 2.5, -1}, {NULL, 0, 0}};

static void
run_reboot(SimCall *call, SimObject *vm, gboolean clean)
{
    Power *power = power_new(vm, NULL);
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vm, "VBDs");
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(vm, "VIFs");

    power->clean = clean;
    for (guint i = 0; i < vbds->len; i++)
        sim_call_mark(call, g_ptr_array_index(vbds, i), "attach");
    for (guint i = 0; i < vifs->len; i++)
        sim_call_mark(call, g_ptr_array_index(vifs, i), "attach");
    sim_call_set_abort(call, abort_reboot);
    sim_call_run(call, clean ? clean_reboot_steps : hard_reboot_steps, power, power_free);
}

static void
vm_clean_reboot(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm != NULL && sim_vm_allow(call, vm, "clean_reboot", "running") &&
        sim_vm_require_agent(call, vm) && sim_call_lock(call, vm, "clean_reboot"))
        run_reboot(call, vm, TRUE);
}

static gboolean
is_going_down(const SimObject *vm)
{
    static const char *const clean[] = {"clean_shutdown", "clean_reboot", "shutdown", NULL};
    const SimValue *current = sim_object_get(vm, "current_operations");

    for (guint i = 0; i < sim_value_size(current); i++) {
        if (g_strv_contains(clean, sim_value_text(sim_value_at(current, i))))
            return TRUE;
    }
    return FALSE;
}

static void
vm_hard_reboot(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm == NULL || !sim_vm_allow(call, vm, "hard_reboot", "paused, running"))
        return;
    if (is_going_down(vm)) {
        sim_call_run(call, cut_in_steps, power_new(vm, NULL), power_free);
        cancel_others(call, vm);
        return;
    }
    cancel_others(call, vm);
    if (sim_call_lock(call, vm, "hard_reboot"))
        run_reboot(call, vm, FALSE);
}

/* ---- the record alone ---- */

/* Dangerous with a live domain, and refused then (xenapi-protocol 7.3). */
static void
vm_power_state_reset(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    const SimObject *host;
    g_autofree char *domid = NULL;

    if (vm == NULL || !sim_call_lock(call, vm, "power_state_reset"))
        return;
    host = sim_object_follow(vm, "resident_on");
    domid = g_strdup_printf("%" G_GINT64_FORMAT, sim_object_int(vm, "domid"));
    if (host != NULL && sim_host_is_live(host)) {
        sim_call_fail(call, "DOMAIN_EXISTS", sim_object_get_ref(vm), domid, NULL);
        return;
    }
    sim_domain_tear_down(call, vm);
    sim_call_return(call, NULL);
}

const SimHandlerEntry sim_vm_power_handlers[] = {
    {"VM.start", vm_start},
    {"VM.start_on", vm_start_on},
    {"VM.pause", vm_pause},
    {"VM.unpause", vm_unpause},
    {"VM.clean_shutdown", vm_clean_shutdown},
    {"VM.shutdown", vm_shutdown},
    {"VM.hard_shutdown", vm_hard_shutdown},
    {"VM.clean_reboot", vm_clean_reboot},
    {"VM.hard_reboot", vm_hard_reboot},
    {"VM.power_state_reset", vm_power_state_reset},
    {NULL, NULL},
};
