#include "model/key.h"

#include "wire/shape-table.h"

#include <string.h>

gboolean
xd_is_uuid(const char *text)
{
    return xd_format_check(XD_FORMAT_UUID, text, strlen(text));
}

gboolean
xd_is_identifier(const char *text)
{
    return xd_format_check(XD_FORMAT_IDENTIFIER, text, strlen(text));
}
