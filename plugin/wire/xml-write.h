/* XML-RPC's parameters from tokens: a sink that writes. */
#pragma once

#include "base/secret.h"
#include "wire/sink.h"

G_BEGIN_DECLS

/**
 * XdXmlWriter: each value at the top becomes a <param>. As #XdJsonWriter: nothing to free but
 * @parent.error, which is set where the tokens nest deeper than 64.
 */
typedef struct {
    XdSink parent;
    XdVault *out;
    guint depth;
    guint64 maps; /* bit n: the container at depth n + 1 is a struct */
} XdXmlWriter;

void xd_xml_writer_init(XdXmlWriter *writer, XdVault *out);

/* text with what XML would take for its own written as entities */
void xd_xml_append_text(XdVault *out, const char *text, gsize length);

G_END_DECLS
