#include "api/send.h"

static void
sent_disk_free(gpointer data)
{
    SimSentDisk *disk = data;

    sim_object_unref(disk->vdi);
    g_clear_pointer(&disk->snapshot, sim_object_unref);
    g_clear_pointer(&disk->look, sim_object_unref);
    g_free(disk->sr);
    g_free(disk->leaf);
    g_free(disk->dummy);
    g_free(disk->base);
    g_free(disk);
}

SimSend *
sim_send_new(SimTarget *target, SimObject *vm)
{
    SimSend *send = g_new0(SimSend, 1);

    send->target = target;
    send->vm = vm != NULL ? sim_object_ref(vm) : NULL;
    send->disks = g_ptr_array_new_with_free_func(sent_disk_free);
    send->steps = g_array_new(TRUE, FALSE, sizeof(SimStep));
    return send;
}

void
sim_send_free(gpointer data)
{
    SimSend *send = data;

    sim_target_free(send->target);
    g_clear_pointer(&send->vm, sim_object_unref);
    g_ptr_array_unref(send->disks);
    g_array_unref(send->steps);
    g_free(send->task);
    g_free(send->sent_vm);
    g_clear_pointer(&send->vifs, sim_value_unref);
    g_clear_pointer(&send->error, sim_value_unref);
    g_free(send);
}

SimSend *
sim_send_of(SimCall *call)
{
    return sim_call_state(call);
}

void
sim_send_add_disk(SimSend *send, SimObject *vdi, const char *sr)
{
    SimSentDisk *disk = g_new0(SimSentDisk, 1);

    disk->vdi = sim_object_ref(vdi);
    disk->sr = g_strdup(sr);
    g_ptr_array_add(send->disks, disk);
}

SimSentDisk *
sim_send_disk(SimSend *send)
{
    return g_ptr_array_index(send->disks, send->disk);
}

void
sim_send_add_steps(SimSend *send, const SimStep *steps)
{
    for (; steps->run != NULL; steps++)
        g_array_append_vals(send->steps, steps, 1);
}

void
sim_send_run(SimCall *call, SimSend *send)
{
    sim_call_run(call, &g_array_index(send->steps, SimStep, 0), send, sim_send_free);
    if (send->only_asks)
        sim_call_set_cancellable(call, FALSE);
}

gboolean
sim_send_ask(SimCall *call, SimValue *command, SimTargetDone done)
{
    return sim_target_ask(sim_send_of(call)->target, call, command, done, sim_send_give_up);
}

void
sim_send_note_task(SimCall *call, const SimValue *answer)
{
    SimSend *send = sim_send_of(call);

    g_free(send->task);
    send->task = g_strdup(sim_map_get_text(answer, "task"));
}
