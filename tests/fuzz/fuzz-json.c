/* The JSON reader: in pieces it tells what it tells of the whole, and what it takes it takes again.
 */
#include "fuzz.h"
#include "trace-sink.h"

#include "wire/json-write.h"
#include "wire/json.h"

#include <string.h>

static char *
trace(const char *text, gsize length, gsize step, gboolean is_strict)
{
    const XdJsonLimits limits = {
        .max_bytes = 1 << 16,
        .max_depth = 16,
        .max_string = 1 << 10,
        .strict = is_strict,
    };
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(TraceSink) trace = {0};
    g_autoptr(XdJsonReader) reader = NULL;
    gboolean taken = TRUE;

    trace_sink_init(&trace);
    reader = xd_json_reader_new(&trace.parent, &limits, arena);
    for (gsize done = 0; taken && done < length; done += step)
        taken = xd_json_reader_feed(reader, text + done, MIN(step, length - done), NULL);
    if (!taken || !xd_json_reader_end(reader, NULL))
        return NULL;
    FUZZ_CHECK(trace.longest <= limits.max_string);
    return g_strdup(trace.text->str);
}

static char *
rewrite(const char *text, gsize length)
{
    const XdJsonLimits limits = {
        .max_bytes = 1 << 20, .max_depth = 16, .max_string = 1 << 16, .strict = TRUE};
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdVault) out = {0};
    g_autoptr(XdJsonReader) reader = NULL;
    XdJsonWriter writer;

    xd_vault_init(&out, arena);
    xd_json_writer_init(&writer, &out, FALSE);
    reader = xd_json_reader_new(&writer.parent, &limits, arena);
    if (!xd_json_reader_feed(reader, text, length, NULL) || !xd_json_reader_end(reader, NULL))
        return NULL;
    return g_strdup(out.data);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    const char *text = (const char *) data;
    gsize step = size > 0 ? data[0] % 16 + 1 : 1;
    g_autofree char *whole = trace(text, size, size + 1, FALSE);
    g_autofree char *pieces = trace(text, size, step, FALSE);
    g_autofree char *strict = trace(text, size, size + 1, TRUE);
    g_autofree char *strict_pieces = trace(text, size, step, TRUE);
    g_autofree char *written = rewrite(text, size);
    g_autofree char *again = written != NULL ? rewrite(written, strlen(written)) : NULL;

    FUZZ_CHECK(g_strcmp0(whole, pieces) == 0);
    FUZZ_CHECK(g_strcmp0(strict, strict_pieces) == 0);
    FUZZ_CHECK(strict == NULL || g_strcmp0(strict, whole) == 0);
    FUZZ_CHECK(g_strcmp0(written, again) == 0);
    return 0;
}
