/* Networks, and the interfaces of hosts that join them. */
#include "api/network.h"

#include "api/families.h"
#include "api/placement.h"

#include <string.h>

#define DEFAULT_MTU 1500
#define MAX_TAG     4094
#define MAX_BRIDGE  15

/* ---- networks ---- */

static gboolean
is_bridge_taken(const SimDatabase *db, const char *bridge)
{
    for (const SimObject *network = sim_db_first(db, "network"); network != NULL;
         network = sim_object_next(network)) {
        if (strcmp(sim_object_text(network, "bridge"), bridge) == 0)
            return TRUE;
    }
    return FALSE;
}

static char *
choose_bridge(const SimDatabase *db)
{
    for (guint number = 0;; number++) {
        g_autofree char *bridge = g_strdup_printf("xapi%u", number);

        if (!is_bridge_taken(db, bridge))
            return g_steal_pointer(&bridge);
    }
}

/* (transfer full) (nullable) */
static SimValue *
check_bridge(const SimDatabase *db, const char *bridge)
{
    static const char *const reserved[] = {"xen", "xapi", "vif", "tap", "eth"};

    for (guint i = 0; i < G_N_ELEMENTS(reserved); i++) {
        if (g_str_has_prefix(bridge, reserved[i]) || strlen(bridge) > MAX_BRIDGE)
            return sim_strings("INVALID_VALUE", "bridge", bridge, NULL);
    }
    return is_bridge_taken(db, bridge) ? sim_strings("BRIDGE_NAME_EXISTS", bridge, NULL) : NULL;
}

static void
fill_record(SimObject *network, const SimValue *record)
{
    static const char *const given[] = {"name_label",   "name_description", "MTU",
                                        "other_config", "managed",          "tags"};

    for (guint i = 0; i < G_N_ELEMENTS(given); i++) {
        const SimValue *value = sim_map_get(record, given[i]);

        if (value != NULL)
            sim_object_set(network, given[i], sim_value_ref(value));
    }
    if (sim_object_int(network, "MTU") <= 0)
        sim_object_set_int(network, "MTU", DEFAULT_MTU);
}

static void
network_create(SimCall *call)
{
    SimDatabase *db = sim_call_db(call);
    const SimValue *record = sim_call_arg(call, 0);
    const char *wanted = sim_value_text(sim_map_get(record, "bridge"));
    g_autofree char *bridge = wanted[0] != '\0' ? g_strdup(wanted) : choose_bridge(db);
    SimValue *error = wanted[0] != '\0' ? check_bridge(db, wanted) : NULL;
    SimObject *network;

    if (error != NULL) {
        sim_call_fail_with(call, error);
        return;
    }
    network = sim_db_create(db, "network");
    fill_record(network, record);
    sim_object_set_text(network, "bridge", bridge);
    sim_call_return(call, sim_string(sim_object_get_ref(network)));
}

/* (transfer full) (nullable): @code with all that is connected */
static SimValue *
list_connected(const SimObject *network, const char *set, gboolean attached_only, const char *code)
{
    g_autoptr(GPtrArray) members = sim_object_follow_all(network, set);
    g_autoptr(SimValue) error = sim_strings(code, NULL);

    for (guint i = 0; i < members->len; i++) {
        const SimObject *member = g_ptr_array_index(members, i);

        if (!attached_only || sim_object_bool(member, "currently_attached"))
            sim_array_add(error, sim_string(sim_object_get_ref(member)));
    }
    return sim_value_size(error) > 1 ? g_steal_pointer(&error) : NULL;
}

static void
destroy_interfaces(const SimObject *network)
{
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(network, "VIFs");

    for (guint i = 0; i < vifs->len; i++) {
        SimObject *metrics = sim_object_follow(g_ptr_array_index(vifs, i), "metrics");

        if (metrics != NULL)
            sim_db_destroy(metrics);
        sim_db_destroy(g_ptr_array_index(vifs, i));
    }
}

static void
network_destroy(SimCall *call)
{
    SimObject *network = sim_call_object(call, 0);
    const char *internal;
    SimValue *error;

    if (network == NULL)
        return;
    error = list_connected(network, "VIFs", TRUE, "NETWORK_CONTAINS_VIF");
    if (error == NULL)
        error = list_connected(network, "PIFs", FALSE, "NETWORK_CONTAINS_PIF");
    internal = sim_object_map_text(network, "other_config", "is_host_internal_management_network");
    if (error == NULL && g_strcmp0(internal, "true") == 0)
        error = sim_strings("CANNOT_DESTROY_SYSTEM_NETWORK", sim_object_get_ref(network), NULL);
    if (error != NULL) {
        sim_call_fail_with(call, error);
        return;
    }
    destroy_interfaces(network);
    sim_db_destroy(network);
    sim_call_return(call, NULL);
}

/* (nullable): an interface of a guest that is plugged, on @host or (NULL) on any */
static const SimObject *
find_plugged(const SimObject *network, const SimObject *host)
{
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(network, "VIFs");

    for (guint i = 0; i < vifs->len; i++) {
        const SimObject *vif = g_ptr_array_index(vifs, i);
        const SimObject *vm = sim_object_follow(vif, "VM");

        if (sim_object_bool(vif, "currently_attached") && vm != NULL &&
            (host == NULL || sim_object_follow(vm, "resident_on") == host))
            return vif;
    }
    return NULL;
}

static gboolean
require_unused(SimCall *call, const SimObject *network, const SimObject *host)
{
    const SimObject *vif = network != NULL ? find_plugged(network, host) : NULL;

    if (vif == NULL)
        return TRUE;
    sim_call_fail(call, "VIF_IN_USE", sim_object_get_ref(network), sim_object_get_ref(vif), NULL);
    return FALSE;
}

static void
network_set_default_locking_mode(SimCall *call)
{
    SimObject *network = sim_call_object(call, 0);

    if (network == NULL || !require_unused(call, network, NULL))
        return;
    sim_object_set(network, "default_locking_mode", sim_value_ref(sim_call_arg(call, 1)));
    sim_call_return(call, NULL);
}

/* ---- VLANs ---- */

static const SimObject *
find_pif(const SimObject *network, const SimObject *host)
{
    g_autoptr(GPtrArray) pifs = sim_object_follow_all(network, "PIFs");

    for (guint i = 0; i < pifs->len; i++) {
        if (sim_object_follow(g_ptr_array_index(pifs, i), "host") == host)
            return g_ptr_array_index(pifs, i);
    }
    return NULL;
}

static gboolean
has_vlan(const SimObject *pif, gint64 tag)
{
    g_autoptr(GPtrArray) vlans = sim_object_follow_all(pif, "VLAN_slave_of");

    for (guint i = 0; i < vlans->len; i++) {
        if (sim_object_int(g_ptr_array_index(vlans, i), "tag") == tag)
            return TRUE;
    }
    return FALSE;
}

/* (transfer full) (nullable); in the toolstack's order (xapi_vlan.ml) */
static SimValue *
check_vlan(const SimObject *pif, const SimObject *network, gint64 tag)
{
    const SimObject *other = find_pif(network, sim_object_follow(pif, "host"));
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, tag);

    if (other != NULL)
        return sim_strings("NETWORK_ALREADY_CONNECTED", sim_object_text(pif, "host"),
                           sim_object_get_ref(other), NULL);
    if (sim_object_int(pif, "VLAN") >= 0)
        return sim_strings("PIF_IS_VLAN", sim_object_get_ref(pif), NULL);
    if (tag < 0 || tag > MAX_TAG)
        return sim_strings("VLAN_TAG_INVALID", text, NULL);
    if (has_vlan(pif, tag))
        return sim_strings("PIF_VLAN_EXISTS", sim_object_text(pif, "device"), NULL);
    return NULL;
}

static SimObject *
create_vlan(const SimObject *tagged, const SimObject *network, gint64 tag)
{
    static const char *const inherited[] = {"device", "host", "MTU", "metrics",
                                            "primary_address_type"};
    SimDatabase *db = sim_object_db(tagged);
    SimObject *vlan = sim_db_create(db, "VLAN");
    SimObject *pif = sim_db_create(db, "PIF");

    for (guint i = 0; i < G_N_ELEMENTS(inherited); i++)
        sim_object_set(pif, inherited[i], sim_value_ref(sim_object_get(tagged, inherited[i])));
    sim_object_set_ref(pif, "network", network);
    sim_object_set_int(pif, "VLAN", tag);
    sim_object_set_text(pif, "MAC", "fe:ff:ff:ff:ff:ff");
    sim_object_set(pif, "IPv6", sim_strings("", NULL));
    sim_object_set_bool(pif, "managed", TRUE);
    sim_object_set_bool(pif, "currently_attached", TRUE);
    sim_object_set_ref(pif, "VLAN_master_of", vlan);
    sim_object_set_ref(vlan, "untagged_PIF", pif);
    sim_object_set_ref(vlan, "tagged_PIF", tagged);
    sim_object_set_int(vlan, "tag", tag);
    return vlan;
}

/* (nullable): what @host has on the same network as @pif */
static const SimObject *
find_counterpart(const SimObject *pif, const SimObject *host)
{
    const SimObject *network = sim_object_follow(pif, "network");

    return network != NULL ? find_pif(network, host) : NULL;
}

void
sim_host_copy_vlans(Sim *sim, const SimObject *host)
{
    const SimObject *coordinator = sim_coordinator_host(sim);

    for (SimObject *vlan = sim_db_first(sim->db, "VLAN"); vlan != NULL;
         vlan = sim_object_next(vlan)) {
        const SimObject *tagged = sim_object_follow(vlan, "tagged_PIF");
        const SimObject *untagged = sim_object_follow(vlan, "untagged_PIF");
        const SimObject *own;

        if (tagged == NULL || untagged == NULL || host == coordinator ||
            sim_object_follow(tagged, "host") != coordinator ||
            find_counterpart(untagged, host) != NULL)
            continue;
        own = find_counterpart(tagged, host);
        if (own != NULL)
            create_vlan(own, sim_object_follow(untagged, "network"), sim_object_int(vlan, "tag"));
    }
}

static void
destroy_vlan(SimObject *vlan)
{
    SimObject *pif = sim_object_follow(vlan, "untagged_PIF");

    sim_db_destroy(vlan);
    if (pif != NULL)
        sim_db_destroy(pif);
}

static void
vlan_create(SimCall *call)
{
    SimObject *pif = sim_call_object(call, 0);
    gint64 tag = sim_value_int(sim_call_arg(call, 1));
    SimObject *network = pif != NULL ? sim_call_object(call, 2) : NULL;
    SimValue *error;

    if (network == NULL)
        return;
    error = check_vlan(pif, network, tag);
    if (error != NULL)
        sim_call_fail_with(call, error);
    else
        sim_call_return(call, sim_string(sim_object_get_ref(create_vlan(pif, network, tag))));
}

static void
vlan_destroy(SimCall *call)
{
    SimObject *vlan = sim_call_object(call, 0);
    const SimObject *pif = vlan != NULL ? sim_object_follow(vlan, "untagged_PIF") : NULL;

    if (vlan == NULL || (pif != NULL && !require_unused(call, sim_object_follow(pif, "network"),
                                                        sim_object_follow(pif, "host"))))
        return;
    destroy_vlan(vlan);
    sim_call_return(call, NULL);
}

static void
destroy_vlans(const GPtrArray *vlans)
{
    for (guint i = 0; i < vlans->len; i++)
        destroy_vlan(g_ptr_array_index(vlans, i));
}

/* All or nothing: what was made before the one that failed goes again. */
static void
create_vlans(SimCall *call, const GPtrArray *pifs, const SimObject *network, gint64 tag)
{
    g_autoptr(GPtrArray) created = g_ptr_array_new();
    g_autoptr(SimValue) result = sim_array();

    for (guint i = 0; i < pifs->len; i++) {
        const SimObject *pif = g_ptr_array_index(pifs, i);
        SimValue *error = check_vlan(pif, network, tag);
        SimObject *vlan;

        if (error != NULL) {
            destroy_vlans(created);
            sim_call_fail_with(call, error);
            return;
        }
        vlan = create_vlan(pif, network, tag);
        g_ptr_array_add(created, vlan);
        sim_array_add(result, sim_value_ref(sim_object_get(vlan, "untagged_PIF")));
    }
    sim_call_return(call, g_steal_pointer(&result));
}

static gboolean
is_of_live_host(const SimObject *pif)
{
    const SimObject *host = sim_object_follow(pif, "host");

    return host != NULL && sim_host_is_live(host);
}

static void
pool_create_vlan_from_pif(SimCall *call)
{
    SimObject *pif = sim_call_object(call, 0);
    SimObject *network = pif != NULL ? sim_call_object(call, 1) : NULL;
    g_autoptr(GPtrArray) pifs = NULL;

    if (network == NULL)
        return;
    pifs = sim_object_follow_all(sim_object_follow(pif, "network"), "PIFs");
    for (guint i = pifs->len; i > 0; i--) {
        if (!is_of_live_host(g_ptr_array_index(pifs, i - 1)))
            g_ptr_array_remove_index(pifs, i - 1);
    }
    create_vlans(call, pifs, network, sim_value_int(sim_call_arg(call, 2)));
}

static void
pool_create_vlan(SimCall *call)
{
    SimObject *network = sim_call_object(call, 1);
    g_autoptr(GPtrArray) pifs = g_ptr_array_new();

    if (network == NULL)
        return;
    for (SimObject *pif = sim_db_first(sim_call_db(call), "PIF"); pif != NULL;
         pif = sim_object_next(pif)) {
        if (sim_object_int(pif, "VLAN") < 0 && is_of_live_host(pif) &&
            strcmp(sim_object_text(pif, "device"), sim_call_text(call, 0)) == 0)
            g_ptr_array_add(pifs, pif);
    }
    create_vlans(call, pifs, network, sim_value_int(sim_call_arg(call, 2)));
}

/* ---- interfaces of hosts ---- */

static void
pif_plug(SimCall *call)
{
    SimObject *pif = sim_call_object(call, 0);

    if (pif == NULL)
        return;
    sim_object_set_bool(pif, "currently_attached", TRUE);
    sim_call_return(call, NULL);
}

static void
pif_unplug(SimCall *call)
{
    SimObject *pif = sim_call_object(call, 0);

    if (pif == NULL)
        return;
    if (sim_object_bool(pif, "management")) {
        sim_call_fail(call, "PIF_IS_MANAGEMENT_INTERFACE", sim_object_get_ref(pif), NULL);
        return;
    }
    if (!require_unused(call, sim_object_follow(pif, "network"), sim_object_follow(pif, "host")))
        return;
    if (sim_object_bool(pif, "disallow_unplug")) {
        sim_call_fail(call, "PIF_DOES_NOT_ALLOW_UNPLUG", sim_object_get_ref(pif), NULL);
        return;
    }
    sim_object_set_bool(pif, "currently_attached", FALSE);
    sim_call_return(call, NULL);
}

/* There is nothing to find that was not there from the start. */
static void
pif_scan(SimCall *call)
{
    if (sim_call_object(call, 0) != NULL)
        sim_call_return(call, NULL);
}

const SimHandlerEntry sim_network_handlers[] = {
    {"network.create", network_create},
    {"network.destroy", network_destroy},
    {"network.set_default_locking_mode", network_set_default_locking_mode},
    {"VLAN.create", vlan_create},
    {"VLAN.destroy", vlan_destroy},
    {"pool.create_VLAN_from_PIF", pool_create_vlan_from_pif},
    {"pool.create_VLAN", pool_create_vlan},
    {"PIF.plug", pif_plug},
    {"PIF.unplug", pif_unplug},
    {"PIF.scan", pif_scan},
    {NULL, NULL},
};
