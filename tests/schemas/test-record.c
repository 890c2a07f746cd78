#include "xd-xenapi.h"

#include "base/error.h"
#include "wire/json.h"

#include <string.h>

static const XdJsonLimits limits = {.max_bytes = 1 << 24, .max_depth = 32, .max_string = 1 << 20};

static gboolean
feed(XdRecordSink *sink, const char *json, gsize step, GError **error)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdJsonReader) reader =
        xd_json_reader_new(xd_record_sink_get_sink(sink), &limits, arena);
    gsize length = strlen(json);

    for (gsize done = 0; done < length; done += step) {
        if (!xd_json_reader_feed(reader, json + done, MIN(step, length - done), error))
            return FALSE;
    }
    return xd_json_reader_end(reader, error);
}

static XdRecord *
read_record(const XdClass *klass, const char *json, gsize step, GError **error)
{
    g_autoptr(XdRecordSink) sink = xd_record_sink_new(1 << 20);

    xd_record_sink_start(sink, klass, "OpaqueRef:1", strlen("OpaqueRef:1"));
    g_assert_false(xd_record_sink_is_complete(sink));
    if (!feed(sink, json, step, error))
        return NULL;
    g_assert_true(xd_record_sink_is_complete(sink));
    return xd_record_sink_finish(sink);
}

static const char vm_json[] = "{\"uuid\":\"u\",\"allowed_operations\":[\"start\"],\"current_"
                              "operations\":{\"OpaqueRef:t\":\"start\"},\"name_label\":"
                              "\"gr\\u00fc\\u00df\",\"power_state\":\"Running\",\"is_a_template\":"
                              "true,\"resident_on\":\"OpaqueRef:h\",\"affinity\":"
                              "\"OpaqueRef:NULL\",\"memory_static_max\":9223372036854775807,"
                              "\"VCPUs_max\":\"4\",\"domid\":-1,\"suspend_VDI\":\"\","
                              "\"other_config\":{\"z\":\"1\",\"a\":\"\",\"m\":\"3\"},\"new_field\":"
                              "{\"x\":[1,null]},\"snapshot_of\":\"OpaqueRef:s\"}";

static void
test_fields(void)
{
    for (gsize step = 1; step < 400; step += 57) {
        g_autoptr(GError) error = NULL;
        g_autoptr(XdRecord) record = read_record(&xd_class_vm, vm_json, step, &error);
        const XdVM *vm = (const XdVM *) record;

        g_assert_no_error(error);
        g_assert_true(record->klass == &xd_class_vm);
        g_assert_cmpstr(record->ref, ==, "OpaqueRef:1");
        g_assert_cmpstr(vm->uuid, ==, "u");
        g_assert_cmpstr(vm->name_label, ==, "gr\xc3\xbc\xc3\x9f");
        g_assert_cmpint(vm->power_state, ==, XD_VM_POWER_STATE_RUNNING);
        g_assert_true(vm->is_a_template);
        g_assert_cmpstr(vm->resident_on, ==, "OpaqueRef:h");
        g_assert_null(vm->affinity);
        g_assert_null(vm->suspend_vdi);
        g_assert_cmpint(vm->memory_static_max, ==, G_MAXINT64);
        g_assert_cmpint(vm->vcpus_max, ==, 4);
        g_assert_cmpint(vm->domid, ==, -1);
        g_assert_cmpuint(vm->other_config.n, ==, 3);
        g_assert_cmpstr(xd_map_get(&vm->other_config, "a"), ==, "");
        g_assert_cmpstr(xd_map_get(&vm->other_config, "m"), ==, "3");
        g_assert_cmpstr(xd_map_get(&vm->other_config, "z"), ==, "1");
        g_assert_null(xd_map_get(&vm->other_config, "b"));
        g_assert_cmpstr(xd_map_get(&vm->current_operations, "OpaqueRef:t"), ==, "start");
        g_assert_cmpuint(vm->blocked_operations.n, ==, 0);
        g_assert_null(xd_map_get(&vm->blocked_operations, "start"));
        g_assert_cmpuint(record->bytes, >, sizeof(XdVM) + 60);
        g_assert_cmpuint(record->bytes, <, sizeof(XdVM) + 250);
    }
}

/* What an older server does not send has its zero value. */
static void
test_missing(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdRecord) record = read_record(&xd_class_vif, "{}", 10, &error);
    const XdVIF *vif = (const XdVIF *) record;

    g_assert_no_error(error);
    g_assert_cmpstr(vif->uuid, ==, "");
    g_assert_null(vif->vm);
    g_assert_cmpint(vif->mtu, ==, 0);
    g_assert_cmpint(vif->locking_mode, ==, XD_VIF_LOCKING_MODE_UNKNOWN);
    g_assert_false(vif->currently_attached);
    g_assert_cmpuint(vif->ipv4_allowed.n, ==, 0);
    g_assert_false(xd_strings_contains(&vif->ipv4_allowed, "a"));
}

static void
test_kinds(void)
{
    static const char json[] = "{\"status\":\"cancelling\",\"progress\":0.625,\"error_info\":[\"SR_"
                               "FULL\",\"\",\"3\"],\"created\":\"20260820T12:00:00Z\","
                               "\"allowed_operations\":[\"cancel\",\"destroy\"],\"finished\":"
                               "\"19700101T00:00:00Z\",\"result\":\"\"}";
    g_autoptr(GError) error = NULL;
    g_autoptr(XdRecord) record = read_record(&xd_class_task, json, 7, &error);
    g_autoptr(XdRecord) from_int = read_record(&xd_class_task, "{\"progress\":1}", 7, NULL);
    g_autoptr(XdRecord) from_text = read_record(&xd_class_task, "{\"progress\":\"0.5\"}", 7, NULL);
    const XdTask *task = (const XdTask *) record;

    g_assert_no_error(error);
    g_assert_cmpint(task->status, ==, XD_TASK_STATUS_TYPE_CANCELLING);
    g_assert_cmpfloat(task->progress, ==, 0.625);
    g_assert_cmpuint(task->error_info.n, ==, 3);
    g_assert_cmpstr(task->error_info.items[0], ==, "SR_FULL");
    g_assert_cmpstr(task->error_info.items[1], ==, "");
    g_assert_cmpstr(task->error_info.items[2], ==, "3");
    g_assert_true(xd_strings_contains(&task->allowed_operations, "cancel"));
    g_assert_false(xd_strings_contains(&task->allowed_operations, "can"));
    g_assert_cmpint(task->created, ==, 1787227200);
    g_assert_cmpint(task->finished, ==, 0);
    g_assert_cmpfloat(((const XdTask *) from_int)->progress, ==, 1);
    g_assert_cmpfloat(((const XdTask *) from_text)->progress, ==, 0.5);
}

/* Null references in a set stand for nothing; a word of a newer server is unknown. */
static void
test_tolerance(void)
{
    g_autoptr(XdRecord) vm = read_record(&xd_class_vm, "{\"power_state\":\"Hibernated\"}", 5, NULL);
    g_autoptr(XdRecord) case_matters =
        read_record(&xd_class_vm, "{\"power_state\":\"running\"}", 5, NULL);

    g_assert_cmpint(((const XdVM *) vm)->power_state, ==, XD_VM_POWER_STATE_UNKNOWN);
    g_assert_cmpint(((const XdVM *) case_matters)->power_state, ==, XD_VM_POWER_STATE_UNKNOWN);
}

/* A class with a set of references, which no mirrored one has for now. */
static void
test_ref_set(void)
{
    typedef struct {
        XdRecord parent;
        XdStrings refs;
    } Odd;
    static const XdField fields[] = {{"refs", XD_FIELD_REF_SET, G_STRUCT_OFFSET(Odd, refs), NULL}};
    static const XdClass klass = {
        .name = "Odd",
        .event_name = "odd",
        .size = sizeof(Odd),
        .fields = fields,
        .n_fields = 1,
    };
    g_autoptr(XdRecord) record = read_record(
        &klass, "{\"refs\":[\"OpaqueRef:NULL\",\"OpaqueRef:a\",\"\",\"OpaqueRef:b\"]}", 3, NULL);
    g_autoptr(XdRecord) empty = read_record(&klass, "{\"refs\":[\"OpaqueRef:NULL\"]}", 3, NULL);
    const Odd *odd = (const Odd *) record;

    g_assert_cmpuint(odd->refs.n, ==, 2);
    g_assert_cmpstr(odd->refs.items[0], ==, "OpaqueRef:a");
    g_assert_cmpstr(odd->refs.items[1], ==, "OpaqueRef:b");
    g_assert_cmpuint(((const Odd *) empty)->refs.n, ==, 0);
    g_assert_null(read_record(&klass, "{\"refs\":[\"a\\nb\"]}", 3, NULL));
}

static void
test_refused(void)
{
    static const struct {
        const char *json;
        const char *message;
    } cases[] = {
        {"[]", "a record of VM: no record"},
        {"\"x\"", "a record of VM: no record"},
        {"null", "a record of VM: no record"},
        {"{\"uuid\":1}", "a record of VM: uuid: a value of the wrong type"},
        {"{\"uuid\":null}", "a record of VM: uuid: a value of the wrong type"},
        {"{\"uuid\":[]}", "a record of VM: uuid: a value of the wrong type"},
        {"{\"uuid\":{}}", "a record of VM: uuid: a value of the wrong type"},
        {"{\"is_a_template\":1}", "a record of VM: is_a_template: a value of the wrong type"},
        {"{\"is_a_template\":\"true\"}",
         "a record of VM: is_a_template: a value of the wrong type"},
        {"{\"domid\":true}", "a record of VM: domid: a value of the wrong type"},
        {"{\"domid\":1.5}", "a record of VM: domid: a value of the wrong type"},
        {"{\"domid\":\"0x10\"}", "a record of VM: domid: a value of the wrong type"},
        {"{\"power_state\":1}", "a record of VM: power_state: a value of the wrong type"},
        {"{\"resident_on\":\"OpaqueRef:\\nx\"}",
         "a record of VM: resident_on: a value of the wrong type"},
        {"{\"resident_on\":\"OpaqueRef:\\u00fc\"}",
         "a record of VM: resident_on: a value of the wrong type"},
        {"{\"resident_on\":\"OpaqueRef:\\u007f\"}",
         "a record of VM: resident_on: a value of the wrong type"},
        {"{\"other_config\":[]}", "a record of VM: other_config: a value of the wrong type"},
        {"{\"other_config\":{\"a\":1}}", "a record of VM: other_config: a value of the wrong type"},
        {"{\"other_config\":{\"a\":{}}}",
         "a record of VM: other_config: a value of the wrong type"},
        {"{\"other_config\":{\"a\":null}}",
         "a record of VM: other_config: a value of the wrong type"},
        {"{\"other_config\":{\"a\":\"1\",\"b\":\"2\",\"a\":\"3\"}}",
         "a record of VM: other_config: the same key twice"},
        {"{\"uuid\":\"a\",\"uuid\":\"a\"}", "a record of VM: uuid: stands there twice"},
        {"{\"domid\":[]}", "a record of VM: domid: a value of the wrong type"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(read_record(&xd_class_vm, cases[i].json, 1000, &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
        g_assert_cmpstr(error->message, ==, cases[i].message);
    }
}

static void
test_bounds(void)
{
    g_autofree char *filler = g_strnfill(5000, 'x');
    g_autofree char *text = g_strdup_printf("{\"name_label\":\"%s\"}", filler);
    g_autofree char *ref = g_strdup_printf("{\"resident_on\":\"%.513s\"}", filler);
    g_autoptr(GString) map = g_string_new("{\"other_config\":{\"a\":\"\"");
    g_autoptr(XdRecordSink) sink = xd_record_sink_new(4096);
    g_autoptr(GError) error = NULL;

    xd_record_sink_start(sink, &xd_class_vm, "r", 1);
    g_assert_false(feed(sink, text, 100, &error));
    g_assert_cmpstr(error->message, ==, "a record of VM: name_label: too large");
    g_clear_error(&error);
    for (guint i = 0; i < 1000; i++)
        g_string_append_printf(map, ",\"%u\":\"\"", i);
    xd_record_sink_start(sink, &xd_class_vm, "r", 1);
    g_assert_false(feed(sink, map->str, 100, &error));
    g_assert_cmpstr(error->message, ==, "a record of VM: other_config: too large");
    g_assert_null(read_record(&xd_class_vm, ref, 100, NULL));
}

/* The sink is used again and again, after success and after an error, for classes of any size. */
static void
test_again(void)
{
    g_autoptr(XdRecordSink) sink = xd_record_sink_new(1 << 13);

    XdSink *inner = xd_record_sink_get_sink(sink);

    for (guint i = 0; i < 3000; i++) {
        g_autoptr(XdRecord) first = NULL;
        g_autoptr(XdRecord) second = NULL;

        xd_record_sink_start(sink, &xd_class_pbd, "OpaqueRef:p", strlen("OpaqueRef:p"));
        g_assert_true(feed(
            sink, "{\"uuid\":\"p\",\"currently_attached\":true,\"other_config\":{\"a\":\"b\"}}", 9,
            NULL));
        first = xd_record_sink_finish(sink);
        xd_record_sink_start(sink, &xd_class_vm, "OpaqueRef:v", strlen("OpaqueRef:v"));
        g_assert_false(feed(sink, "{\"uuid\":1}", 9, NULL));
        xd_record_sink_start(sink, &xd_class_vm, "", 0);
        g_assert_true(feed(sink, "{}", 9, NULL));
        g_assert_cmpint(inner->klass->begin(inner, TRUE), ==, XD_SINK_REFUSE); /* complete */
        second = xd_record_sink_finish(sink);
        g_assert_cmpstr(first->ref, ==, "OpaqueRef:p");
        g_assert_cmpstr(((const XdPBD *) first)->uuid, ==, "p");
        g_assert_true(((const XdPBD *) first)->currently_attached);
        g_assert_cmpstr(second->ref, ==, "");
        g_assert_cmpstr(((const XdVM *) second)->uuid, ==, "");
    }
}

static void
test_tables(void)
{
    for (guint i = 0; i < XD_N_CLASSES; i++) {
        g_assert_cmpuint(xd_classes[i]->id, ==, i);
        g_assert_true(xd_class_lookup(xd_classes[i]->event_name,
                                      strlen(xd_classes[i]->event_name)) == xd_classes[i]);
    }
    g_assert_true(xd_class_lookup("vm_guest_metrics", 16) == &xd_class_vm_guest_metrics);
    g_assert_true(xd_class_lookup("vm_guest_metrics", 2) == &xd_class_vm);
    g_assert_null(xd_class_lookup("VM", 2));
    g_assert_null(xd_class_lookup("", 0));
    for (guint i = 0; i < XD_N_METHODS; i++) {
        const XdMethod *method = &xd_methods[i];

        g_assert_true(xd_method_lookup(method->name) == method);
        g_assert_true(g_variant_type_string_is_valid(method->parameters));
        g_assert_cmpuint(g_variant_type_n_items(G_VARIANT_TYPE(method->parameters)), ==,
                         g_strv_length((char **) method->parameter_names));
        g_assert_true(method->result == NULL || g_variant_type_string_is_valid(method->result));
    }
    g_assert_null(xd_method_lookup("VM.start_"));
    g_assert_null(xd_method_lookup("VM"));
}

static void
test_methods(void)
{
    const XdMethod *start = xd_method_lookup("Async.VM.start_on");
    const XdMethod *login = xd_method_lookup("session.login_with_password");
    const XdMethod *records = xd_method_lookup("VM.get_all_records");
    const XdMethod *secret = xd_method_lookup("secret.create");
    const XdMethod *from = xd_method_lookup("event.from");

    g_assert_cmpstr(start->name, ==, "VM.start_on");
    g_assert_cmpstr(start->parameters, ==, "(ssbb)");
    g_assert_cmpstr(start->parameter_names[1], ==, "host");
    g_assert_cmpuint(start->flags, ==, XD_METHOD_SLOW);
    g_assert_cmpstr(login->parameters, ==, "(shss)");
    g_assert_cmpstr(login->secrets[0], ==, "pwd");
    g_assert_cmpuint(login->flags, ==, XD_METHOD_NO_SESSION | XD_METHOD_SECRET_RESULT);
    g_assert_true(records->record == &xd_class_vm);
    g_assert_null(records->result);
    g_assert_cmpuint(records->flags, ==, XD_METHOD_REPEATABLE);
    g_assert_cmpstr(secret->parameters, ==, "(a{sv})");
    g_assert_cmpstr(secret->secrets[0], ==, "args.value");
    g_assert_null(from->result);
    g_assert_null(from->record);
    g_assert_cmpstr(from->parameters, ==, "(assd)");
    g_assert_cmpint(xd_method_lookup("VM.create")->found, ==, XD_FOUND_TAG);
    g_assert_cmpint(xd_method_lookup("SR.introduce")->found, ==, XD_FOUND_UUID);
    g_assert_cmpint(xd_method_lookup("VDI.snapshot")->found, ==, XD_FOUND_TASK);
    g_assert_cmpint(xd_method_lookup("task.create")->found, ==, XD_FOUND_NAME);
    g_assert_cmpint(xd_method_lookup("VM.destroy")->found, ==, XD_FOUND_NONE);
    g_assert_cmpstr(xd_method_lookup("VDI.introduce")->parameters, ==, "(sssssbba{ss}sa{ss}a{ss})");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/documents/record/fields", test_fields);
    g_test_add_func("/documents/record/missing", test_missing);
    g_test_add_func("/documents/record/kinds", test_kinds);
    g_test_add_func("/documents/record/tolerance", test_tolerance);
    g_test_add_func("/documents/record/ref-set", test_ref_set);
    g_test_add_func("/documents/record/refused", test_refused);
    g_test_add_func("/documents/record/bounds", test_bounds);
    g_test_add_func("/documents/record/again", test_again);
    g_test_add_func("/documents/record/tables", test_tables);
    g_test_add_func("/documents/record/methods", test_methods);
    return g_test_run();
}
