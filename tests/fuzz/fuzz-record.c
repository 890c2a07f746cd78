/* Records of XenAPI objects. The first byte says of which class. */
#include "fuzz.h"

#include "xd-xenapi.h"

#include "wire/json.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    const XdJsonLimits limits = {.max_bytes = 1 << 16, .max_depth = 16, .max_string = 1 << 12};
    const XdClass *klass = size > 0 ? xd_classes[data[0] % XD_N_CLASSES] : xd_classes[0];
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdRecordSink) sink = xd_record_sink_new(1 << 14);
    g_autoptr(XdJsonReader) reader =
        xd_json_reader_new(xd_record_sink_get_sink(sink), &limits, arena);
    g_autoptr(XdRecord) record = NULL;

    xd_record_sink_start(sink, klass, "OpaqueRef:x", 11);
    if (size == 0 || !xd_json_reader_feed(reader, (const char *) data + 1, size - 1, NULL) ||
        !xd_json_reader_end(reader, NULL))
        return 0;
    record = xd_record_sink_finish(sink);
    FUZZ_CHECK(record->klass == klass && g_str_equal(record->ref, "OpaqueRef:x"));
    FUZZ_CHECK(record->bytes >= klass->size);
    return 0;
}
