#include "ops/guest.h"
#include "ops/power.h"
#include "ops/rival.h"

typedef struct {
    XdInstanceState head;
    char *image; /* of the memory, before a suspend or a resume */
} Sleep;

/* ---- what holds when it is done ---- */

static gboolean
is_running(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return xd_instance_is_in(data, XD_VM_POWER_STATE_RUNNING);
}

static gboolean
is_paused(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return xd_instance_is_in(data, XD_VM_POWER_STATE_PAUSED);
}

static gboolean
is_suspended(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return xd_instance_is_in(data, XD_VM_POWER_STATE_SUSPENDED);
}

/* ---- from one state to another ---- */

typedef struct {
    const char *method;
    XdVmPowerState from;
    XdVmPowerState to;
    const char *to_name;
    XdPredicate holds;
    const char *refusal;
} Change;

static void
change(XdOp *op, Sleep *sleep, const Change *how)
{
    const XdVM *vm = xd_op_get_vm(op, &sleep->head);
    XdStepCall call = {.method = how->method,
                       .already = how->to_name,
                       .holds = how->holds,
                       .data = sleep,
                       .concludes = TRUE};

    if (vm == NULL)
        return;
    if (vm->power_state == how->to) {
        xd_op_next(op);
        return;
    }
    if (vm->power_state != how->from) {
        xd_op_fail_state(op, how->refusal, NULL);
        return;
    }
    call.parameters = g_variant_new("(s)", sleep->head.vm);
    xd_op_task(op, &call);
}

static void
pause_vm(XdOp *op, gpointer data)
{
    static const Change how = {"VM.pause",
                               XD_VM_POWER_STATE_RUNNING,
                               XD_VM_POWER_STATE_PAUSED,
                               "paused",
                               is_paused,
                               "only a running instance can be paused"};

    change(op, data, &how);
}

static void
unpause_vm(XdOp *op, gpointer data)
{
    static const Change how = {"VM.unpause",
                               XD_VM_POWER_STATE_PAUSED,
                               XD_VM_POWER_STATE_RUNNING,
                               "running",
                               is_running,
                               "only a paused instance can be unpaused"};

    change(op, data, &how);
}

/* (nullable): @ref, where it is a memory image that no machine needs: ours is not suspended */
static const XdVDI *
find_spare_image(Sleep *sleep, const char *ref)
{
    const XdMirror *mirror = sleep->head.base.connection->mirror;
    const XdVM *vm = xd_instance_vm(&sleep->head);
    const XdVDI *image = xd_get_vdi(mirror, ref);
    const XdRecord *record;
    XdMirrorIter iter;

    if (vm == NULL || image == NULL || image->type != XD_VDI_TYPE_SUSPEND ||
        vm->power_state == XD_VM_POWER_STATE_SUSPENDED || vm->current_operations.n > 0)
        return NULL;
    xd_mirror_iter_init(&iter, mirror, &xd_class_vm);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        if (record != &vm->parent && g_strcmp0(((const XdVM *) record)->suspend_vdi, ref) == 0)
            return NULL;
    }
    return image;
}

static void
suspend_vm(XdOp *op, gpointer data)
{
    static const Change how = {"VM.suspend",
                               XD_VM_POWER_STATE_RUNNING,
                               XD_VM_POWER_STATE_SUSPENDED,
                               "suspended",
                               is_suspended,
                               "only a running instance can be suspended"};
    Sleep *sleep = data;
    const XdVM *vm = xd_op_get_vm(op, &sleep->head);

    if (vm == NULL)
        return;
    g_free(sleep->image);
    sleep->image = g_strdup(vm->suspend_vdi);
    change(op, sleep, &how);
}

/* A toolstack that ended in the middle has made an image and does not know any more what for. Whoever runs the
 * guest may be writing into it still: it is not for us to destroy. */
static void
tell_image(XdOp *op, gpointer data)
{
    Sleep *sleep = data;
    const XdVM *vm = xd_instance_vm(&sleep->head);
    const XdVDI *image = vm != NULL ? find_spare_image(sleep, vm->suspend_vdi) : NULL;

    if (image == NULL || g_strcmp0(sleep->image, image->parent.ref) == 0)
        xd_op_next(op);
    else
        xd_op_fail(op,
                   xd_error_new(HVD_ERROR_LEFTOVERS,
                                "VDI %s: a memory image of the instance, which is not suspended",
                                image->uuid));
}

static void
resume_vm(XdOp *op, gpointer data)
{
    Sleep *sleep = data;
    const XdVM *vm = xd_op_get_vm(op, &sleep->head);
    XdStepCall call = {.method = "VM.resume",
                       .already = "running",
                       .holds = is_running,
                       .data = sleep,
                       .concludes = TRUE};

    if (vm == NULL)
        return;
    if (vm->power_state == XD_VM_POWER_STATE_RUNNING) {
        xd_op_next(op);
        return;
    }
    if (vm->power_state != XD_VM_POWER_STATE_SUSPENDED) {
        xd_op_fail_state(op, "only a suspended instance can be resumed", NULL);
        return;
    }
    if (!xd_op_check_rivals(op, &sleep->head, vm))
        return;
    g_free(sleep->image);
    sleep->image = g_strdup(vm->suspend_vdi);
    /* at its affinity, if that can; without one it may land anywhere (Nova's defect 39) */
    call.parameters = g_variant_new("(sbb)", sleep->head.vm, FALSE, FALSE);
    xd_op_task(op, &call);
}

static void
check(XdOp *op, gpointer data)
{
    const XdVM *vm = xd_op_get_vm(op, data);

    if (vm != NULL && xd_op_check_destruction(op, vm))
        xd_op_next(op);
}

/* The toolstack does, unless it ended in the middle: the guest has read it by now. */
static void
drop_image(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Sleep *sleep = data;
    const XdVDI *image = find_spare_image(sleep, sleep->image);
    XdStepCall call = {.method = "VDI.destroy", .done = done, .optional = TRUE};

    if (image == NULL) {
        xd_op_next(op);
        return;
    }
    call.gate = image->sr;
    call.parameters = g_variant_new("(s)", sleep->image);
    xd_op_task(op, &call);
}

/* Nobody could say what became of it, and it runs. */
static void
undo_resume(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"drop-image", drop_image, NULL, 0, 600}, {"make-good", xd_op_make_good, NULL, 0, 5}, {0}};

    if (xd_instance_is_in(data, XD_VM_POWER_STATE_RUNNING))
        xd_op_table(op, steps, data);
    else
        xd_op_next(op);
}

static const XdStep pause_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"pause", pause_vm, NULL, 1, 300},
    XD_STEP_TELL_INSTANCE,
    {0},
};

static const XdStep unpause_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"unpause", unpause_vm, NULL, 1, 300},
    XD_STEP_TELL_INSTANCE,
    {0},
};

static const XdStep suspend_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"suspend", suspend_vm, tell_image, 1, 1800},
    XD_STEP_TELL_INSTANCE,
    {0},
};

static const XdStep resume_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"check", check, NULL, 0, 5},
    {"resume", resume_vm, undo_resume, 1, 1800},
    {"drop-image", drop_image, NULL, 0, 600},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- the slots ---- */

static void
sleep_clear(gpointer data)
{
    g_free(((Sleep *) data)->image);
    xd_instance_state_clear(data);
}

#define DEFINE_SLEEP(slot, name, steps)                                                            \
    void slot(XdConnection *connection, const char *instance, const HvdCall *call,                 \
              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)         \
    {                                                                                              \
        static const XdOperationClass klass = {name, steps, sleep_clear};                          \
        Sleep *sleep = g_new0(Sleep, 1);                                                           \
                                                                                                   \
        xd_instance_state_init(&sleep->head, instance);                                            \
        xd_operation_run(&klass, sleep, connection, instance, NULL, call, cancellable, callback,   \
                         user_data);                                                               \
    }

DEFINE_SLEEP(xd_pause_async, "pause", pause_steps)
DEFINE_SLEEP(xd_unpause_async, "unpause", unpause_steps)
DEFINE_SLEEP(xd_suspend_async, "suspend", suspend_steps)
DEFINE_SLEEP(xd_resume_async, "resume", resume_steps)
