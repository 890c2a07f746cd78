#include "ops/volume-plug.h"

#define DEVICE_LIMIT_S 600

static const XdMirror *
mirror_of(XdVolumeState *volume)
{
    return volume->head.base.connection->mirror;
}

/* ---- an instance that goes down ---- */

/* (nullable): the operation for which the toolstack refuses, at once and with OPERATION_NOT_ALLOWED, to plug
 * and unplug (xapi_vbd_helpers.ml, valid_operations). A task's failure comes later in the stream of events
 * than the operation that is the cause of it, so the mirror shows that one, or its end. */
static const char *
way_down(XdVolumeState *volume)
{
    static const char *const ways[] = {"clean_shutdown", "hard_shutdown", "suspend", "pause", NULL};
    const XdVM *vm = xd_instance_vm(&volume->head);

    for (guint i = 0; vm != NULL && i < vm->current_operations.n; i++) {
        if (g_strv_contains(ways, vm->current_operations.pairs[i].value))
            return vm->current_operations.pairs[i].value;
    }
    return NULL;
}

static gboolean
is_settled(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return way_down(data) == NULL;
}

void
xd_step_see_settled(XdOp *op, gpointer data)
{
    XdVolumeState *volume = data;

    xd_op_see(op, volume->head.vm, is_settled, volume);
}

void
xd_step_check_settled(XdOp *op, gpointer data)
{
    const char *way = xd_op_get_plan(op) == NULL ? way_down(data) : NULL;
    GError *error;

    if (way == NULL) {
        xd_op_next(op);
        return;
    }
    error = xd_error_new(HVD_ERROR_BUSY, "%s of the instance does not end", way);
    xd_error_set_advice(error, N_("try again when the instance has gone down"));
    xd_op_fail(op, error);
}

/* TRUE: the tail call is made. */
static gboolean
leave_to(XdOp *op, XdVolumeState *volume, const XdStep *later)
{
    if (xd_op_get_plan(op) != NULL || way_down(volume) == NULL)
        return FALSE;
    xd_op_table(op, later, volume);
    return TRUE;
}

/* FALSE: the tail call is made. */
static gboolean
check_running(XdOp *op, const XdVM *vm, const char *problem)
{
    if (vm->power_state == XD_VM_POWER_STATE_RUNNING)
        return TRUE;
    xd_op_fail(op, xd_error_new(HVD_ERROR_STATE, "%s", problem));
    return FALSE;
}

/* ---- plug ---- */

/* True at the beginning of a plug already: attached means that nothing is under way any more
 * (verified-sequences 1.1). */
static gboolean
is_attached(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    XdVolumeState *volume = data;
    const XdVBD *vbd = xd_get_vbd(mirror_of(volume), volume->vbd);

    return vbd != NULL && vbd->currently_attached && vbd->current_operations.n == 0;
}

void
xd_step_plug_volume(XdOp *op, gpointer data)
{
    static const char *const done[] = {"DEVICE_ALREADY_ATTACHED", NULL};
    static const char *const refused[] = {"OPERATION_NOT_ALLOWED", NULL};
    static const XdStep later[] = {
        XD_STEPS_SEE_SETTLED,
        {"plug-device", xd_step_plug_volume, NULL, 1, DEVICE_LIMIT_S},
        {0},
    };
    XdVolumeState *volume = data;
    const XdVM *vm = xd_op_get_vm(op, &volume->head);
    XdStepCall call = {
        .method = "VBD.plug",
        .done = done,
        .retry = refused,
        .attempts = 2, /* there may be another reason */
        .delay_s = 1,
        .holds = is_attached,
        .data = volume,
    };

    if (vm == NULL)
        return;
    if (vm->power_state == XD_VM_POWER_STATE_HALTED || is_attached(NULL, volume)) {
        xd_op_next(op); /* a halted one gets it when it starts */
        return;
    }
    if (leave_to(op, volume, later) ||
        !check_running(op, vm, "a paused or suspended instance takes no volume"))
        return;
    call.parameters = g_variant_new("(s)", volume->vbd);
    xd_op_task(op, &call);
}

/* ---- unplug ---- */

static gboolean
is_detached(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    XdVolumeState *volume = data;
    const XdVBD *vbd = xd_get_vbd(mirror_of(volume), volume->vbd);

    return vbd == NULL || (!vbd->currently_attached && vbd->current_operations.n == 0);
}

void
xd_step_unplug_volume(XdOp *op, gpointer data)
{
    static const char *const done[] = {"DEVICE_ALREADY_DETACHED", "HANDLE_INVALID", NULL};
    static const char *const refused[] = {"OPERATION_NOT_ALLOWED", "DEVICE_DETACH_REJECTED",
                                          "DEVICE_DETACH_TIMEOUT", NULL};
    static const char *const not_allowed[] = {"OPERATION_NOT_ALLOWED", NULL};
    static const XdStep later[] = {
        XD_STEPS_SEE_SETTLED,
        {"unplug-device", xd_step_unplug_volume, NULL, 1, DEVICE_LIMIT_S},
        {0},
    };
    XdVolumeState *volume = data;
    const XdConfig *config = volume->head.base.connection->config;
    guint retries = xd_config_get_uint(config, XD_CONFIG_VOLUME_UNPLUG_RETRIES);
    const XdVM *vm = xd_instance_vm(&volume->head);
    XdStepCall call = {
        .method = "VBD.unplug",
        .done = done,
        .retry =
            retries > 0 ? refused : not_allowed, /* the instance may just have begun to go down */
        .attempts = MAX(retries, 1) + 1,
        .delay_s = 1,
        .holds = is_detached,
        .data = volume,
    };

    if (vm == NULL || vm->power_state == XD_VM_POWER_STATE_HALTED || is_detached(NULL, volume)) {
        xd_op_next(op); /* no domain, no device */
        return;
    }
    if (leave_to(op, volume, later) ||
        !check_running(op, vm, "a paused or suspended instance gives no volume back"))
        return;
    call.parameters = g_variant_new("(s)", volume->vbd);
    xd_op_task(op, &call);
}
