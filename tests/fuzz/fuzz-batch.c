/* Answers of event.from, one after the other (a byte 0xff between them), into one mirror: it stays whole,
 * and each record is found by what it is indexed by. */
#include "fuzz.h"

#include "wire/json.h"
#include "xenapi/batch.h"

#include <string.h>

static gboolean
read_batch(XdBatch *batch, const char *text, gsize length, XdArena *arena)
{
    const XdJsonLimits limits = {.max_bytes = 1 << 16, .max_depth = 16, .max_string = 1 << 12};
    g_autoptr(XdJsonReader) reader = xd_json_reader_new(xd_batch_get_sink(batch), &limits, arena);

    xd_batch_reset(batch);
    return xd_json_reader_feed(reader, text, length, NULL) && xd_json_reader_end(reader, NULL);
}

static gboolean
contains(const GPtrArray *records, const XdRecord *record)
{
    for (guint i = 0; i < records->len; i++) {
        if (g_ptr_array_index(records, i) == record)
            return TRUE;
    }
    return FALSE;
}

static void
check_found(const XdMirror *mirror, const XdVM *vm)
{
    if (vm->uuid[0] != '\0')
        FUZZ_CHECK(contains(xd_mirror_find(mirror, XD_BY_VM_UUID, vm->uuid), &vm->parent));
}

static void
check_mirror(const XdMirror *mirror)
{
    for (guint i = 0; i < XD_N_CLASSES; i++) {
        const XdRecord *record;
        XdMirrorIter iter;
        guint n = 0;

        xd_mirror_iter_init(&iter, mirror, xd_classes[i]);
        while ((record = xd_mirror_iter_next(&iter)) != NULL) {
            n++;
            FUZZ_CHECK(xd_mirror_get(mirror, xd_classes[i], record->ref) == record);
            if (xd_classes[i] == &xd_class_vm)
                check_found(mirror, (const XdVM *) record);
        }
        FUZZ_CHECK(n == xd_mirror_count(mirror, xd_classes[i]));
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autoptr(XdClock) clock = xd_clock_new_manual();
    g_autoptr(XdArena) arena = xd_arena_new();
    g_autoptr(XdBatch) batch = xd_batch_new(1 << 20);
    XdMirror *mirror = xd_mirror_new(clock);
    const guint8 *end = data + size;
    gboolean complete = TRUE;

    while (data < end) {
        const guint8 *stop = memchr(data, 0xff, (gsize) (end - data));

        stop = stop != NULL ? stop : end;
        if (read_batch(batch, (const char *) data, (gsize) (stop - data), arena)) {
            xd_mirror_apply(mirror, xd_batch_get_changes(batch), xd_batch_get_token(batch),
                            complete, NULL);
            complete = FALSE;
            check_mirror(mirror);
        }
        data = stop + 1;
    }
    xd_mirror_free(mirror);
    return 0;
}
