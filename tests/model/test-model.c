/* Pure functions, table by table. */
#include "base/error.h"
#include "model/device.h"
#include "model/disk-plan.h"
#include "model/portal.h"
#include "model/record.h"

#include <string.h>

static void
test_device(void)
{
    static const struct {
        const char *text;
        int position; /* -1: refused */
    } cases[] = {
        {"sda", 0},       {"sdp", 15},   {"hda", 0},     {"vda", 0},     {"xvda", 0},
        {"/dev/xvdd", 3}, {"/dev/2", 2}, {"0", 0},       {"10", 10},     {"xvdz", 25},
        {"xvdaa", 26},    {"254", 254},  {"255", -1},    {"xvdit", 253}, {"xvdiu", 254},
        {"xvdiv", -1},    {"sda1", -1},  {"sda\n", -1},  {"sd", -1},     {"", -1},
        {"dev/sda", -1},  {"XVDA", -1},  {"-1", -1},     {"0x1", -1},    {" 1", -1},
        {"1e1", -1},      {"nvme0", -1}, {"xvdaaa", -1}, {"/dev/", -1},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint position = 999;
        gboolean parsed = xd_device_parse(cases[i].text, &position);

        g_test_message("%s", cases[i].text);
        g_assert_cmpint(parsed ? (int) position : -1, ==, cases[i].position);
    }
}

static void
test_positions(void)
{
    XdPositions used = {0};
    guint position = 0;

    g_assert_true(xd_positions_first_free(&used, 1, &position));
    g_assert_cmpuint(position, ==, 1);
    for (guint i = 0; i <= XD_MAX_POSITION; i++)
        xd_positions_add(&used, i);
    g_assert_false(xd_positions_first_free(&used, 0, &position));
}

static void
test_portal(void)
{
    static const struct {
        const char *text;
        const char *host; /* NULL: refused */
        guint port;
    } cases[] = {
        {"192.0.2.10:3260", "192.0.2.10", 3260},
        {"192.0.2.10", "192.0.2.10", 3260},
        {"127.0.0.1:3260,1", "127.0.0.1", 3260},
        {"target.example:860", "target.example", 860},
        {"[2001:db8::1]:3261", "2001:db8::1", 3261},
        {"[2001:db8::1]", "2001:db8::1", 3260},
        {"[2001:db8::1],1", "2001:db8::1", 3260},
        {"2001:db8::1", NULL, 0},
        {":3260", NULL, 0},
        {"", NULL, 0},
        {"host:0", NULL, 0},
        {"host:65536", NULL, 0},
        {"host:3260,x", NULL, 0},
        {"[::1", NULL, 0},
        {"[::1]x", NULL, 0},
        {"[fe80::1%eth0]", NULL, 0},
        {"[host]:1", NULL, 0},
        {"1.2.3:3260", NULL, 0}, /* would resolve to 1.2.0.3 */
        {"-host", NULL, 0},
        {"a..b", NULL, 0},
        {"a b", NULL, 0},
        {"host/path", NULL, 0},
        {"host:+1", NULL, 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(XdPortal) portal = {0};
        g_autoptr(GError) error = NULL;

        g_test_message("%s", cases[i].text);
        g_assert_cmpint(xd_portal_parse(cases[i].text, &portal, &error), ==, cases[i].host != NULL);
        g_assert_cmpstr(portal.host, ==, cases[i].host);
        if (cases[i].host != NULL)
            g_assert_cmpuint(portal.port, ==, cases[i].port);
        else
            g_assert_error(error, XD_ERROR, HVD_ERROR_INVALID);
    }
}

/* What Nova computed for these (driver-infrastructure 3.2): fleets depend on it. */
static void
test_sr_uuid(void)
{
    XdPortal local = {(char *) "127.0.0.1", 3260};
    XdPortal remote = {(char *) "192.0.2.10", 3260};
    g_autofree char *first = xd_sr_uuid_new(&local, "iqn.2010-10.org.openstack:volume-00000001");
    g_autofree char *second = xd_sr_uuid_new(&remote, "iqn.2010-10.org.example:vol-1");

    g_assert_cmpstr(first, ==, "720a7f2c-2324-5adb-be82-25f67fd3f33e");
    g_assert_cmpstr(second, ==, "1d28d418-e1dd-52c4-8678-289f42b923b5");
}

/* ---- documents to plans and records ---- */

#define UUID "6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f55"
#define BASE                                                                                       \
    "\"uuid\":\"" UUID "\",\"name\":\"web-1\",\"memory_bytes\":536870912,\"vcpus\":2,"             \
    "\"image\":{\"source\":\"stream\",\"format\":\"raw\",\"size_bytes\":1000,\"id\":\"grub\"}"

static XdArena *arena;

static void
parse(const char *text, XdInstance *instance)
{
    g_autoptr(GError) error = NULL;

    xd_instance_parse(text, -1, arena, instance, &error);
    g_assert_no_error(error);
}

static void
test_disk_plan(void)
{
    static const struct {
        const char *text;
        gint64 image;
        const char *plan; /* or a part of the error */
    } cases[] = {
        {"{" BASE "}", 1000, "root@0=1048576"},
        {"{" BASE ",\"root_disk\":{\"size_bytes\":2000000,\"device\":3}}", 1000, "root@3=2000000"},
        {"{" BASE ",\"root_disk\":{\"size_bytes\":999}}", 1000, "the image has 1000 bytes"},
        {"{" BASE ",\"disks\":[{\"size_bytes\":7},{\"size_bytes\":8000000,\"device\":1},"
         "{\"size_bytes\":9}]}",
         1000, "root@0=1048576 disk@2=1048576 disk@1=8000000 disk@3=1048576"},
        {"{" BASE ",\"disks\":[{\"size_bytes\":7,\"device\":0}]}", 1000, "position 0 is taken"},
        {"{" BASE ",\"disks\":[{\"size_bytes\":7,\"device\":2},{\"size_bytes\":8,\"device\":2}]}",
         1000, "/disks/1/device: position 2 is taken"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(XdInstance) instance = {0};
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) disks = NULL;
        g_autoptr(GString) plan = g_string_new(NULL);

        parse(cases[i].text, &instance);
        disks = xd_disk_plan_new(&instance, cases[i].image, &error);
        for (guint k = 0; disks != NULL && k < disks->len; k++) {
            const XdDisk *disk = g_ptr_array_index(disks, k);

            g_string_append_printf(plan, "%s%s@%u=%" G_GINT64_FORMAT, k > 0 ? " " : "", disk->role,
                                   disk->position, disk->size_bytes);
        }
        if (error != NULL)
            g_assert_nonnull(strstr(error->message, cases[i].plan));
        else
            g_assert_cmpstr(plan->str, ==, cases[i].plan);
    }
}

/* Compares with a file of tests/golden; HVD_REGENERATE=1 writes it anew, to be reviewed as a diff. */
static void
assert_golden(const char *name, GVariant *value)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "golden", name, NULL);
    g_autoptr(GVariant) owned = g_variant_ref_sink(value);
    g_autofree char *line = g_variant_print(owned, FALSE);
    g_autoptr(GString) text = g_string_new(line);
    g_autofree char *golden = NULL;

    g_string_replace(text, ", '", ",\n '", 0);
    g_string_append_c(text, '\n');
    if (g_getenv("HVD_REGENERATE") != NULL)
        g_assert_true(g_file_set_contents(path, text->str, -1, NULL));
    g_assert_true(g_file_get_contents(path, &golden, NULL, NULL));
    g_assert_cmpstr(text->str, ==, golden);
}

static const char full[] =
    "{" BASE ",\"vcpu_weight\":512,\"firmware\":\"uefi\",\"hostname\":\"web\","
    "\"metadata\":{\"role\":\"we\\\"b\",\"a.b\":\"2\"},\"tags\":[\"x\",\"y\"],"
    "\"root_disk\":{\"size_bytes\":2000},\"disks\":[{\"size_bytes\":3000}],"
    "\"networks\":[{\"id\":\"p-1\",\"mac\":\"fa:16:3e:00:00:01\",\"network\":\"n\",\"mtu\":1400,"
    "\"locking_mode\":\"locked\",\"ipv4_allowed\":[\"10.0.0.2\"]}]}";

static void
test_vm_record(void)
{
    g_auto(XdInstance) plain = {0};
    g_auto(XdInstance) rich = {0};
    XdVmMarks marks = {NULL, "TAG", NULL};

    parse("{" BASE "}", &plain);
    assert_golden("vm-plain.txt",
                  xd_vm_record_new(&plain, xd_guest_data_new(&plain, NULL), &marks));
    parse(full, &rich);
    marks = (XdVmMarks){"OpaqueRef:host", "TAG", "req-1"};
    assert_golden("vm-full.txt", xd_vm_record_new(&rich, xd_guest_data_new(&rich, NULL), &marks));
}

static void
test_device_records(void)
{
    g_auto(XdInstance) instance = {0};
    g_autoptr(GPtrArray) disks = NULL;

    parse(full, &instance);
    disks = xd_disk_plan_new(&instance, 1000, NULL);
    for (guint i = 0; i < disks->len; i++) {
        XdDisk *disk = g_ptr_array_index(disks, i);

        disk->sr = g_strdup("OpaqueRef:sr");
        disk->vdi = g_strdup("OpaqueRef:vdi");
        disk->vdi_tag = g_strdup("TAG");
    }
    assert_golden("vdi-root.txt", xd_vdi_record_new(&instance, disks->pdata[0]));
    assert_golden("vdi-disk.txt", xd_vdi_record_new(&instance, disks->pdata[1]));
    assert_golden("vbd-root.txt",
                  xd_vbd_record_new(&instance, disks->pdata[0], "OpaqueRef:vm", "TAG"));
    assert_golden("vbd-disk.txt",
                  xd_vbd_record_new(&instance, disks->pdata[1], "OpaqueRef:vm", "TAG"));
    assert_golden("vif.txt", xd_vif_record_new(instance.networks->pdata[0], 0, "OpaqueRef:net",
                                               1500, "OpaqueRef:vm", "TAG"));
}

static void
test_metadata_collision(void)
{
    g_auto(XdInstance) instance = {0};
    g_autoptr(GError) error = NULL;

    parse("{" BASE ",\"metadata\":{\"a.b\":\"1\",\"a/b\":\"2\"}}", &instance);
    g_assert_null(xd_guest_data_new(&instance, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    arena = xd_arena_new();
    g_test_add_func("/model/device", test_device);
    g_test_add_func("/model/positions", test_positions);
    g_test_add_func("/model/portal", test_portal);
    g_test_add_func("/model/sr-uuid", test_sr_uuid);
    g_test_add_func("/model/disk-plan", test_disk_plan);
    g_test_add_func("/model/vm-record", test_vm_record);
    g_test_add_func("/model/device-records", test_device_records);
    g_test_add_func("/model/metadata-collision", test_metadata_collision);
    status = g_test_run();
    xd_arena_unref(arena);
    return status;
}
