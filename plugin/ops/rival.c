#include "ops/rival.h"

/* Not the toolstack's rule: it leaves suspended machines out when a disk is plugged, and asks nothing when
 * they resume (xapi_vbd_helpers.ml, valid_operations), so that two would write. A control domain shares. */
static const XdVM *
find_rival(const XdMirror *mirror, const XdVDI *vdi, const XdVBD *own, gboolean writes)
{
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VDI, vdi->parent.ref);

    for (guint i = 0; i < vbds->len && !vdi->sharable; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);
        const XdVM *vm = xd_get_vm(mirror, vbd->vm);

        if (vm != NULL && !vm->is_control_domain && vbd != own && vbd->currently_attached &&
            (writes || vbd->mode == XD_VBD_MODE_RW))
            return vm;
    }
    return NULL;
}

GError *
xd_rival_error(const XdMirror *mirror, const XdVDI *vdi, const XdVBD *own, gboolean writes)
{
    const XdVM *vm = find_rival(mirror, vdi, own, writes);
    gboolean suspended = vm != NULL && vm->power_state == XD_VM_POWER_STATE_SUSPENDED;
    GError *error;

    if (vm == NULL)
        return NULL;
    error = xd_error_new(HVD_ERROR_BUSY, "disk %s is attached to %s%s", vdi->uuid, vm->name_label,
                         suspended ? ", which is suspended" : "");
    xd_error_set_advice(error, suspended
                                   ? N_("resume that instance, and detach the volume there first")
                                   : N_("detach the volume there first"));
    return error;
}

gboolean
xd_op_check_rivals(XdOp *op, const XdInstanceState *state, const XdVM *vm)
{
    const XdMirror *mirror = state->base.connection->mirror;
    const GPtrArray *vbds = xd_mirror_find(mirror, XD_BY_VBD_VM, vm->parent.ref);
    GError *error = NULL;

    for (guint i = 0; i < vbds->len && error == NULL; i++) {
        const XdVBD *vbd = g_ptr_array_index(vbds, i);
        const XdVDI *vdi = xd_get_vdi(mirror, vbd->vdi);

        if (vdi != NULL && vbd->type == XD_VBD_TYPE_DISK)
            error = xd_rival_error(mirror, vdi, vbd, vbd->mode == XD_VBD_MODE_RW);
    }
    if (error != NULL)
        xd_op_fail(op, error);
    return error == NULL;
}
