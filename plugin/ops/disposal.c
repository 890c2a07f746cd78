#include "ops/disposal.h"

#define IN_USE_ATTEMPTS 10
#define IN_USE_DELAY_S  3

static void
doomed_disk_free(gpointer data)
{
    XdDoomedDisk *disk = data;

    g_free(disk->vdi);
    g_free(disk->sr);
    g_free(disk->mark);
    g_free(disk);
}

GPtrArray *
xd_doomed_disks_new(void)
{
    return g_ptr_array_new_with_free_func(doomed_disk_free);
}

void
xd_doomed_disks_add(GPtrArray *disks, const XdVDI *vdi)
{
    XdDoomedDisk *disk = g_new0(XdDoomedDisk, 1);

    disk->vdi = g_strdup(vdi->parent.ref);
    disk->sr = g_strdup(vdi->sr);
    g_ptr_array_add(disks, disk);
}

static gboolean
is_gone(XdOperation *operation, gpointer data)
{
    const XdDoomedDisk *disk = data;

    return xd_get_vdi(operation->connection->mirror, disk->vdi) == NULL;
}

static void
destroy_disk(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    /* after an unplug or a cut transfer the storage lags behind (protocol 6, VDI_IN_USE) */
    static const char *const retry[] = {"VDI_IN_USE", "SR_BACKEND_FAILURE_46", NULL};
    XdDoomedDisk *disk = data;
    XdStepCall call = {.method = "VDI.destroy",
                       .done = done,
                       .retry = retry,
                       .attempts = IN_USE_ATTEMPTS,
                       .delay_s = IN_USE_DELAY_S,
                       .gate = disk->sr,
                       .holds = is_gone,
                       .data = disk};

    if (disk->gone) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", disk->vdi);
    xd_op_task(op, &call);
}

static void
note_gone(XdOp *op, gpointer data)
{
    ((XdDoomedDisk *) data)->gone = TRUE;
    xd_op_next(op);
}

const XdStep xd_dispose_disk_steps[] = {
    {"destroy-disk", destroy_disk, NULL, 1, 900},
    {"note-gone", note_gone, NULL, 0, 1},
    {0},
};
