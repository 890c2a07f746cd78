#include "api/receive.h"

#include "api/allowed.h"
#include "api/backend.h"
#include "api/device.h"
#include "api/domain.h"
#include "api/placement.h"
#include "api/storage.h"
#include "api/vm-copy.h"
#include "core/task.h"

#include <string.h>

typedef SimValue *(*Command)(Sim *sim, const SimValue *command, SimValue **error);

/* (nullable): HANDLE_INVALID where the reference in @key is dead */
static SimObject *
find(Sim *sim, const char *class_name, const SimValue *command, const char *key, SimValue **error)
{
    const char *ref = sim_map_get_text(command, key);
    SimObject *object = sim_db_find(sim->db, class_name, ref != NULL ? ref : "");

    if (object == NULL)
        *error = sim_strings("HANDLE_INVALID", class_name, ref != NULL ? ref : "", NULL);
    return object;
}

static SimValue *
answer_ref(const char *key, const SimObject *object)
{
    return sim_string_map(key, sim_object_get_ref(object), NULL);
}

/* ---- the questions before ---- */

static SimValue *
check_memory(const SimObject *host, gint64 needed)
{
    gint64 left = sim_host_free_memory(host);
    g_autofree char *needed_text = g_strdup_printf("%" G_GINT64_FORMAT, needed);
    g_autofree char *left_text = g_strdup_printf("%" G_GINT64_FORMAT, left);

    if (needed <= left)
        return NULL;
    return sim_strings("HOST_NOT_ENOUGH_FREE_MEMORY", needed_text, left_text, NULL);
}

static SimValue *
check_host(const SimObject *host, const SimValue *command)
{
    if (!sim_host_is_live(host))
        return sim_strings("HOST_NOT_LIVE", NULL);
    if (!sim_object_bool(host, "enabled"))
        return sim_strings("HOST_DISABLED", sim_object_get_ref(host), NULL);
    return check_memory(host, sim_value_int(sim_map_get(command, "memory")));
}

static SimValue *
check_refs(Sim *sim, const char *class_name, const SimValue *refs)
{
    for (guint i = 0; i < sim_value_size(refs); i++) {
        const char *ref = sim_value_text(sim_value_at(refs, i));

        if (sim_db_find(sim->db, class_name, ref) == NULL)
            return sim_strings("HANDLE_INVALID", class_name, ref, NULL);
    }
    return NULL;
}

/* Are the host, the storage and the networks there, and is there room? */
static SimValue *
look(Sim *sim, const SimValue *command, SimValue **error)
{
    const SimObject *host = find(sim, "host", command, "host", error);

    if (host == NULL)
        return NULL;
    *error = check_refs(sim, "SR", sim_map_get(command, "SRs"));
    if (*error == NULL)
        *error = check_refs(sim, "network", sim_map_get(command, "networks"));
    if (*error == NULL)
        *error = check_host(host, command);
    return *error == NULL ? sim_map() : NULL;
}

/* ---- disks ---- */

/* What @command says of a disk: "SR", "record", "mirror". */
static SimObject *
make_disk(Sim *sim, const SimValue *command, const char *type, SimValue **error)
{
    const SimObject *sr = find(sim, "SR", command, "SR", error);
    const SimValue *record = sim_map_get(command, "record");
    gint64 size = sim_value_int(sim_map_get(record, "virtual_size"));
    const char *label = sim_map_get_text(record, "name_label");
    const char *description = sim_map_get_text(record, "name_description");
    SimObject *vdi;

    if (sr == NULL)
        return NULL;
    *error = sim_sr_check_attached(sim, sr);
    if (*error == NULL)
        *error = sim_sr_check_space(sim, sr, size);
    if (*error != NULL)
        return NULL;
    vdi = sim_vdi_new(sim, sr, label != NULL ? label : "", size, type);
    sim_object_set_int(vdi, "virtual_size", size);
    sim_object_set_text(vdi, "name_description", description != NULL ? description : "");
    sim_object_map_set(vdi, "sm_config", "base_mirror", sim_map_get_text(command, "mirror"));
    sim_object_set_text(vdi, "snapshot_of", ""); /* until the next scan */
    return vdi;
}

/* The disk itself, or the copy of what it was when the mirror began. */
static SimValue *
disk_add(Sim *sim, const SimValue *command, SimValue **error)
{
    const char *type = sim_map_get_text(sim_map_get(command, "record"), "type");
    SimObject *vdi = make_disk(sim, command, type != NULL ? type : "user", error);
    const char *mark = sim_map_get_text(command, SIM_TRAVELLING_KEY);

    if (vdi != NULL && mark != NULL)
        sim_object_map_set(vdi, "other_config", SIM_TRAVELLING_KEY, mark);
    return vdi != NULL ? answer_ref("VDI", vdi) : NULL;
}

/* Holds the place of the copy until that is there. */
static SimValue *
disk_add_dummy(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *vdi = make_disk(sim, command, "user", error);
    g_autofree char *parent = sim_ids_uuid(sim->ids);

    if (vdi == NULL)
        return NULL;
    sim_object_set_ref(vdi, "snapshot_of", NULL);
    sim_object_set_ref(vdi, "metadata_of_pool", NULL);
    sim_object_set_bool(vdi, "is_a_snapshot", TRUE);
    sim_object_set_bool(vdi, "read_only", TRUE);
    sim_object_set(vdi, "snapshot_time", sim_date(sim_clock_now(sim->clock)));
    sim_vdi_touch_content(sim, vdi);
    sim_object_map_set(vdi, "sm_config", "vhd-parent", parent);
    return answer_ref("VDI", vdi);
}

static SimValue *
disk_attach(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *vdi = find(sim, "VDI", command, "VDI", error);
    const SimObject *host = vdi != NULL ? find(sim, "host", command, "host", error) : NULL;

    if (host == NULL)
        return NULL;
    sim_vdi_note_reader(vdi, host);
    return sim_map();
}

/* A scan of the storage forgets what only the mirror knew. */
static SimValue *
disks_settle(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *sr = find(sim, "SR", command, "SR", error);
    const SimValue *refs = sim_map_get(command, "VDIs");

    if (sr == NULL)
        return NULL;
    sim_sr_update_sizes(sim, sr);
    for (guint i = 0; i < sim_value_size(refs); i++) {
        SimObject *vdi = sim_db_find(sim->db, "VDI", sim_value_text(sim_value_at(refs, i)));

        if (vdi == NULL)
            continue;
        sim_object_set_bool(vdi, "read_only", FALSE);
        sim_object_set(vdi, "sm_config", sim_map());
    }
    return sim_map();
}

/* Attached for writing, or ("release") let go. "content": what it holds now; else that is new. */
static SimValue *
disk_touch(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *vdi = find(sim, "VDI", command, "VDI", error);
    const char *content = sim_map_get_text(command, "content");
    gboolean release = sim_map_get(command, "release") != NULL;

    if (vdi == NULL)
        return NULL;
    if (content != NULL)
        sim_object_map_set(vdi, "other_config", "content_id", content);
    else if (!release)
        sim_vdi_touch_content(sim, vdi);
    if (release)
        sim_object_set(vdi, "sm_config", sim_map());
    return sim_map();
}

static SimValue *
disk_drop(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *vdi = find(sim, "VDI", command, "VDI", error);

    if (vdi == NULL)
        return NULL;
    sim_vdi_delete(sim, vdi);
    return sim_map();
}

static SimValue *
scan_begin(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *sr = find(sim, "SR", command, "SR", error);
    SimObject *task;

    if (sr == NULL)
        return NULL;
    task = sim_task_new(sim, "SR.scan", "", "");
    sim_task_set_cancellable(task, TRUE);
    sim_object_map_set(sr, "current_operations", sim_object_get_ref(task), "scan");
    sim_sr_update_allowed(sr);
    return answer_ref("task", task);
}

static SimValue *
scan_end(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *sr = find(sim, "SR", command, "SR", error);
    SimObject *task = sr != NULL ? find(sim, "task", command, "task", error) : NULL;

    if (task == NULL)
        return NULL;
    sim_sr_scan(sim, sr);
    sim_object_map_remove(sr, "current_operations", sim_object_get_ref(task));
    sim_sr_update_allowed(sr);
    sim_db_destroy(task);
    return sim_map();
}

/* ---- the machine ---- */

/* "trial": only to see whether it could be done. */
static SimValue *
import_begin(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *task = sim_task_new(sim, "VM metadata import", "", "");

    (void) error;
    if (sim_value_bool(sim_map_get(command, "trial")))
        sim_task_succeed(sim, task, "<value><array><data></data></array></value>");
    return answer_ref("task", task);
}

static gboolean
names_objects(const SimType *type)
{
    return type->kind == SIM_TYPE_REF || (type->item != NULL && names_objects(type->item)) ||
           (type->key != NULL && names_objects(type->key));
}

/* What a record says of other objects, and of what goes on, is not true here. */
static gboolean
travels(const SimField *field)
{
    static const char *const own[] = {
        "allowed_operations", "current_operations", "power_state", "domid", "device", NULL};

    return !names_objects(field->type) && !g_strv_contains(own, field->name);
}

static void
fill(SimObject *object, const SimValue *record)
{
    for (guint i = 0; i < sim_value_size(record); i++) {
        const SimField *field =
            sim_class_find_field(sim_object_class(object), sim_map_key(record, i));
        SimValue *value = field != NULL && travels(field)
                              ? sim_type_read(field->type, sim_value_at(record, i))
                              : NULL;

        if (value != NULL)
            sim_object_set(object, field->name, value);
    }
}

/* The name of an interface is what it is called by; that of a drive comes when it is attached. */
static void
restore_device(SimObject *object, const SimValue *record)
{
    const char *device = sim_map_get_text(record, "device");

    if (strcmp(sim_object_class(object)->name, "VIF") != 0)
        return;
    sim_object_set_text(object, "device", device != NULL ? device : "");
    sim_object_set_bool(object, "currently_attached", FALSE);
}

/* An archive numbers the references in it; that of nothing stays behind as text (scenario
 * live_migrate_to_other_pool). */
#define ARCHIVED_NULL "Ref:26"

static SimObject *
import_record(Sim *sim, const SimValue *record, const SimObject *task)
{
    SimObject *metrics = sim_db_create(sim->db, "VM_metrics");
    SimObject *vm = sim_db_create(sim->db, "VM");
    g_autoptr(SimValue) idle = sim_map();

    sim_map_add(idle, "0", sim_float(0.0));
    sim_object_set(metrics, "VCPUs_utilisation", sim_value_ref(idle));
    fill(vm, record);
    sim_object_set_text(vm, "power_state", "Halted");
    sim_object_set_int(vm, "domid", -1);
    sim_object_map_set(vm, "other_config", "import_task", sim_object_get_ref(task));
    sim_object_set_text(vm, "snapshot_of", ARCHIVED_NULL);
    sim_object_set_text(vm, "parent", ARCHIVED_NULL);
    sim_object_set_int(vm, "version", sim_object_int(vm, "version") + 1);
    sim_object_set_ref(vm, "metrics", metrics);
    return vm;
}

static void
import_guest_metrics(Sim *sim, SimObject *vm, const SimValue *record)
{
    SimObject *metrics;

    if (record == NULL)
        return;
    metrics = sim_db_create(sim->db, "VM_guest_metrics");
    fill(metrics, record);
    sim_object_set_ref(vm, "guest_metrics", metrics);
}

/* "VIFs" and "VBDs": their records, with what they hang on here in "to". */
static void
import_devices(Sim *sim, SimObject *vm, const SimValue *devices, const char *class_name,
               const char *target)
{
    g_autofree char *metrics_class = g_strconcat(class_name, "_metrics", NULL);

    for (guint i = sim_value_size(devices); i > 0; i--) {
        const SimValue *device = sim_value_at(devices, i - 1);
        SimObject *object = sim_db_create(sim->db, class_name);
        const char *to = sim_map_get_text(device, "to");

        fill(object, sim_map_get(device, "record"));
        sim_object_set_ref(object, "metrics", sim_db_create(sim->db, metrics_class));
        sim_object_set_text(object, target, to != NULL ? to : SIM_NULL_REF);
        sim_object_set_ref(object, "VM", vm);
        restore_device(object, sim_map_get(device, "record"));
        if (strcmp(class_name, "VIF") == 0)
            sim_vif_update_allowed(object);
        else
            sim_vbd_update_allowed(object); /* not its disk: scenario live_migrate_to_other_pool */
    }
}

static void
renew_uuid(Sim *sim, SimObject *object)
{
    g_autofree char *uuid = sim_ids_uuid(sim->ids);

    sim_object_set_text(object, "uuid", uuid);
}

/* A copy is another machine: with an identity, addresses and a seed of its own. */
static void
make_another(Sim *sim, SimObject *vm)
{
    g_autofree char *seed = sim_ids_uuid(sim->ids);
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(vm, "VIFs");
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vm, "VBDs");

    renew_uuid(sim, vm);
    sim_object_map_set(vm, "other_config", "mac_seed", seed);
    for (guint i = 0; i < vbds->len; i++)
        renew_uuid(sim, g_ptr_array_index(vbds, i));
    for (guint i = 0; i < vifs->len; i++) {
        SimObject *vif = g_ptr_array_index(vifs, i);
        g_autofree char *mac = sim_vif_derive_mac(vm, sim_object_text(vif, "device"));

        renew_uuid(sim, vif);
        sim_object_set_text(vif, "MAC", mac);
        sim_object_set_bool(vif, "MAC_autogenerated", TRUE);
    }
}

static SimValue *
import_vm(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *task = find(sim, "task", command, "task", error);
    const SimValue *record = sim_map_get(command, "record");
    const char *uuid = sim_map_get_text(record, "uuid");
    g_autofree char *result = NULL;
    SimObject *vm;

    if (task == NULL)
        return NULL;
    if (!sim_value_bool(sim_map_get(command, "copy")) && uuid != NULL &&
        sim_db_find_uuid(sim->db, "VM", uuid) != NULL) {
        *error = sim_strings("DUPLICATE_VM", sim_map_get_text(command, "VM"), NULL);
        return NULL;
    }
    vm = import_record(sim, record, task);
    import_guest_metrics(sim, vm, sim_map_get(command, "guest_metrics"));
    import_devices(sim, vm, sim_map_get(command, "VIFs"), "VIF", "network");
    import_devices(sim, vm, sim_map_get(command, "VBDs"), "VBD", "VDI");
    if (sim_value_bool(sim_map_get(command, "copy")))
        make_another(sim, vm);
    sim_vm_update_allowed(vm);
    result = g_strdup_printf("<value><array><data><value>%s</value></data></array></value>",
                             sim_object_get_ref(vm));
    sim_task_succeed(sim, task, result);
    return answer_ref("VM", vm);
}

/* Of a machine that runs it is known from now on where it will. */
static SimValue *
import_end(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *task = find(sim, "task", command, "task", error);
    SimObject *vm;

    if (task == NULL)
        return NULL;
    sim_db_destroy(task);
    if (sim_map_get(command, "VM") == NULL)
        return sim_map();
    vm = find(sim, "VM", command, "VM", error);
    if (vm == NULL)
        return NULL;
    sim_object_set_text(vm, "scheduled_to_be_resident_on", sim_map_get_text(command, "host"));
    return sim_map();
}

static SimValue *
arrive(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *vm = find(sim, "VM", command, "VM", error);
    SimObject *host = vm != NULL ? find(sim, "host", command, "host", error) : NULL;
    SimObject *task;

    if (host == NULL)
        return NULL;
    task = sim_task_new(sim, "VM.pool_migrate_complete", "", "");
    sim_object_set_ref(task, "resident_on", host);
    sim_domain_appear(sim, vm, host);
    sim_object_set(sim_object_follow(vm, "metrics"), "start_time",
                   sim_date(sim_value_int(sim_map_get(command, "start_time"))));
    return answer_ref("task", task);
}

static SimValue *
arrive_end(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *task = find(sim, "task", command, "task", error);

    if (task == NULL)
        return NULL;
    sim_db_destroy(task);
    return sim_map();
}

/* The message names the host that the machine came from (scenario live_migrate_to_other_pool). */
static SimValue *
announce(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *vm = find(sim, "VM", command, "VM", error);

    if (vm == NULL)
        return NULL;
    sim_vm_post(sim, vm, "VM_STARTED", "started on %s", sim_map_get_text(command, "from"));
    return sim_map();
}

static SimValue *
vm_drop(Sim *sim, const SimValue *command, SimValue **error)
{
    SimObject *vm = find(sim, "VM", command, "VM", error);

    if (vm == NULL)
        return NULL;
    sim_vm_delete(vm);
    return sim_map();
}

static const struct {
    const char *name;
    Command run;
} commands[] = {
    {"look", look},
    {"disk-add", disk_add},
    {"disk-add-dummy", disk_add_dummy},
    {"disk-attach", disk_attach},
    {"disks-settle", disks_settle},
    {"disk-touch", disk_touch},
    {"disk-drop", disk_drop},
    {"scan-begin", scan_begin},
    {"scan-end", scan_end},
    {"import-begin", import_begin},
    {"import-vm", import_vm},
    {"import-end", import_end},
    {"arrive", arrive},
    {"arrive-end", arrive_end},
    {"announce", announce},
    {"vm-drop", vm_drop},
};

SimValue *
sim_receive(Sim *sim, const SimValue *command, SimValue **error)
{
    const char *name = sim_map_get_text(command, "do");

    *error = NULL;
    for (guint i = 0; name != NULL && i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(sim, command, error);
    }
    *error = sim_strings("INTERNAL_ERROR", "no such command of a migration", NULL);
    return NULL;
}
