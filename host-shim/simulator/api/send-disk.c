/* The moving of disks, mirror and all, as recorded on the toolstack (scenarios
 * live_migrate_to_other_pool, migrate_abort). */
#include "api/allowed.h"
#include "api/placement.h"
#include "api/receive.h"
#include "api/send.h"
#include "api/storage.h"

#include <string.h>

static SimValue *
disk_command(const char *name, const SimSentDisk *disk, const char *ref)
{
    return sim_command(name, "SR", disk->sr, "VDI", ref);
}

/* Who reads a disk here. */
static void
note_reader(SimCall *call, SimObject *vdi)
{
    SimSend *send = sim_send_of(call);
    const SimObject *host = send->vm != NULL ? sim_object_follow(send->vm, "resident_on") : NULL;
    const SimObject *sr = sim_object_follow(vdi, "SR");

    if (host == NULL && sr != NULL)
        host = sim_sr_find_host(sim_call_sim(call), sr);
    if (host != NULL)
        sim_vdi_note_reader(vdi, host);
}

/* ---- here ---- */

static gboolean
is_gone(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (sim_object_is_alive(sim_send_disk(send)->vdi) &&
        (send->vm == NULL || sim_object_is_alive(send->vm)))
        return FALSE;
    sim_send_give_up(call, sim_strings("OBJECT_NOLONGER_EXISTS", NULL));
    return TRUE;
}

static void
let_go(SimObject *vdi)
{
    sim_object_set(vdi, "sm_config", sim_map());
}

static void
measure(SimCall *call, const SimObject *vdi)
{
    SimObject *sr = sim_object_follow(vdi, "SR");

    if (sr != NULL)
        sim_sr_update_sizes(sim_call_sim(call), sr);
}

static gboolean
read_source(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    sim_call_set_cancellable(call, TRUE);
    sim_send_disk(sim_send_of(call))->begun = TRUE;
    note_reader(call, sim_send_disk(sim_send_of(call))->vdi);
    return TRUE;
}

static gboolean
leave_source(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    let_go(sim_send_disk(sim_send_of(call))->vdi);
    measure(call, sim_send_disk(sim_send_of(call))->vdi);
    return TRUE;
}

/* "storage/disk", as both sides name the mirror while it runs */
static char *
mirror_name(const SimObject *vdi)
{
    return g_strdup_printf("%s/%s", sim_object_text(sim_object_follow(vdi, "SR"), "uuid"),
                           sim_object_text(vdi, "location"));
}

/* (transfer full): as the storage makes it, without what the toolstack adds */
static SimObject *
make_snapshot(SimCall *call, SimObject *vdi)
{
    Sim *sim = sim_call_sim(call);
    SimObject *snapshot = sim_vdi_snapshot(sim, vdi);

    sim_object_set_text(snapshot, "type", "user");
    sim_object_set_ref(snapshot, "snapshot_of", NULL);
    sim_object_set(snapshot, "other_config", sim_map());
    sim_vdi_touch_content(sim, snapshot);
    return sim_object_ref(snapshot);
}

static gboolean
snapshot_source(SimCall *call)
{
    SimSentDisk *disk = sim_send_disk(sim_send_of(call));
    g_autofree char *mirror = NULL;

    if (is_gone(call))
        return FALSE;
    mirror = mirror_name(disk->vdi);
    disk->snapshot = make_snapshot(call, disk->vdi);
    sim_object_map_set(disk->snapshot, "sm_config", "base_mirror", mirror);
    return TRUE;
}

static gboolean
has_snapshot(const SimSentDisk *disk)
{
    return disk->snapshot != NULL && sim_object_is_alive(disk->snapshot);
}

static gboolean
settle_source(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    if (is_gone(call))
        return FALSE;
    measure(call, disk->vdi);
    if (has_snapshot(disk)) {
        sim_object_set_bool(disk->snapshot, "read_only", FALSE);
        let_go(disk->snapshot);
    }
    return TRUE;
}

static gboolean
read_snapshot(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    if (is_gone(call))
        return FALSE;
    if (has_snapshot(disk))
        note_reader(call, disk->snapshot);
    return TRUE;
}

/* Of the bytes of all disks; each begins at 5 % and ends at 95 % of its own. */
static void
set_progress(SimCall *call, double part)
{
    SimSend *send = sim_send_of(call);
    SimObject *task = sim_call_task(call);
    double done = 0;
    double all = 0;

    for (guint i = 0; i < send->disks->len; i++) {
        const SimSentDisk *disk = g_ptr_array_index(send->disks, i);
        double size = (double) sim_object_int(disk->vdi, "virtual_size");

        all += size;
        done += i < send->disk ? size : i == send->disk ? size * (0.05 + 0.9 * part) : 0;
    }
    if (task != NULL)
        sim_object_set(task, "progress", sim_float(done / all));
}

static gboolean
begin_bytes(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    if (sim_call_is_cancelled(call)) {
        sim_send_give_up(call, NULL);
        return FALSE;
    }
    set_progress(call, 0);
    return TRUE;
}

static gboolean
send_bytes(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (is_gone(call))
        return FALSE;
    return sim_target_send_disk(send->target, call, sim_send_disk(send)->vdi,
                                sim_send_disk(send)->leaf, sim_send_give_up);
}

static gboolean
end_bytes(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    set_progress(call, 1);
    return TRUE;
}

static gboolean
leave_snapshot(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    if (is_gone(call))
        return FALSE;
    if (has_snapshot(disk))
        let_go(disk->snapshot);
    return TRUE;
}

static void
drop(SimCall *call, SimObject **snapshot)
{
    if (*snapshot != NULL && sim_object_is_alive(*snapshot))
        sim_vdi_delete(sim_call_sim(call), *snapshot);
    g_clear_pointer(snapshot, sim_object_unref);
}

static gboolean
drop_snapshot(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    sim_call_set_cancellable(call, FALSE);
    drop(call, &sim_send_disk(sim_send_of(call))->snapshot);
    return TRUE;
}

/* ---- over there ---- */

static void
note_leaf(SimCall *call, const SimValue *answer)
{
    sim_send_disk(sim_send_of(call))->leaf = g_strdup(sim_map_get_text(answer, "VDI"));
}

static void
note_dummy(SimCall *call, const SimValue *answer)
{
    sim_send_disk(sim_send_of(call))->dummy = g_strdup(sim_map_get_text(answer, "VDI"));
}

static void
note_base(SimCall *call, const SimValue *answer)
{
    sim_send_disk(sim_send_of(call))->base = g_strdup(sim_map_get_text(answer, "VDI"));
}

/* The one key that travels, and to another pool only (verified-sequences 6.3). */
static void
note_config_drive(SimCall *call, SimValue *command, const SimObject *vdi)
{
    const char *mark = sim_object_map_text(vdi, "other_config", SIM_TRAVELLING_KEY);

    if (mark != NULL && !sim_target_is_local(sim_send_of(call)->target))
        sim_map_set_string(command, SIM_TRAVELLING_KEY, mark);
}

static gboolean
add_disk(SimCall *call, const char *name, SimTargetDone done)
{
    const SimSentDisk *disk;
    SimValue *command;
    g_autofree char *mirror = NULL;

    if (is_gone(call))
        return FALSE;
    disk = sim_send_disk(sim_send_of(call));
    mirror = mirror_name(disk->vdi);
    command = sim_command(name, "SR", disk->sr, "mirror", mirror);
    sim_map_add(command, "record", sim_object_record(disk->vdi));
    note_config_drive(call, command, disk->vdi);
    return sim_send_ask(call, command, done);
}

static gboolean
add_leaf(SimCall *call)
{
    return add_disk(call, "disk-add", note_leaf);
}

static gboolean
add_dummy(SimCall *call)
{
    return add_disk(call, "disk-add-dummy", note_dummy);
}

static gboolean
add_base(SimCall *call)
{
    return add_disk(call, "disk-add", note_base);
}

static gboolean
attach(SimCall *call, const char *ref)
{
    const char *host = sim_target_host_ref(sim_send_of(call)->target);

    return sim_send_ask(call, sim_command("disk-attach", "VDI", ref, "host", host), NULL);
}

static gboolean
attach_leaf(SimCall *call)
{
    return attach(call, sim_send_disk(sim_send_of(call))->leaf);
}

static gboolean
attach_base(SimCall *call)
{
    return attach(call, sim_send_disk(sim_send_of(call))->base);
}

static gboolean
settle_disks(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));
    SimValue *command = disk_command("disks-settle", disk, disk->leaf);

    sim_map_add(command, "VDIs", sim_strings(disk->leaf, disk->dummy, disk->base, NULL));
    return sim_send_ask(call, command, NULL);
}

static gboolean
touch_base(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    return sim_send_ask(call, disk_command("disk-touch", disk, disk->base), NULL);
}

/* The copy is what the snapshot is. */
static gboolean
seal_base(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));
    SimValue *command = disk_command("disk-touch", disk, disk->base);
    const char *content = has_snapshot(disk)
                              ? sim_object_map_text(disk->snapshot, "other_config", "content_id")
                              : NULL;

    sim_map_set_string(command, "release", "true");
    if (content != NULL)
        sim_map_set_string(command, "content", content);
    return sim_send_ask(call, command, NULL);
}

static gboolean
drop_dummy(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    return sim_send_ask(call, disk_command("disk-drop", disk, disk->dummy), NULL);
}

/* The recorded storage left the copy lying about; real drivers hide it beneath the disk. */
static gboolean
drop_base(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    if (sim_call_sim(call)->options.capture_profile)
        return TRUE;
    return sim_send_ask(call, disk_command("disk-drop", disk, disk->base), NULL);
}

static gboolean
begin_scan(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    return sim_send_ask(call, sim_command("scan-begin", "SR", disk->sr), sim_send_note_task);
}

static gboolean
end_scan(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    return sim_send_ask(
        call, sim_command("scan-end", "SR", sim_send_disk(send)->sr, "task", send->task), NULL);
}

static gboolean
next_disk(SimCall *call)
{
    SimSend *send = sim_send_of(call);

    if (send->disk + 1 < send->disks->len)
        send->disk++;
    return TRUE;
}

static const SimStep mirror_steps[] = {
    {read_source, 1, -1},       {leave_source, 0.5, -1},  {add_leaf, 0.5, -1},
    {add_dummy, 0.5, -1},       {attach_leaf, 0.5, -1},   {add_base, 0.5, -1},
    {snapshot_source, 0.3, -1}, {settle_disks, 0.5, -1},  {settle_source, 0.3, -1},
    {attach_base, 0.3, -1},     {read_snapshot, 0.5, -1}, {begin_bytes, 0.3, -1},
    {send_bytes, 0.1, -1},      {end_bytes, 0.2, -1},     {leave_snapshot, 0.5, -1},
    {touch_base, 0.1, -1},      {seal_base, 0.5, -1},     {drop_dummy, 0.7, -1},
    {drop_snapshot, 0.3, -1},   {begin_scan, 0.2, -1},    {end_scan, 0.5, -1},
    {drop_base, 0, -1},         {next_disk, 0, -1},       {NULL, 0, 0},
};

/* Nobody writes: nothing to mirror. */
static const SimStep copy_steps[] = {
    {read_source, 1, -1},   {leave_source, 0.5, -1}, {add_leaf, 0.5, -1},
    {begin_bytes, 0.5, -1}, {send_bytes, 0.1, -1},   {end_bytes, 0.5, -1},
    {begin_scan, 0.2, -1},  {end_scan, 0.5, -1},     {next_disk, 0, -1},
    {NULL, 0, 0},
};

void
sim_send_add_disk_steps(SimSend *send, gboolean mirrored)
{
    for (guint i = 0; i < send->disks->len; i++)
        sim_send_add_steps(send, mirrored ? mirror_steps : copy_steps);
}

/* ---- back again (scenario migrate_abort) ---- */

static gboolean
undo_on_base(SimCall *call, const char *release)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));
    SimValue *command;

    if (disk->base == NULL)
        return TRUE;
    command = disk_command("disk-touch", disk, disk->base);
    if (release != NULL)
        sim_map_set_string(command, "release", release);
    return sim_send_ask(call, command, NULL);
}

static gboolean
undo_touch_base(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    if (has_snapshot(disk))
        let_go(disk->snapshot);
    return undo_on_base(call, NULL);
}

static gboolean
undo_release_base(SimCall *call)
{
    return undo_on_base(call, "true");
}

/* To end the mirror the storage takes one more snapshot, and drops it. */
static gboolean
undo_take_look(SimCall *call)
{
    SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    if (disk->base != NULL && sim_object_is_alive(disk->vdi))
        disk->look = make_snapshot(call, disk->vdi);
    return TRUE;
}

static gboolean
undo_end_look(SimCall *call)
{
    drop(call, &sim_send_disk(sim_send_of(call))->look);
    return TRUE;
}

static gboolean
undo_touch_leaf(SimCall *call)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    if (disk->leaf == NULL)
        return TRUE;
    return sim_send_ask(call, disk_command("disk-touch", disk, disk->leaf), NULL);
}

/* What is gone already is no error any more. */
static gboolean
undo_drop(SimCall *call, char **ref)
{
    const SimSentDisk *disk = sim_send_disk(sim_send_of(call));
    g_autofree char *gone = g_steal_pointer(ref);

    return gone == NULL || sim_send_ask(call, disk_command("disk-drop", disk, gone), NULL);
}

static gboolean
undo_drop_dummy(SimCall *call)
{
    return undo_drop(call, &sim_send_disk(sim_send_of(call))->dummy);
}

static gboolean
undo_drop_leaf(SimCall *call)
{
    return undo_drop(call, &sim_send_disk(sim_send_of(call))->leaf);
}

static gboolean
undo_drop_base(SimCall *call)
{
    return undo_drop(call, &sim_send_disk(sim_send_of(call))->base);
}

static gboolean
undo_source(SimCall *call)
{
    SimSentDisk *disk = sim_send_disk(sim_send_of(call));

    sim_call_set_cancellable(call, FALSE);
    if (sim_object_is_alive(disk->vdi))
        sim_vdi_touch_content(sim_call_sim(call), disk->vdi);
    drop(call, &disk->snapshot);
    return TRUE;
}

static gboolean
undo_measure(SimCall *call)
{
    SimSend *send = sim_send_of(call);
    const SimSentDisk *disk = sim_send_disk(send);

    if (sim_object_is_alive(disk->vdi))
        measure(call, disk->vdi);
    if (send->disk > 0)
        send->disk--;
    return TRUE;
}

static const SimStep undo_steps[] = {
    {undo_touch_base, 0.5, -1},
    {undo_release_base, 0.5, -1},
    {undo_take_look, 0.5, -1},
    {undo_end_look, 0.5, -1},
    {undo_touch_leaf, 0.2, -1},
    {undo_drop_dummy, 0.5, -1},
    {undo_drop_leaf, 0.3, -1},
    {undo_drop_base, 0.3, -1},
    {undo_source, 0.2, -1},
    {undo_measure, 0.5, -1},
    {NULL, 0, 0},
};

void
sim_send_add_undo_steps(SimSend *send)
{
    for (guint i = 0; i < send->disks->len; i++) {
        if (((SimSentDisk *) g_ptr_array_index(send->disks, i))->begun)
            sim_send_add_steps(send, undo_steps);
    }
}
