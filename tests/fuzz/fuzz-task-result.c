/* The result of a task: text of which nothing is known. */
#include "fuzz.h"
#include "trace-sink.h"

#include "wire/rpc.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(TraceSink) trace = {0};
    gboolean taken;

    trace_sink_init(&trace);
    taken = xd_task_result_decode(text, &trace.parent, arena, &error);
    FUZZ_CHECK(taken == (error == NULL));
    FUZZ_CHECK(!taken || trace.n_tokens > 0);
    return 0;
}
