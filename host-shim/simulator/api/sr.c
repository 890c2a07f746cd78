#include "api/allowed.h"
#include "api/backend.h"
#include "api/families.h"
#include "api/pbd.h"
#include "api/placement.h"
#include "api/secret.h"
#include "api/storage.h"
#include "core/task.h"
#include "data/targets.h"

#include <string.h>

typedef struct {
    const char *uuid;
    const SimValue *label;
    const SimValue *description;
    const char *type;
    const SimValue *content_type;
    const SimValue *shared;
    const SimValue *sm_config;
} Introduction;

static SimObject *
introduce(SimCall *call, const Introduction *given)
{
    SimObject *sr = sim_db_create(sim_call_db(call), "SR");
    g_autofree char *type = g_ascii_strdown(given->type, -1);

    if (given->uuid[0] != '\0')
        sim_object_set_text(sr, "uuid", given->uuid);
    sim_object_set(sr, "name_label", sim_value_ref(given->label));
    sim_object_set(sr, "name_description", sim_value_ref(given->description));
    sim_object_set_text(sr, "type", type);
    sim_object_set(sr, "content_type", sim_value_ref(given->content_type));
    sim_object_set(sr, "shared", sim_value_ref(given->shared));
    if (given->sm_config != NULL)
        sim_object_set(sr, "sm_config", sim_value_ref(given->sm_config));
    sim_object_set_int(sr, "physical_utilisation", -1);
    sim_object_set_int(sr, "physical_size", -1);
    sim_sr_update_allowed(sr);
    return sr;
}

static void
sr_introduce(SimCall *call)
{
    Introduction given = {
        .uuid = sim_call_text(call, 0),
        .label = sim_call_arg(call, 1),
        .description = sim_call_arg(call, 2),
        .type = sim_call_text(call, 3),
        .content_type = sim_call_arg(call, 4),
        .shared = sim_call_arg(call, 5),
        .sm_config = sim_call_arg(call, 6),
    };

    if (sim_db_find_uuid(sim_call_db(call), "SR", given.uuid) != NULL)
        sim_call_fail(call, "SR_UUID_EXISTS", given.uuid, NULL);
    else
        sim_call_return(call, sim_string(sim_object_get_ref(introduce(call, &given))));
}

/* ---- create ---- */

/* The coordinator first, then the others: shared storage is everywhere. */
static GPtrArray *
choose_hosts(Sim *sim, SimObject *host, gboolean shared)
{
    GPtrArray *hosts = g_ptr_array_new();
    SimObject *coordinator = sim_coordinator_host(sim);

    g_ptr_array_add(hosts, shared ? coordinator : host);
    for (SimObject *other = sim_db_first(sim->db, "host"); shared && other != NULL;
         other = sim_object_next(other)) {
        if (other != coordinator)
            g_ptr_array_add(hosts, other);
    }
    return hosts;
}

/* Each host's part is a task of its own, which stays (captures: migrate_event_token). */
static void
note_plug(SimCall *call, const SimObject *host, const SimValue *error)
{
    Sim *sim = sim_call_sim(call);
    SimObject *task = sim_task_new(sim, "Async.PBD.plug", "", sim_call_session(call));

    sim_object_set_ref(task, "resident_on", host);
    sim_object_set_ref(task, "subtask_of", sim_call_task(call));
    if (error != NULL)
        sim_task_fail(sim, task, error);
    else
        sim_task_succeed(sim, task, "<value></value>");
}

static gboolean
do_create(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    SimObject *host = sim_call_object(call, 0);
    gboolean shared = sim_value_bool(sim_call_arg(call, 7));
    Introduction given = {
        .uuid = "",
        .label = sim_call_arg(call, 3),
        .description = sim_call_arg(call, 4),
        .type = sim_call_text(call, 5),
        .content_type = sim_call_arg(call, 6),
        .shared = sim_call_arg(call, 7),
        .sm_config = sim_call_arg(call, 8),
    };
    g_autoptr(GPtrArray) hosts = NULL;
    SimObject *sr;

    if (host == NULL)
        return FALSE;
    hosts = choose_hosts(sim, host, shared);
    sr = introduce(call, &given);
    for (guint i = 0; i < hosts->len; i++) {
        SimObject *pbd =
            sim_pbd_create(call, sr, g_ptr_array_index(hosts, i), sim_call_state(call));
        g_autoptr(SimValue) error = NULL;

        if (pbd == NULL)
            return FALSE;
        /* A host that cannot plug it keeps nobody from having it (toolstack, xapi_sr.ml). */
        if (!sim_host_is_live(g_ptr_array_index(hosts, i)))
            continue;
        error = sim_pbd_attach(sim, pbd);
        note_plug(call, g_ptr_array_index(hosts, i), error);
    }
    sim_sr_update_allowed(sr);
    sim_call_set_result(call, sim_string(sim_object_get_ref(sr)));
    return TRUE;
}

static const SimStep create_steps[] = {{do_create, SIM_STORAGE_PACE, -1}, {NULL, 0, 0}};

static void
unref_value(gpointer value)
{
    sim_value_unref(value);
}

static void
sr_create(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    SimObject *host = sim_call_object(call, 0);
    g_autofree char *type = g_ascii_strdown(sim_call_text(call, 5), -1);
    g_autoptr(SimValue) config = NULL;
    SimValue *error;

    if (host == NULL)
        return;
    error = sim_backend_check_type(sim, type);
    if (error == NULL) {
        config = sim_secrets_hide(sim, sim_call_arg(call, 1));
        error = sim_backend_check_config(sim, type, config);
    }
    if (error == NULL)
        sim_call_run(call, create_steps, g_steal_pointer(&config), unref_value);
    else
        sim_call_fail_with(call, error);
}

/* ---- forget, destroy ---- */

/* (nullable): fails the call, or makes it wait */
static SimObject *
lock_sr(SimCall *call, const char *operation)
{
    SimObject *sr = sim_call_object(call, 0);
    SimValue *error = sr != NULL ? sim_sr_check_operation(sr, operation) : NULL;

    if (error != NULL) {
        sim_call_fail_with(call, error);
        return NULL;
    }
    return sr != NULL && sim_call_lock(call, sr, operation) ? sr : NULL;
}

static void
remove_record(Sim *sim, SimObject *sr, void (*remove_disk)(Sim *sim, SimObject *vdi))
{
    g_autoptr(GPtrArray) pbds = sim_object_follow_all(sr, "PBDs");
    g_autoptr(GPtrArray) vdis = sim_object_follow_all(sr, "VDIs");

    for (guint i = 0; i < pbds->len; i++)
        sim_pbd_delete(sim, g_ptr_array_index(pbds, i));
    for (guint i = 0; i < vdis->len; i++)
        remove_disk(sim, g_ptr_array_index(vdis, i));
    sim_db_destroy(sr);
}

static void
sr_forget(SimCall *call)
{
    SimObject *sr = lock_sr(call, "forget");

    if (sr == NULL)
        return;
    remove_record(sim_call_sim(call), sr, sim_vdi_put_aside);
    sim_call_return(call, NULL);
}

static void
sr_destroy(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    SimObject *sr = lock_sr(call, "destroy");

    if (sr == NULL)
        return;
    if (g_strcmp0(sim_object_map_text(sr, "other_config", "indestructible"), "true") == 0) {
        sim_call_fail(call, "SR_INDESTRUCTIBLE", sim_object_get_ref(sr), NULL);
        return;
    }
    sim_secrets_destroy(sim, sim_object_get(sr, "sm_config"));
    sim_sr_erase(sim, sr);
    remove_record(sim, sr, sim_vdi_delete);
    sim_call_return(call, NULL);
}

/* ---- scan and its kin ---- */

static gboolean
do_scan(SimCall *call)
{
    SimObject *sr = sim_call_object(call, 0);

    if (sr == NULL)
        return FALSE;
    sim_sr_scan(sim_call_sim(call), sr);
    sim_object_map_remove(sr, "other_config", "dirty");
    return TRUE;
}

static const SimStep scan_steps[] = {{do_scan, SIM_STORAGE_PACE, -1}, {NULL, 0, 0}};

static gboolean
require_attached(SimCall *call, const SimObject *sr)
{
    SimValue *error = sim_sr_check_attached(sim_call_sim(call), sr);

    if (error == NULL)
        return TRUE;
    sim_call_fail_with(call, error);
    return FALSE;
}

static void
sr_scan(SimCall *call)
{
    SimObject *sr = lock_sr(call, "scan");

    if (sr != NULL && require_attached(call, sr))
        sim_call_run(call, scan_steps, NULL, NULL);
}

static void
sr_update(SimCall *call)
{
    SimObject *sr = sim_call_object(call, 0);

    if (sr == NULL || !require_attached(call, sr))
        return;
    sim_sr_update_sizes(sim_call_sim(call), sr);
    sim_call_return(call, NULL);
}

/* The name is also the storage's to know. */
static void
sr_set_name(SimCall *call)
{
    const char *field = strstr(sim_call_name(call), "name_");
    SimObject *sr = sim_call_object(call, 0);

    if (sr == NULL || !require_attached(call, sr))
        return;
    sim_object_set(sr, field, sim_value_ref(sim_call_arg(call, 1)));
    sim_call_return(call, NULL);
}

/* ---- probe ---- */

static void
add_escaped(GString *xml, const char *tag, const char *text)
{
    g_string_append_printf(xml, "\t\t<%s>\n\t\t\t", tag);
    sim_xml_escape(xml, text);
    g_string_append_printf(xml, "\n\t\t</%s>\n", tag);
}

/* What an incomplete configuration can be completed with (xenapi-protocol 7.10). */
static char *
print_iqns(Sim *sim, const SimValue *config)
{
    g_autoptr(SimValue) iqns = sim_targets_list_iqns(sim->targets, config);
    GString *xml = g_string_new("<?xml version=\"1.0\" ?>\n<iscsi-target-iqns>\n");

    for (guint i = 0; i < sim_value_size(iqns); i++) {
        g_string_append(xml, "\t<TGT>\n");
        add_escaped(xml, "IPAddress", sim_map_get_text(config, "target"));
        add_escaped(xml, "TargetIQN", sim_value_text(sim_value_at(iqns, i)));
        g_string_append(xml, "\t</TGT>\n");
    }
    g_string_append(xml, "</iscsi-target-iqns>\n");
    return g_string_free(xml, FALSE);
}

static void
sr_probe(SimCall *call)
{
    Sim *sim = sim_call_sim(call);
    g_autofree char *type = g_ascii_strdown(sim_call_text(call, 2), -1);
    g_autoptr(SimValue) config = NULL;
    g_autofree char *xml = NULL;
    SimValue *error;

    if (sim_call_object(call, 0) == NULL)
        return;
    error = sim_backend_check_type(sim, type);
    if (error == NULL) {
        config = sim_secrets_hide(sim, sim_call_arg(call, 1));
        error = sim_backend_check_config(sim, type, config);
    }
    if (error == NULL) {
        sim_call_return(call, sim_string("<?xml version=\"1.0\" ?>\n<SRlist/>\n"));
        return;
    }
    xml = print_iqns(sim, sim_call_arg(call, 1));
    if (strcmp(sim_value_text(sim_value_at(error, 0)), "SR_BACKEND_FAILURE_96") == 0)
        sim_call_fail(call, "SR_BACKEND_FAILURE_96", "", sim_value_text(sim_value_at(error, 2)),
                      xml, NULL);
    else
        sim_call_fail_with(call, sim_value_ref(error));
    sim_value_unref(error);
}

static void
sr_get_supported_types(SimCall *call)
{
    SimValue *types = sim_array();

    for (const SimObject *sm = sim_db_first(sim_call_db(call), "SM"); sm != NULL;
         sm = sim_object_next(sm))
        sim_array_add(types, sim_value_ref(sim_object_get(sm, "type")));
    sim_call_return(call, types);
}

static void
refuse_internal(SimCall *call)
{
    if (sim_call_object(call, 0) != NULL)
        sim_call_fail(call, "PERMISSION_DENIED", "", NULL);
}

static void
sr_make(SimCall *call)
{
    sim_call_fail(call, "MESSAGE_DEPRECATED", NULL);
}

const SimHandlerEntry sim_sr_handlers[] = {
    {"SR.create", sr_create},
    {"SR.make", sr_make},
    {"SR.introduce", sr_introduce},
    {"SR.forget", sr_forget},
    {"SR.destroy", sr_destroy},
    {"SR.scan", sr_scan},
    {"SR.update", sr_update},
    {"SR.probe", sr_probe},
    {"SR.get_supported_types", sr_get_supported_types},
    {"SR.set_name_label", sr_set_name},
    {"SR.set_name_description", sr_set_name},
    {"SR.set_physical_size", refuse_internal},
    {NULL, NULL},
};
