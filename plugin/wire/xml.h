/* The one bounded reader of XML-RPC: bytes in any pieces -> tokens for a sink, without a tree. */
#pragma once

#include "base/secret.h"
#include "wire/sink.h"

G_BEGIN_DECLS

typedef enum {
    XD_XML_RESPONSE, /* <methodResponse>, with one parameter */
    XD_XML_VALUE,    /* a bare <value>: what task.result holds */
} XdXmlRoot;

/**
 * XdXmlLimits:
 * @max_bytes: of the whole text
 * @max_depth: of arrays and structs in each other, at most 40
 * @max_string: bytes of one string that is delivered
 */
typedef struct {
    gsize max_bytes;
    guint max_depth;
    gsize max_string;
} XdXmlLimits;

/**
 * XdXmlReader: libxml2's push parser with handlers of our own and nothing else of it: no tree, no
 * DTD (refused as such), no entity but the five of XML, no network, no error printed, no state of
 * the library touched. Text is UTF-8, whatever the XML declaration says.
 */
typedef struct _XdXmlReader XdXmlReader;

/* @arena holds strings while they arrive; @sink is borrowed */
XdXmlReader *
xd_xml_reader_new(XdSink *sink, XdXmlRoot root, const XdXmlLimits *limits, XdArena *arena);
void xd_xml_reader_free(XdXmlReader *reader);
/* Errors: XD_ERROR, HVD_ERROR_PROTOCOL; or the sink's own. After an error the reader stays broken.
 */
gboolean xd_xml_reader_feed(XdXmlReader *reader, const char *bytes, gsize length, GError **error);
/* Says that no more bytes come: an error unless the root was complete. */
gboolean xd_xml_reader_end(XdXmlReader *reader, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdXmlReader, xd_xml_reader_free)

G_END_DECLS
