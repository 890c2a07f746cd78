#include "ops/power.h"

#include "ops/block.h"
#include "ops/find.h"
#include "ops/operation.h"

#include <string.h>

typedef struct {
    XdInstanceState head;
    int timeout_s; /* of a shut-down through the guest; 0: none, -1: as configured */
    gboolean hard;
    gboolean bootable;
    const char *reason; /* of a block: XD_BLOCK_... */
    char *block;        /* the reason with the mark of this operation */
    gint64 domid;       /* before a reboot */
    char *image;        /* of the memory, before a suspend or a resume */
} Power;

/* ---- what holds when it is done ---- */

static gboolean
is_in(Power *power, XdVmPowerState state)
{
    const XdVM *vm = xd_instance_vm(&power->head);

    return vm != NULL && vm->power_state == state && vm->current_operations.n == 0;
}

static gboolean
is_running(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return is_in(data, XD_VM_POWER_STATE_RUNNING);
}

static gboolean
is_halted(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return is_in(data, XD_VM_POWER_STATE_HALTED);
}

static gboolean
is_paused(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return is_in(data, XD_VM_POWER_STATE_PAUSED);
}

static gboolean
is_suspended(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    return is_in(data, XD_VM_POWER_STATE_SUSPENDED);
}

/* A reboot leaves nothing behind but another domain. */
static gboolean
is_rebooted(XdOperation *operation, gpointer data)
{
    const Power *power = data;
    const XdVM *vm = xd_instance_vm(data);

    return is_running(operation, data) && vm->domid != power->domid;
}

static void
fail_state(XdOp *op, const char *what, const char *advice)
{
    GError *error = xd_error_new(HVD_ERROR_STATE, "%s", what);

    xd_error_set_advice(error, advice);
    xd_op_fail(op, error);
}

/* (nullable): where it ran, or was asked to run, if that node takes instances */
static const XdHost *
preferred_node(Power *power, const XdVM *vm)
{
    const XdMirror *mirror = power->head.base.connection->mirror;
    const XdHost *host = xd_get_host(mirror, vm->affinity);

    return host != NULL && host->enabled && xd_node_is_live(mirror, host) ? host : NULL;
}

/* ---- on ---- */

/* What this driver has blocked it also explains; what somebody else has, the toolstack refuses. */
static void
check_block(XdOp *op, gpointer data)
{
    const XdVM *vm = xd_instance_vm(data);

    if (vm->power_state == XD_VM_POWER_STATE_HALTED && xd_is_blocked(vm, XD_BLOCK_SOFT_DELETED))
        fail_state(op, "it is soft-deleted", N_("restore it first"));
    else if (vm->power_state == XD_VM_POWER_STATE_HALTED &&
             xd_is_blocked(vm, XD_BLOCK_NOT_BOOTABLE))
        fail_state(op, "it is marked as not bootable", N_("make it bootable first"));
    else
        xd_op_next(op);
}

static void
start(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdVM *vm = xd_instance_vm(&power->head);
    const XdHost *node = preferred_node(power, vm);
    XdStepCall call = {.already = "running", .holds = is_running, .data = power, .concludes = TRUE};

    if (vm->power_state == XD_VM_POWER_STATE_RUNNING) {
        xd_op_next(op);
        return;
    }
    if (vm->power_state != XD_VM_POWER_STATE_HALTED) {
        fail_state(op, "it is neither running nor shut down",
                   N_("resume a suspended instance, unpause a paused one"));
        return;
    }
    call.method = node != NULL ? "VM.start_on" : "VM.start";
    call.parameters = node != NULL
                          ? g_variant_new("(ssbb)", power->head.vm, node->parent.ref, FALSE, FALSE)
                          : g_variant_new("(sbb)", power->head.vm, FALSE, FALSE);
    xd_op_task(op, &call);
}

static const XdStep power_on_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"check", check_block, NULL, 0, 5},
    {"start", start, NULL, 1, 900},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- off ---- */

/* Does the guest listen? The list follows its agent (verified-sequences 3.3). */
static gboolean
can_shut_down(const XdVM *vm)
{
    return vm->power_state == XD_VM_POWER_STATE_RUNNING &&
           xd_strings_contains(&vm->allowed_operations, "clean_shutdown");
}

static void
shut_down(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdConfig *config = power->head.base.connection->config;
    const XdVM *vm = xd_instance_vm(&power->head);
    guint limit_s = power->timeout_s >= 0
                        ? (guint) power->timeout_s
                        : xd_config_get_uint(config, XD_CONFIG_POWER_SHUTDOWN_TIMEOUT);
    XdStepCall call = {.method = "VM.clean_shutdown",
                       .already = "halted",
                       .holds = is_halted,
                       .data = power,
                       .optional = TRUE,
                       .concludes = TRUE};

    if (vm->power_state == XD_VM_POWER_STATE_SUSPENDED) {
        /* a hard_shutdown would leave a VM behind that does not start (verified-sequences 3.2) */
        fail_state(op, "it is suspended", N_("resume it first"));
        return;
    }
    if (limit_s == 0 || !can_shut_down(vm)) {
        xd_op_next(op);
        return;
    }
    xd_op_limit(op, limit_s);
    call.parameters = g_variant_new("(s)", power->head.vm);
    xd_op_task(op, &call);
}

static void
stop(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdVM *vm = xd_instance_vm(&power->head);
    /* cancelled half-way it leaves the guest paused */
    XdStepCall call = {.method = "VM.hard_shutdown",
                       .already = "halted",
                       .holds = is_halted,
                       .data = power,
                       .concludes = TRUE,
                       .whole = TRUE};

    if (vm->power_state == XD_VM_POWER_STATE_HALTED) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", power->head.vm);
    xd_op_task(op, &call);
}

static const XdStep power_off_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"shut-down", shut_down, NULL, 1, 3700},
    {"stop", stop, NULL, 1, 600},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- reboot ---- */

static void
reboot(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdVM *vm = xd_instance_vm(&power->head);
    XdStepCall call = {.method = power->hard ? "VM.hard_reboot" : "VM.clean_reboot",
                       .holds = is_rebooted,
                       .data = power,
                       .concludes = TRUE,
                       .whole = power->hard};

    if (vm->power_state == XD_VM_POWER_STATE_HALTED) {
        start(op, data); /* what a reset button does to a machine that is off */
        return;
    }
    power->domid = vm->domid;
    call.parameters = g_variant_new("(s)", power->head.vm);
    xd_op_task(op, &call);
}

static const XdStep reboot_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"check", check_block, NULL, 0, 5},
    {"reboot", reboot, NULL, 1, 1500},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- pause, unpause, suspend, resume ---- */

typedef struct {
    const char *method;
    XdVmPowerState from;
    XdVmPowerState to;
    const char *to_name;
    XdPredicate holds;
    const char *refusal;
} Change;

static void
change(XdOp *op, Power *power, const Change *how)
{
    const XdVM *vm = xd_instance_vm(&power->head);
    XdStepCall call = {.method = how->method,
                       .already = how->to_name,
                       .holds = how->holds,
                       .data = power,
                       .concludes = TRUE};

    if (vm->power_state == how->to) {
        xd_op_next(op);
        return;
    }
    if (vm->power_state != how->from) {
        fail_state(op, how->refusal, NULL);
        return;
    }
    call.parameters = g_variant_new("(s)", power->head.vm);
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
find_spare_image(Power *power, const char *ref)
{
    const XdMirror *mirror = power->head.base.connection->mirror;
    const XdVM *vm = xd_instance_vm(&power->head);
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
    Power *power = data;

    g_free(power->image);
    power->image = g_strdup(xd_instance_vm(&power->head)->suspend_vdi);
    change(op, power, &how);
}

/* A toolstack that ended in the middle has made an image and does not know any more what for. Whoever runs the
 * guest may be writing into it still: it is not for us to destroy. */
static void
tell_image(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdVM *vm = xd_instance_vm(&power->head);
    const XdVDI *image = vm != NULL ? find_spare_image(power, vm->suspend_vdi) : NULL;

    if (image == NULL || g_strcmp0(power->image, image->parent.ref) == 0)
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
    Power *power = data;
    const XdVM *vm = xd_instance_vm(&power->head);
    const XdHost *node = preferred_node(power, vm);
    XdStepCall call = {.already = "running", .holds = is_running, .data = power, .concludes = TRUE};

    if (vm->power_state == XD_VM_POWER_STATE_RUNNING) {
        xd_op_next(op);
        return;
    }
    if (vm->power_state != XD_VM_POWER_STATE_SUSPENDED) {
        fail_state(op, "only a suspended instance can be resumed", NULL);
        return;
    }
    g_free(power->image);
    power->image = g_strdup(vm->suspend_vdi);
    /* VM.resume alone may land anywhere: Nova's defect 39 */
    call.method = node != NULL ? "VM.resume_on" : "VM.resume";
    call.parameters = node != NULL
                          ? g_variant_new("(ssbb)", power->head.vm, node->parent.ref, FALSE, FALSE)
                          : g_variant_new("(sbb)", power->head.vm, FALSE, FALSE);
    xd_op_task(op, &call);
}

/* The toolstack does, unless it ended in the middle: the guest has read it by now. */
static void
drop_image(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Power *power = data;
    const XdVDI *image = find_spare_image(power, power->image);
    XdStepCall call = {.method = "VDI.destroy", .done = done, .optional = TRUE};

    if (image == NULL) {
        xd_op_next(op);
        return;
    }
    call.gate = image->sr;
    call.parameters = g_variant_new("(s)", power->image);
    xd_op_task(op, &call);
}

/* Nobody could say what became of it, and it runs. */
static void
undo_resume(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"drop-image", drop_image, NULL, 0, 600}, {"make-good", xd_op_make_good, NULL, 0, 5}, {0}};

    if (is_in(data, XD_VM_POWER_STATE_RUNNING))
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
    {"resume", resume_vm, undo_resume, 1, 1800},
    {"drop-image", drop_image, NULL, 0, 600},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- blocking starts ---- */

static gboolean
shows_bootable(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    const Power *power = data;
    const XdVM *vm = xd_instance_vm(data);

    return vm == NULL || xd_is_blocked(vm, power->reason) == !power->bootable;
}

/* @concludes: (nullable): where it is all that the operation is for: what holds then */
static void
set_block(XdOp *op, Power *power, gboolean block, XdPredicate concludes)
{
    const XdVM *vm = xd_instance_vm(&power->head);
    XdStepCall call = {.method = "VM.set_blocked_operations",
                       .holds = concludes,
                       .data = power,
                       .concludes = concludes != NULL};

    if (vm == NULL || xd_is_blocked(vm, power->reason) == block) {
        xd_op_next(op);
        return;
    }
    if (block && power->block == NULL)
        power->block = xd_block_new(&power->head.base, power->reason);
    call.parameters = g_variant_new("(s@a{ss})", power->head.vm,
                                    xd_blocked_operations(vm, power->reason, power->block, block));
    xd_op_call(op, &call);
}

static void
block(XdOp *op, gpointer data)
{
    set_block(op, data, TRUE, NULL);
}

static void
unblock(XdOp *op, gpointer data)
{
    set_block(op, data, FALSE, NULL);
}

/* Too late to stop half-way: what was wanted is the case, so it is left so. */
static void
undo_block(XdOp *op, gpointer data)
{
    Power *power = data;
    const XdVM *vm = xd_instance_vm(&power->head);

    if (is_in(power, XD_VM_POWER_STATE_HALTED) && xd_is_blocked(vm, power->reason))
        xd_op_make_good(op, data);
    else
        unblock(op, data);
}

static void
undo_unblock(XdOp *op, gpointer data)
{
    if (is_in(data, XD_VM_POWER_STATE_RUNNING))
        xd_op_make_good(op, data);
    else
        block(op, data);
}

static void
set_bootable(XdOp *op, gpointer data)
{
    set_block(op, data, !((Power *) data)->bootable, shows_bootable);
}

static void
see_bootable(XdOp *op, gpointer data)
{
    xd_op_see(op, ((Power *) data)->head.vm, shows_bootable, data);
}

static const XdStep soft_delete_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"block-starts", block, undo_block, 1, 60},
    {"shut-down", shut_down, NULL, 10, 3700},
    {"stop", stop, NULL, 5, 600},
    XD_STEP_TELL_INSTANCE,
    {0},
};

static const XdStep restore_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"allow-starts", unblock, undo_unblock, 1, 60},
    {"start", start, NULL, 10, 900},
    XD_STEP_TELL_INSTANCE,
    {0},
};

static const XdStep set_bootable_steps[] = {
    XD_STEP_SEE_POOL,
    XD_STEP_FIND_INSTANCE,
    {"set-bootable", set_bootable, NULL, 1, 60},
    {"see-bootable", see_bootable, NULL, 0, 30},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- the slots ---- */

static void
power_clear(gpointer data)
{
    g_free(((Power *) data)->block);
    g_free(((Power *) data)->image);
    xd_instance_state_clear(data);
}

static Power *
power_new(const char *instance)
{
    Power *power = g_new0(Power, 1);

    xd_instance_state_init(&power->head, instance);
    power->timeout_s = -1;
    return power;
}

#define RUN(operation_name, operation_steps, power)                                                \
    static const XdOperationClass klass = {operation_name, operation_steps, power_clear};          \
    xd_operation_run(&klass, power, connection, instance, NULL, call, cancellable, callback,       \
                     user_data)

#define DEFINE_POWER(slot, operation_name, operation_steps)                                        \
    void slot(XdConnection *connection, const char *instance, const HvdCall *call,                 \
              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)         \
    {                                                                                              \
        RUN(operation_name, operation_steps, power_new(instance));                                 \
    }

DEFINE_POWER(xd_power_on_async, "power-on", power_on_steps)
DEFINE_POWER(xd_pause_async, "pause", pause_steps)
DEFINE_POWER(xd_unpause_async, "unpause", unpause_steps)
DEFINE_POWER(xd_suspend_async, "suspend", suspend_steps)
DEFINE_POWER(xd_resume_async, "resume", resume_steps)

void
xd_power_off_async(XdConnection *connection, const char *instance, int timeout_s,
                   const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                   gpointer user_data)
{
    Power *power = power_new(instance);

    power->timeout_s = timeout_s;
    RUN("power-off", power_off_steps, power);
}

void
xd_reboot_async(XdConnection *connection, const char *instance, gboolean hard, const HvdCall *call,
                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    Power *power = power_new(instance);

    power->hard = hard;
    RUN("reboot", reboot_steps, power);
}

void
xd_soft_delete_async(XdConnection *connection, const char *instance, const HvdCall *call,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    Power *power = power_new(instance);

    power->reason = XD_BLOCK_SOFT_DELETED;
    RUN("soft-delete", soft_delete_steps, power);
}

void
xd_restore_async(XdConnection *connection, const char *instance, const HvdCall *call,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    Power *power = power_new(instance);

    power->reason = XD_BLOCK_SOFT_DELETED;
    RUN("restore", restore_steps, power);
}

void
xd_set_bootable_async(XdConnection *connection, const char *instance, gboolean bootable,
                      const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
    Power *power = power_new(instance);

    power->bootable = bootable;
    power->reason = XD_BLOCK_NOT_BOOTABLE;
    RUN("set-bootable", set_bootable_steps, power);
}
