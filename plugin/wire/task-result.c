#include "wire/rpc.h"
#include "wire/xml.h"

#include "base/error.h"

#include <string.h>

#define MAX_DEPTH 32

/* Takes the sink's word for a string that is no XML. */
static gboolean
tell_string(const char *text, XdSink *sink, GError **error)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        xd_set_error(error, HVD_ERROR_PROTOCOL, "a task's result is no UTF-8");
        return FALSE;
    }
    if (sink->klass->string(sink, text, strlen(text)) != XD_SINK_REFUSE)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&sink->error));
    return FALSE;
}

/* Of a task without a result the text is empty (XenServer 6.5 and older, and while it runs); old
 * hosts wrote a reference as it is. */
gboolean
xd_task_result_decode(const char *text, XdSink *sink, XdArena *arena, GError **error)
{
    gsize length = strlen(text);
    XdXmlLimits limits = {.max_bytes = length, .max_depth = MAX_DEPTH, .max_string = length};
    g_autoptr(XdXmlReader) reader = NULL;

    if (text[0] != '<')
        return tell_string(text, sink, error);
    reader = xd_xml_reader_new(sink, XD_XML_VALUE, &limits, arena);
    return xd_xml_reader_feed(reader, text, length, error) && xd_xml_reader_end(reader, error);
}
