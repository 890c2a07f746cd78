#include "data/targets.h"

#include "wire/rpc.h"

#include <gio/gio.h>
#include <string.h>

#define DEFAULT_SIZE G_GINT64_CONSTANT(1073741824)

struct _SimTargets {
    char *path;
    GPtrArray *described; /* of SimValue */
};

SimTargets *
sim_targets_new(const char *path)
{
    SimTargets *targets = g_new0(SimTargets, 1);

    targets->path = g_strdup(path);
    targets->described = g_ptr_array_new_with_free_func((GDestroyNotify) sim_value_unref);
    return targets;
}

void
sim_targets_free(SimTargets *targets)
{
    g_ptr_array_unref(targets->described);
    g_free(targets->path);
    g_free(targets);
}

/* ---- descriptions ---- */

static gint64
port_of(const SimValue *target)
{
    const SimValue *port = sim_map_get(target, "port");

    return port != NULL ? sim_value_int(port) : SIM_ISCSI_PORT;
}

static gboolean
is_same(const SimValue *a, const SimValue *b)
{
    return port_of(a) == port_of(b) &&
           g_strcmp0(sim_map_get_text(a, "target"), sim_map_get_text(b, "target")) == 0 &&
           g_strcmp0(sim_map_get_text(a, "iqn"), sim_map_get_text(b, "iqn")) == 0;
}

static gboolean
is_lun(const SimValue *lun)
{
    const SimValue *number = sim_map_get(lun, "lun");
    const SimValue *size = sim_map_get(lun, "size");

    return number != NULL && sim_value_kind(number) == SIM_INT && sim_value_int(number) >= 0 &&
           size != NULL && sim_value_kind(size) == SIM_INT && sim_value_int(size) > 0;
}

static const char *
find_problem(const SimValue *description)
{
    const SimValue *luns = sim_map_get(description, "luns");
    const SimValue *chap = sim_map_get(description, "chap");

    if (sim_map_get_text(description, "target") == NULL)
        return "\"target\" is missing";
    if (sim_map_get_text(description, "iqn") == NULL)
        return "\"iqn\" is missing";
    if (port_of(description) < 1 || port_of(description) > 65535)
        return "\"port\" takes 1 to 65535";
    if (luns == NULL || sim_value_kind(luns) != SIM_ARRAY)
        return "\"luns\" is missing";
    for (guint i = 0; i < sim_value_size(luns); i++) {
        if (!is_lun(sim_value_at(luns, i)))
            return "a LUN has a number \"lun\" and a \"size\"";
    }
    if (chap != NULL &&
        (sim_map_get_text(chap, "user") == NULL || sim_map_get_text(chap, "password") == NULL))
        return "\"chap\" has a \"user\" and a \"password\"";
    return NULL;
}

static void
save(SimTargets *targets)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(SimValue) all = sim_array();
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < targets->described->len; i++)
        sim_array_add(all, sim_value_ref(g_ptr_array_index(targets->described, i)));
    sim_json_print(text, all);
    if (!g_file_set_contents_full(targets->path, text->str, (gssize) text->len,
                                  G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        g_printerr("xapi-sim: cannot keep the targets: %s\n", error->message);
}

static gboolean
take(SimTargets *targets, const SimValue *description, char **problem)
{
    const char *text = find_problem(description);

    if (text != NULL) {
        *problem = g_strdup(text);
        return FALSE;
    }
    for (guint i = targets->described->len; i > 0; i--) {
        if (is_same(g_ptr_array_index(targets->described, i - 1), description))
            g_ptr_array_remove_index(targets->described, i - 1);
    }
    g_ptr_array_add(targets->described, sim_value_ref(description));
    return TRUE;
}

gboolean
sim_targets_add(SimTargets *targets, const SimValue *description, char **problem)
{
    if (!take(targets, description, problem))
        return FALSE;
    save(targets);
    return TRUE;
}

gboolean
sim_targets_load(SimTargets *targets, GError **error)
{
    g_autoptr(SimValue) all = NULL;
    g_autofree char *problem = NULL;

    if (!g_file_test(targets->path, G_FILE_TEST_EXISTS))
        return TRUE;
    all = sim_json_read(targets->path, error);
    if (all == NULL)
        return FALSE;
    if (sim_value_kind(all) != SIM_ARRAY)
        problem = g_strdup("an array of targets is expected");
    for (guint i = 0; problem == NULL && i < sim_value_size(all); i++)
        take(targets, sim_value_at(all, i), &problem);
    if (problem == NULL)
        return TRUE;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", targets->path, problem);
    return FALSE;
}

/* ---- what a PBD names ---- */

/* A PBD's configuration as the beginning of a description. Of several portals the first counts. */
static SimValue *
describe_config(const SimValue *config)
{
    const char *address = sim_map_get_text(config, "target");
    const char *port = sim_map_get_text(config, "port");
    const char *iqn = sim_map_get_text(config, "targetIQN");
    g_auto(GStrv) portals = g_strsplit(address != NULL ? address : "", ",", 2);
    SimValue *target = sim_map();
    gint64 number = port != NULL ? g_ascii_strtoll(port, NULL, 10) : SIM_ISCSI_PORT;

    sim_map_set_string(target, "target", portals[0] != NULL ? portals[0] : "");
    sim_map_add(target, "port", sim_int(number));
    sim_map_set_string(target, "iqn", iqn != NULL ? iqn : "");
    return target;
}

static SimValue *
default_target(const SimValue *wanted)
{
    SimValue *lun = sim_map();
    SimValue *luns = sim_array();

    sim_map_add(lun, "lun", sim_int(0));
    sim_map_add(lun, "size", sim_int(DEFAULT_SIZE));
    sim_array_add(luns, lun);
    return sim_map_with(wanted, "luns", luns);
}

SimValue *
sim_targets_find(const SimTargets *targets, const SimValue *config)
{
    g_autoptr(SimValue) wanted = describe_config(config);

    if (targets->described->len == 0)
        return default_target(wanted);
    for (guint i = 0; i < targets->described->len; i++) {
        const SimValue *target = g_ptr_array_index(targets->described, i);

        if (is_same(target, wanted))
            return sim_value_ref(target);
    }
    return NULL;
}

SimValue *
sim_targets_list_iqns(const SimTargets *targets, const SimValue *config)
{
    g_autoptr(SimValue) wanted = describe_config(config);
    SimValue *iqns = sim_array();

    for (guint i = 0; i < targets->described->len; i++) {
        const SimValue *target = g_ptr_array_index(targets->described, i);

        if (port_of(target) == port_of(wanted) &&
            g_strcmp0(sim_map_get_text(target, "target"), sim_map_get_text(wanted, "target")) == 0)
            sim_array_add(iqns, sim_string(sim_map_get_text(target, "iqn")));
    }
    return iqns;
}

/* The real driver makes it of the LUN's serial number. */
char *
sim_target_lun_uuid(const SimValue *target, gint64 lun)
{
    g_autofree char *name = g_strdup_printf("%s/%" G_GINT64_FORMAT "/%s/%" G_GINT64_FORMAT,
                                            sim_map_get_text(target, "target"), port_of(target),
                                            sim_map_get_text(target, "iqn"), lun);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);

    return g_strdup_printf("%.8s-%.4s-5%.3s-8%.3s-%.12s", digest, digest + 8, digest + 12,
                           digest + 15, digest + 18);
}
