/* Marks that stand in the pool, where anybody may have written them: what is taken is what we write. */
#include "fuzz.h"

#include "xenapi/tag.h"

#include "wire/datetime.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_auto(XdTag) tag = {0};
    g_auto(XdTag) again = {0};
    g_autofree char *printed = NULL;
    gint64 seconds;

    xd_datetime_parse(text, strlen(text), &seconds);
    if (!xd_tag_parse(text, &tag)) {
        FUZZ_CHECK(tag.operation == NULL && tag.session == NULL);
        return 0;
    }
    FUZZ_CHECK(xd_tag_is_of(text, tag.operation));
    printed = xd_tag_print(tag.operation, tag.kind, tag.index, tag.owner, tag.epoch, tag.session);
    FUZZ_CHECK(xd_tag_parse(printed, &again));
    FUZZ_CHECK(g_str_equal(tag.operation, again.operation) && tag.index == again.index);
    FUZZ_CHECK(g_str_equal(tag.owner, again.owner) && tag.created == again.created);
    return 0;
}
