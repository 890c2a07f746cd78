/* The decoder of answers in JSON-RPC: in pieces it gives what it gives of the whole. */
#include "fuzz.h"

#include "answer.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    const char *text = (const char *) data;
    gsize step = size > 0 ? data[size - 1] % 16 + 1 : 1;
    g_autofree char *whole = answer_decode(&xd_codec_json, text, size, size + 1, 7, NULL);
    g_autofree char *pieces = answer_decode(&xd_codec_json, text, size, step, 7, NULL);

    FUZZ_CHECK(g_strcmp0(whole, pieces) == 0);
    return 0;
}
