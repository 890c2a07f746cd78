#include "ops/spawn.h"

#include "image/raw.h"
#include "model/device.h"
#include "model/record.h"
#include "ops/disposal.h"
#include "ops/find.h"
#include "ops/open-image.h"
#include "ops/operation.h"

#include <string.h>

#define DISKS_AT_ONCE 4

/* A network interface that is to be made. */
typedef struct {
    const XdInstanceNetwork *wanted;
    guint device;
    char *network;
    gint64 network_mtu;
} Nic;

typedef struct {
    XdInstanceState head;
    XdInstance document;
    char *request_id;
    gboolean done_before; /* by an earlier call with the same request id */

    GInputStream *stream;
    gint64 image_bytes;
    XdSource *source;

    char *node;       /* reference; NULL: the pool chooses */
    GPtrArray *disks; /* (element-type XdDisk): the root disk first */
    GPtrArray *nics;  /* (element-type Nic) */
    GVariant *guest_data;
    char *vm_tag;
} Spawn;

static XdDisk *
root_disk(Spawn *spawn)
{
    return g_ptr_array_index(spawn->disks, 0);
}

static const XdMirror *
mirror_of(Spawn *spawn)
{
    return spawn->head.base.connection->mirror;
}

static void
nic_free(gpointer data)
{
    Nic *nic = data;

    g_free(nic->network);
    g_free(nic);
}

static void
spawn_clear(gpointer data)
{
    Spawn *spawn = data;

    g_clear_pointer(&spawn->source, xd_source_free);
    g_clear_object(&spawn->stream);
    g_clear_pointer(&spawn->disks, g_ptr_array_unref);
    g_clear_pointer(&spawn->nics, g_ptr_array_unref);
    g_clear_pointer(&spawn->guest_data, g_variant_unref);
    g_free(spawn->request_id);
    g_free(spawn->node);
    g_free(spawn->vm_tag);
    xd_instance_clear(&spawn->document);
    xd_instance_state_clear(data);
}

/* ---- before anything is made ---- */

static void
take_turn(XdOp *op, gpointer data)
{
    xd_op_take_turn(op, ((Spawn *) data)->head.instance);
}

static void
check_absent(XdOp *op, gpointer data)
{
    Spawn *spawn = data;
    GError *error = NULL;
    const XdVM *vm = xd_look_for_instance(mirror_of(spawn), spawn->head.instance, &error);

    if (vm != NULL && spawn->request_id != NULL && xd_was_started(vm) &&
        g_strcmp0(xd_map_get(&vm->other_config, XD_REQUEST_KEY), spawn->request_id) == 0) {
        spawn->head.vm = g_strdup(vm->parent.ref);
        spawn->done_before = TRUE;
    } else if (vm != NULL) {
        error = xd_error_new(HVD_ERROR_EXISTS, "the instance is there already, as VM \"%s\"",
                             vm->name_label);
        if (!xd_was_started(vm))
            xd_error_set_advice(error, N_("it was left half-made: reconcile, then try again"));
    }
    if (error != NULL)
        xd_op_fail(op, error);
    else
        xd_op_next(op);
}

static gboolean
choose_node(Spawn *spawn, GError **error)
{
    const XdMirror *mirror = mirror_of(spawn);
    const XdHost *host;

    if (spawn->document.node == NULL)
        return TRUE;
    host = xd_find_node(mirror, spawn->document.node, error);
    if (host == NULL)
        return FALSE;
    if (!host->enabled || !xd_node_is_live(mirror, host)) {
        xd_set_error(error, HVD_ERROR_NO_RESOURCES, "node %s %s", host->name_label,
                     host->enabled ? "does not answer" : "takes no instances");
        return FALSE;
    }
    spawn->node = g_strdup(host->parent.ref);
    return TRUE;
}

/* (transfer full) (nullable) */
static Nic *
nic_new(Spawn *spawn, const XdInstanceNetwork *wanted, GError **error)
{
    const XdNetwork *network = xd_find_network(mirror_of(spawn), wanted->network, error);
    Nic *nic;

    if (network == NULL)
        return NULL;
    nic = g_new0(Nic, 1);
    nic->wanted = wanted;
    nic->device = (guint) wanted->device;
    nic->network = g_strdup(network->parent.ref);
    nic->network_mtu = network->mtu;
    return nic;
}

/* The numbers that the document names are taken before the others are dealt out; there are as many as an
 * instance may have interfaces. */
static gboolean
number_nics(GPtrArray *nics, GError **error)
{
    XdPositions used = {0};

    for (guint i = 0; i < nics->len; i++) {
        const Nic *nic = g_ptr_array_index(nics, i);

        if (!nic->wanted->has_device)
            continue;
        if (xd_positions_has(&used, nic->device)) {
            xd_set_error(error, HVD_ERROR_INVALID, "/networks/%u/device: number %u is taken", i,
                         nic->device);
            return FALSE;
        }
        xd_positions_add(&used, nic->device);
    }
    for (guint i = 0; i < nics->len; i++) {
        Nic *nic = g_ptr_array_index(nics, i);

        if (!nic->wanted->has_device && xd_positions_first_free(&used, 0, &nic->device))
            xd_positions_add(&used, nic->device);
    }
    return TRUE;
}

static gboolean
plan_nics(Spawn *spawn, GError **error)
{
    spawn->nics = g_ptr_array_new_with_free_func(nic_free);
    for (guint i = 0; i < spawn->document.networks->len; i++) {
        Nic *nic = nic_new(spawn, g_ptr_array_index(spawn->document.networks, i), error);

        if (nic == NULL) {
            g_prefix_error(error, "/networks/%u/network: ", i);
            return FALSE;
        }
        g_ptr_array_add(spawn->nics, nic);
    }
    return number_nics(spawn->nics, error);
}

static gboolean
write_guest_data(Spawn *spawn, GError **error)
{
    GVariant *data = xd_guest_data_new(&spawn->document, error);

    if (data == NULL)
        return FALSE;
    spawn->guest_data = g_variant_ref_sink(data);
    return TRUE;
}

/* All that the document names is looked up before the first request. */
static void
check_parts(XdOp *op, gpointer data)
{
    Spawn *spawn = data;
    GError *error = NULL;

    if (spawn->done_before ||
        (choose_node(spawn, &error) && plan_nics(spawn, &error) && write_guest_data(spawn, &error)))
        xd_op_next(op);
    else
        xd_op_fail(op, error);
}

static void
open_image(XdOp *op, gpointer data)
{
    Spawn *spawn = data;

    if (spawn->done_before)
        xd_op_next(op);
    else
        xd_op_open_image(op, &spawn->document.image, &spawn->stream, &spawn->image_bytes);
}

/* ---- disks ---- */

static void
plan_disks(XdOp *op, gpointer data)
{
    Spawn *spawn = data;
    GError *error = NULL;

    if (!spawn->done_before)
        spawn->disks = xd_disk_plan_new(&spawn->document, spawn->image_bytes, &error);
    for (guint i = 0; error == NULL && spawn->disks != NULL && i < spawn->disks->len; i++) {
        const XdConfig *config = spawn->head.base.connection->config;
        const char *preferred = xd_config_get_string(config, XD_CONFIG_STORAGE_DEFAULT);
        XdDisk *disk = g_ptr_array_index(spawn->disks, i);
        const char *key = disk->storage != NULL  ? disk->storage
                          : preferred[0] != '\0' ? preferred
                                                 : NULL;
        const XdSR *sr = xd_find_storage(mirror_of(spawn), key, &error);

        if (sr != NULL)
            disk->sr = g_strdup(sr->parent.ref);
    }
    if (error != NULL)
        xd_op_fail(op, error);
    else
        xd_op_next(op);
}

/* (transfer full) */
static char *
describe_disk(Spawn *spawn, const XdDisk *disk)
{
    const XdSR *sr = xd_get_sr(mirror_of(spawn), disk->sr);
    g_autofree char *size = g_format_size_full((guint64) disk->size_bytes, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *name = xd_escape(sr != NULL ? sr->name_label : "", -1, 100);

    return g_strdup_printf("%s in \"%s\" (%s)", size, name, sr != NULL ? sr->uuid : "gone");
}

static void
create_disk(XdOp *op, gpointer data)
{
    XdDisk *disk = data;
    Spawn *spawn = xd_op_get_state(op);
    XdStepCall call = {.method = "VDI.create",
                       .kind = disk->role,
                       .index = disk->index,
                       .out = &disk->vdi,
                       .gate = disk->sr,
                       .about = describe_disk(spawn, disk)};

    disk->vdi_tag = xd_operation_tag(&spawn->head.base, disk->role, disk->index);
    call.parameters = g_variant_new("(@a{sv})", xd_vdi_record_new(&spawn->document, disk));
    xd_op_task(op, &call);
}

/* By reference, or by its mark where the reply was lost; a mark that several carry proves nothing. */
static const XdVDI *
find_disk(Spawn *spawn, const XdDisk *disk)
{
    const XdVDI *vdi = xd_get_vdi(mirror_of(spawn), disk->vdi);

    if (vdi != NULL)
        return vdi;
    vdi = (const XdVDI *) xd_mirror_find_one(mirror_of(spawn), XD_BY_VDI_TAG, disk->vdi_tag);
    return vdi != NULL && !vdi->is_a_snapshot ? vdi : NULL;
}

static void
reap_disk(XdOp *op, gpointer data)
{
    XdDisk *disk = data;
    Spawn *spawn = xd_op_get_state(op);
    const XdVDI *vdi = disk->vdi_tag != NULL ? find_disk(spawn, disk) : NULL;
    g_autoptr(GPtrArray) doomed = xd_doomed_disks_new();

    if (vdi != NULL)
        xd_doomed_disks_add(doomed, vdi);
    xd_op_each(op, doomed, xd_dispose_disk_steps, 1);
}

static const XdStep disk_steps[] = {
    {"create-disk", create_disk, reap_disk, 1, 900},
    {0},
};

static void
create_root(XdOp *op, gpointer data)
{
    Spawn *spawn = data;

    if (spawn->done_before)
        xd_op_next(op);
    else
        xd_op_table(op, disk_steps, root_disk(spawn));
}

static void
import_image(XdOp *op, gpointer data)
{
    Spawn *spawn = data;
    const XdConfig *config = spawn->head.base.connection->config;
    XdStepTransfer transfer = {.kind = "import", .size = (guint64) spawn->image_bytes};

    if (spawn->done_before) {
        xd_op_next(op);
        return;
    }
    spawn->source =
        xd_raw_source_new(spawn->stream, transfer.size, xd_image_get_sha256(&spawn->document.image),
                          xd_config_get_uint(config, XD_CONFIG_TRANSFER_BUFFER_BYTES));
    transfer.source = spawn->source;
    transfer.vdi = root_disk(spawn)->vdi;
    transfer.sr = root_disk(spawn)->sr;
    xd_op_transfer(op, &transfer);
}

static void
create_further_disks(XdOp *op, gpointer data)
{
    Spawn *spawn = data;
    g_autoptr(GPtrArray) further = g_ptr_array_new();

    for (guint i = 1; spawn->disks != NULL && i < spawn->disks->len; i++)
        g_ptr_array_add(further, g_ptr_array_index(spawn->disks, i));
    xd_op_each(op, further, disk_steps, DISKS_AT_ONCE);
}

/* ---- the VM ---- */

static void
create_vm(XdOp *op, gpointer data)
{
    Spawn *spawn = data;
    XdStepCall call = {.method = "VM.create", .kind = "vm", .out = &spawn->head.vm};
    XdVmMarks marks = {.affinity = spawn->node, .request_id = spawn->request_id};

    if (spawn->done_before) {
        xd_op_next(op);
        return;
    }
    spawn->vm_tag = xd_operation_tag(&spawn->head.base, "vm", 0);
    marks.tag = spawn->vm_tag;
    call.parameters =
        g_variant_new("(@a{sv})", xd_vm_record_new(&spawn->document, spawn->guest_data, &marks));
    xd_op_call(op, &call);
}

static const XdVM *
find_vm(Spawn *spawn)
{
    const XdVM *vm = xd_instance_vm(&spawn->head);

    if (vm != NULL)
        return vm;
    vm = (const XdVM *) xd_mirror_find_one(mirror_of(spawn), XD_BY_VM_TAG, spawn->vm_tag);
    return vm != NULL && !vm->is_a_snapshot ? vm : NULL;
}

static gboolean
is_stopped(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    const XdVM *vm = find_vm(data);

    return vm == NULL || vm->power_state == XD_VM_POWER_STATE_HALTED;
}

/* A start that failed may leave any state, Paused with a domain too (verified-sequences 2.4). */
static void
stop_vm(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Spawn *spawn = data;
    XdStepCall call = {.method = "VM.hard_shutdown",
                       .done = done,
                       .already = "halted",
                       .holds = is_stopped,
                       .data = spawn};

    if (is_stopped(NULL, spawn)) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", find_vm(spawn)->parent.ref);
    xd_op_task(op, &call);
}

static void
destroy_vm(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    Spawn *spawn = data;
    const XdVM *vm = find_vm(spawn);
    XdStepCall call = {.method = "VM.destroy", .done = done};

    if (vm == NULL) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", vm->parent.ref);
    xd_op_call(op, &call);
}

static void
reap_vm(XdOp *op, gpointer data)
{
    static const XdStep reap_steps[] = {
        {"stop-vm", stop_vm, NULL, 1, 600},
        {"destroy-vm", destroy_vm, NULL, 1, 120},
        {0},
    };
    Spawn *spawn = data;

    if (spawn->vm_tag == NULL)
        xd_op_next(op);
    else
        xd_op_table(op, reap_steps, spawn);
}

/* ---- its devices: their records go with the VM, so they need no undo of their own ---- */

static void
attach_disk(XdOp *op, gpointer data)
{
    XdDisk *disk = data;
    Spawn *spawn = xd_op_get_state(op);
    g_autofree char *kind = g_strconcat("vbd-", disk->role, NULL);
    g_autofree char *tag = xd_operation_tag(&spawn->head.base, kind, disk->index);
    XdStepCall call = {
        .method = "VBD.create", .kind = kind, .index = disk->index, .out = &disk->vbd};

    call.parameters =
        g_variant_new("(@a{sv})", xd_vbd_record_new(&spawn->document, disk, spawn->head.vm, tag));
    xd_op_call(op, &call);
}

static void
attach_disks(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {{"attach-disk", attach_disk, NULL, 1, 60}, {0}};
    Spawn *spawn = data;
    g_autoptr(GPtrArray) none = g_ptr_array_new();

    xd_op_each(op, spawn->disks != NULL ? spawn->disks : none, steps, DISKS_AT_ONCE);
}

static void
create_nic(XdOp *op, gpointer data)
{
    const Nic *nic = data;
    Spawn *spawn = xd_op_get_state(op);
    g_autofree char *tag = xd_operation_tag(&spawn->head.base, "vif", nic->device);
    XdStepCall call = {.method = "VIF.create", .kind = "vif", .index = nic->device};

    call.parameters =
        g_variant_new("(@a{sv})", xd_vif_record_new(nic->wanted, nic->device, nic->network,
                                                    nic->network_mtu, spawn->head.vm, tag));
    xd_op_call(op, &call);
}

static void
create_nics(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {{"create-nic", create_nic, NULL, 1, 60}, {0}};
    Spawn *spawn = data;
    g_autoptr(GPtrArray) none = g_ptr_array_new();

    xd_op_each(op, spawn->nics != NULL ? spawn->nics : none, steps, DISKS_AT_ONCE);
}

static gboolean
is_running(XdOperation *operation G_GNUC_UNUSED, gpointer data)
{
    const XdVM *vm = xd_instance_vm(data);

    return vm != NULL && vm->power_state == XD_VM_POWER_STATE_RUNNING &&
           vm->current_operations.n == 0;
}

static void
start(XdOp *op, gpointer data)
{
    Spawn *spawn = data;
    XdStepCall call = {.method = spawn->node != NULL ? "VM.start_on" : "VM.start",
                       .already = "running",
                       .holds = is_running,
                       .data = spawn};

    if (spawn->done_before) {
        xd_op_next(op);
        return;
    }
    call.parameters = spawn->node != NULL
                          ? g_variant_new("(ssbb)", spawn->head.vm, spawn->node, FALSE, FALSE)
                          : g_variant_new("(sbb)", spawn->head.vm, FALSE, FALSE);
    xd_op_task(op, &call);
}

static const XdStep spawn_steps[] = {
    XD_STEP_SEE_POOL,
    {"take-turn", take_turn, NULL, 0, 7200},
    {"check-absent", check_absent, NULL, 0, 5},
    {"check-parts", check_parts, NULL, 0, 5},
    {"open-image", open_image, NULL, 0, 60},
    {"plan-disks", plan_disks, NULL, 0, 5},
    {"create-root-disk", create_root, NULL, 5, 900},
    {"import-image", import_image, NULL, 60, XD_TRANSFER_S},
    {"create-disks", create_further_disks, NULL, 5, 3600},
    {"create-vm", create_vm, reap_vm, 4, 60},
    {"attach-disks", attach_disks, NULL, 2, 300},
    {"create-nics", create_nics, NULL, 2, 300},
    {"start", start, NULL, 22, 900},
    XD_STEP_TELL_INSTANCE,
    {0},
};

/* ---- the slot ---- */

void
xd_spawn_async(XdConnection *connection, const char *document, GInputStream *image,
               const HvdCall *call, GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
    static const XdOperationClass klass = {"spawn", spawn_steps, spawn_clear};
    g_autofree Spawn *spawn = g_new0(Spawn, 1);
    GError *error = NULL;
    HvdCall options;
    Spawn *state;

    xd_call_options(call, &options);
    if (!xd_instance_parse(document, -1, connection->arena, &spawn->document, &error)) {
        g_prefix_error(&error, "spawn: ");
    } else if ((spawn->document.image.kind == XD_IMAGE_STREAM) != (image != NULL)) {
        error = xd_error_new(HVD_ERROR_INVALID,
                             "spawn: /image/source: a stream has to come with the call, and a file "
                             "without one");
        xd_instance_clear(&spawn->document);
    }
    if (error != NULL) {
        xd_operation_refuse(error, cancellable, callback, user_data);
        return;
    }
    state = g_steal_pointer(&spawn);
    state->stream = image != NULL ? g_object_ref(image) : NULL;
    state->request_id = g_strdup(options.request_id);
    xd_instance_state_init(&state->head, state->document.uuid);
    xd_operation_run(&klass, state, connection, state->head.instance, state->document.name, call,
                     cancellable, callback, user_data);
}
