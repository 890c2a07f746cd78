#include "ops/removal.h"

#include "ops/disposal.h"
#include "ops/find.h"

#define DISKS_AT_ONCE 4
#define MAX_SHOWN     200

static const char *const gone[] = {"HANDLE_INVALID", NULL};

static const XdMirror *
mirror_of(const XdRemoval *removal)
{
    return removal->operation->connection->mirror;
}

/* With the VM goes the last hint whose it was. */
static void
log_stays(const XdRemoval *removal, const XdVBD *vbd)
{
    const XdVDI *vdi = xd_get_vdi(mirror_of(removal), vbd->vdi);
    g_autofree char *shown = vdi != NULL ? xd_escape(vdi->name_label, -1, MAX_SHOWN) : NULL;
    XdLogFields fields = {.op = "destroy", .ref = removal->instance};

    if (vdi == NULL || vbd->type != XD_VBD_TYPE_DISK ||
        xd_map_get(&vbd->other_config, XD_VOLUME_KEY) != NULL)
        return;
    xd_log(removal->operation->connection->log, G_LOG_LEVEL_WARNING, "xd-ops", &fields,
           "VDI %s (%s) is no volume, and nothing says that it is the instance's own: it stays",
           vdi->uuid, shown);
}

static void
collect_disks(XdRemoval *removal, const XdVM *vm)
{
    const XdMirror *mirror = mirror_of(removal);
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, vm->parent.ref);
    const XdVDI *memory = xd_get_vdi(mirror, vm->suspend_vdi);

    for (guint i = 0; i < vbds->len; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);
        const XdVDI *vdi = xd_own_disk(mirror, vbd, removal->instance);

        if (vdi != NULL)
            xd_doomed_disks_add(removal->disks, vdi);
        else
            log_stays(removal, vbd);
    }
    if (memory != NULL) /* it carries no mark, but it is this VM's alone */
        xd_doomed_disks_add(removal->disks, memory);
}

void
xd_removal_init(XdRemoval *removal, XdOperation *operation, const char *instance, const XdVM *vm)
{
    removal->operation = operation;
    removal->instance = g_strdup(instance);
    removal->disks = xd_doomed_disks_new();
    if (vm == NULL)
        return;
    removal->vm = g_strdup(vm->parent.ref);
    collect_disks(removal, vm);
}

void
xd_removal_clear(XdRemoval *removal)
{
    g_clear_pointer(&removal->disks, g_ptr_array_unref);
    g_clear_pointer(&removal->instance, g_free);
    g_clear_pointer(&removal->vm, g_free);
}

const XdVM *
xd_removal_vm(const XdRemoval *removal)
{
    return xd_get_vm(mirror_of(removal), removal->vm);
}

gboolean
xd_removal_is_gone(XdOperation *operation G_GNUC_UNUSED, gpointer removal)
{
    return xd_removal_vm(removal) == NULL;
}

static gboolean
is_in(const XdRemoval *removal, XdVmPowerState state)
{
    const XdVM *vm = xd_removal_vm(removal);

    return vm != NULL && vm->power_state == state;
}

gboolean
xd_removal_has_begun(const XdRemoval *removal)
{
    return xd_removal_vm(removal) == NULL || is_in(removal, XD_VM_POWER_STATE_HALTED) ||
           is_in(removal, XD_VM_POWER_STATE_SUSPENDED);
}

/* ---- stopping ---- */

static gboolean
is_stopped(XdOperation *operation G_GNUC_UNUSED, gpointer removal)
{
    return xd_removal_vm(removal) == NULL || is_in(removal, XD_VM_POWER_STATE_HALTED);
}

static void
stop(XdOp *op, gpointer data)
{
    XdRemoval *removal = data;
    XdStepCall call = {.method = "VM.hard_shutdown",
                       .done = gone,
                       .already = "halted",
                       .holds = is_stopped,
                       .data = removal};

    /* a suspended VM is destroyed as it is (verified-sequences 3.2) */
    if (xd_removal_has_begun(removal)) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", removal->vm);
    xd_op_task(op, &call);
}

/* ---- removing ----
 * Disks of a halted VM go first: their VBDs go with them, and the VM, which tells whose they were, is
 * the last to leave. Those of a suspended one are still attached and have to wait for it: they are marked
 * as doomed, so that whoever comes after us knows. */

static void
mark_disk(XdOp *op, gpointer data)
{
    static const char *const done[] = {"MAP_DUPLICATE_KEY", "HANDLE_INVALID", NULL};
    const XdDoomedDisk *disk = data;
    XdStepCall call = {.method = "VDI.add_to_other_config", .done = done};

    call.parameters = g_variant_new("(sss)", disk->vdi, XD_DESTROY_KEY, disk->mark);
    xd_op_call(op, &call);
}

static void
mark_disks(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {{"mark-disk", mark_disk, NULL, 1, 60}, {0}};
    XdRemoval *removal = data;
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    gboolean wait = is_in(removal, XD_VM_POWER_STATE_SUSPENDED);

    for (guint i = 0; wait && i < removal->disks->len; i++) {
        XdDoomedDisk *disk = g_ptr_array_index(removal->disks, i);

        if (disk->mark == NULL)
            disk->mark = xd_operation_tag(removal->operation, "doomed", i);
    }
    xd_op_each(op, wait ? removal->disks : none, steps, DISKS_AT_ONCE);
}

static void
destroy_disks(XdOp *op, gpointer data)
{
    xd_op_each(op, ((XdRemoval *) data)->disks, xd_dispose_disk_steps, DISKS_AT_ONCE);
}

static void
destroy_detached_disks(XdOp *op, gpointer data)
{
    if (is_in(data, XD_VM_POWER_STATE_SUSPENDED))
        xd_op_next(op);
    else
        destroy_disks(op, data);
}

static void
destroy_vm(XdOp *op, gpointer data)
{
    XdRemoval *removal = data;
    XdStepCall call = {
        .method = "VM.destroy", .done = gone, .holds = xd_removal_is_gone, .data = removal};

    if (removal->vm == NULL) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", removal->vm);
    xd_op_call(op, &call);
}

const XdStep xd_removal_steps[] = {
    {"stop", stop, NULL, 10, 600},
    {"mark-disks", mark_disks, NULL, 1, 300},
    {"destroy-disks", destroy_detached_disks, NULL, 10, 3600},
    {"destroy-vm", destroy_vm, NULL, 5, 120},
    {"destroy-left-disks", destroy_disks, NULL, 1, 3600},
    {0},
};
