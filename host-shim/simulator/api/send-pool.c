/* The way of a machine to another pool: the trial import before, the real one, and what is left behind
 * (scenario live_migrate_to_other_pool; verified-sequences 6.3). */
#include "api/domain.h"
#include "api/placement.h"
#include "api/send-vm.h"
#include "api/storage.h"
#include "api/vm-copy.h"

#define COLLECT_AFTER_MS 30000

/* ---- what stands at the source while it lasts ---- */

static void
set_maps(SimCall *call, gboolean present)
{
    SimSend *send = sim_send_of(call);

    for (guint i = 0; i < sim_value_size(send->vifs); i++) {
        SimObject *vif = sim_db_find(sim_call_db(call), "VIF", sim_map_key(send->vifs, i));

        if (vif != NULL && present)
            sim_object_map_set(vif, "other_config", "maps_to",
                               sim_value_text(sim_value_at(send->vifs, i)));
        else if (vif != NULL)
            sim_object_map_remove(vif, "other_config", "maps_to");
    }
}

static void
map_disks(SimCall *call, gboolean present)
{
    SimSend *send = sim_send_of(call);

    for (guint i = 0; i < send->disks->len; i++) {
        SimSentDisk *disk = g_ptr_array_index(send->disks, i);

        if (!sim_object_is_alive(disk->vdi))
            continue;
        if (present)
            sim_object_map_set(disk->vdi, "other_config", "maps_to", disk->leaf);
        else
            sim_object_map_remove(disk->vdi, "other_config", "maps_to");
    }
}

void
sim_send_unmap(SimCall *call)
{
    set_maps(call, FALSE);
    map_disks(call, FALSE);
}

/* ---- the trial ---- */

static gboolean
check_vifs(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(send->vm, "VIFs");

    for (guint i = 0; i < vifs->len; i++) {
        const char *ref = sim_object_get_ref(g_ptr_array_index(vifs, i));

        if (sim_map_get(send->vifs, ref) != NULL)
            continue;
        sim_send_give_up(call, sim_strings("VIF_NOT_IN_MAP", ref, NULL));
        return FALSE;
    }
    set_maps(call, TRUE);
    return TRUE;
}

static gboolean
begin_trial(SimCall *call)
{
    SimValue *command = sim_command("import-begin");

    sim_map_add(command, "trial", sim_bool(TRUE));
    return sim_send_ask(call, command, sim_send_note_task);
}

static gboolean
end_trial(SimCall *call)
{
    set_maps(call, FALSE);
    return sim_send_ask(call, sim_command("import-end", "task", sim_send_of(call)->task), NULL);
}

static const SimStep trial_steps[] = {
    {check_vifs, 0.1, -1}, {begin_trial, 0.1, -1}, {end_trial, 0.5, -1}, {NULL, 0, 0}};

void
sim_send_add_trial_steps(SimSend *send)
{
    sim_send_add_steps(send, trial_steps);
}

/* ---- the import ---- */

static gboolean
begin_import(SimCall *call)
{
    if (sim_send_is_gone(call))
        return FALSE;
    set_maps(call, TRUE);
    map_disks(call, TRUE);
    return sim_send_ask(call, sim_command("import-begin"), sim_send_note_task);
}

static SimValue *
describe_device(const SimObject *device, const char *to)
{
    SimValue *record = sim_object_record(device);
    SimValue *map = sim_map();

    sim_map_add(map, "record",
                sim_map_with(record, "other_config",
                             sim_map_without(sim_map_get(record, "other_config"), "maps_to")));
    sim_value_unref(record);
    if (to != NULL)
        sim_map_set_string(map, "to", to);
    return map;
}

static SimValue *
describe_vifs(const SimSend *send)
{
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(send->vm, "VIFs");
    SimValue *list = sim_array();

    for (guint i = 0; i < vifs->len; i++) {
        const SimObject *vif = g_ptr_array_index(vifs, i);

        sim_array_add(list,
                      describe_device(vif, sim_map_get_text(send->vifs, sim_object_get_ref(vif))));
    }
    return list;
}

/* (nullable) */
static const char *
leaf_of(const SimSend *send, const SimObject *vdi)
{
    for (guint i = 0; i < send->disks->len; i++) {
        const SimSentDisk *disk = g_ptr_array_index(send->disks, i);

        if (disk->vdi == vdi)
            return disk->leaf;
    }
    return NULL;
}

/* Drives for media arrive empty. */
static SimValue *
describe_vbds(const SimSend *send)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(send->vm, "VBDs");
    SimValue *list = sim_array();

    for (guint i = 0; i < vbds->len; i++) {
        const SimObject *vbd = g_ptr_array_index(vbds, i);
        const SimObject *vdi = sim_object_follow(vbd, "VDI");

        sim_array_add(list, describe_device(vbd, vdi != NULL ? leaf_of(send, vdi) : NULL));
    }
    return list;
}

static void
note_vm(SimCall *call, const SimValue *answer)
{
    sim_send_of(call)->sent_vm = g_strdup(sim_map_get_text(answer, "VM"));
}

static gboolean
import(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    const SimObject *metrics = sim_object_follow(send->vm, "guest_metrics");
    SimValue *command;

    if (sim_send_is_gone(call))
        return FALSE;
    command = sim_command("import-vm", "task", send->task, "VM", sim_object_get_ref(send->vm));
    sim_map_add(command, "record", sim_object_record(send->vm));
    sim_map_add(command, "VIFs", describe_vifs(send));
    sim_map_add(command, "VBDs", describe_vbds(send));
    sim_map_add(command, "copy", sim_bool(send->copies));
    if (metrics != NULL)
        sim_map_add(command, "guest_metrics", sim_object_record(metrics));
    return sim_send_ask(call, command, note_vm);
}

static gboolean
end_import(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    SimValue *command;

    if (sim_send_is_gone(call))
        return FALSE;
    sim_send_unmap(call);
    command = sim_command("import-end", "task", send->task, "VM", send->sent_vm);
    if (sim_vm_is(send->vm, "Running"))
        sim_map_set_string(command, "host", sim_target_host_ref(send->target));
    return sim_send_ask(call, command, NULL);
}

/* ---- the machine follows ---- */

static gboolean
touch_disks(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (sim_send_is_gone(call))
        return FALSE;
    send->disk = 0;
    for (guint i = 0; i < send->disks->len; i++) {
        SimSentDisk *disk = g_ptr_array_index(send->disks, i);

        if (sim_object_is_alive(disk->vdi))
            sim_vdi_touch_content(sim_call_sim(call), disk->vdi);
    }
    return TRUE;
}

/* One after the other. */
static gboolean
touch_leafs(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    const SimSentDisk *disk = sim_send_disk(send);

    if (send->disk + 1 < send->disks->len) {
        send->disk++;
        sim_call_repeat(call);
    }
    return sim_send_ask(call, sim_command("disk-touch", "VDI", disk->leaf), NULL);
}

static gboolean
arrive(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    const SimObject *metrics;
    SimValue *command;

    if (sim_send_has_stopped(call))
        return FALSE;
    metrics = sim_object_follow(send->vm, "metrics");
    command = sim_command("arrive", "VM", send->sent_vm, "host", sim_target_host_ref(send->target));
    sim_map_add(command, "start_time",
                sim_int(metrics != NULL ? sim_object_int(metrics, "start_time") : 0));
    return sim_send_ask(call, command, sim_send_note_task);
}

static gboolean
end_arrival(SimCall *call)
{
    return sim_send_ask(call, sim_command("arrive-end", "task", sim_send_of(call)->task), NULL);
}

static gboolean
announce(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    const SimObject *host =
        sim_object_is_alive(send->vm) ? sim_object_follow(send->vm, "resident_on") : NULL;
    g_autofree char *from = host != NULL ? sim_host_phrase(host) : NULL;

    if (from == NULL)
        return TRUE;
    return sim_send_ask(call, sim_command("announce", "VM", send->sent_vm, "from", from), NULL);
}

static void
collect(Sim *sim, const char *class_name)
{
    SimObject *object = sim_db_first(sim->db, class_name);

    while (object != NULL) {
        SimObject *next = sim_object_next(object);

        if (sim_object_follow(object, "VM") == NULL)
            sim_db_destroy(object);
        object = next;
    }
}

/* toolstack, db_gc.ml: what belongs to nothing any more goes with the next round */
static void
on_collect(gpointer data)
{
    collect(data, "VIF");
    collect(data, "console");
}

/* Interfaces and consoles stay for a while without their machine (scenario
 * live_migrate_to_other_pool; they are gone in the middle of migrate_abort). */
static void
forget_machine(Sim *sim, SimObject *vm)
{
    if (!sim_vm_is(vm, "Halted"))
        sim_vm_unplug_all(vm);
    sim_vm_delete_record(vm);
    sim_clock_after_ms(sim->clock, COLLECT_AFTER_MS, on_collect, sim);
}

static gboolean
leave(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (sim_object_is_alive(send->vm))
        forget_machine(sim_call_sim(call), send->vm);
    sim_hosts_update_memory(sim_call_sim(call));
    sim_call_set_result(call, sim_string(send->sent_vm));
    return TRUE;
}

static gboolean
stay(SimCall *call)
{
    sim_call_set_result(call, sim_string(sim_send_of(call)->sent_vm));
    return TRUE;
}

static const SimStep import_steps[] = {
    {begin_import, 0.3, -1}, {import, 0.3, -1}, {end_import, 0.3, -1}, {NULL, 0, 0}};

static const SimStep memory_steps[] = {
    {touch_disks, 0.3, -1},
    {touch_leafs, 0.5, -1},
    {sim_send_begin_memory, 0.1, -1},
    {sim_send_half_of_memory, 0.5, 0.625},
    {sim_send_memory, 0.5, -1},
    {arrive, 0.5, -1},
    {end_arrival, 0.1, -1},
    {sim_send_drop_disk, 0.2, -1},
    {announce, 0.2, -1},
    {leave, 0.2, -1},
    {NULL, 0, 0},
};

static const SimStep cold_steps[] = {{sim_send_drop_disk, 0.2, -1}, {leave, 0.2, -1}, {NULL, 0, 0}};
static const SimStep copy_steps[] = {{stay, 0, -1}, {NULL, 0, 0}};

void
sim_send_add_steps_to_pool(SimSend *send, gboolean running)
{
    sim_send_add_steps(send, import_steps);
    if (running)
        sim_send_add_steps(send, memory_steps);
    else
        sim_send_add_steps(send, send->copies ? copy_steps : cold_steps);
}
