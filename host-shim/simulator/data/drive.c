#include "data/drive.h"

#include "api/allowed.h"
#include "api/backend.h"
#include "api/device.h"
#include "api/receive.h"
#include "api/storage.h"
#include "core/task.h"

struct _SimDrive {
    Sim *sim;
    SimObject *vdi;
    SimObject *host;
    SimObject *transfer; /* its task */
    SimObject *vbd;
    SimObject *task; /* of the plug or the unplug that is under way */
    guint timer;
    gboolean marked; /* the disk, as changed */
    SimDriveFunc func;
    gpointer data;
};

/* Parts of the storage's pace. */
#define SHARE 0.5

static void
step_after(SimDrive *drive, double share, SimTimerFunc step)
{
    double wait_ms = share * drive->sim->options.storage_pace_ms;

    if (wait_ms > 0)
        drive->timer = sim_clock_after_ms(drive->sim->clock, wait_ms, step, drive);
    else
        step(drive);
}

static gboolean
is_there(const SimDrive *drive)
{
    return sim_object_is_alive(drive->vbd) && sim_object_is_alive(drive->vdi);
}

static SimObject *
create_vbd(const SimDrive *drive, gboolean for_writing)
{
    SimDatabase *db = drive->sim->db;
    SimObject *dom0 = sim_object_follow(drive->host, "control_domain");
    SimObject *metrics = sim_db_create(db, "VBD_metrics");
    SimObject *vbd = sim_db_create(db, "VBD");
    g_autoptr(SimValue) left = sim_vm_free_vbd_devices(dom0);

    sim_object_set_text(vbd, "userdevice", sim_value_text(sim_value_at(left, 0)));
    sim_object_set_text(vbd, "mode", for_writing ? "RW" : "RO");
    sim_object_set_text(vbd, "type", "Disk");
    sim_object_set_bool(vbd, "unpluggable", TRUE);
    sim_object_map_set(vbd, "other_config", "task_id", sim_object_get_ref(drive->transfer));
    sim_object_set_ref(vbd, "metrics", metrics);
    sim_object_set_ref(vbd, "VDI", drive->vdi);
    sim_object_set_ref(vbd, "VM", dom0);
    sim_vbd_update_allowed(vbd);
    return vbd;
}

static void
begin_task(SimDrive *drive, const char *label, const char *operation)
{
    drive->task = sim_object_ref(sim_task_new(drive->sim, label, "", ""));
    sim_task_set_cancellable(drive->task, TRUE);
    sim_object_map_set(drive->vbd, "current_operations", sim_object_get_ref(drive->task),
                       operation);
}

static void
end_task(SimDrive *drive)
{
    if (drive->task == NULL)
        return;
    if (sim_object_is_alive(drive->vbd))
        sim_object_map_remove(drive->vbd, "current_operations", sim_object_get_ref(drive->task));
    if (sim_object_is_alive(drive->task))
        sim_db_destroy(drive->task);
    g_clear_pointer(&drive->task, sim_object_unref);
}

static void
tell(SimDrive *drive)
{
    SimDriveFunc func = drive->func;

    drive->func = NULL;
    if (func != NULL)
        func(drive->data);
}

static void
end_plug(gpointer data)
{
    SimDrive *drive = data;
    const SimObject *sr =
        sim_object_is_alive(drive->vdi) ? sim_object_follow(drive->vdi, "SR") : NULL;
    g_autofree char *device = NULL;

    drive->timer = 0;
    end_task(drive);
    if (is_there(drive) && sr != NULL) {
        device = g_strdup_printf("sm/backend/%s/%s", sim_object_text(sr, "uuid"),
                                 sim_object_text(drive->vdi, "uuid"));
        sim_object_set_text(drive->vbd, "device", device);
        sim_object_set_bool(drive->vbd, "currently_attached", TRUE);
        sim_vbd_update_allowed(drive->vbd);
        sim_vdi_update_allowed(drive->vdi);
    }
    tell(drive);
}

static void
go_on_plugging(gpointer data)
{
    SimDrive *drive = data;

    drive->timer = 0;
    if (is_there(drive)) {
        sim_vbd_update_allowed(drive->vbd);
        sim_vdi_note_driver(drive->vdi, drive->host);
        sim_vdi_note_reader(drive->vdi, drive->host);
    }
    step_after(drive, SHARE, end_plug);
}

void
sim_drive_attach(SimDrive **result, Sim *sim, SimObject *vdi, SimObject *host, SimObject *task,
                 gboolean for_writing, SimDriveFunc ready, gpointer data)
{
    SimDrive *drive = *result = g_new0(SimDrive, 1);

    drive->sim = sim;
    drive->vdi = sim_object_ref(vdi);
    drive->host = sim_object_ref(host);
    drive->transfer = sim_object_ref(task);
    drive->func = ready;
    drive->data = data;
    drive->vbd = sim_object_ref(create_vbd(drive, for_writing));
    begin_task(drive, "VBD.plug", "plug");
    step_after(drive, SHARE, go_on_plugging);
}

/* ---- and away ---- */

static void
remove_vbd(SimDrive *drive)
{
    SimObject *metrics;

    if (!sim_object_is_alive(drive->vbd))
        return;
    metrics = sim_object_follow(drive->vbd, "metrics");
    if (metrics != NULL)
        sim_db_destroy(metrics);
    sim_db_destroy(drive->vbd);
}

/* What was attached counts as changed, whether anybody wrote or not (scenario
 * snapshot_export_vhd_running). */
static void
mark(SimDrive *drive)
{
    if (!drive->marked && is_there(drive))
        sim_vdi_touch_content(drive->sim, drive->vdi);
    drive->marked = TRUE;
}

static void
let_go(SimDrive *drive)
{
    sim_clock_cancel(drive->sim->clock, drive->timer);
    mark(drive);
    end_task(drive);
    remove_vbd(drive);
    if (sim_object_is_alive(drive->vdi)) {
        sim_vdi_forget_reader(drive->vdi, drive->host);
        sim_vdi_update_allowed(drive->vdi);
    }
}

void
sim_drive_free(SimDrive *drive)
{
    let_go(drive);
    sim_object_unref(drive->vdi);
    sim_object_unref(drive->host);
    sim_object_unref(drive->transfer);
    sim_object_unref(drive->vbd);
    g_free(drive);
}

static void
end_unplug(gpointer data)
{
    SimDrive *drive = data;

    drive->timer = 0;
    let_go(drive);
    tell(drive);
}

void
sim_drive_detach(SimDrive *drive, SimDriveFunc done, gpointer data)
{
    drive->func = done;
    drive->data = data;
    if (is_there(drive)) {
        begin_task(drive, "VBD.unplug", "unplug");
        if (sim_object_is_alive(drive->transfer))
            sim_object_set_ref(drive->task, "subtask_of", drive->transfer);
        sim_vbd_update_allowed(drive->vbd);
        sim_vdi_note_driver(drive->vdi, drive->host);
        mark(drive);
    }
    step_after(drive, SHARE, end_unplug);
}
