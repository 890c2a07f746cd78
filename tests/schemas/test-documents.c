#include "xd-documents.h"

#include "base/error.h"

#include <string.h>

#define UUID  "6a6b0a4e-8c5e-4b0e-9d2e-0b4a1f3c5d7e"
#define UUID2 "0f9e8d7c-6b5a-4938-8271-605f4e3d2c1b"
#define IQN   "iqn.2010-10.org.openstack:volume-1"
#define IMAGE "\"image\":{\"source\":\"file\",\"format\":\"raw\",\"path\":\"/srv/a.img\"}"
#define INSTANCE                                                                                   \
    "\"uuid\":\"" UUID "\",\"name\":\"vm\",\"memory_bytes\":268435456,\"vcpus\":2," IMAGE

static void
assert_refused(const XdShape *shape, gpointer document, const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();

    g_assert_false(xd_document_parse(shape, text, -1, arena, document, &error));
    g_assert_true(xd_error_is(error, HVD_ERROR_INVALID));
    g_assert_cmpstr(error->message, ==, message);
}

static void
test_least(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdInstance) instance = {0};

    g_assert_true(xd_instance_parse("{" INSTANCE "}", -1, arena, &instance, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(instance.uuid, ==, UUID);
    g_assert_cmpint(instance.memory_bytes, ==, 268435456);
    g_assert_false(instance.has_vcpu_weight);
    g_assert_null(instance.node);
    g_assert_cmpint(instance.firmware, ==, XD_INSTANCE_FIRMWARE_BIOS);
    g_assert_cmpint(instance.virtual_machine_mode, ==, XD_INSTANCE_VIRTUAL_MACHINE_MODE_HVM);
    g_assert_cmpint(instance.image.kind, ==, XD_IMAGE_FILE);
    g_assert_cmpstr(instance.image.file->path, ==, "/srv/a.img");
    g_assert_false(instance.image.file->has_size_bytes);
    g_assert_cmpint(instance.root_disk.device, ==, 0);
    g_assert_cmpuint(instance.disks->len, ==, 0);
    g_assert_cmpuint(instance.networks->len, ==, 0);
    g_assert_cmpuint(g_hash_table_size(instance.metadata), ==, 0);
    g_assert_null(instance.storage);
}

static const char whole[] =
    "{\"uuid\":\"" UUID "\",\"name\":\"gr\xc3\xbc\xc3\x9f\",\"memory_bytes\":17179869184,\"vcpus\":"
    "4,\"vcpu_weight\":512,"
    "\"node\":\"" UUID2
    "\",\"firmware\":\"uefi\",\"virtual_machine_mode\":\"hvm\",\"image\":{\"source\":\"stream\","
    "\"format\":\"raw\",\"size_bytes\":1048576,\"sha256\":"
    "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
    "\"id\":\"img\"},\"root_disk\":{\"size_bytes\":2097152,\"storage\":\"fast\",\"device\":3},"
    "\"disks\":[{\"size_bytes\":1},"
    "{\"size_bytes\":2,\"device\":4,\"storage\":\"slow\"}],\"networks\":[{\"id\":\"port-1\","
    "\"mac\":\"aa:bb:cc:dd:ee:ff\","
    "\"network\":\"xenbr0\",\"mtu\":9000,\"locking_mode\":\"locked\",\"ipv4_allowed\":[\"192.0.2."
    "1\"],\"ipv6_allowed\":"
    "[\"2001:db8::1\"],\"device\":0}],\"hostname\":\"vm.example\",\"metadata\":{\"a\":\"1\",\"b\":"
    "\"\"},\"tags\":[\"x\"],"
    "\"storage\":\"default\"}";

/* What is read is printed as it was: all properties stand there, in the schema's order. */
static void
test_round_trip(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdInstance) instance = {0};
    g_autofree char *text = NULL;

    g_assert_true(xd_instance_parse(whole, -1, arena, &instance, &error));
    g_assert_no_error(error);
    g_assert_cmpint(instance.vcpu_weight, ==, 512);
    g_assert_true(instance.has_vcpu_weight);
    g_assert_cmpint(instance.image.stream->size_bytes, ==, 1048576);
    g_assert_cmpint(((XdDataDisk *) g_ptr_array_index(instance.disks, 1))->device, ==, 4);
    g_assert_cmpstr(g_hash_table_lookup(instance.metadata, "a"), ==, "1");
    text = xd_instance_print(&instance, XD_PRINT_MASKED);
    g_assert_cmpstr(text, ==, whole);
}

static void
test_errors(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"{" INSTANCE ",\"disks\":[{\"size_bytes\":\"ten\"}]}",
         "/disks/0/size_bytes: expected an integer from 1 to 1125899906842624, found \"ten\""},
        {"{" INSTANCE ",\"disks\":[{\"size_bytes\":1},{\"size_bytes\":0}]}",
         "/disks/1/size_bytes: expected an integer from 1 to 1125899906842624, found 0"},
        {"{" INSTANCE ",\"disks\":[{\"size_bytes\":1},{}]}",
         "/disks/1/size_bytes: expected an integer from 1 to 1125899906842624, found nothing"},
        {"{" INSTANCE ",\"disks\":[{\"size_bytes\":1},[]]}",
         "/disks/1: expected an object, found an array"},
        {"{" INSTANCE ",\"disks\":{}}",
         "/disks: expected an array of at most 64 elements, found an object"},
        {"{" INSTANCE ",\"siez\":1}", "/siez: expected no such property, found one"},
        {"{" INSTANCE ",\"a/b~c\\n\":1}", "/a~1b~0c\\u000a: expected no such property, found one"},
        {"{" INSTANCE ",\"name\":\"b\"}", "/name: expected one such property, found two"},
        {"{" INSTANCE ",\"vcpu_weight\":1.5}",
         "/vcpu_weight: expected an integer from 1 to 65535, found 1.5"},
        {"{" INSTANCE ",\"vcpu_weight\":true}",
         "/vcpu_weight: expected an integer from 1 to 65535, found true"},
        {"{" INSTANCE ",\"vcpu_weight\":null}",
         "/vcpu_weight: expected an integer from 1 to 65535, found null"},
        {"{" INSTANCE ",\"vcpu_weight\":[]}",
         "/vcpu_weight: expected an integer from 1 to 65535, found an array"},
        {"{" INSTANCE ",\"firmware\":\"efi\"}",
         "/firmware: expected \"bios\" or \"uefi\", found \"efi\""},
        {"{" INSTANCE ",\"firmware\":1}", "/firmware: expected \"bios\" or \"uefi\", found 1"},
        {"{" INSTANCE ",\"node\":\"6A6B0A4E-8C5E-4B0E-9D2E-0B4A1F3C5D7E\"}",
         "/node: expected a UUID in lower case, found \"6A6B0A4E-8C5E-4B0E-9D2E-0B4A1F3C5D7E\""},
        {"{" INSTANCE ",\"hostname\":\"\"}", "/hostname: expected text of 1 to 253 characters, found \"\""},
        {"{" INSTANCE ",\"tags\":[\"a\",\"\"]}",
         "/tags/1: expected text of 1 to 255 characters, found \"\""},
        {"{" INSTANCE ",\"tags\":[[]]}", "/tags/0: expected text of 1 to 255 characters, found an array"},
        {"{" INSTANCE ",\"metadata\":{\"a\":1}}",
         "/metadata/a: expected text of at most 1024 characters, found 1"},
        {"{" INSTANCE ",\"metadata\":{\"\":\"a\"}}",
         "/metadata/: expected a name of 1 to 255 characters, found another"},
        {"{" INSTANCE ",\"metadata\":{\"a\":\"\",\"b\":\"\",\"a\":\"\"}}",
         "/metadata/a: expected one such name, found two"},
        {"{" INSTANCE ",\"metadata\":[]}", "/metadata: expected an object, found an array"},
        {"{" INSTANCE ",\"root_disk\":{\"device\":255}}",
         "/root_disk/device: expected an integer from 0 to 254, found 255"},
        {"{" INSTANCE ",\"networks\":[{\"mac\":\"aa:bb:cc:dd:ee\",\"network\":\"a\"}]}",
         "/networks/0/mac: expected a MAC address, found \"aa:bb:cc:dd:ee\""},
        {"{" INSTANCE ",\"networks\":[{\"mac\":\"aa:bb:cc:dd:ee:ff\",\"network\":\"a\",\"ipv4_"
         "allowed\":[\"192.0.2.1\",\"::1\"]}]}",
         "/networks/0/ipv4_allowed/1: expected an IPv4 address, found \"::1\""},
        {"{}", "/uuid: expected a UUID in lower case, found nothing"},
        {"[]", "the document: expected an object, found an array"},
        {"5", "the document: expected an object, found 5"},
        {"", "the document: no valid JSON: it ends early at byte 0"},
        {"{\"uuid\":1.0}",
         "the document: no valid JSON: integer spelt with a fraction or an exponent at byte 11"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        XdInstance instance = {0};
        XdInstance zero = {0};

        assert_refused(&xd_shape_instance, &instance, cases[i].text, cases[i].message);
        g_assert_cmpmem(&instance, sizeof instance, &zero, sizeof zero);
    }
}

/* SEC-17: what is repeated of the input is one line and no escape sequence, and short. */
static void
test_inert(void)
{
    g_autofree char *filler = g_strnfill(3000, 'x');
    g_autofree char *text =
        g_strdup_printf("{" INSTANCE ",\"firmware\":\"a\\u001b[2J\\nERROR%s\"}", filler);
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdInstance) instance = {0};

    g_assert_false(xd_instance_parse(text, -1, arena, &instance, &error));
    g_assert_cmpuint(strlen(error->message), <, 200);
    g_assert_nonnull(strstr(error->message, "a\\u001b[2J\\u000aERRORxxx"));
}

static void
test_union(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"{\"driver_volume_type\":\"rbd\",\"data\":{}}",
         "/driver_volume_type: expected \"iscsi\", \"xensm\" or \"vdi\", found \"rbd\""},
        {"{\"data\":{\"driver_volume_type\":\"vdi\"}}",
         "/driver_volume_type: expected \"iscsi\", \"xensm\" or \"vdi\", found nothing"},
        {"{\"driver_volume_type\":[\"vdi\"]}",
         "/driver_volume_type: expected \"iscsi\", \"xensm\" or \"vdi\", found an array"},
        {"{\"driver_volume_type\":null}",
         "/driver_volume_type: expected \"iscsi\", \"xensm\" or \"vdi\", found null"},
        {"{\"driver_volume_type\":7}",
         "/driver_volume_type: expected \"iscsi\", \"xensm\" or \"vdi\", found 7"},
        {"{\"driver_volume_type\":\"vdi\"}", "/data: expected an object, found nothing"},
        {"{\"driver_volume_type\":\"vdi\",\"data\":{}}",
         "/data/vdi_uuid: expected a UUID in lower case, found nothing"},
        {"{\"driver_volume_type\":\"vdi\",\"driver_volume_type\":\"vdi\",\"data\":{}}",
         "/driver_volume_type: expected one such property, found two"},
        {"{\"data\":{\"vdi_uuid\":\"x\"},\"driver_volume_type\":\"vdi\"}",
         "/data/vdi_uuid: expected a UUID in lower case, found \"x\""},
        {"{\"data\":{\"vdi_uuid\":\"" UUID "\"},\"driver_volume_type\":\"iscsi\"}",
         "/data/target_portal: expected an address with an optional port, found nothing"},
        {"[]", "the document: expected \"iscsi\", \"xensm\" or \"vdi\", found an array"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        XdConnectionInfo info = {0};

        assert_refused(&xd_shape_connection_info, &info, cases[i].text, cases[i].message);
        g_assert_null(info.branch);
    }
}

/* The tag may come last, behind secrets, unknown members and nulls. */
static void
test_late_tag(void)
{
    static const char text[] = "{\"connector\":{\"a\":[1,{\"b\":null}],\"c\":0.5},\"data\":{\"x\":["
                               "{\"y\":true}],\"target_iqn\":\"" IQN "\","
                               "\"qos_specs\":null,\"target_portal\":\"192.0.2.1:3260\",\"auth_"
                               "method\":\"CHAP\",\"auth_username\":null,"
                               "\"auth_password\":\"tiger\",\"target_lun\":1,\"encrypted\":false},"
                               "\"z\":[[]],\"driver_volume_type\":\"iscsi\","
                               "\"serial\":\"s\"}";
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdConnectionInfo) info = {0};
    g_autofree char *printed = NULL;
    const XdIscsiData *data;

    g_assert_true(xd_connection_info_parse(text, -1, arena, &info, &error));
    g_assert_no_error(error);
    g_assert_cmpint(info.kind, ==, XD_CONNECTION_INFO_ISCSI);
    data = &info.iscsi->data;
    g_assert_cmpstr(data->target_iqn, ==, IQN);
    g_assert_cmpint(data->auth_method, ==, XD_ISCSI_DATA_AUTH_METHOD_CHAP);
    g_assert_null(data->auth_username);
    g_assert_cmpstr(xd_secret_reveal(data->auth_password, NULL), ==, "tiger");
    g_assert_true(data->has_target_lun && data->target_lun == 1);
    g_assert_true(data->has_encrypted && !data->encrypted);
    printed = xd_connection_info_print(&info, XD_PRINT_MASKED);
    g_assert_cmpstr(printed, ==,
                    "{\"driver_volume_type\":\"iscsi\",\"data\":{\"target_portal\":\"192.0.2.1:"
                    "3260\",\"target_iqn\":"
                    "\"" IQN
                    "\",\"target_lun\":1,\"auth_method\":\"CHAP\",\"auth_password\":\"<hidden>\","
                    "\"encrypted\":false}}");
}

/* SEC-15: no error tells a secret, of whatever type it is. */
static void
test_hidden(void)
{
    static const char *const values[] = {
        "\"\"", "7654321", "0.7654321", "true", "[\"7654321\"]", "{\"7654321\":\"7654321\"}",
    };

    for (guint late = 0; late < 2; late++) {
        for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
            g_autofree char *text =
                g_strdup_printf("{%s\"data\":{\"target_portal\":\"a\",\"target_iqn\":\"" IQN
                                "\",\"auth_password\":%s}%s}",
                                late ? "" : "\"driver_volume_type\":\"iscsi\",", values[i],
                                late ? ",\"driver_volume_type\":\"iscsi\"" : "");
            XdConnectionInfo info = {0};

            assert_refused(&xd_shape_connection_info, &info, text,
                           "/data/auth_password: expected text of 1 to 255 characters, found <hidden>");
        }
    }
}

static void
test_nested(void)
{
    static const char text[] = "{\"connection_info\":{\"data\":{\"vdi_uuid\":\"" UUID
                               "\"},\"driver_volume_type\":\"vdi\"},\"mount_device\":null,"
                               "\"boot_index\":-1,\"guest_format\":null}";
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdBlockDevice) device = {0};
    XdBlockDevice bad = {0};

    g_assert_true(xd_block_device_parse(text, -1, arena, &device, &error));
    g_assert_no_error(error);
    g_assert_null(device.mount_device);
    g_assert_true(device.has_boot_index && device.boot_index == -1);
    g_assert_cmpstr(device.connection_info.vdi->data.vdi_uuid, ==, UUID);
    assert_refused(&xd_shape_block_device, &bad, "{\"connection_info\":{\"data\":{}}}",
                   "/connection_info/driver_volume_type: expected \"iscsi\", \"xensm\" or \"vdi\", "
                   "found nothing");
}

/* A part that belongs to others is kept as JSON and printed as such. */
static void
test_any(void)
{
    static const char text[] = "{\"operation\":\"spawn\",\"steps\":[{\"name\":\"make\",\"calls\":[{"
                               "\"method\":\"VM.create\",\"parameters\":"
                               "[{\"a\":[1,-0.5,true,null,\"x\\\"\"]},[]]},{\"method\":\"a\","
                               "\"parameters\":null},{\"method\":\"b\",\"parameters\":"
                               "\"x\"},{\"method\":\"c\",\"parameters\":{}},{\"method\":\"d\"}]}]}";
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdPlan) plan = {0};
    g_autofree char *printed = NULL;
    g_autofree char *pretty = NULL;
    const XdPlanStep *step;

    g_assert_true(xd_plan_parse(text, -1, arena, &plan, &error));
    g_assert_no_error(error);
    step = g_ptr_array_index(plan.steps, 0);
    g_assert_cmpstr(((XdPlanCall *) g_ptr_array_index(step->calls, 0))->parameters, ==,
                    "[{\"a\":[1,-0.5,true,null,\"x\\\"\"]},[]]");
    g_assert_cmpstr(((XdPlanCall *) g_ptr_array_index(step->calls, 1))->parameters, ==, "null");
    g_assert_null(((XdPlanCall *) g_ptr_array_index(step->calls, 4))->parameters);
    printed = xd_plan_print(&plan, XD_PRINT_MASKED);
    g_assert_cmpstr(printed, ==, text);
    pretty = xd_plan_print(&plan, XD_PRINT_PRETTY);
    g_assert_nonnull(strstr(pretty, "\n          \"parameters\": [\n            {\n"));
}

/* As a driver makes one: what is not there is left out, required arrays are empty. */
static void
test_made(void)
{
    XdInstanceInfo *info = g_new0(XdInstanceInfo, 1);
    XdInstanceInfoDisk *disk = g_new0(XdInstanceInfoDisk, 1);
    GPtrArray *list = g_ptr_array_new();
    g_autofree char *text = NULL;
    g_autofree char *none = xd_instance_list_print(NULL, XD_PRINT_MASKED);

    info->uuid = g_strdup(UUID);
    info->name = g_strdup("vm");
    info->state = XD_INSTANCE_INFO_STATE_RUNNING;
    info->bootable = TRUE;
    info->node = g_new0(XdInstanceInfoNode, 1);
    info->node->uuid = g_strdup(UUID2);
    info->node->name = g_strdup("host");
    info->disks = g_ptr_array_new();
    disk->device = g_strdup("0");
    disk->role = XD_INSTANCE_INFO_DISK_ROLE_ROOT;
    g_ptr_array_add(info->disks, disk);
    g_ptr_array_add(list, info);
    text = xd_instance_list_print(list, XD_PRINT_MASKED);
    g_assert_cmpstr(text, ==,
                    "[{\"uuid\":\"" UUID
                    "\",\"name\":\"vm\",\"state\":\"running\",\"soft_deleted\":false,\"bootable\":true,"
                    "\"node\":{\"uuid\":\"" UUID2 "\",\"name\":\"host\"},\"memory_bytes\":0,\"vcpus\":0,\"disks\":[{\"device\":"
                    "\"0\",\"role\":\"root\","
                    "\"read_only\":false}],\"networks\":[],\"operations\":[]}]");
    g_assert_cmpstr(none, ==, "[]");
    xd_document_clear(&xd_shape_instance_list, &list);
    g_assert_null(list);
}

/* A long list is printed in pieces. */
static void
test_long(void)
{
    g_autoptr(GString) expected = g_string_new("[");
    GPtrArray *list = g_ptr_array_new();
    g_autofree char *text = NULL;

    for (guint i = 0; i < 3000; i++) {
        XdInstanceInfo *info = g_new0(XdInstanceInfo, 1);

        info->name = g_strdup_printf("%u", i);
        g_ptr_array_add(list, info);
        g_string_append_printf(expected,
                               "%s{\"name\":\"%u\",\"soft_deleted\":false,\"bootable\":false,"
                               "\"memory_bytes\":0,\"vcpus\":0,\"disks\":[],"
                               "\"networks\":[],\"operations\":[]}",
                               i > 0 ? "," : "", i);
    }
    g_string_append_c(expected, ']');
    text = xd_instance_list_print(list, XD_PRINT_MASKED);
    g_assert_cmpstr(text, ==, expected->str);
    xd_document_clear(&xd_shape_instance_list, &list);
}

/* Whoever made the document made a mistake: it is said, without the text. */
static void
test_broken_part(void)
{
    XdPlanCall call = {.method = (char *) "m", .parameters = (char *) "canary]"};
    XdPlanStep step = {.name = (char *) "s", .calls = g_ptr_array_new()};
    XdPlan plan = {.operation = (char *) "o", .steps = g_ptr_array_new()};
    g_autofree char *text = NULL;

    g_ptr_array_add(step.calls, &call);
    g_ptr_array_add(plan.steps, &step);
    g_test_expect_message(NULL, G_LOG_LEVEL_CRITICAL, "a document has a part that is no JSON");
    text = xd_plan_print(&plan, XD_PRINT_MASKED);
    g_test_assert_expected_messages();
    g_ptr_array_unref(step.calls);
    g_ptr_array_unref(plan.steps);
}

static void
test_bounds(void)
{
    g_autofree char *filler = g_strnfill(1100000, ' ');
    g_autofree char *large = g_strconcat("{", filler, INSTANCE "}", NULL);
    g_autofree char *deep = g_strnfill(20, '[');
    g_autofree char *nested = g_strconcat("{\"driver_volume_type\":\"vdi\",\"x\":", deep, NULL);
    g_autoptr(GString) many = g_string_new("{" INSTANCE ",\"tags\":[\"0\"");
    XdInstance instance = {0};
    XdConnectionInfo info = {0};

    assert_refused(&xd_shape_instance, &instance, large,
                   "the document: no valid JSON: text too long at byte 0");
    assert_refused(&xd_shape_connection_info, &info, nested,
                   "the document: no valid JSON: nested too deeply at byte 47");
    for (guint i = 1; i < 64; i++)
        g_string_append(many, ",\"x\"");
    g_string_append(many, ",1");
    assert_refused(&xd_shape_instance, &instance, many->str,
                   "/tags: expected an array of at most 64 elements, found more");
}

/* Every prefix fails, and leaves nothing behind. */
static void
test_cuts(void)
{
    for (gsize cut = 0; cut < sizeof whole - 1; cut++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdArena) arena = xd_arena_new();
        g_autofree char *text = g_memdup2(whole, cut + 1); /* one more: g_memdup2() of 0 is NULL */
        XdInstance instance = {0};

        g_assert_false(xd_instance_parse(text, (gssize) cut, arena, &instance, &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_INVALID));
        g_assert_null(instance.uuid);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/documents/least", test_least);
    g_test_add_func("/documents/round-trip", test_round_trip);
    g_test_add_func("/documents/errors", test_errors);
    g_test_add_func("/documents/inert", test_inert);
    g_test_add_func("/documents/union", test_union);
    g_test_add_func("/documents/late-tag", test_late_tag);
    g_test_add_func("/documents/hidden", test_hidden);
    g_test_add_func("/documents/nested", test_nested);
    g_test_add_func("/documents/any", test_any);
    g_test_add_func("/documents/made", test_made);
    g_test_add_func("/documents/long", test_long);
    g_test_add_func("/documents/broken-part", test_broken_part);
    g_test_add_func("/documents/bounds", test_bounds);
    g_test_add_func("/documents/cuts", test_cuts);
    return g_test_run();
}
