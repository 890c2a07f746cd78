#include "api/allowed.h"
#include "api/backend.h"
#include "api/families.h"
#include "api/placement.h"
#include "api/storage.h"
#include "data/disk.h"

#include <string.h>

/* A storage operation: one turn of the loop on an SR, and a disk where there is one already. */
typedef struct {
    SimObject *sr;
    SimObject *vdi;
    const char *operation; /* of the disk */
    SimObject *target;     /* an SR */
    SimObject *into;       /* a disk */
    SimObject *copy;       /* the one that is being made */
} Work;

static void
work_free(gpointer data)
{
    Work *work = data;

    g_clear_pointer(&work->sr, sim_object_unref);
    g_clear_pointer(&work->vdi, sim_object_unref);
    g_clear_pointer(&work->target, sim_object_unref);
    g_clear_pointer(&work->into, sim_object_unref);
    g_clear_pointer(&work->copy, sim_object_unref);
    g_free(work);
}

static Work *
work_of(SimCall *call)
{
    return sim_call_state(call);
}

static Work *
work_new(SimObject *sr, SimObject *vdi)
{
    Work *work = g_new0(Work, 1);

    work->sr = sim_object_ref(sr);
    work->vdi = vdi != NULL ? sim_object_ref(vdi) : NULL;
    return work;
}

/* (nullable): fails the call where the disk's SR is gone or nowhere attached */
static SimObject *
attached_sr(SimCall *call, const SimObject *vdi)
{
    SimObject *sr = sim_object_follow(vdi, "SR");
    SimValue *error;

    if (sr == NULL) {
        sim_call_fail(call, "HANDLE_INVALID", "SR", sim_object_text(vdi, "SR"), NULL);
        return NULL;
    }
    error = sim_sr_check_attached(sim_call_sim(call), sr);
    if (error == NULL)
        return sr;
    sim_call_fail_with(call, error);
    return NULL;
}

static gboolean
is_gone(SimCall *call)
{
    Work *work = work_of(call);

    if (sim_object_is_alive(work->sr) && (work->vdi == NULL || sim_object_is_alive(work->vdi)))
        return FALSE;
    sim_call_fail(call, "OBJECT_NOLONGER_EXISTS", NULL);
    return TRUE;
}

/* A member's toolstack goes on with what was forwarded to it. */
static gboolean
member_goes_on(SimCall *call)
{
    Work *work = work_of(call);
    Sim *sim = sim_call_sim(call);
    const SimObject *host = sim_object_is_alive(work->sr) ? sim_sr_find_host(sim, work->sr) : NULL;

    if (host == NULL || host == sim_coordinator_host(sim))
        return FALSE;
    sim_call_go_on_alone(call, host);
    return TRUE;
}

static void
go_on_alone(SimCall *call)
{
    member_goes_on(call);
}

static void
return_vdi(SimCall *call, const SimObject *vdi)
{
    sim_call_set_result(call, sim_string(sim_object_get_ref(vdi)));
}

/* ---- create ---- */

static gboolean
do_create(SimCall *call)
{
    static const char *const given[] = {
        "name_description", "type",          "sharable", "read_only",
        "other_config",     "xenstore_data", "tags"};
    const SimValue *record = sim_call_arg(call, 0);
    Work *work = work_of(call);
    SimObject *vdi;

    if (is_gone(call))
        return FALSE;
    vdi =
        sim_vdi_new(sim_call_sim(call), work->sr, sim_value_text(sim_map_get(record, "name_label")),
                    sim_value_int(sim_map_get(record, "virtual_size")), "user");
    for (guint i = 0; i < G_N_ELEMENTS(given); i++) {
        const SimValue *value = sim_map_get(record, given[i]);

        if (value != NULL)
            sim_object_set(vdi, given[i], sim_value_ref(value));
    }
    return_vdi(call, vdi);
    return TRUE;
}

/* The storage driver makes the disk, and cannot tell the toolstack (sm, FileSR.py: create, then _db_introduce): a
 * later scan finds it, without a name. */
static void
leave_disk(SimCall *call)
{
    Work *work = work_of(call);
    Sim *sim = sim_call_sim(call);
    gint64 size = sim_value_int(sim_map_get(sim_call_arg(call, 0), "virtual_size"));

    if (!member_goes_on(call) && sim_object_is_alive(work->sr))
        sim_vdi_put_aside(sim, sim_vdi_new(sim, work->sr, "", size, "user"));
}

static const SimStep create_steps[] = {{do_create, SIM_STORAGE_PACE, -1}, {NULL, 0, 0}};

static void
vdi_create(SimCall *call)
{
    const SimValue *record = sim_call_arg(call, 0);
    Sim *sim = sim_call_sim(call);
    SimObject *sr = sim_call_find(call, "SR", sim_value_text(sim_map_get(record, "SR")));
    SimValue *error;

    if (sr == NULL)
        return;
    error = sim_sr_check_operation(sr, "vdi_create");
    if (error == NULL)
        error = sim_sr_check_attached(sim, sr);
    if (error == NULL)
        error = sim_sr_check_space(sim, sr, sim_value_int(sim_map_get(record, "virtual_size")));
    if (error != NULL) {
        sim_call_fail_with(call, error);
        return;
    }
    if (!sim_call_lock(call, sr, "vdi_create"))
        return;
    sim_call_set_orphan(call, leave_disk);
    sim_call_run(call, create_steps, work_new(sr, NULL), work_free);
}

/* ---- work on one disk ---- */

static gboolean
allow_in_sr(SimCall *call, const SimObject *sr, const char *operation)
{
    SimValue *error = sim_sr_check_operation(sr, operation);

    if (error == NULL)
        return TRUE;
    sim_call_fail_with(call, error);
    return FALSE;
}

static void
run_on_disk(SimCall *call, SimObject *vdi, const char *operation, const SimStep *steps)
{
    SimObject *sr = attached_sr(call, vdi);
    g_autofree char *sr_operation = g_strconcat("vdi_", operation, NULL);
    Work *work;

    if (sr == NULL || !allow_in_sr(call, sr, sr_operation) ||
        !sim_call_lock(call, vdi, operation) || !sim_call_lock(call, sr, sr_operation))
        return;
    work = work_new(sr, vdi);
    work->operation = operation;
    sim_call_set_orphan(call, go_on_alone);
    sim_call_run(call, steps, work, work_free);
}

static gboolean
do_destroy(SimCall *call)
{
    Work *work = work_of(call);

    if (is_gone(call))
        return FALSE;
    sim_vdi_delete(sim_call_sim(call), work->vdi);
    return TRUE;
}

/* For a moment it cannot be cancelled (scenario snapshot_export_vhd_running). */
static gboolean
begin_destroy(SimCall *call)
{
    if (is_gone(call))
        return FALSE;
    sim_call_set_cancellable(call, TRUE);
    return TRUE;
}

static const SimStep destroy_steps[] = {
    {begin_destroy, SIM_MOMENT, -1}, {do_destroy, SIM_STORAGE_PACE, -1}, {NULL, 0, 0}};

static void
vdi_destroy(SimCall *call)
{
    SimObject *vdi = sim_call_object(call, 0);

    if (vdi == NULL || !sim_vdi_require_free(call, vdi, "destroy"))
        return;
    run_on_disk(call, vdi, "destroy", destroy_steps);
    if (!sim_call_is_over(call))
        sim_call_set_cancellable(call, FALSE);
}

/* ---- snapshot, clone ---- */

static gboolean
is_copy_gone(SimCall *call)
{
    if (is_gone(call))
        return TRUE;
    if (sim_object_is_alive(work_of(call)->copy))
        return FALSE;
    sim_call_fail(call, "OBJECT_NOLONGER_EXISTS", NULL);
    return TRUE;
}

static void
abort_branch(SimCall *call)
{
    SimObject *copy = work_of(call)->copy;

    if (copy != NULL && sim_object_is_alive(copy))
        sim_vdi_delete(sim_call_sim(call), copy);
}

static gboolean
branch(SimCall *call)
{
    Work *work = work_of(call);

    if (is_gone(call))
        return FALSE;
    work->copy = sim_object_ref(sim_vdi_branch(sim_call_sim(call), work->vdi));
    sim_call_set_abort(call, abort_branch);
    return TRUE;
}

static gboolean
name_branch(SimCall *call)
{
    gboolean snapshot = strcmp(sim_call_name(call), "VDI.snapshot") == 0;
    const Work *work = work_of(call);

    if (is_copy_gone(call))
        return FALSE;
    sim_vdi_name_branch(sim_call_sim(call), work->copy, work->vdi, snapshot);
    return TRUE;
}

static gboolean
finish_branch(SimCall *call)
{
    const Work *work = work_of(call);

    if (is_copy_gone(call))
        return FALSE;
    sim_vdi_finish_branch(work->copy, work->vdi);
    return_vdi(call, work->copy);
    return TRUE;
}

static const SimStep branch_steps[] = {{branch, SIM_STORAGE_PACE, -1},
                                       {name_branch, SIM_MOMENT, -1},
                                       {finish_branch, SIM_MOMENT, -1},
                                       {NULL, 0, 0}};

static void
vdi_snapshot(SimCall *call)
{
    SimObject *vdi = sim_call_object(call, 0);

    if (vdi == NULL)
        return;
    if (sim_object_bool(vdi, "sharable"))
        sim_call_fail(call, "VDI_IS_SHARABLE", sim_object_get_ref(vdi), NULL);
    else
        run_on_disk(call, vdi, "snapshot", branch_steps);
}

static void
vdi_clone(SimCall *call)
{
    SimObject *vdi = sim_call_object(call, 0);

    if (vdi != NULL)
        run_on_disk(call, vdi, "clone", branch_steps);
}

/* ---- resize ---- */

static gboolean
do_resize(SimCall *call)
{
    SimObject *vdi = work_of(call)->vdi;
    gint64 size = sim_value_int(sim_call_arg(call, 1));
    gint64 block = G_GINT64_CONSTANT(2) * 1048576;

    if (is_gone(call))
        return FALSE;
    sim_object_set_int(vdi, "virtual_size", (size + block - 1) / block * block);
    sim_object_set(vdi, "sm_config", sim_map());
    return TRUE;
}

static const SimStep resize_steps[] = {{do_resize, SIM_STORAGE_PACE, -1}, {NULL, 0, 0}};

static void
vdi_resize(SimCall *call)
{
    SimObject *vdi = sim_call_object(call, 0);
    gint64 size = sim_value_int(sim_call_arg(call, 1));

    if (vdi == NULL || !sim_vdi_require_free(call, vdi, "resize"))
        return;
    if (size < sim_object_int(vdi, "virtual_size") || size > SIM_MAX_DISK)
        sim_call_fail(call, "SR_BACKEND_FAILURE_79", "",
                      "VDI Invalid size [opterr=shrinking not allowed]", "", NULL);
    else
        run_on_disk(call, vdi, "resize", resize_steps);
}

/* ---- copy ---- */

/* Whoever reads a disk to copy it attaches it (captures: event_from_before_del). */
static gboolean
do_copy(SimCall *call)
{
    Work *work = work_of(call);
    Sim *sim = sim_call_sim(call);

    if (is_gone(call))
        return FALSE;
    sim_vdi_touch_content(sim, work->vdi);
    if (work->into != NULL && sim_object_is_alive(work->into)) {
        sim_disk_copy(sim->disks, work->vdi, work->into);
        return_vdi(call, work->into);
    } else {
        return_vdi(call, sim_vdi_copy(sim, work->vdi, work->target));
    }
    return TRUE;
}

static const SimStep copy_steps[] = {{do_copy, 1, 0.5}, {NULL, 0, 0}};

static gboolean
check_copy_target(SimCall *call, const SimObject *vdi, const SimObject *sr, const SimObject *into)
{
    gint64 size = sim_object_int(vdi, "virtual_size");
    g_autofree char *size_text = g_strdup_printf("%" G_GINT64_FORMAT, size);
    SimValue *error;

    if (into != NULL && sim_object_int(into, "virtual_size") < size) {
        sim_call_fail(call, "VDI_TOO_SMALL", sim_object_get_ref(into), size_text, NULL);
        return FALSE;
    }
    error = sim_sr_check_attached(sim_call_sim(call), sr);
    if (error == NULL && into == NULL)
        error = sim_sr_check_space(sim_call_sim(call), sr, size);
    if (error == NULL)
        return TRUE;
    sim_call_fail_with(call, error);
    return FALSE;
}

static void
vdi_copy(SimCall *call)
{
    SimObject *vdi = sim_call_object(call, 0);
    SimObject *into = sim_db_find(sim_call_db(call), "VDI", sim_call_text(call, 3));
    SimObject *sr = into != NULL ? sim_object_follow(into, "SR")
                                 : sim_db_find(sim_call_db(call), "SR", sim_call_text(call, 1));
    Work *work;

    if (vdi == NULL)
        return;
    if (sr == NULL) {
        sim_call_fail(call, "HANDLE_INVALID", "SR", sim_call_text(call, 1), NULL);
        return;
    }
    if (!sim_vdi_require_free(call, vdi, "copy") || !check_copy_target(call, vdi, sr, into) ||
        attached_sr(call, vdi) == NULL || !sim_call_lock(call, vdi, "copy"))
        return;
    work = work_new(sim_object_follow(vdi, "SR"), vdi);
    work->target = sim_object_ref(sr);
    work->into = into != NULL ? sim_object_ref(into) : NULL;
    sim_call_run(call, copy_steps, work, work_free);
}

/* ---- records ---- */

static void
vdi_introduce(SimCall *call)
{
    static const char *const fields[] = {
        "uuid",      "name_label", "name_description", NULL,       "type",
        "sharable",  "read_only",  "other_config",     "location", "xenstore_data",
        "sm_config", "managed",    "virtual_size"};
    SimObject *sr = sim_call_object(call, 3);
    SimObject *vdi;

    if (sr == NULL)
        return;
    if (sim_db_find_uuid(sim_call_db(call), "VDI", sim_call_text(call, 0)) != NULL) {
        sim_call_fail(call, "DB_UNIQUENESS_CONSTRAINT_VIOLATION", "VDI", "uuid",
                      sim_call_text(call, 0), NULL);
        return;
    }
    vdi = sim_vdi_new(sim_call_sim(call), sr, "", 0, "user");
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
        const SimValue *value = sim_call_arg(call, i);

        if (fields[i] != NULL && value != NULL)
            sim_object_set(vdi, fields[i], sim_value_ref(value));
    }
    sim_call_return(call, sim_string(sim_object_get_ref(vdi)));
}

/* Only the record goes: a scan finds the disk again. */
static void
vdi_forget(SimCall *call)
{
    SimObject *vdi = sim_call_object(call, 0);

    if (vdi == NULL || !sim_vdi_require_free(call, vdi, "forget"))
        return;
    sim_vdi_put_aside(sim_call_sim(call), vdi);
    sim_call_return(call, NULL);
}

static void
vdi_update(SimCall *call)
{
    SimObject *vdi = sim_call_object(call, 0);

    if (vdi != NULL)
        sim_call_return(call, NULL);
}

/* verified-sequences 5: only a disk that nobody uses */
static void
vdi_set_sharable(SimCall *call)
{
    SimObject *vdi = sim_call_object(call, 0);

    if (vdi == NULL)
        return;
    if (sim_vdi_is_attached(vdi)) {
        sim_call_fail(call, "PERMISSION_DENIED", "VDI is in use", NULL);
        return;
    }
    sim_object_set(vdi, "sharable", sim_value_ref(sim_call_arg(call, 1)));
    sim_call_return(call, NULL);
}

/* No network has the purpose "nbd": an empty set and no error (xenapi-protocol 5.7). */
static void
vdi_get_nbd_info(SimCall *call)
{
    if (sim_call_object(call, 0) != NULL)
        sim_call_return(call, sim_array());
}

const SimHandlerEntry sim_vdi_handlers[] = {
    {"VDI.create", vdi_create},
    {"VDI.destroy", vdi_destroy},
    {"VDI.snapshot", vdi_snapshot},
    {"VDI.clone", vdi_clone},
    {"VDI.resize", vdi_resize},
    {"VDI.copy", vdi_copy},
    {"VDI.introduce", vdi_introduce},
    {"VDI.forget", vdi_forget},
    {"VDI.update", vdi_update},
    {"VDI.set_sharable", vdi_set_sharable},
    {"VDI.get_nbd_info", vdi_get_nbd_info},
    {NULL, NULL},
};
