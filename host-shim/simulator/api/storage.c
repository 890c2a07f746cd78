#include "api/storage.h"

#include "api/allowed.h"
#include "api/placement.h"
#include "data/disk.h"

#include <string.h>

#define BLOCK (G_GINT64_CONSTANT(2) * 1048576)

static gint64
sum_of_sizes(const SimObject *sr)
{
    g_autoptr(GPtrArray) vdis = sim_object_follow_all(sr, "VDIs");
    gint64 sum = 0;

    for (guint i = 0; i < vdis->len; i++)
        sum += sim_object_int(g_ptr_array_index(vdis, i), "virtual_size");
    return sum;
}

SimValue *
sim_sr_check_space(Sim *sim, const SimObject *sr, gint64 size)
{
    (void) sim;
    /* captures: VDI_create_too_big */
    if (size < SIM_MIN_DISK || size > SIM_MAX_DISK)
        return sim_strings("SR_BACKEND_FAILURE_79", "",
                           "VDI Invalid size [opterr=VDI size must be between 1 MB and 2088960 MB]",
                           "", NULL);
    /* sm, LUNperVDI.py: every LUN there is has its disk already */
    if (strcmp(sim_object_text(sr, "type"), "iscsi") == 0 ||
        sum_of_sizes(sr) + size > sim_object_int(sr, "physical_size"))
        return sim_strings("SR_BACKEND_FAILURE_44", "", "There is insufficient space", "", NULL);
    return NULL;
}

/* toolstack, message_forwarding.ml: it is the coordinator that speaks for shared storage */
SimValue *
sim_sr_check_attached(Sim *sim, const SimObject *sr)
{
    const SimObject *coordinator = sim_coordinator_host(sim);
    gboolean reached = sim_object_bool(sr, "shared")
                           ? coordinator != NULL && sim_host_sees_sr(coordinator, sr)
                           : sim_sr_is_plugged(sr);

    if (reached)
        return NULL;
    return sim_strings("SR_HAS_NO_PBDS", sim_object_get_ref(sr), NULL);
}

gboolean
sim_sr_is_plugged(const SimObject *sr)
{
    g_autoptr(GPtrArray) pbds = sim_object_follow_all(sr, "PBDs");

    for (guint i = 0; i < pbds->len; i++) {
        if (sim_object_bool(g_ptr_array_index(pbds, i), "currently_attached"))
            return TRUE;
    }
    return FALSE;
}

void
sim_sr_update_sizes(Sim *sim, SimObject *sr)
{
    g_autoptr(GPtrArray) vdis = sim_object_follow_all(sr, "VDIs");
    gint64 used = 0;

    for (guint i = 0; i < vdis->len; i++) {
        SimObject *vdi = g_ptr_array_index(vdis, i);
        gint64 bytes = sim_disk_used_bytes(sim->disks, vdi);

        used += bytes;
        sim_object_set_int(vdi, "physical_utilisation", bytes);
    }
    sim_object_set_int(sr, "virtual_allocation", sum_of_sizes(sr));
    sim_object_set_int(sr, "physical_utilisation", used);
}

SimObject *
sim_vdi_new(Sim *sim, const SimObject *sr, const char *label, gint64 size, const char *type)
{
    SimObject *vdi = sim_db_create(sim->db, "VDI");

    sim_object_set_text(vdi, "name_label", label);
    sim_object_set_text(vdi, "location", sim_object_text(vdi, "uuid"));
    sim_object_set_int(vdi, "virtual_size", (size + BLOCK - 1) / BLOCK * BLOCK);
    sim_object_set_text(vdi, "type", type);
    sim_object_set_bool(vdi, "managed", TRUE);
    sim_object_set_text(vdi, "metadata_of_pool", "");
    sim_object_set_ref(vdi, "SR", sr);
    sim_vdi_update_allowed(vdi);
    return vdi;
}

void
sim_vdi_drop_record(SimObject *vdi)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vdi, "VBDs");

    for (guint i = 0; i < vbds->len; i++) {
        SimObject *vbd = g_ptr_array_index(vbds, i);
        SimObject *metrics = sim_object_follow(vbd, "metrics");

        if (metrics != NULL)
            sim_db_destroy(metrics);
        sim_db_destroy(vbd);
    }
    sim_db_destroy(vdi);
}

void
sim_vdi_delete(Sim *sim, SimObject *vdi)
{
    sim_disk_remove(sim->disks, vdi);
    sim_vdi_drop_record(vdi);
}

/* What every kind of copy has of its original. */
static SimObject *
derive(Sim *sim, SimObject *vdi, const SimObject *sr)
{
    SimObject *copy =
        sim_vdi_new(sim, sr, sim_object_text(vdi, "name_label"),
                    sim_object_int(vdi, "virtual_size"), sim_object_text(vdi, "type"));

    sim_object_set_text(copy, "name_description", sim_object_text(vdi, "name_description"));
    sim_object_set_int(copy, "virtual_size", sim_object_int(vdi, "virtual_size"));
    sim_object_set_text(copy, "on_boot", sim_object_text(vdi, "on_boot"));
    sim_disk_copy(sim->disks, vdi, copy);
    return copy;
}

static void
inherit(SimObject *copy, const SimObject *vdi)
{
    static const char *const fields[] = {"other_config", "xenstore_data", "tags"};

    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        sim_object_set(copy, fields[i], sim_value_ref(sim_object_get(vdi, fields[i])));
}

/* sm, FileSR.py: it introduces the leaf as any other disk; that it is a snapshot xapi says, with its name
 * (storage_smapiv1.ml: snapshot_and_clone). */
SimObject *
sim_vdi_branch(Sim *sim, SimObject *vdi)
{
    SimObject *copy = derive(sim, vdi, sim_object_follow(vdi, "SR"));
    g_autofree char *parent = sim_ids_uuid(sim->ids);

    sim_object_set_text(copy, "name_label", "");
    sim_object_set_text(copy, "name_description", "");
    sim_object_set_text(copy, "type", "user");
    sim_object_map_set(copy, "sm_config", "vhd-parent", parent);
    sim_object_set_ref(copy, "metadata_of_pool", NULL);
    return copy;
}

void
sim_vdi_name_branch(Sim *sim, SimObject *copy, const SimObject *vdi, gboolean snapshot)
{
    const char *content = sim_object_map_text(vdi, "other_config", "content_id");

    sim_object_set_text(copy, "name_label", sim_object_text(vdi, "name_label"));
    sim_object_set_text(copy, "name_description", sim_object_text(vdi, "name_description"));
    sim_object_set_bool(copy, "read_only", snapshot);
    sim_object_set_bool(copy, "is_a_snapshot", snapshot);
    sim_object_set(copy, "snapshot_time", sim_date(sim_clock_now(sim->clock)));
    if (content != NULL)
        sim_object_map_set(copy, "other_config", "content_id", content);
    else
        sim_vdi_touch_content(sim, copy);
}

void
sim_vdi_finish_branch(SimObject *copy, const SimObject *vdi)
{
    inherit(copy, vdi);
    sim_object_set_text(copy, "type", sim_object_text(vdi, "type"));
    if (sim_object_bool(copy, "is_a_snapshot"))
        sim_object_set_ref(copy, "snapshot_of", vdi);
}

static SimObject *
branch_at_once(Sim *sim, SimObject *vdi, gboolean snapshot)
{
    SimObject *copy = sim_vdi_branch(sim, vdi);

    sim_vdi_name_branch(sim, copy, vdi, snapshot);
    sim_vdi_finish_branch(copy, vdi);
    return copy;
}

SimObject *
sim_vdi_clone(Sim *sim, SimObject *vdi)
{
    return branch_at_once(sim, vdi, FALSE);
}

SimObject *
sim_vdi_snapshot(Sim *sim, SimObject *vdi)
{
    return branch_at_once(sim, vdi, TRUE);
}

SimObject *
sim_vdi_copy(Sim *sim, SimObject *vdi, const SimObject *sr)
{
    SimObject *copy = derive(sim, vdi, sr);

    sim_vdi_touch_content(sim, copy);
    return copy;
}

void
sim_vdi_touch_content(Sim *sim, SimObject *vdi)
{
    g_autofree char *id = sim_ids_uuid(sim->ids);

    sim_object_map_set(vdi, "other_config", "content_id", id);
}

static char *
reader_key(const SimObject *host)
{
    return g_strconcat("read-caching-enabled-on-", sim_object_text(host, "uuid"), NULL);
}

void
sim_vdi_note_reader(SimObject *vdi, const SimObject *host)
{
    g_autofree char *key = reader_key(host);

    sim_object_map_set(vdi, "sm_config", key, "true");
}

void
sim_vdi_forget_reader(SimObject *vdi, const SimObject *host)
{
    g_autofree char *key = reader_key(host);

    sim_object_map_remove(vdi, "sm_config", key);
}

gboolean
sim_vdi_require_free(SimCall *call, const SimObject *vdi, const char *operation)
{
    if (!sim_vdi_is_attached(vdi))
        return TRUE;
    sim_call_fail(call, "VDI_IN_USE", sim_object_get_ref(vdi), operation, NULL);
    return FALSE;
}
