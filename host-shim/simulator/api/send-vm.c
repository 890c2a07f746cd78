/* The moving of machines with their disks: the question before, the memory, the way within this pool,
 * and the way back (scenario migrate_abort; verified-sequences 6). The way to another pool is in
 * send-pool.c. */
#include "api/send-vm.h"

#include "api/allowed.h"
#include "api/domain.h"
#include "api/placement.h"
#include "api/storage.h"

/* ---- the check, which is also the beginning of the real thing ---- */

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

static const SimStep look_steps[] = {{look, 0.5, -1}, {NULL, 0, 0}};

void
sim_send_add_check_steps(SimSend *send)
{
    sim_send_add_steps(send, look_steps);
    if (!sim_target_is_local(send->target))
        sim_send_add_trial_steps(send);
}

/* ---- the memory, and the old disks ---- */

gboolean
sim_send_is_gone(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (sim_object_is_alive(send->vm))
        return FALSE;
    sim_send_give_up(call, sim_strings("OBJECT_NOLONGER_EXISTS", NULL));
    return TRUE;
}

/* It may have been shut down meanwhile. */
gboolean
sim_send_has_stopped(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (sim_send_is_gone(call))
        return TRUE;
    if (sim_vm_is(send->vm, "Running"))
        return FALSE;
    sim_send_give_up(call, sim_vm_check_state(send->vm, "running"));
    return TRUE;
}

gboolean
sim_send_begin_memory(SimCall *call)
{
    if (sim_send_has_stopped(call))
        return FALSE;
    sim_call_set_cancellable(call, TRUE);
    return TRUE;
}

gboolean
sim_send_half_of_memory(SimCall *call)
{
    return !sim_send_has_stopped(call);
}

gboolean
sim_send_memory(SimCall *call)
{
    if (sim_send_has_stopped(call))
        return FALSE;
    if (sim_call_is_cancelled(call)) {
        sim_send_give_up(call, NULL);
        return FALSE;
    }
    sim_call_set_cancellable(call, FALSE);
    sim_domain_note_cancel_points(call, 12);
    return TRUE;
}

/* The disks go with their drives, one after the other, as subtasks. */
gboolean
sim_send_drop_disk(SimCall *call)
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

    if (sim_send_has_stopped(call))
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

static const SimStep domain_steps[] = {{sim_send_begin_memory, 0.1, -1},
                                       {sim_send_half_of_memory, 0.5, 0.625},
                                       {sim_send_memory, 0.5, -1},
                                       {move_domain, 0.5, -1},
                                       {NULL, 0, 0}};

static const SimStep settle_steps[] = {
    {sim_send_drop_disk, 0.2, -1}, {settle, 0.2, -1}, {NULL, 0, 0}};

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
        sim_send_add_steps_to_pool(send, running);
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
    sim_send_unmap(call);
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
