/* JSON text from tokens: the reader's counterpart, itself a sink. */
#pragma once

#include "base/secret.h"
#include "wire/sink.h"

G_BEGIN_DECLS

/**
 * XdJsonWriter: lives where its user likes; nothing to free but @parent.error, which is set where
 * the tokens nest deeper than 64.
 */
typedef struct {
    XdSink parent;
    XdVault *out;
    gboolean is_pretty; /* over lines, for eyes */
    guint depth;
    guint64 maps; /* bit n: the container at depth n + 1 is a map */
    guint64 used; /* and this one: it is not empty */
    gboolean after_key;
} XdJsonWriter;

void xd_json_writer_init(XdJsonWriter *writer, XdVault *out, gboolean is_pretty);

G_END_DECLS
