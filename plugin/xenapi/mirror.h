/* The pool as it was a moment ago: typed records, indexes, and who waits for a change. */
#pragma once

#include "xd-xenapi.h"
#include "xenapi/connection.h"

G_BEGIN_DECLS

XdMirror *xd_mirror_new(XdClock *clock);
void xd_mirror_free(XdMirror *mirror);

/* ---- reading: records are borrowed until the loop turns ---- */

/* (nullable) */
const XdRecord *xd_mirror_get(const XdMirror *mirror, const XdClass *klass, const char *ref);

/* Type-safe faces of it; (nullable). */
#define XD_DEFINE_GET(Type, name)                                                                  \
    static inline const Type *xd_get_##name(const XdMirror *mirror, const char *ref)               \
    {                                                                                              \
        return (const Type *) xd_mirror_get(mirror, &xd_class_##name, ref);                        \
    }
XD_DEFINE_GET(XdHost, host)
XD_DEFINE_GET(XdHostMetrics, host_metrics)
XD_DEFINE_GET(XdNetwork, network)
XD_DEFINE_GET(XdPBD, pbd)
XD_DEFINE_GET(XdSR, sr)
XD_DEFINE_GET(XdTask, task)
XD_DEFINE_GET(XdVBD, vbd)
XD_DEFINE_GET(XdVDI, vdi)
XD_DEFINE_GET(XdVIF, vif)
XD_DEFINE_GET(XdVM, vm)
XD_DEFINE_GET(XdVMGuestMetrics, vm_guest_metrics)
#undef XD_DEFINE_GET

/* What records can be found by, beside their reference. */
typedef enum {
    XD_BY_VM_UUID,
    XD_BY_VM_INSTANCE, /* other_config:nova_uuid */
    XD_BY_VM_NAME,
    XD_BY_VM_TAG,
    XD_BY_VDI_UUID,
    XD_BY_VDI_TAG,
    XD_BY_VDI_SR,
    XD_BY_VDI_INSTANCE, /* other_config:nova_instance_uuid */
    XD_BY_VBD_VM,
    XD_BY_VBD_VDI,
    XD_BY_VBD_TAG,
    XD_BY_VIF_VM,
    XD_BY_VIF_TAG,
    XD_BY_PBD_SR,
    XD_BY_SR_UUID,
    XD_BY_SR_NAME,
    XD_BY_HOST_UUID,
    XD_BY_HOST_NAME,
    XD_BY_NETWORK_UUID,
    XD_BY_NETWORK_NAME,
    XD_BY_NETWORK_BRIDGE,
    XD_BY_TASK_TAG,
    XD_N_INDEXES,
} XdIndex;

/* (transfer none) (element-type XdRecord): all with @key, in no order; never NULL */
const GPtrArray *xd_mirror_find(const XdMirror *mirror, XdIndex index, const char *key);
/* (nullable): the only one with @key; NULL where there is none, or several */
const XdRecord *xd_mirror_find_one(const XdMirror *mirror, XdIndex index, const char *key);

typedef struct {
    GHashTableIter iter;
} XdMirrorIter;
void xd_mirror_iter_init(XdMirrorIter *iter, const XdMirror *mirror, const XdClass *klass);
const XdRecord *xd_mirror_iter_next(XdMirrorIter *iter);
guint xd_mirror_count(const XdMirror *mirror, const XdClass *klass);

gsize xd_mirror_get_bytes(const XdMirror *mirror); /* of all records */

const XdPool *xd_mirror_get_pool(const XdMirror *mirror);
const char *xd_mirror_get_token(const XdMirror *mirror);
/* Has there been a complete picture at all? */
gboolean xd_mirror_is_complete(const XdMirror *mirror);
/* Is it complete, and does the poll run? */
gboolean xd_mirror_is_fresh(const XdMirror *mirror);
/* 0 while the poll runs; else milliseconds since it broke */
gint64 xd_mirror_get_age_ms(const XdMirror *mirror);
gint64 xd_mirror_get_stale_since(const XdMirror *mirror); /* seconds since 1970, or 0 */
const char *xd_mirror_get_stale_reason(const XdMirror *mirror); /* "" while the poll runs */

/* ---- waiting ---- */

/**
 * XdWatch: @changed is called after each batch that touched the object @ref, or after every
 * batch and every change of freshness where @ref is NULL. It may remove watches, its own too.
 */
typedef struct _XdWatch XdWatch;
XdWatch *
xd_mirror_watch(XdMirror *mirror, const char *ref, void (*changed)(gpointer data), gpointer data);
void xd_mirror_unwatch(XdMirror *mirror, XdWatch *watch);

/* ---- feeding: the business of events.c ---- */

typedef enum { XD_CHANGE_ADD, XD_CHANGE_MOD, XD_CHANGE_DEL } XdChangeKind;

typedef struct {
    XdChangeKind kind;
    const XdClass *klass;
    char *ref;        /* of a deletion */
    XdRecord *record; /* of the others */
} XdChange;

/**
 * xd_mirror_apply: applies a whole batch, then tells the watches: a batch is a transaction
 * (verified-sequences 1.1).
 * @changes: (element-type XdChange): records are taken out of it
 * @only: (nullable): with @complete, the class that it is complete for; NULL: all
 * @complete: whatever is not in @changes is gone
 */
void xd_mirror_apply(XdMirror *mirror, GArray *changes, const char *token, gboolean complete,
                     const XdClass *only);
void xd_mirror_set_stale(XdMirror *mirror, gint64 now_s, const char *reason);

/* Told of each record that comes, changes or goes (@now NULL); for life-cycle events. */
typedef void (*XdMirrorObserver)(const XdRecord *before, const XdRecord *now, gpointer data);
void xd_mirror_set_observer(XdMirror *mirror, XdMirrorObserver observer, gpointer data);

G_END_DECLS
