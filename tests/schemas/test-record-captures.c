/* Records of the real toolstack, from recorded answers of get_all_records in both encodings. */
#include "xd-xenapi.h"

#include "base/error.h"
#include "wire/rpc.h"

#include <string.h>

/* The map of references to records that such a call has as its result. */
typedef struct {
    XdSink parent;
    const XdClass *klass;
    XdRecordSink *record;
    GPtrArray *records; /* (element-type XdRecord) */
    guint depth;
} AllSink;

static XdVerdict
forward(AllSink *self, XdVerdict verdict)
{
    XdSink *record = xd_record_sink_get_sink(self->record);

    if (verdict == XD_SINK_REFUSE)
        self->parent.error = g_steal_pointer(&record->error);
    return verdict;
}

#define FORWARD(sink, token, ...)                                                                  \
    forward((AllSink *) (sink),                                                                    \
            xd_record_sink_get_sink(((AllSink *) (sink))->record)->klass->token(__VA_ARGS__))
#define RECORD(sink) xd_record_sink_get_sink(((AllSink *) (sink))->record)

static XdVerdict
all_begin(XdSink *sink, gboolean is_map)
{
    return ((AllSink *) sink)->depth++ == 0 ? XD_SINK_TAKE
                                            : FORWARD(sink, begin, RECORD(sink), is_map);
}

static XdVerdict
all_end(XdSink *sink)
{
    AllSink *self = (AllSink *) sink;
    XdVerdict verdict = --self->depth == 0 ? XD_SINK_TAKE : FORWARD(sink, end, RECORD(sink));

    if (self->depth == 1)
        g_ptr_array_add(self->records, xd_record_sink_finish(self->record));
    return verdict;
}

static XdVerdict
all_key(XdSink *sink, const char *text, gsize length)
{
    AllSink *self = (AllSink *) sink;

    if (self->depth > 1)
        return FORWARD(sink, key, RECORD(sink), text, length);
    xd_record_sink_start(self->record, self->klass, text, length);
    return XD_SINK_TAKE;
}

static XdVerdict
all_string(XdSink *sink, const char *text, gsize length)
{
    return FORWARD(sink, string, RECORD(sink), text, length);
}

static XdVerdict
all_integer(XdSink *sink, gint64 value)
{
    return FORWARD(sink, integer, RECORD(sink), value);
}

static XdVerdict
all_real(XdSink *sink, double value)
{
    return FORWARD(sink, real, RECORD(sink), value);
}

static XdVerdict
all_boolean(XdSink *sink, gboolean value)
{
    return FORWARD(sink, boolean, RECORD(sink), value);
}

static XdVerdict
all_null(XdSink *sink)
{
    return FORWARD(sink, null, RECORD(sink));
}

static const XdSinkClass all_class = {
    .begin = all_begin,
    .end = all_end,
    .key = all_key,
    .string = all_string,
    .integer = all_integer,
    .real = all_real,
    .boolean = all_boolean,
    .null = all_null,
};

static GPtrArray *
read_all(const char *folder, const char *name, const XdClass *klass)
{
    const XdDecoderLimits limits = {.max_bytes = 1 << 24, .max_string = 1 << 20};
    g_autofree char *path = g_strdup_printf("%s/%s.resp", folder, name);
    const XdCodec *codec = name[0] == 'j' ? &xd_codec_json : &xd_codec_xml;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdRecordSink) record = xd_record_sink_new(1 << 20);
    AllSink sink = {.parent = {.klass = &all_class}, .klass = klass, .record = record};
    g_autoptr(XdDecoder) decoder = codec->decoder_new(&sink.parent, 1, &limits, arena);
    char **failure;
    const char *body;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    body = strstr(text, "\r\n\r\n") + 4;
    sink.records = g_ptr_array_new_with_free_func((GDestroyNotify) xd_record_free);
    xd_decoder_feed(decoder, body, strlen(body), &error);
    g_assert_no_error(error);
    g_assert_true(xd_decoder_end(decoder, &failure, &error));
    g_assert_null(failure);
    return sink.records;
}

static void
test_classes(void)
{
    static const struct {
        const char *name;
        const XdClass *klass;
    } cases[] = {
        {"VM_get_all_records", &xd_class_vm},
        {"json1_VM_get_all_records", &xd_class_vm},
        {"json2_VM_get_all_records", &xd_class_vm},
        {"PBD_get_all_records", &xd_class_pbd},
        {"PIF_get_all_records", &xd_class_pif},
        {"SR_get_all_records", &xd_class_sr},
        {"host_metrics_get_all_records", &xd_class_host_metrics},
        {"task_get_all_records", &xd_class_task},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) records = read_all(TEST_CAPTURES, cases[i].name, cases[i].klass);

        g_assert_cmpuint(records->len, >, 0);
        for (guint n = 0; n < records->len; n++) {
            const XdVM *first = g_ptr_array_index(records, n); /* all classes begin with it */

            g_assert_true(g_str_has_prefix(first->parent.ref, "OpaqueRef:") ||
                          g_str_has_prefix(first->parent.ref, "DummyRef:"));
            g_assert_cmpuint(strlen(first->uuid), ==, 36);
        }
    }
}

/* The values themselves, as they stand in the capture. */
static void
test_vm(void)
{
    g_autoptr(GPtrArray) records = NULL;
    const XdVM *found = NULL;

    records = read_all(TEST_CAPTURES, "json2_VM_get_all_records", &xd_class_vm);
    for (guint i = 0; i < records->len; i++) {
        const XdVM *vm = g_ptr_array_index(records, i);

        if (g_str_equal(vm->uuid, "78bf6d4e-644a-34fa-2747-88f4542b6dda"))
            found = vm;
    }
    g_assert_nonnull(found);
    g_assert_cmpstr(found->name_label, ==, "wire <&> \"\xc3\xa9\" \xe6\xbc\xa2");
    g_assert_cmpint(found->power_state, ==, XD_VM_POWER_STATE_RUNNING);
    g_assert_cmpstr(found->resident_on, ==, "OpaqueRef:8f78c71f-8f0a-08b9-7548-bc290a2e2ee2");
    g_assert_null(found->affinity);
    g_assert_cmpint(found->memory_static_max, ==, 268435456);
    g_assert_cmpstr(xd_map_get(&found->other_config, "nova_uuid"), ==,
                    "b8b0f3f4-0000-4000-8000-00000000000a");
    g_assert_cmpint(found->domid, ==, 9);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/documents/record-captures/classes", test_classes);
    g_test_add_func("/documents/record-captures/vm", test_vm);
    return g_test_run();
}
