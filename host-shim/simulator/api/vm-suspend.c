/* Memory images: suspend, resume, checkpoint and revert. */
#include "api/allowed.h"
#include "api/domain.h"
#include "api/families.h"
#include "api/placement.h"
#include "api/storage.h"
#include "api/vm-copy.h"

#include <string.h>

/* toolstack, xapi_xenops.ml: suspend; both sizes that were recorded follow from it */
#define IMAGE_FACTOR (1.2 * 1.05)
#define IMAGE_EXTRA  (G_GINT64_CONSTANT(100) * 1048576)

typedef struct {
    SimObject *vm;
    SimObject *host;
    SimObject *snapshot;
    char *power_state; /* before, or to come */
} Image;

static void
image_free(gpointer data)
{
    Image *image = data;

    g_clear_pointer(&image->vm, sim_object_unref);
    g_clear_pointer(&image->host, sim_object_unref);
    g_clear_pointer(&image->snapshot, sim_object_unref);
    g_free(image->power_state);
    g_free(image);
}

static Image *
image_new(SimObject *vm, SimObject *host, const char *power_state)
{
    Image *image = g_new0(Image, 1);

    image->vm = sim_object_ref(vm);
    image->host = host != NULL ? sim_object_ref(host) : NULL;
    image->power_state = g_strdup(power_state);
    return image;
}

static Image *
image_of(SimCall *call)
{
    return sim_call_state(call);
}

static gboolean
is_gone(SimCall *call)
{
    if (sim_object_is_alive(image_of(call)->vm))
        return FALSE;
    sim_call_fail(call, "OBJECT_NOLONGER_EXISTS", NULL);
    return TRUE;
}

/* ---- suspend ---- */

SimObject *
sim_vm_choose_suspend_sr(Sim *sim, const SimObject *vm, const SimObject *host)
{
    SimObject *const candidates[] = {
        sim_object_follow(vm, "suspend_SR"),
        sim_object_follow(sim_pool(sim), "suspend_image_SR"),
        host != NULL ? sim_object_follow(host, "suspend_image_sr") : NULL,
    };

    for (guint i = 0; i < G_N_ELEMENTS(candidates); i++) {
        if (candidates[i] != NULL && (host == NULL || sim_host_sees_sr(host, candidates[i])))
            return candidates[i];
    }
    return NULL;
}

gint64
sim_vm_suspend_size(const SimObject *vm)
{
    return (gint64) ((double) sim_object_int(vm, "memory_static_max") * IMAGE_FACTOR) + IMAGE_EXTRA;
}

static void
note_image(SimCall *call, const SimValue *vdi)
{
    sim_object_set_text(image_of(call)->vm, "suspend_VDI", sim_value_text(vdi));
}

static gboolean
create_image(SimCall *call)
{
    SimObject *vm = image_of(call)->vm;
    SimObject *sr;
    SimValue *record;
    SimValue *params;

    if (is_gone(call))
        return FALSE;
    sr = sim_vm_choose_suspend_sr(sim_call_sim(call), vm, sim_object_follow(vm, "resident_on"));
    if (sr == NULL) {
        sim_call_fail(call, "VM_NO_SUSPEND_SR", sim_object_get_ref(vm), NULL);
        return FALSE;
    }
    record = sim_string_map("name_label", "Suspend image", "name_description", "Suspend image",
                            "SR", sim_object_get_ref(sr), "type", "suspend", NULL);
    sim_map_add(record, "virtual_size", sim_int(sim_vm_suspend_size(vm)));
    sim_map_add(record, "sharable", sim_bool(FALSE));
    sim_map_add(record, "read_only", sim_bool(FALSE));
    sim_map_add(record, "other_config", sim_map());
    params = sim_array();
    sim_array_add(params, record);
    sim_call_spawn(call, "VDI.create", params, note_image);
    return FALSE;
}

/* Devices stay with a suspended machine (captures: VM_get_record_suspended). */
void
sim_domain_suspend(SimCall *call, SimObject *vm)
{
    Sim *sim = sim_call_sim(call);

    sim_object_set_text(vm, "power_state", "Suspended");
    sim_object_set_ref(vm, "resident_on", NULL);
    sim_object_set_int(vm, "domid", -1);
    sim_agent_stop(sim, vm);
    sim_hosts_update_memory(sim);
    sim_vm_update_allowed_all(vm);
}

/* See vm-power.c. The image was the toolstack's own to remove: it stays with the machine (toolstack,
 * xapi_xenops.ml: suspend, resume). */
static void
go_on_alone(SimCall *call)
{
    const Image *image = image_of(call);
    const SimObject *host = image->host;

    if (host == NULL && sim_object_is_alive(image->vm))
        host = sim_object_follow(image->vm, "resident_on");
    if (host != NULL)
        sim_call_go_on_alone(call, host);
}

static gboolean
begin_suspend(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    sim_call_set_orphan(call, go_on_alone);
    sim_call_set_cancellable(call, FALSE);
    return TRUE;
}

static gboolean
do_suspend(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    sim_domain_suspend(call, image_of(call)->vm);
    sim_call_set_orphan(call, NULL);
    return TRUE;
}

/* Noted a moment after the state (scenario suspend_resume), and gone into the checkpoint. */
static void
note_last_boot(SimObject *vm)
{
    g_autofree char *record =
        g_strdup_printf("{\"suspended\":true,\"uuid\":\"%s\"}", sim_object_text(vm, "uuid"));

    sim_object_set_text(vm, "last_booted_record", record);
}

static gboolean
announce_suspend(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    note_last_boot(image_of(call)->vm);
    sim_domain_note_cancel_points(call, 10);
    sim_vm_post(sim_call_sim(call), image_of(call)->vm, "VM_SUSPENDED", "suspended");
    return TRUE;
}

static const SimStep suspend_steps[] = {
    {create_image, 0, -1},
    {begin_suspend, 0, 1.0 / 18},
    {do_suspend, 1, 13.0 / 18},
    {announce_suspend, 1, -1},
    {NULL, 0, 0},
};

static void
delete_image(Sim *sim, SimObject *vm)
{
    SimObject *image = sim_object_follow(vm, "suspend_VDI");

    sim_object_set_ref(vm, "suspend_VDI", NULL);
    if (image != NULL)
        sim_vdi_delete(sim, image);
}

static void
abort_suspend(SimCall *call)
{
    SimObject *vm = image_of(call)->vm;

    if (sim_object_is_alive(vm) && !sim_vm_is(vm, "Suspended"))
        delete_image(sim_call_sim(call), vm);
}

static void
vm_suspend(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);

    if (vm == NULL || !sim_vm_allow(call, vm, "suspend", "running") ||
        !sim_vm_require_agent(call, vm) || !sim_call_lock(call, vm, "suspend"))
        return;
    sim_call_set_abort(call, abort_suspend);
    sim_call_run(call, suspend_steps, image_new(vm, NULL, "Running"), image_free);
}

/* ---- resume ---- */

void
sim_domain_resume(SimCall *call, SimObject *vm, SimObject *host, const char *power_state)
{
    Sim *sim = sim_call_sim(call);

    sim_domain_move(call, vm, host);
    sim_object_set_ref(vm, "resident_on", host);
    sim_object_set_ref(vm, "scheduled_to_be_resident_on", NULL);
    sim_object_set_text(vm, "power_state", power_state);
    sim_agent_start(sim, vm, FALSE);
    sim_hosts_update_memory(sim);
    sim_vm_update_allowed_all(vm);
}

static gboolean
begin_resume(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    sim_call_set_orphan(call, go_on_alone);
    return TRUE;
}

static gboolean
do_resume(SimCall *call)
{
    Image *image = image_of(call);

    if (is_gone(call))
        return FALSE;
    sim_domain_resume(call, image->vm, image->host, image->power_state);
    sim_domain_note_cancel_points(call, 11);
    sim_call_set_orphan(call, NULL);
    return TRUE;
}

static gboolean
drop_image(SimCall *call)
{
    SimObject *vm = image_of(call)->vm;
    g_autofree char *image = NULL;
    SimValue *params;

    if (is_gone(call))
        return FALSE;
    image = g_strdup(sim_object_text(vm, "suspend_VDI"));
    sim_object_set_ref(vm, "suspend_VDI", NULL);
    sim_call_unmark(call, image_of(call)->host);
    if (sim_db_find(sim_call_db(call), "VDI", image) == NULL)
        return TRUE;
    params = sim_strings(image, NULL);
    sim_call_spawn(call, "VDI.destroy", params, NULL);
    return FALSE;
}

static gboolean
announce_resume(SimCall *call)
{
    Image *image = image_of(call);
    g_autofree char *where = sim_host_phrase(image->host);

    if (is_gone(call))
        return FALSE;
    sim_domain_settle_devices(call, image->vm);
    sim_vm_update_allowed_all(image->vm);
    sim_vm_post(sim_call_sim(call), image->vm, "VM_RESUMED", "resumed on %s", where);
    return TRUE;
}

static const SimStep resume_steps[] = {
    {begin_resume, SIM_MOMENT, 0.1}, {do_resume, 1, 0.65}, {drop_image, SIM_MOMENT, -1},
    {announce_resume, 0, -1},        {NULL, 0, 0},
};

static void
abort_resume(SimCall *call)
{
    SimObject *vm = image_of(call)->vm;

    if (sim_object_is_alive(vm))
        sim_object_set_ref(vm, "scheduled_to_be_resident_on", NULL);
}

static void
mark_disks(SimCall *call, const SimObject *vm)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vm, "VBDs");

    for (guint i = 0; i < vbds->len; i++)
        sim_call_mark(call, g_ptr_array_index(vbds, i), "attach");
}

static void
run_resume(SimCall *call, SimObject *vm, SimObject *host, gboolean paused)
{
    if (sim_object_follow(vm, "suspend_VDI") == NULL) {
        sim_call_fail(call, "VM_HAS_NO_SUSPEND_VDI", sim_object_get_ref(vm), NULL);
        return;
    }
    if (!sim_call_lock(call, host, "vm_resume"))
        return;
    sim_call_forward(call, host);
    sim_object_set_ref(vm, "scheduled_to_be_resident_on", host);
    mark_disks(call, vm);
    sim_call_set_abort(call, abort_resume);
    sim_call_run(call, resume_steps, image_new(vm, host, paused ? "Paused" : "Running"),
                 image_free);
    sim_call_set_cancellable(call, FALSE);
}

static void
vm_resume(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimObject *host;

    if (vm == NULL || !sim_vm_allow(call, vm, "resume", "suspended") ||
        !sim_call_lock(call, vm, "resume"))
        return;
    host = sim_vm_choose_host(sim_call_sim(call), vm);
    if (host == NULL)
        sim_call_fail(call, "NO_HOSTS_AVAILABLE", NULL);
    else
        run_resume(call, vm, host, sim_value_bool(sim_call_arg(call, 1)));
}

static void
vm_resume_on(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimObject *host = vm != NULL ? sim_call_object(call, 1) : NULL;
    SimValue *error;

    if (host == NULL || !sim_vm_allow(call, vm, "resume_on", "suspended") ||
        !sim_call_lock(call, vm, "resume_on"))
        return;
    error = sim_vm_cannot_run_on(sim_call_sim(call), vm, host, TRUE);
    if (error != NULL)
        sim_call_fail_with(call, error);
    else
        run_resume(call, vm, host, sim_value_bool(sim_call_arg(call, 2)));
}

/* ---- checkpoint ---- */

static gboolean
freeze(SimCall *call)
{
    Image *image = image_of(call);
    Sim *sim = sim_call_sim(call);
    SimObject *sr;
    SimObject *vdi;

    if (is_gone(call))
        return FALSE;
    if (sim_vm_is(image->vm, "Suspended"))
        return TRUE;
    sr = sim_vm_choose_suspend_sr(sim, image->vm, image->host);
    if (sr == NULL) {
        sim_call_fail(call, "VM_NO_SUSPEND_SR", sim_object_get_ref(image->vm), NULL);
        return FALSE;
    }
    vdi = sim_vdi_new(sim, sr, "Suspend image", sim_vm_suspend_size(image->vm), "suspend");
    sim_object_set_text(vdi, "name_description", "Suspend image");
    sim_object_set_ref(image->vm, "suspend_VDI", vdi);
    sim_domain_suspend(call, image->vm);
    return TRUE;
}

static gboolean
take_checkpoint(SimCall *call)
{
    Image *image = image_of(call);
    Sim *sim = sim_call_sim(call);
    SimObject *memory;
    SimObject *snapshot;

    if (is_gone(call))
        return FALSE;
    memory = sim_object_follow(image->vm, "suspend_VDI");
    if (image->host != NULL)
        note_last_boot(image->vm);
    snapshot = sim_vm_take_snapshot(sim, image->vm, sim_call_text(call, 1), NULL);
    if (memory != NULL)
        sim_object_set_ref(snapshot, "suspend_VDI", sim_vdi_snapshot(sim, memory));
    sim_object_set_text(snapshot, "power_state", "Suspended");
    sim_object_map_set(snapshot, "snapshot_info", "power-state-at-snapshot", image->power_state);
    sim_vm_update_allowed(snapshot);
    sim_call_set_result(call, sim_string(sim_object_get_ref(snapshot)));
    return TRUE;
}

static gboolean
thaw(SimCall *call)
{
    Image *image = image_of(call);
    Sim *sim = sim_call_sim(call);

    if (is_gone(call))
        return FALSE;
    if (image->host != NULL) {
        delete_image(sim, image->vm);
        sim_domain_resume(call, image->vm, image->host, image->power_state);
    }
    sim_vm_post(sim, image->vm, "VM_CHECKPOINTED", "checkpointed, snapshot name: %s",
                sim_call_text(call, 1));
    return TRUE;
}

static const SimStep checkpoint_steps[] = {
    {freeze, 1, -1},
    {take_checkpoint, 0.5, 0.4},
    {thaw, 1, 0.6},
    {NULL, 0, 0},
};

static void
vm_checkpoint(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimObject *host;

    if (vm == NULL || !sim_vm_allow(call, vm, "checkpoint", "running, paused, suspended"))
        return;
    if (sim_vm_is(vm, "Running") && !sim_vm_require_agent(call, vm))
        return;
    if (!sim_call_lock(call, vm, "checkpoint"))
        return;
    host = sim_object_follow(vm, "resident_on");
    sim_call_run(call, checkpoint_steps, image_new(vm, host, sim_object_text(vm, "power_state")),
                 image_free);
    sim_call_set_cancellable(call, FALSE);
}

/* ---- revert ---- */

static void
destroy_disks(Sim *sim, const SimObject *vm)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vm, "VBDs");

    for (guint i = 0; i < vbds->len; i++) {
        SimObject *vbd = g_ptr_array_index(vbds, i);
        SimObject *metrics = sim_object_follow(vbd, "metrics");
        SimObject *vdi = sim_object_follow(vbd, "VDI");

        if (vdi != NULL && strcmp(sim_object_text(vbd, "type"), "Disk") == 0) {
            sim_vdi_delete(sim, vdi);
            continue;
        }
        if (metrics != NULL)
            sim_db_destroy(metrics);
        sim_db_destroy(vbd);
    }
}

static void
restore_disks(Sim *sim, const SimObject *snapshot, SimObject *vm)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(snapshot, "VBDs");

    for (guint i = vbds->len; i > 0; i--) {
        const SimObject *vbd = g_ptr_array_index(vbds, i - 1);
        SimObject *saved = sim_object_follow(vbd, "VDI");
        gboolean disk = strcmp(sim_object_text(vbd, "type"), "Disk") == 0;
        SimObject *vdi = saved != NULL && disk ? sim_vdi_clone(sim, saved) : saved;

        if (saved != NULL && disk)
            sim_object_set_ref(saved, "snapshot_of", vdi);
        sim_vbd_copy(sim, vbd, vm, vdi);
    }
}

static void
restore_interfaces(Sim *sim, const SimObject *snapshot, SimObject *vm)
{
    g_autoptr(GPtrArray) old = sim_object_follow_all(vm, "VIFs");
    g_autoptr(GPtrArray) saved = sim_object_follow_all(snapshot, "VIFs");

    for (guint i = 0; i < old->len; i++) {
        SimObject *metrics = sim_object_follow(g_ptr_array_index(old, i), "metrics");

        if (metrics != NULL)
            sim_db_destroy(metrics);
        sim_db_destroy(g_ptr_array_index(old, i));
    }
    for (guint i = saved->len; i > 0; i--)
        sim_vif_copy(sim, g_ptr_array_index(saved, i - 1), vm, FALSE);
}

static void
restore_settings(const SimObject *snapshot, SimObject *vm)
{
    static const char *const fields[] = {
        "memory_static_max", "memory_dynamic_max", "memory_dynamic_min", "memory_static_min",
        "VCPUs_max",         "VCPUs_at_startup",   "platform",           "HVM_boot_params",
        "other_config",      "xenstore_data",      "name_description"};

    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        sim_object_set(vm, fields[i], sim_value_ref(sim_object_get(snapshot, fields[i])));
    sim_object_set_int(vm, "memory_overhead", sim_vm_memory_overhead(vm));
}

static void
restore_memory(Sim *sim, const SimObject *snapshot, SimObject *vm)
{
    SimObject *saved = sim_object_follow(snapshot, "suspend_VDI");

    delete_image(sim, vm);
    if (saved != NULL)
        sim_object_set_ref(vm, "suspend_VDI", sim_vdi_clone(sim, saved));
    sim_object_set_text(vm, "power_state", sim_object_text(snapshot, "power_state"));
}

static gboolean
do_revert(SimCall *call)
{
    Image *image = image_of(call);
    Sim *sim = sim_call_sim(call);

    if (is_gone(call))
        return FALSE;
    if (!sim_object_is_alive(image->snapshot)) {
        sim_call_fail(call, "OBJECT_NOLONGER_EXISTS", NULL);
        return FALSE;
    }
    if (!sim_vm_is(image->vm, "Halted"))
        sim_domain_tear_down(call, image->vm);
    destroy_disks(sim, image->vm);
    restore_disks(sim, image->snapshot, image->vm);
    restore_interfaces(sim, image->snapshot, image->vm);
    restore_settings(image->snapshot, image->vm);
    restore_memory(sim, image->snapshot, image->vm);
    sim_vm_replace_metrics(sim, image->vm);
    sim_object_set(image->vm, "generation_id", sim_string_take(sim_generation_id(sim)));
    sim_object_set_ref(image->vm, "parent", image->snapshot);
    return TRUE;
}

static const SimStep revert_steps[] = {{do_revert, 1, 0.1}, {NULL, 0, 0}};

/* Not cancellable (xenapi-protocol 3.4). */
static void
vm_revert(SimCall *call)
{
    SimObject *snapshot = sim_call_object(call, 0);
    SimObject *vm = snapshot != NULL ? sim_object_follow(snapshot, "snapshot_of") : NULL;
    Image *image;

    if (snapshot == NULL)
        return;
    if (!sim_object_bool(snapshot, "is_a_snapshot") || vm == NULL) {
        sim_call_fail(call, "OPERATION_NOT_ALLOWED", "VM is not a snapshot", NULL);
        return;
    }
    if (!sim_call_lock(call, vm, "reverting") || !sim_call_lock(call, snapshot, "revert"))
        return;
    image = image_new(vm, NULL, sim_object_text(snapshot, "power_state"));
    image->snapshot = sim_object_ref(snapshot);
    sim_call_run(call, revert_steps, image, image_free);
    sim_call_set_cancellable(call, FALSE);
}

const SimHandlerEntry sim_vm_suspend_handlers[] = {
    {"VM.suspend", vm_suspend},       {"VM.resume", vm_resume}, {"VM.resume_on", vm_resume_on},
    {"VM.checkpoint", vm_checkpoint}, {"VM.revert", vm_revert}, {NULL, NULL},
};
