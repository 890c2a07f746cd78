#include "data/metrics.h"

#include <math.h>
#include <string.h>

#define KIB 1024.0

static void
metric_free(gpointer data)
{
    SimMetric *metric = data;

    g_free(metric->name);
    g_free(metric->description);
    g_free(metric);
}

/* A fraction or a rate, or (without @max) a level; the caller fills in what is unusual. */
static SimMetric *
add(GPtrArray *metrics, char *name, char *description, const char *units, double level,
    double swing)
{
    SimMetric *metric = g_new0(SimMetric, 1);

    metric->name = name;
    metric->description = description;
    metric->units = units;
    metric->max = strcmp(units, "(fraction)") == 0 ? 1 : INFINITY;
    metric->standard = TRUE;
    metric->derived = metric->max == 1 || g_str_has_suffix(units, "/s");
    metric->level = level;
    metric->swing = swing;
    g_ptr_array_add(metrics, metric);
    return metric;
}

static SimMetric *
add_named(GPtrArray *metrics, const char *name, const char *description, const char *units,
          double level, double swing)
{
    return add(metrics, g_strdup(name), g_strdup(description), units, level, swing);
}

/* ---- hosts (captures: host_get_data_sources) ---- */

static void
add_host_cpus(GPtrArray *metrics, const SimObject *host)
{
    guint cpus = sim_value_size(sim_object_get(host, "host_CPUs"));

    for (guint i = 0; i < cpus; i++)
        add(metrics, g_strdup_printf("cpu%u", i),
            g_strdup_printf("Physical cpu usage for cpu %u", i), "(fraction)", 0.2, 0.5);
    add_named(metrics, "cpu_avg", "Average physical cpu usage", "(fraction)", 0.2, 0.2);
}

static void
add_host_interfaces(GPtrArray *metrics, const SimObject *host)
{
    g_autoptr(GPtrArray) pifs = sim_object_follow_all(host, "PIFs");

    for (guint i = 0; i < pifs->len; i++) {
        const char *device = sim_object_text(g_ptr_array_index(pifs, i), "device");

        if (!sim_object_bool(g_ptr_array_index(pifs, i), "physical"))
            continue;
        add(metrics, g_strdup_printf("pif_%s_rx", device),
            g_strdup_printf("Bytes per second received on physical interface %s", device), "B/s",
            2000, 0.5);
        add(metrics, g_strdup_printf("pif_%s_tx", device),
            g_strdup_printf("Bytes per second sent on physical interface %s", device), "B/s", 1500,
            0.5);
        add(metrics, g_strdup_printf("pif_%s_rx_errors", device),
            g_strdup_printf("Receive errors per second on physical interface %s", device), "err/s",
            0, 0)
            ->standard = FALSE;
        add(metrics, g_strdup_printf("pif_%s_tx_errors", device),
            g_strdup_printf("Transmit errors per second on physical interface %s", device), "err/s",
            0, 0)
            ->standard = FALSE;
    }
    add_named(metrics, "pif_aggr_rx", "Bytes per second received on all physical interfaces", "B/s",
              2000, 0.5);
    add_named(metrics, "pif_aggr_tx", "Bytes per second sent on all physical interfaces", "B/s",
              1500, 0.5);
}

static double
count_guest_cpus(const SimObject *host, gboolean machines)
{
    g_autoptr(GPtrArray) vms = sim_object_follow_all(host, "resident_VMs");
    double cpus = 0;

    for (guint i = 0; i < vms->len; i++)
        cpus += machines ? 1 : sim_object_int(g_ptr_array_index(vms, i), "VCPUs_at_startup");
    return cpus;
}

static void
add_host_totals(GPtrArray *metrics, const SimObject *host)
{
    const SimObject *total = sim_object_follow(host, "metrics");
    double memory = total != NULL ? sim_object_int(total, "memory_total") / KIB : 0;
    double left = total != NULL ? sim_object_int(total, "memory_free") / KIB : 0;
    SimMetric *load;

    add_named(metrics, "hostload",
              "Host load per physical cpu, where load refers to the number of vCPU(s) in running "
              "or runnable status.",
              "(fraction)", 0.1, 0.5)
        ->max = INFINITY;
    load = add_named(metrics, "loadavg", "Domain0 loadavg", "(fraction)", 0.3, 0.5);
    load->signed_value = TRUE;
    load->max = INFINITY;
    add_named(metrics, "memory_free_kib", "Total amount of free memory", "KiB", left, 0);
    add_named(metrics, "memory_total_kib", "Total amount of memory in the host", "KiB", memory, 0);
    add_named(metrics, "running_domains", "The total number of running domains per host", "count",
              count_guest_cpus(host, TRUE), 0);
    add_named(metrics, "running_vcpus", "The total number of running vCPUs per host", "count",
              count_guest_cpus(host, FALSE), 0);
}

static const struct {
    const char *name;
    const char *description;
    double kib;
} daemon_memory[] = {
    {"xapi_allocation_kib", "Memory allocation done by the xapi daemon", 3000},
    {"xapi_free_memory_kib", "Free memory available to the xapi daemon", 1400},
    {"xapi_live_memory_kib", "Live memory used by xapi daemon", 5500},
    {"xapi_memory_usage_kib", "Total memory allocated used by xapi daemon", 6900},
};

static void
add_toolstack(GPtrArray *metrics)
{
    static const char *const counts[] = {"pool_session_count", "pool_session_creation_rate",
                                         "pool_task_count"};

    for (guint i = 0; i < G_N_ELEMENTS(daemon_memory); i++)
        add_named(metrics, daemon_memory[i].name, daemon_memory[i].description, "KiB",
                  daemon_memory[i].kib, 0.1);
    add_named(metrics, "xapi_open_fds", "Number of open file descriptors held by xapi",
              "file descriptors", 60, 0.1);
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
        SimMetric *metric =
            add_named(metrics, counts[i], "description not available", "unknown", 5, 0.5);

        metric->standard = FALSE;
        metric->signed_value = TRUE;
    }
}

/* ---- guests (captures: VM_get_data_sources) ---- */

/* "Fraction of time that ..." */
static const struct {
    const char *name;
    const char *share;
} runstates[] = {
    {"runstate_blocked", "all VCPUs are blocked or offline"},
    {"runstate_concurrency_hazard", "some VCPUs are running and some are runnable"},
    {"runstate_full_contention", "all VCPUs are runnable (i.e., waiting for CPU)"},
    {"runstate_fullrun", "all VCPUs are running"},
    {"runstate_partial_contention", "some VCPUs are runnable and some are blocked"},
    {"runstate_partial_run", "some VCPUs are running, and some are blocked"},
};

static void
add_internal_free(GPtrArray *metrics, const SimObject *vm)
{
    add_named(metrics, "memory_internal_free", "Memory used as reported by the guest agent", "KiB",
              sim_object_int(vm, "memory_dynamic_max") / KIB / 2, 0.1);
}

/* The control domain has no balloon, and is looked into (captures: GET_rrd_updates_json). */
static void
add_guest_basics(GPtrArray *metrics, const SimObject *vm)
{
    for (gint64 i = 0; i < sim_object_int(vm, "VCPUs_at_startup"); i++)
        add(metrics, g_strdup_printf("cpu%" G_GINT64_FORMAT, i),
            g_strdup_printf("CPU%" G_GINT64_FORMAT " usage", i), "(fraction)", 0.1, 0.5);
    add_named(metrics, "cpu_usage", "Domain CPU usage", "(fraction)", 0.1, 0.2);
    add_named(metrics, "memory", "Memory currently allocated to VM", "B",
              sim_object_int(vm, "memory_dynamic_max"), 0);
    if (sim_object_bool(vm, "is_control_domain"))
        add_internal_free(metrics, vm);
    else
        add_named(metrics, "memory_target", "Target of VM balloon driver", "B",
                  sim_object_int(vm, "memory_target"), 0);
    for (guint i = 0; i < G_N_ELEMENTS(runstates); i++) {
        SimMetric *metric = add(metrics, g_strdup(runstates[i].name),
                                g_strconcat("Fraction of time that ", runstates[i].share, NULL),
                                "(fraction)", 0.1, 0.5);

        metric->max = INFINITY;
        metric->standard = FALSE;
    }
}

static void
add_guest_devices(GPtrArray *metrics, const SimObject *vm)
{
    g_autoptr(GPtrArray) vifs = sim_object_follow_all(vm, "VIFs");
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vm, "VBDs");

    for (guint i = 0; i < vifs->len; i++) {
        const char *device = sim_object_text(g_ptr_array_index(vifs, i), "device");

        add(metrics, g_strdup_printf("vif_%s_rx", device),
            g_strdup_printf("Bytes per second received on virtual interface number '%s'", device),
            "B/s", 1200, 0.5);
        add(metrics, g_strdup_printf("vif_%s_tx", device),
            g_strdup_printf("Bytes per second transmitted on virtual interface number '%s'",
                            device),
            "B/s", 800, 0.5);
    }
    for (guint i = 0; i < vbds->len; i++) {
        const char *device = sim_object_text(g_ptr_array_index(vbds, i), "device");

        if (device[0] == '\0')
            continue;
        add(metrics, g_strdup_printf("vbd_%s_read", device),
            g_strdup_printf("Reads from device '%s' in bytes per second", device), "B/s", 4096, 1);
        add(metrics, g_strdup_printf("vbd_%s_write", device),
            g_strdup_printf("Writes to device '%s' in bytes per second", device), "B/s", 8192, 1);
    }
    if (sim_object_follow(vm, "guest_metrics") != NULL)
        add_internal_free(metrics, vm);
}

static gint
compare_metrics(gconstpointer a, gconstpointer b)
{
    const SimMetric *first = *(SimMetric *const *) a;
    const SimMetric *second = *(SimMetric *const *) b;

    return strcmp(first->name, second->name);
}

GPtrArray *
sim_metrics_of(Sim *sim, const SimObject *object)
{
    GPtrArray *metrics = g_ptr_array_new_with_free_func(metric_free);

    if (strcmp(sim_object_class(object)->name, "host") == 0) {
        add_host_cpus(metrics, object);
        add_host_interfaces(metrics, object);
        add_host_totals(metrics, object);
        add_toolstack(metrics);
    } else {
        add_guest_basics(metrics, object);
        /* The recorded daemon saw no devices. */
        if (!sim->options.capture_profile)
            add_guest_devices(metrics, object);
    }
    g_ptr_array_sort(metrics, compare_metrics);
    return metrics;
}

/* ---- values ---- */

/* 0 to 1, always the same for the same question. */
static double
noise(const SimObject *object, const SimMetric *metric, gint64 seconds)
{
    g_autofree char *text = g_strdup_printf("%s/%s/%" G_GINT64_FORMAT,
                                            sim_object_text(object, "uuid"), metric->name, seconds);
    guint32 hash = g_str_hash(text);

    /* The low bits of that hash follow its last letters too closely. */
    hash = (hash ^ (hash >> 15)) * 0x2c1b3c6du;
    hash ^= hash >> 12;
    return hash / (double) G_MAXUINT32;
}

static gint64
start_of(const SimObject *object)
{
    const SimObject *metrics = sim_object_follow(object, "metrics");

    if (strcmp(sim_object_class(object)->name, "host") == 0 || metrics == NULL)
        return 0;
    return sim_value_int(sim_object_get(metrics, "start_time"));
}

double
sim_metric_value(const SimObject *object, const SimMetric *metric, gint64 seconds)
{
    double value = metric->level * (1 + metric->swing * (2 * noise(object, metric, seconds) - 1));

    return seconds < start_of(object) ? NAN : MIN(value, metric->max);
}

SimValue *
sim_metric_describe(const SimMetric *metric)
{
    SimValue *record =
        sim_string_map("name_label", metric->name, "name_description", metric->description, NULL);

    sim_map_add(record, "enabled", sim_bool(metric->standard));
    sim_map_add(record, "standard", sim_bool(metric->standard));
    sim_map_add(record, "units", sim_string(metric->units));
    sim_map_add(record, "min", sim_float(metric->signed_value ? -INFINITY : 0.0));
    sim_map_add(record, "max", sim_float(metric->max));
    sim_map_add(record, "value", sim_float(0.0));
    return record;
}
