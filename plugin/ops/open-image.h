/* The file that an image comes from. */
#pragma once

#include "base/sequencer.h"
#include "xd-documents.h"

G_BEGIN_DECLS

/**
 * xd_op_open_image: a tail call: opens the file that @image names, which has to be a regular one of the
 * announced size. A stream came with the call: there is nothing to open.
 * @stream: (out) (transfer full)
 * @bytes: (out): its size; -1: not known
 */
void xd_op_open_image(XdOp *op, const XdImage *image, GInputStream **stream, gint64 *bytes);

G_END_DECLS
