/* How fast 48 MB of VM records are passed over: whole, and field by field; against memchr(). */
#include "wire/json.h"

#include <string.h>

#define MEGABYTE (1024 * 1024)

static const XdJsonLimits limits = {.max_bytes = G_MAXSIZE, .max_depth = 64, .max_string = 1 << 20};

/* Of the length and texture of a real one: some ninety fields, most of them short. */
static void
append_record(GString *text, guint n)
{
    g_string_append_printf(text,
                           "\"OpaqueRef:%08x-686e-d341-cab2-bddec9842254\":{\"uuid\":"
                           "\"%08x-644a-34fa-2747-88f4542b6dda\"",
                           n, n);
    for (guint i = 0; i < 30; i++) {
        g_string_append_printf(
            text,
            ",\"skip_operations_%u\":[\"metadata_export\",\"suspend\",\"pause\"]"
            ",\"skip_map_%u\":{\"acpi\":\"true\",\"apic\":\"true\"},\"skip_ref_%u\":"
            "\"OpaqueRef:91f1fb01-0602-c928-0bdb-6b322e677900\""
            ",\"skip_n%u\":268435456,\"skip_b%u\":false",
            i, i, i, i, i);
    }
    g_string_append(
        text,
        ",\"skip_record\":\"{\\\"last_create_time\\\":1795150345.40482,\\\"built\\\":true}\"}");
}

static XdVerdict
take_begin(XdSink *sink G_GNUC_UNUSED, gboolean is_map G_GNUC_UNUSED)
{
    return XD_SINK_TAKE;
}

static XdVerdict
take_end(XdSink *sink G_GNUC_UNUSED)
{
    return XD_SINK_TAKE;
}

static XdVerdict
take_key(XdSink *sink G_GNUC_UNUSED, const char *text, gsize length)
{
    return length > 4 && memcmp(text, "skip", 4) == 0 ? XD_SINK_SKIP : XD_SINK_TAKE;
}

static XdVerdict
take_string(XdSink *sink G_GNUC_UNUSED, const char *text G_GNUC_UNUSED, gsize length G_GNUC_UNUSED)
{
    return XD_SINK_TAKE;
}

static double
measure(const char *text, gsize length)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    static const XdSinkClass klass = {
        .begin = take_begin,
        .end = take_end,
        .key = take_key,
        .string = take_string,
    };
    XdSink sink = {.klass = &klass};
    g_autoptr(XdJsonReader) reader = NULL;
    gint64 start;

    reader = xd_json_reader_new(&sink, &limits, arena);
    start = g_get_monotonic_time();
    for (gsize done = 0; done < length; done += 16384) /* as curl hands it over */
        g_assert_true(xd_json_reader_feed(reader, text + done, MIN(16384, length - done), NULL));
    g_assert_true(xd_json_reader_end(reader, NULL));
    return (double) (g_get_monotonic_time() - start) / 1000.0;
}

static double
measure_memchr(const char *text, gsize length)
{
    gint64 start = g_get_monotonic_time();
    guint n = 0;

    for (const char *p = text; p != NULL; p = memchr(p + 1, '"', length - (gsize) (p + 1 - text)))
        n++;
    g_assert_cmpuint(n, >, 0);
    return (double) (g_get_monotonic_time() - start) / 1000.0;
}

int
main(void)
{
    g_autoptr(GString) whole = g_string_new("{\"skipped\":{");
    g_autoptr(GString) fields = g_string_new("{\"records\":{");

    for (guint n = 0; whole->len < 48 * MEGABYTE; n++) {
        if (n > 0) {
            g_string_append_c(whole, ',');
            g_string_append_c(fields, ',');
        }
        append_record(whole, n);
        append_record(fields, n);
    }
    g_string_append(whole, "}}");
    g_string_append(fields, "}}");
    for (guint round = 0; round < 3; round++)
        g_print("%.0f MB: whole %.1f ms, field by field %.1f ms, memchr() for quotes %.1f ms\n",
                (double) whole->len / 1e6, measure(whole->str, whole->len),
                measure(fields->str, fields->len), measure_memchr(whole->str, whole->len));
    return 0;
}
