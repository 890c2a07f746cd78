/* What is done about each kind of remains. */
#pragma once

#include "ops/operation.h"
#include "ops/remains.h"
#include "ops/removal.h"

G_BEGIN_DECLS

/**
 * XdMend: one of them under way.
 * @spared: somebody uses it by now: it is nobody's remains, and nothing is said of it
 * @error: (nullable): why it could not be done
 */
typedef struct {
    XdOperation *operation;
    XdRemain *remain; /* (unowned) */
    XdRemoval removal;
    GPtrArray *disks; /* (element-type XdDoomedDisk) */
    gboolean spared;
    GError *error;
} XdMend;

XdMend *xd_mend_new(XdOperation *operation, XdRemain *remain);
void xd_mend_free(XdMend *mend);

/**
 * XdMendClass:
 * @class_name: of the object in XenAPI
 * @klass: (nullable): the same in the mirror
 * @reason: for the report
 * @completes: it is brought to its end, not taken away
 * @steps: over an #XdMend
 */
typedef struct {
    const char *class_name;
    const XdClass *klass;
    const char *reason;
    gboolean completes;
    const XdStep *steps;
} XdMendClass;

const XdMendClass *xd_mend_class(XdRemainKind kind);

/* A step: does what is to be done; one that fails notes why, and stops no other. */
void xd_step_mend(XdOp *op, gpointer mend);

G_END_DECLS
