/* An answer of event.from, token by token, into changes of the mirror. */
#pragma once

#include "xenapi/mirror.h"

G_BEGIN_DECLS

/**
 * XdBatch: a sink for one answer. Records of classes that the mirror does not know are passed
 * over.
 */
typedef struct _XdBatch XdBatch;

/* @max_record: bytes of what is kept of one object */
XdBatch *xd_batch_new(gsize max_record);
void xd_batch_free(XdBatch *batch);
/* before each answer: forgets the last one, keeps the scratch space */
void xd_batch_reset(XdBatch *batch);
XdSink *xd_batch_get_sink(XdBatch *batch);
GArray *xd_batch_get_changes(XdBatch *batch); /* (element-type XdChange) */
const char *xd_batch_get_token(const XdBatch *batch);
/* how many objects of @klass the server has, or -1 where it did not say */
gint64 xd_batch_get_count(const XdBatch *batch, const XdClass *klass);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdBatch, xd_batch_free)

G_END_DECLS
