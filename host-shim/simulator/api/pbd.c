#include "api/pbd.h"

#include "api/allowed.h"
#include "api/backend.h"
#include "api/families.h"
#include "api/placement.h"
#include "api/secret.h"

#include <string.h>

/* ---- create, destroy ---- */

SimObject *
sim_pbd_new(Sim *sim, const SimObject *sr, const SimObject *host, const SimValue *config,
            const char **bad)
{
    SimValue *own = sim_secrets_copy(sim, config, bad);
    SimObject *pbd;

    if (own == NULL)
        return NULL;
    pbd = sim_db_create(sim->db, "PBD");
    sim_object_set(pbd, "device_config", own);
    sim_object_set_ref(pbd, "host", host);
    sim_object_set_ref(pbd, "SR", sr);
    return pbd;
}

SimObject *
sim_pbd_create(SimCall *call, const SimObject *sr, const SimObject *host, const SimValue *config)
{
    const char *bad = NULL;
    SimObject *pbd = sim_pbd_new(sim_call_sim(call), sr, host, config, &bad);

    if (pbd == NULL)
        sim_call_fail(call, "UUID_INVALID", "secret", bad, NULL);
    return pbd;
}

void
sim_pbd_delete(Sim *sim, SimObject *pbd)
{
    sim_secrets_destroy(sim, sim_object_get(pbd, "device_config"));
    sim_db_destroy(pbd);
}

static const SimObject *
find_pbd(const SimObject *sr, const SimObject *host)
{
    g_autoptr(GPtrArray) pbds = sim_object_follow_all(sr, "PBDs");

    for (guint i = 0; i < pbds->len; i++) {
        const SimObject *pbd = g_ptr_array_index(pbds, i);

        if (sim_object_follow(pbd, "host") == host)
            return pbd;
    }
    return NULL;
}

static gboolean
check_config(SimCall *call, const SimValue *config)
{
    const char *internal = sim_map_get_text(config, "SRmaster");

    if (internal == NULL)
        return TRUE;
    sim_call_fail(call, "VALUE_NOT_SUPPORTED", "SRmaster", internal,
                  "This key is for internal use only", NULL);
    return FALSE;
}

static void
pbd_create(SimCall *call)
{
    const SimValue *record = sim_call_arg(call, 0);
    const SimValue *config = sim_map_get(record, "device_config");
    SimObject *sr = sim_call_find(call, "SR", sim_value_text(sim_map_get(record, "SR")));
    SimObject *host = sr != NULL
                          ? sim_call_find(call, "host", sim_value_text(sim_map_get(record, "host")))
                          : NULL;
    const SimObject *present;
    g_autoptr(SimValue) hidden = NULL;
    SimObject *pbd;

    if (host == NULL || !sim_call_lock(call, sr, "pbd_create"))
        return;
    present = find_pbd(sr, host);
    if (present != NULL) {
        sim_call_fail(call, "PBD_EXISTS", sim_object_get_ref(sr), sim_object_get_ref(host),
                      sim_object_get_ref(present), NULL);
        return;
    }
    if (!check_config(call, config))
        return;
    /* A plain password leaves two secrets (verified-sequences 7.1). */
    hidden = sim_secrets_hide(sim_call_sim(call), config);
    pbd = sim_pbd_create(call, sr, host, hidden);
    if (pbd != NULL)
        sim_call_return(call, sim_string(sim_object_get_ref(pbd)));
}

static void
pbd_destroy(SimCall *call)
{
    SimObject *pbd = sim_call_object(call, 0);
    SimObject *sr = pbd != NULL ? sim_object_follow(pbd, "SR") : NULL;

    if (pbd == NULL || (sr != NULL && !sim_call_lock(call, sr, "pbd_destroy")))
        return;
    if (sim_object_bool(pbd, "currently_attached")) {
        sim_call_fail(call, "OPERATION_NOT_ALLOWED", "PBD is currently attached", NULL);
        return;
    }
    sim_pbd_delete(sim_call_sim(call), pbd);
    sim_call_return(call, NULL);
}

/* Only for the storage's own sessions (toolstack, sm.ml). */
static void
pbd_set_device_config(SimCall *call)
{
    if (sim_call_object(call, 0) != NULL)
        sim_call_fail(call, "PERMISSION_DENIED", "", NULL);
}

/* ---- plug, unplug ---- */

static gboolean
is_gone(SimCall *call, const SimObject *pbd)
{
    if (sim_object_is_alive(pbd) && sim_object_follow(pbd, "SR") != NULL)
        return FALSE;
    sim_call_fail(call, "OBJECT_NOLONGER_EXISTS", NULL);
    return TRUE;
}

static gboolean
begin_plug(SimCall *call)
{
    SimObject *pbd = sim_call_state(call);
    SimValue *error;

    if (is_gone(call, pbd))
        return FALSE;
    error = sim_pbd_begin_attach(sim_call_sim(call), pbd);
    if (error == NULL)
        return TRUE;
    sim_call_fail_with(call, error);
    return FALSE;
}

static gboolean
find_disks(SimCall *call)
{
    if (is_gone(call, sim_call_state(call)))
        return FALSE;
    sim_pbd_find_disks(sim_call_sim(call), sim_call_state(call));
    return TRUE;
}

static gboolean
end_plug(SimCall *call)
{
    if (is_gone(call, sim_call_state(call)))
        return FALSE;
    sim_object_set_bool(sim_call_state(call), "currently_attached", TRUE);
    return TRUE;
}

/* Three moments (scenario volume_sr_introduce_attach_forget). */
static const SimStep plug_steps[] = {{begin_plug, SIM_STORAGE_PACE, -1},
                                     {find_disks, SIM_MOMENT, -1},
                                     {end_plug, SIM_MOMENT, -1},
                                     {NULL, 0, 0}};

static gboolean
do_unplug(SimCall *call)
{
    SimObject *pbd = sim_call_state(call);

    if (is_gone(call, pbd))
        return FALSE;
    sim_pbd_detach(sim_call_sim(call), pbd);
    return TRUE;
}

static const SimStep unplug_steps[] = {{do_unplug, SIM_STORAGE_PACE, -1}, {NULL, 0, 0}};

/* A member's toolstack goes on; what the coordinator's own had begun, its next start looks after. */
static void
go_on_alone(SimCall *call)
{
    SimObject *pbd = sim_call_state(call);
    const SimObject *host = sim_object_is_alive(pbd) ? sim_object_follow(pbd, "host") : NULL;

    if (host != NULL && host != sim_coordinator_host(sim_call_sim(call)))
        sim_call_go_on_alone(call, host);
}

static void
unref_object(gpointer object)
{
    sim_object_unref(object);
}

static void
run(SimCall *call, const SimStep *steps, SimObject *pbd)
{
    sim_call_set_orphan(call, go_on_alone);
    sim_call_run(call, steps, sim_object_ref(pbd), unref_object);
}

/* (nullable): fails the call where the SR is gone or the host does not answer */
static SimObject *
find_sr(SimCall *call, const SimObject *pbd)
{
    SimObject *sr = sim_call_find(call, "SR", sim_object_text(pbd, "SR"));
    const SimObject *host = sim_object_follow(pbd, "host");
    SimValue *error;

    if (sr == NULL)
        return NULL;
    error = host != NULL ? sim_host_check_contact(sim_call_sim(call), host)
                         : sim_strings("HOST_OFFLINE", sim_object_text(pbd, "host"), NULL);
    if (error == NULL)
        return sr;
    sim_call_fail_with(call, error);
    return NULL;
}

static void
pbd_plug(SimCall *call)
{
    SimObject *pbd = sim_call_object(call, 0);
    SimObject *sr = pbd != NULL ? find_sr(call, pbd) : NULL;

    if (sr == NULL || !sim_call_lock(call, sr, "plug"))
        return;
    sim_call_forward(call, sim_object_follow(pbd, "host"));
    if (sim_object_bool(pbd, "currently_attached"))
        sim_call_return(call, NULL);
    else
        run(call, plug_steps, pbd);
}

static void
add_used_disk(SimValue *error, const SimObject *vbd, const SimObject *sr)
{
    const SimObject *vdi = sim_object_follow(vbd, "VDI");

    if (vdi != NULL && sim_object_follow(vdi, "SR") == sr &&
        sim_object_bool(vbd, "currently_attached"))
        sim_array_add(error, sim_string(sim_object_get_ref(vdi)));
}

/* (transfer full) (nullable): VDI_IN_USE with all the disks that guests of the host use */
static SimValue *
find_users(const SimObject *pbd, const SimObject *sr)
{
    const SimObject *host = sim_object_follow(pbd, "host");
    g_autoptr(GPtrArray) vms = sim_object_follow_all(host, "resident_VMs");
    g_autoptr(SimValue) error = sim_strings("VDI_IN_USE", NULL);

    for (guint i = 0; i < vms->len; i++) {
        g_autoptr(GPtrArray) vbds = sim_object_follow_all(g_ptr_array_index(vms, i), "VBDs");

        for (guint n = 0; n < vbds->len; n++)
            add_used_disk(error, g_ptr_array_index(vbds, n), sr);
    }
    return sim_value_size(error) > 1 ? g_steal_pointer(&error) : NULL;
}

/* What is done to a disk is done on the SR's master: its PBD stays until that has ended. */
static gboolean
wait_for_disks(SimCall *call, const SimObject *pbd, const SimObject *sr)
{
    g_autoptr(GPtrArray) vdis = sim_object_follow_all(sr, "VDIs");

    if (sim_sr_find_master(sim_call_sim(call), sr) != sim_object_follow(pbd, "host"))
        return FALSE;
    for (guint i = 0; i < vdis->len; i++) {
        if (sim_value_size(sim_object_get(g_ptr_array_index(vdis, i), "current_operations")) > 0)
            return TRUE;
    }
    return FALSE;
}

static void
pbd_unplug(SimCall *call)
{
    SimObject *pbd = sim_call_object(call, 0);
    SimObject *sr = pbd != NULL ? find_sr(call, pbd) : NULL;
    SimValue *error;

    if (sr == NULL)
        return;
    if (wait_for_disks(call, pbd, sr)) {
        sim_call_wait(call);
        return;
    }
    if (!sim_call_lock(call, sr, "unplug"))
        return;
    sim_call_forward(call, sim_object_follow(pbd, "host"));
    if (!sim_object_bool(pbd, "currently_attached")) {
        sim_call_return(call, NULL);
        return;
    }
    error = find_users(pbd, sr);
    if (error != NULL)
        sim_call_fail_with(call, error);
    else
        run(call, unplug_steps, pbd);
}

const SimHandlerEntry sim_pbd_handlers[] = {
    {"PBD.create", pbd_create},
    {"PBD.destroy", pbd_destroy},
    {"PBD.plug", pbd_plug},
    {"PBD.unplug", pbd_unplug},
    {"PBD.set_device_config", pbd_set_device_config},
    {NULL, NULL},
};
