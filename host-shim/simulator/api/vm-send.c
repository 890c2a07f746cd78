/* VM.migrate_send and its kin: who may move, and what they are asked for. */
#include "api/domain.h"
#include "api/families.h"
#include "api/placement.h"
#include "api/send.h"
#include "core/sessions.h"

#include <string.h>

/* ---- host.migrate_receive ---- */

/* (nullable): the address of @host in @network */
static const char *
find_address(const SimObject *host, const SimObject *network)
{
    g_autoptr(GPtrArray) pifs = sim_object_follow_all(network, "PIFs");

    for (guint i = 0; i < pifs->len; i++) {
        const SimObject *pif = g_ptr_array_index(pifs, i);

        if (sim_object_follow(pif, "host") == host)
            return sim_object_text(pif, "IP");
    }
    return NULL;
}

static char *
node_url(Sim *sim, const char *address)
{
    return g_strdup_printf("%s://%s:%u", sim->options.tls ? "https" : "http", address, sim->port);
}

/* The URLs and a session of their own (captures: host_migrate_receive). */
static void
host_migrate_receive(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    SimObject *host = sim_call_object(call, 0);
    SimObject *network = host != NULL ? sim_call_object(call, 1) : NULL;
    const char *address = network != NULL ? find_address(host, network) : NULL;
    const SimSession *session;
    g_autofree char *url = NULL;
    g_autofree char *master = NULL;
    g_autofree char *sm = NULL;
    g_autofree char *xenops = NULL;

    if (network == NULL)
        return;
    if (address == NULL) {
        sim_call_fail(call, "HOST_CANNOT_ATTACH_NETWORK", sim_object_get_ref(host),
                      sim_object_get_ref(network), NULL);
        return;
    }
    if (address[0] == '\0') {
        sim_call_fail(call, "INTERFACE_HAS_NO_IP", sim_object_get_ref(network), NULL);
        return;
    }
    session = sim_sessions_login(sim->sessions, "root", SIM_ROLE_POOL_ADMIN, "migration");
    url = node_url(sim, address);
    master = node_url(sim, sim_coordinator(sim)->address);
    sm = g_strdup_printf("%s/services/SM?session_id=%s", url, session->ref);
    xenops = g_strdup_printf("%s/services/xenops?session_id=%s", url, session->ref);
    sim_call_return(call,
                    sim_string_map("SM", sm, "host", sim_object_get_ref(host), "xenops", xenops,
                                   "session_id", session->ref, "master", master, NULL));
}

/* ---- what is asked for ---- */

/* Disks that move: media stay where they are. */
static gboolean
is_disk(const SimObject *vbd)
{
    return strcmp(sim_object_text(vbd, "type"), "Disk") == 0 &&
           sim_object_follow(vbd, "VDI") != NULL;
}

static gboolean
add_disks(SimCall *call, SimSend *send, const SimValue *map)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(send->vm, "VBDs");

    for (guint i = vbds->len; i > 0; i--) {
        SimObject *vbd = g_ptr_array_index(vbds, i - 1);
        SimObject *vdi = is_disk(vbd) ? sim_object_follow(vbd, "VDI") : NULL;
        const char *sr = vdi != NULL ? sim_map_get_text(map, sim_object_get_ref(vdi)) : NULL;

        if (vdi == NULL)
            continue;
        if (sr == NULL) {
            sim_call_fail(call, "VDI_NOT_IN_MAP", sim_object_get_ref(vdi), NULL);
            return FALSE;
        }
        if (!sim_target_is_local(send->target) || strcmp(sr, sim_object_text(vdi, "SR")) != 0)
            sim_send_add_disk(send, vdi, sr);
    }
    return TRUE;
}

static gboolean
check_options(SimCall *call, const SimSend *send)
{
    const SimObject *vm = send->vm;

    if (sim_value_size(send->vifs) > 0 && sim_target_is_local(send->target)) {
        sim_call_fail(call, "OPERATION_NOT_ALLOWED",
                      "VIF mapping is not allowed for intra-pool migration", NULL);
        return FALSE;
    }
    if (send->copies && !sim_vm_is(vm, "Halted")) {
        sim_call_fail_with(call, sim_vm_check_state(vm, "halted"));
        return FALSE;
    }
    if (send->copies && sim_target_is_local(send->target)) {
        sim_call_fail(call, "OPERATION_NOT_ALLOWED",
                      "Copy mode is disallowed on intra pool storage migration, try efficient "
                      "alternatives e.g. VM.copy/clone.",
                      NULL);
        return FALSE;
    }
    if (sim_value_size(sim_object_get(vm, "snapshots")) > 0 || sim_vm_is(vm, "Suspended")) {
        sim_call_fail(call, "NOT_IMPLEMENTED", "VM.migrate_send of snapshots and suspended VMs",
                      NULL);
        return FALSE;
    }
    return TRUE;
}

/* (nullable): has failed the call */
static SimSend *
prepare(SimCall *call)
{
    SimObject *vm = sim_call_object(call, 0);
    SimTarget *target = vm != NULL ? sim_target_new(call, sim_call_arg(call, 1)) : NULL;
    const char *copy = sim_map_get_text(sim_call_arg(call, 5), "copy");
    SimSend *send;

    if (target == NULL)
        return NULL;
    send = sim_send_new(target, vm);
    send->vifs = sim_value_ref(sim_call_arg(call, 4));
    send->copies = g_strcmp0(copy, "true") == 0;
    if (sim_vm_allow(call, vm, "migrate_send", "halted, running, suspended") &&
        (!sim_vm_is(vm, "Running") || sim_vm_require_agent(call, vm)) &&
        check_options(call, send) && add_disks(call, send, sim_call_arg(call, 3)))
        return send;
    sim_send_free(send);
    return NULL;
}

/* ---- the calls ---- */

static void
vm_assert_can_migrate(SimCall *call)
{
    SimSend *send = prepare(call);

    if (send == NULL)
        return;
    send->only_asks = TRUE;
    sim_send_add_check_steps(send);
    sim_send_run(call, send);
}

static void
vm_migrate_send(SimCall *call)
{
    SimSend *send = prepare(call);
    gboolean running = send != NULL && sim_vm_is(send->vm, "Running");

    if (send == NULL)
        return;
    if (!sim_call_lock(call, send->vm, "migrate_send")) {
        sim_send_free(send);
        return;
    }
    sim_send_add_check_steps(send);
    sim_send_add_disk_steps(send, running);
    sim_send_add_machine_steps(send, running);
    sim_call_handle_cancel(call);
    sim_send_run(call, send);
}

/* (nullable): the machine that runs with @vdi */
static SimObject *
find_user(const SimObject *vdi)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vdi, "VBDs");

    for (guint i = 0; i < vbds->len; i++) {
        SimObject *vbd = g_ptr_array_index(vbds, i);
        SimObject *vm = sim_object_follow(vbd, "VM");

        if (sim_object_bool(vbd, "currently_attached") && vm != NULL && sim_vm_is(vm, "Running"))
            return vm;
    }
    return NULL;
}

/* One disk of a machine that runs, to storage that its host reaches too (captures:
 * VDI_pool_migrate). */
static void
vdi_pool_migrate(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    SimObject *vdi = sim_call_object(call, 0);
    SimObject *sr = vdi != NULL ? sim_call_object(call, 1) : NULL;
    const SimObject *vm = sr != NULL ? find_user(vdi) : NULL;
    SimObject *host = vm != NULL ? sim_object_follow(vm, "resident_on") : NULL;
    SimSend *send;

    if (sr == NULL)
        return;
    if (host == NULL) {
        sim_call_fail(call, "VDI_NEEDS_VM_FOR_MIGRATE", sim_object_get_ref(vdi), NULL);
        return;
    }
    if (!sim_host_sees_sr(host, sr)) {
        sim_call_fail(call, "NO_HOSTS_AVAILABLE", NULL);
        return;
    }
    send = sim_send_new(sim_target_new_local(sim, host), NULL);
    sim_send_add_disk(send, vdi, sim_object_get_ref(sr));
    sim_send_add_disk_steps(send, TRUE);
    sim_send_add_exchange_steps(send);
    sim_call_handle_cancel(call);
    sim_send_run(call, send);
}

const SimHandlerEntry sim_vm_send_handlers[] = {
    {"host.migrate_receive", host_migrate_receive},
    {"VM.assert_can_migrate", vm_assert_can_migrate},
    {"VM.migrate_send", vm_migrate_send},
    {"VDI.pool_migrate", vdi_pool_migrate},
    {NULL, NULL},
};
