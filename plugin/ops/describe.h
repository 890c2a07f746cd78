/* What there is, as documents. */
#pragma once

#include "ops/find.h"
#include "xd-documents.h"

G_BEGIN_DECLS

/* (transfer full): free with xd_document_clear() and g_free() */
XdInstanceInfo *xd_describe_instance(const XdMirror *mirror, const XdVM *vm);
XdNode *xd_describe_node(const XdMirror *mirror, const XdHost *host);

/* (transfer full): the document as text: what most operations have as their result */
char *xd_print_instance(const XdMirror *mirror, const XdVM *vm);

HvdState xd_state_of(const XdVM *vm);

G_END_DECLS
