#include "core/build.h"

#include "wire/rpc.h"

#include <gio/gio.h>
#include <string.h>

#define SEED_PATH     "/org/hvd/simulator/seed.json"
#define HOST_MEMORY   G_GINT64_CONSTANT(68719476736)
#define HOST_OVERHEAD G_GINT64_CONSTANT(4362076160)
#define CPUS_PER_HOST 16
#define CERTIFICATE_S (G_GINT64_CONSTANT(3650) * 24 * 60 * 60)

static SimValue *
load_seed(void)
{
    g_autoptr(GBytes) bytes = g_resources_lookup_data(SEED_PATH, 0, NULL);
    g_autofree char *problem = NULL;
    SimValue *seed;
    gsize length = 0;
    const char *text = bytes != NULL ? g_bytes_get_data(bytes, &length) : "";

    seed = sim_json_parse(text, length, &problem);
    if (seed == NULL)
        g_error("the seed of the pool: %s", problem);
    return seed;
}

const SimValue *
sim_seed(Sim *sim, const char *name)
{
    if (sim->seed == NULL)
        sim->seed = load_seed();
    return sim_map_get(sim->seed, name);
}

void
sim_object_set_all(SimObject *object, const SimValue *fields)
{
    for (guint i = 0; i < sim_value_size(fields); i++) {
        const SimField *field =
            sim_class_find_field(sim_object_class(object), sim_map_key(fields, i));
        SimValue *value =
            field != NULL ? sim_type_read(field->type, sim_value_at(fields, i)) : NULL;

        if (value != NULL)
            sim_object_set(object, field->name, value);
    }
}

char *
sim_build_address(const char *base, guint number)
{
    g_autoptr(GInetAddress) first = g_inet_address_new_from_string(base);
    g_autoptr(GInetAddress) address = NULL;
    guint32 value;

    if (first == NULL || g_inet_address_get_family(first) != G_SOCKET_FAMILY_IPV4)
        return NULL;
    memcpy(&value, g_inet_address_to_bytes(first), sizeof(value));
    value = g_ntohl(value) + number - 1;
    value = g_htonl(value);
    address = g_inet_address_new_from_bytes((const guint8 *) &value, G_SOCKET_FAMILY_IPV4);
    return g_inet_address_to_string(address);
}

static SimNode *
add_node(Sim *sim, const SimObject *host)
{
    SimNode *node = g_new0(SimNode, 1);

    node->sim = sim;
    node->number = sim->nodes->len + 1;
    node->host = g_strdup(sim_object_get_ref(host));
    node->address = sim_build_address(sim->options.address, node->number);
    g_ptr_array_add(sim->nodes, node);
    return node;
}

static SimObject *
create_filled(Sim *sim, const char *class_name, const char *seed)
{
    SimObject *object = sim_db_create(sim->db, class_name);

    sim_object_set_all(object, sim_seed(sim, seed));
    return object;
}

static SimObject *
build_network(Sim *sim, guint nic)
{
    SimObject *network = sim_db_create(sim->db, "network");
    g_autofree char *label = g_strdup_printf("Pool-wide network associated with eth%u", nic);
    g_autofree char *bridge = g_strdup_printf("xenbr%u", nic);

    sim_object_set_text(network, "name_label", label);
    sim_object_set_text(network, "bridge", bridge);
    return network;
}

static void
build_pif(Sim *sim, SimObject *host, SimObject *network, const SimNode *node, guint nic)
{
    SimObject *pif = create_filled(sim, "PIF", "PIF");
    SimObject *metrics = create_filled(sim, "PIF_metrics", "PIF_metrics");
    g_autofree char *device = g_strdup_printf("eth%u", nic);
    g_autofree char *mac = g_strdup_printf("00:16:3e:aa:%02x:%02x", node->number & 0xff, nic);
    gboolean attached = nic == 0 || node->number > 1;

    sim_object_set(metrics, "last_updated", sim_date(sim_clock_now(sim->clock)));
    sim_object_set_text(pif, "device", device);
    sim_object_set_text(pif, "MAC", mac);
    sim_object_set_ref(pif, "network", network);
    sim_object_set_ref(pif, "host", host);
    sim_object_set_ref(pif, "metrics", metrics);
    sim_object_set_bool(pif, "management", nic == 0);
    sim_object_set_bool(pif, "currently_attached", attached);
    if (!attached)
        sim_object_set_text(pif, "igmp_snooping_status", "unknown");
    sim_object_set_text(pif, "ip_configuration_mode", nic == 0 ? "Static" : "None");
    sim_object_set_text(pif, "netmask", nic == 0 ? "255.0.0.0" : "");
    sim_object_set_text(pif, "IP", nic == 0 ? node->address : "");
}

void
sim_build_cpus(Sim *sim, SimObject *host)
{
    for (guint i = 0; i < CPUS_PER_HOST; i++) {
        SimObject *cpu = create_filled(sim, "host_cpu", "host_cpu");

        sim_object_set_int(cpu, "number", i);
        sim_object_set_ref(cpu, "host", host);
    }
}

/* Each names itself, and on a host that has joined the domain (captures:
 * console_get_all_records). */
static void
build_dom0_console(Sim *sim, SimObject *dom0, const SimNode *node, const char *protocol)
{
    SimObject *console = sim_db_create(sim->db, "console");
    g_autofree char *location =
        g_strdup_printf("https://%s/console?ref=%s", node->address,
                        sim_object_get_ref(node->number > 1 ? dom0 : console));

    sim_object_set_text(console, "protocol", protocol);
    sim_object_set_text(console, "location", location);
    sim_object_set_ref(console, "VM", dom0);
}

/* pool.join brings a host's control domain into the pool as if it were imported, and that leaves
 * marks (captures: VM_get_all_records). */
static void
mark_as_joined(Sim *sim, SimObject *dom0)
{
    g_autofree char *task = sim_ids_ref(sim->ids);
    g_autofree char *seed = sim_ids_uuid(sim->ids);

    sim_object_set_all(dom0, sim_seed(sim, "joined_control_domain"));
    sim_object_map_set(dom0, "other_config", "mac_seed", seed);
    sim_object_map_set(dom0, "other_config", "import_task", task);
}

static SimObject *
build_control_domain(Sim *sim, SimObject *host, const SimNode *node)
{
    SimObject *dom0 = create_filled(sim, "VM", "control_domain");
    SimObject *metrics = create_filled(sim, "VM_metrics", "VM_metrics");
    g_autofree char *label =
        g_strconcat("Control domain on host: ", sim_object_text(host, "name_label"), NULL);

    sim_object_set_text(dom0, "name_label", label);
    sim_object_set(
        dom0, "allowed_operations",
        sim_strings("metadata_export", "changing_static_range", "changing_dynamic_range", NULL));
    sim_object_set_ref(dom0, "affinity", host);
    sim_object_set_ref(dom0, "resident_on", host);
    sim_object_set_ref(dom0, "metrics", metrics);
    sim_object_set_ref(host, "control_domain", dom0);
    if (node->number > 1)
        mark_as_joined(sim, dom0);
    build_dom0_console(sim, dom0, node, "rfb");
    build_dom0_console(sim, dom0, node, "vt100");
    return dom0;
}

static SimObject *
build_sr(Sim *sim, const char *label, const char *type, gboolean shared, gint64 size)
{
    SimObject *sr = sim_db_create(sim->db, "SR");

    sim_object_set_text(sr, "name_label", label);
    sim_object_set_text(sr, "type", type);
    sim_object_set_text(sr, "content_type", "user");
    sim_object_set_bool(sr, "shared", shared);
    sim_object_set_int(sr, "physical_size", size);
    return sr;
}

static SimObject *
build_pbd(Sim *sim, SimObject *sr, SimObject *host, SimValue *config)
{
    SimObject *pbd = sim_db_create(sim->db, "PBD");
    SimObject *dom0 = sim_object_follow(host, "control_domain");

    sim_object_set_ref(pbd, "SR", sr);
    sim_object_set_ref(pbd, "host", host);
    sim_object_set(pbd, "device_config", config);
    sim_object_map_set(pbd, "other_config", "storage_driver_domain", sim_object_get_ref(dom0));
    sim_object_set_bool(pbd, "currently_attached", TRUE);
    return pbd;
}

static SimObject *
build_local_sr(Sim *sim, SimObject *host)
{
    SimObject *sr = build_sr(sim, "Local storage", "ext", FALSE, sim->options.local_size);
    SimObject *pbd = build_pbd(sim, sr, host, sim_string_map("device", "/dev/sda3", NULL));
    SimObject *dom0 = sim_object_follow(host, "control_domain");

    sim_object_set(sr, "other_config",
                   sim_string_map("i18n-key", "local-storage", "i18n-original-value-name_label",
                                  "Local storage", NULL));
    sim_object_map_set(dom0, "other_config", "is_system_domain", "true");
    sim_object_map_set(dom0, "other_config", "storage_driver_domain", sim_object_get_ref(pbd));
    return sr;
}

static SimObject *
build_shared_sr(Sim *sim)
{
    SimObject *sr = build_sr(sim, "Shared storage", "nfs", TRUE, sim->options.shared_size);

    for (guint i = 0; i < sim->nodes->len; i++) {
        SimObject *host = sim_node_host(sim, g_ptr_array_index(sim->nodes, i));

        build_pbd(sim, sr, host,
                  sim_string_map("server", "192.0.2.100", "serverpath", "/exports/shared", NULL));
    }
    return sr;
}

static void
build_host_texts(Sim *sim, SimObject *host, const SimNode *node)
{
    g_autofree char *name = g_strdup_printf("xapisim%u", node->number);
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT ".", sim_clock_now(sim->clock));
    g_autofree char *date = sim_date_format(sim_clock_now(sim->clock));
    g_autofree char *iqn = g_strdup_printf("iqn.2026-01.org.example:%s", name);

    sim_object_set_text(host, "name_label", name);
    sim_object_set_text(host, "hostname", name);
    sim_object_set_text(host, "address", node->address);
    sim_object_set(host, "other_config",
                   sim_string_map("agent_start_time", now, "boot_time", now, NULL));
    sim_object_map_set(host, "software_version", "date", date);
    if (!sim->options.capture_profile)
        sim_object_set_text(host, "iscsi_iqn", iqn);
}

static void
build_pcis(Sim *sim, SimObject *host)
{
    const SimValue *devices = sim_seed(sim, "pci");

    for (guint i = 0; i < sim_value_size(devices); i++) {
        SimObject *pci = sim_db_create(sim->db, "PCI");

        sim_object_set_all(pci, sim_value_at(devices, i));
        sim_object_set_ref(pci, "host", host);
    }
}

/* "AA:BB:..." */
static char *
format_fingerprint(GChecksumType type, const guint8 *bytes, gsize length)
{
    g_autofree char *hex = g_compute_checksum_for_data(type, bytes, length);
    GString *text = g_string_new(NULL);

    for (gsize i = 0; hex[i] != '\0'; i += 2)
        g_string_append_printf(text, "%s%c%c", i > 0 ? ":" : "", g_ascii_toupper(hex[i]),
                               g_ascii_toupper(hex[i + 1]));
    return g_string_free(text, FALSE);
}

void
sim_certificate_set(SimObject *certificate, GBytes *der)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(der, &length);
    g_autofree char *sha256 = format_fingerprint(G_CHECKSUM_SHA256, bytes, length);
    g_autofree char *sha1 = format_fingerprint(G_CHECKSUM_SHA1, bytes, length);

    sim_object_set_text(certificate, "fingerprint", sha256);
    sim_object_set_text(certificate, "fingerprint_sha256", sha256);
    sim_object_set_text(certificate, "fingerprint_sha1", sha1);
}

/* Until the host's own is known, of something that is nobody else's. */
static void
build_certificate(Sim *sim, SimObject *host, const char *type)
{
    SimObject *certificate = sim_db_create(sim->db, "Certificate");
    const char *uuid = sim_object_text(certificate, "uuid");
    g_autoptr(GBytes) bytes = g_bytes_new(uuid, strlen(uuid));
    gint64 now = sim_clock_now(sim->clock);

    sim_object_set_text(certificate, "type", type);
    sim_object_set(certificate, "not_before", sim_date(now));
    sim_object_set(certificate, "not_after", sim_date(now + CERTIFICATE_S));
    sim_certificate_set(certificate, bytes);
    sim_object_set_ref(certificate, "host", host);
}

static void
build_host(Sim *sim, GPtrArray *networks)
{
    SimObject *host = create_filled(sim, "host", "host");
    SimNode *node = add_node(sim, host);
    SimObject *metrics = sim_db_create(sim->db, "host_metrics");

    build_host_texts(sim, host, node);
    sim_object_set_int(host, "memory_overhead", HOST_OVERHEAD);
    sim_object_set(host, "license_params", sim_value_ref(sim_seed(sim, "restrictions")));
    sim_object_set(host, "allowed_operations",
                   sim_strings("vm_migrate", "provision", "vm_resume", "enable", "evacuate",
                               "vm_start", NULL));
    sim_object_set_int(metrics, "memory_total", HOST_MEMORY);
    sim_object_set_bool(metrics, "live", TRUE);
    sim_object_set(metrics, "last_updated", sim_date(sim_clock_now(sim->clock)));
    sim_object_set_ref(host, "metrics", metrics);
    sim_build_cpus(sim, host);
    build_pcis(sim, host);
    build_certificate(sim, host, "host");
    build_certificate(sim, host, "host_internal");
    build_control_domain(sim, host, node);
    for (guint i = 0; i < networks->len; i++)
        build_pif(sim, host, g_ptr_array_index(networks, i), node, i);
}

static void
build_sms(Sim *sim)
{
    const SimValue *records = sim_seed(sim, "sm");

    for (guint i = 0; i < sim_value_size(records); i++) {
        SimObject *sm = sim_db_create(sim->db, "SM");
        const SimValue *features;
        SimValue *capabilities = sim_array();
        g_autoptr(SimValue) common = sim_map();

        sim_map_add(common, "features", sim_value_ref(sim_seed(sim, "sm_features")));
        sim_object_set_all(sm, common);
        sim_object_set_all(sm, sim_value_at(records, i));
        features = sim_object_get(sm, "features");
        for (guint n = 0; n < sim_value_size(features); n++)
            sim_array_add(capabilities, sim_string(sim_map_key(features, n)));
        sim_object_set(sm, "capabilities", capabilities);
    }
}

static void
build_pool_object(Sim *sim, SimObject *default_sr)
{
    SimObject *pool = create_filled(sim, "pool", "pool");
    SimObject *telemetry = sim_db_create(sim->db, "secret");
    g_autofree char *telemetry_uuid = sim_ids_uuid(sim->ids);

    sim_object_set_text(pool, "name_label", sim->options.capture_profile ? "pool1" : "xapi-sim");
    sim_object_set_ref(pool, "master", sim_coordinator_host(sim));
    sim_object_set_ref(pool, "default_SR", default_sr);
    sim_object_set_ref(pool, "suspend_image_SR", default_sr);
    sim_object_set_ref(pool, "crash_dump_SR", default_sr);
    sim_object_set(pool, "restrictions", sim_value_ref(sim_seed(sim, "restrictions")));
    sim_object_set_text(telemetry, "value", telemetry_uuid);
    sim_object_set_ref(pool, "telemetry_uuid", telemetry);
    sim_object_set(pool, "telemetry_next_collection",
                   sim_date(sim_clock_now(sim->clock) + 2 * 24 * 60 * 60));
}

void
sim_build_pool(Sim *sim)
{
    g_autoptr(GPtrArray) networks = g_ptr_array_new();
    SimObject *first_local = NULL;
    SimObject *shared = NULL;
    guint nics = sim->options.capture_profile ? 3 : 1;

    create_filled(sim, "user", "user");
    create_filled(sim, "network", "host_internal_network");
    for (guint i = 0; i < nics; i++)
        g_ptr_array_add(networks, build_network(sim, i));
    for (guint i = 0; i < sim->options.hosts; i++)
        build_host(sim, networks);
    for (guint i = 0; i < sim->nodes->len; i++) {
        SimObject *local =
            build_local_sr(sim, sim_node_host(sim, g_ptr_array_index(sim->nodes, i)));

        if (first_local == NULL)
            first_local = local;
    }
    if (!sim->options.capture_profile)
        shared = build_shared_sr(sim);
    build_sms(sim);
    build_pool_object(sim, shared != NULL ? shared : first_local);
}

/* A node keeps its place by its age; its address follows the base address of this time. */
static void
settle_node(SimObject *host, const SimNode *node)
{
    g_autoptr(GPtrArray) pifs = sim_object_follow_all(host, "PIFs");

    sim_object_set_text(host, "address", node->address);
    for (guint i = 0; i < pifs->len; i++) {
        SimObject *pif = g_ptr_array_index(pifs, i);

        if (sim_object_bool(pif, "management"))
            sim_object_set_text(pif, "IP", node->address);
    }
}

static gint
compare_hosts(gconstpointer a, gconstpointer b)
{
    const SimObject *first = *(SimObject *const *) a;
    const SimObject *second = *(SimObject *const *) b;
    guint64 first_created = sim_object_created(first);
    guint64 second_created = sim_object_created(second);

    return first_created < second_created ? -1 : first_created > second_created;
}

gboolean
sim_build_nodes(Sim *sim)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();

    for (SimObject *host = sim_db_first(sim->db, "host"); host != NULL;
         host = sim_object_next(host))
        g_ptr_array_add(hosts, host);
    g_ptr_array_sort(hosts, compare_hosts);
    for (guint i = 0; i < hosts->len; i++)
        settle_node(g_ptr_array_index(hosts, i), add_node(sim, g_ptr_array_index(hosts, i)));
    return hosts->len > 0;
}
