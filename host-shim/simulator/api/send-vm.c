/* The moving of machines with their disks: the question before, the way to another pool, the way within
 * this one, and the way back (scenarios live_migrate_to_other_pool, migrate_abort; verified-sequences
 * 6). */
#include "api/allowed.h"
#include "api/domain.h"
#include "api/placement.h"
#include "api/send.h"
#include "api/storage.h"
#include "api/vm-copy.h"

#include <string.h>

#define COLLECT_AFTER_MS 30000

/* ---- the check, which is also the beginning of the real thing ---- */

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

static gboolean
look(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    SimValue *command = sim_command("look", "host", sim_target_host_ref(send->target));
    SimValue *srs = sim_array();
    SimValue *networks = sim_array();

    for (guint i = 0; i < send->disks->len; i++)
        sim_array_add(srs, sim_string(((SimSentDisk *) g_ptr_array_index(send->disks, i))->sr));
    for (guint i = 0; i < sim_value_size(send->vifs); i++)
        sim_array_add(networks, sim_value_ref(sim_value_at(send->vifs, i)));
    sim_map_add(command, "SRs", srs);
    sim_map_add(command, "networks", networks);
    sim_map_add(command, "memory",
                sim_int(sim_vm_is(send->vm, "Running") ? sim_vm_memory_needed(send->vm) : 0));
    return sim_send_ask(call, command, NULL);
}

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

static void
note_task(SimCall *call, const SimValue *answer)
{
    SimSend *send = sim_send_of(call);

    g_free(send->task);
    send->task = g_strdup(sim_map_get_text(answer, "task"));
}

static gboolean
begin_trial(SimCall *call)
{
    SimValue *command = sim_command("import-begin");

    sim_map_add(command, "trial", sim_bool(TRUE));
    return sim_send_ask(call, command, note_task);
}

static gboolean
end_trial(SimCall *call)
{
    set_maps(call, FALSE);
    return sim_send_ask(call, sim_command("import-end", "task", sim_send_of(call)->task), NULL);
}

static const SimStep look_steps[] = {{look, 0.5, -1}, {NULL, 0, 0}};

static const SimStep trial_steps[] = {
    {check_vifs, 0.1, -1}, {begin_trial, 0.1, -1}, {end_trial, 0.5, -1}, {NULL, 0, 0}};

void
sim_send_add_check_steps(SimSend *send)
{
    sim_send_add_steps(send, look_steps);
    if (!sim_target_is_local(send->target))
        sim_send_add_steps(send, trial_steps);
}

/* ---- to another pool ---- */

static gboolean
is_gone(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (sim_object_is_alive(send->vm))
        return FALSE;
    sim_send_give_up(call, sim_strings("OBJECT_NOLONGER_EXISTS", NULL));
    return TRUE;
}

/* It may have been shut down meanwhile. */
static gboolean
has_stopped(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (is_gone(call))
        return TRUE;
    if (sim_vm_is(send->vm, "Running"))
        return FALSE;
    sim_send_give_up(call, sim_vm_check_state(send->vm, "running"));
    return TRUE;
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

static gboolean
begin_import(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    set_maps(call, TRUE);
    map_disks(call, TRUE);
    return sim_send_ask(call, sim_command("import-begin"), note_task);
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

    if (is_gone(call))
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

    if (is_gone(call))
        return FALSE;
    set_maps(call, FALSE);
    map_disks(call, FALSE);
    command = sim_command("import-end", "task", send->task, "VM", send->sent_vm);
    if (sim_vm_is(send->vm, "Running"))
        sim_map_set_string(command, "host", sim_target_host_ref(send->target));
    return sim_send_ask(call, command, NULL);
}

static gboolean
touch_disks(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (is_gone(call))
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
begin_memory(SimCall *call)
{
    if (has_stopped(call))
        return FALSE;
    sim_call_set_cancellable(call, TRUE);
    return TRUE;
}

static gboolean
send_half(SimCall *call)
{
    return !has_stopped(call);
}

static gboolean
send_memory(SimCall *call)
{
    if (has_stopped(call))
        return FALSE;
    if (sim_call_is_cancelled(call)) {
        sim_send_give_up(call, NULL);
        return FALSE;
    }
    sim_call_set_cancellable(call, FALSE);
    sim_domain_note_cancel_points(call, 12);
    return TRUE;
}

static gboolean
arrive(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    const SimObject *metrics;
    SimValue *command;

    if (has_stopped(call))
        return FALSE;
    metrics = sim_object_follow(send->vm, "metrics");
    command = sim_command("arrive", "VM", send->sent_vm, "host", sim_target_host_ref(send->target));
    sim_map_add(command, "start_time",
                sim_int(metrics != NULL ? sim_object_int(metrics, "start_time") : 0));
    return sim_send_ask(call, command, note_task);
}

static gboolean
end_arrival(SimCall *call)
{
    return sim_send_ask(call, sim_command("arrive-end", "task", sim_send_of(call)->task), NULL);
}

/* The disks go with their drives, one after the other, as subtasks. */
static gboolean
drop_disk(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    SimObject *vdi = NULL;
    g_autoptr(GPtrArray) vbds = NULL;

    for (guint i = 0; vdi == NULL && i < send->disks->len; i++) {
        SimSentDisk *disk = g_ptr_array_index(send->disks, i);

        vdi = sim_object_is_alive(disk->vdi) ? disk->vdi : NULL;
    }
    if (vdi == NULL)
        return TRUE;
    vbds = sim_object_follow_all(vdi, "VBDs");
    for (guint i = 0; i < vbds->len; i++) {
        SimObject *metrics = sim_object_follow(g_ptr_array_index(vbds, i), "metrics");

        if (metrics != NULL)
            sim_db_destroy(metrics);
        sim_db_destroy(g_ptr_array_index(vbds, i));
    }
    sim_call_repeat(call);
    sim_call_spawn(call, "VDI.destroy", sim_strings(sim_object_get_ref(vdi), NULL), NULL);
    return FALSE;
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
    {touch_disks, 0.3, -1},  {touch_leafs, 0.5, -1}, {begin_memory, 0.1, -1},
    {send_half, 0.5, 0.625}, {send_memory, 0.5, -1}, {arrive, 0.5, -1},
    {end_arrival, 0.1, -1},  {drop_disk, 0.2, -1},   {announce, 0.2, -1},
    {leave, 0.2, -1},        {NULL, 0, 0},
};

static const SimStep cold_steps[] = {{drop_disk, 0.2, -1}, {leave, 0.2, -1}, {NULL, 0, 0}};
static const SimStep copy_steps[] = {{stay, 0, -1}, {NULL, 0, 0}};

static void
add_steps_to_pool(SimSend *send, gboolean running)
{
    sim_send_add_steps(send, import_steps);
    if (running)
        sim_send_add_steps(send, memory_steps);
    else
        sim_send_add_steps(send, send->copies ? copy_steps : cold_steps);
}

/* ---- within the pool ---- */

/* The drives get the new disks, and the old ones go (verified-sequences 6.2). */
static gboolean
exchange_disks(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    SimDatabase *db = sim_call_db(call);

    for (guint i = 0; i < send->disks->len; i++) {
        SimSentDisk *disk = g_ptr_array_index(send->disks, i);
        SimObject *leaf = sim_db_find(db, "VDI", disk->leaf != NULL ? disk->leaf : "");
        g_autoptr(GPtrArray) vbds = NULL;

        if (leaf == NULL || !sim_object_is_alive(disk->vdi))
            continue;
        vbds = sim_object_follow_all(disk->vdi, "VBDs");
        for (guint k = 0; k < vbds->len; k++)
            sim_object_set_ref(g_ptr_array_index(vbds, k), "VDI", leaf);
        sim_vdi_touch_content(sim_call_sim(call), leaf);
        sim_update_allowed(sim_call_sim(call), leaf);
        sim_update_allowed(sim_call_sim(call), disk->vdi);
    }
    return TRUE;
}

static gboolean
move_domain(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    SimObject *host = sim_target_host(send->target);
    Sim *sim = sim_call_sim(call);

    if (has_stopped(call))
        return FALSE;
    if (!sim_object_is_alive(host)) {
        sim_send_give_up(call, sim_strings("OBJECT_NOLONGER_EXISTS", NULL));
        return FALSE;
    }
    sim_object_set_ref(send->vm, "resident_on", host);
    sim_domain_destroy_all(send->vm, "consoles");
    sim_domain_create_consoles(sim, send->vm, host);
    sim_domain_new_domid(sim, send->vm, host);
    sim_hosts_update_memory(sim);
    return TRUE;
}

static gboolean
settle(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (send->vm != NULL && sim_object_is_alive(send->vm)) {
        sim_vm_update_allowed_all(send->vm);
        sim_call_set_result(call, sim_string(sim_object_get_ref(send->vm)));
    } else if (send->vm == NULL) {
        sim_call_set_result(call, sim_string(sim_send_disk(send)->leaf));
    }
    return TRUE;
}

static const SimStep exchange_steps[] = {{exchange_disks, 0.3, -1}, {NULL, 0, 0}};

static const SimStep domain_steps[] = {{begin_memory, 0.1, -1},
                                       {send_half, 0.5, 0.625},
                                       {send_memory, 0.5, -1},
                                       {move_domain, 0.5, -1},
                                       {NULL, 0, 0}};

static const SimStep settle_steps[] = {{drop_disk, 0.2, -1}, {settle, 0.2, -1}, {NULL, 0, 0}};

void
sim_send_add_exchange_steps(SimSend *send)
{
    sim_send_add_steps(send, exchange_steps);
    sim_send_add_steps(send, settle_steps);
}

void
sim_send_add_machine_steps(SimSend *send, gboolean running)
{
    if (!sim_target_is_local(send->target)) {
        add_steps_to_pool(send, running);
        return;
    }
    if (running)
        sim_send_add_steps(send, domain_steps);
    sim_send_add_exchange_steps(send);
}

/* ---- and back again ---- */

static gboolean
undo_maps(SimCall *call)
{
    set_maps(call, FALSE);
    map_disks(call, FALSE);
    return TRUE;
}

static gboolean
undo_import(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (send->sent_vm == NULL)
        return TRUE;
    return sim_send_ask(call, sim_command("vm-drop", "VM", send->sent_vm), NULL);
}

static gboolean
end_undo(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (send->error != NULL)
        sim_call_fail_with(call, g_steal_pointer(&send->error));
    else
        sim_call_end_cancelled(call);
    return FALSE;
}

static const SimStep undo_vm_steps[] = {{undo_maps, 0, -1}, {undo_import, 0, -1}, {NULL, 0, 0}};
static const SimStep end_undo_steps[] = {{end_undo, 0, -1}, {NULL, 0, 0}};

void
sim_send_give_up(SimCall *call, SimValue *error)
{
    SimSend *send = sim_send_of(call);

    if (send->undoes) {
        g_clear_pointer(&error, sim_value_unref);
        sim_call_continue(call);
        return;
    }
    send->undoes = TRUE;
    send->error = error;
    g_array_set_size(send->steps, 0);
    if (send->vm != NULL)
        sim_send_add_steps(send, undo_vm_steps);
    sim_send_add_undo_steps(send);
    sim_send_add_steps(send, end_undo_steps);
    sim_send_run(call, send);
}
