/* What operations of processes that are gone may have left: found in the mirror, by their marks. */
#pragma once

#include "xenapi/mirror.h"
#include "xenapi/tag.h"

G_BEGIN_DECLS

/**
 * XdRemainKind:
 * @XD_REMAIN_MADE: the VM of a spawn that did not come to its end
 * @XD_REMAIN_DESTROYED: the VM of a destroy that did not
 * @XD_REMAIN_DELETED: a VM that runs although it is soft-deleted
 * @XD_REMAIN_DEVICE: a volume's device that is plugged no more, or was not yet
 * @XD_REMAIN_DISK: a disk, or a snapshot, that nobody uses
 * @XD_REMAIN_LINK: a node's connection to storage that was not plugged yet
 * @XD_REMAIN_STORAGE: a volume's storage that nobody uses
 * @XD_REMAIN_TASK: a task for a transfer that does not run any more
 * @XD_REMAIN_SECRET: a CHAP password that storage has a copy of; not in the mirror
 */
typedef enum {
    XD_REMAIN_MADE,
    XD_REMAIN_DESTROYED,
    XD_REMAIN_DELETED,
    XD_REMAIN_DEVICE,
    XD_REMAIN_DISK,
    XD_REMAIN_LINK,
    XD_REMAIN_STORAGE,
    XD_REMAIN_TASK,
    XD_REMAIN_SECRET,
    XD_N_REMAINS,
} XdRemainKind;

/**
 * XdRemain:
 * @tag: of the operation that left it
 * @doubt: (nullable) (unowned): why nobody can tell whether it is ours; it is not to be touched then
 */
typedef struct {
    XdRemainKind kind;
    char *ref;
    char *uuid;
    char *name;
    char *instance; /* (nullable) */
    XdTag tag;
    const char *doubt;
} XdRemain;

void xd_remain_free(XdRemain *remain);
/* (nullable): of an object whose mark is @tag, if that is of @owner and of another epoch than @epoch
 * (nullable) */
XdRemain *xd_remain_new(XdRemainKind kind, const char *ref, const char *uuid, const char *name,
                        const char *tag, const char *owner, const char *epoch);

/* Whose remains are looked for: those of @owner, but for @epoch (nullable), which is at work. */
typedef struct {
    const XdMirror *mirror;
    XdArena *arena;
    const char *owner;
    const char *epoch;
    GPtrArray *found; /* (element-type XdRemain) */
} XdRemainSearch;

/* VMs and their devices; to be mended first. */
void xd_remains_find_machines(const XdRemainSearch *search);
/* Disks, storage, tasks: what may be left once the machines are mended. */
void xd_remains_find_parts(const XdRemainSearch *search);

/* (nullable): one disk, which is in what was found then; NULL: it is used, or not of those looked for */
const XdRemain *xd_remains_look_at_disk(const XdRemainSearch *search, const XdVDI *vdi);
/* Has a machine got it, or its memory in it? */
gboolean xd_disk_is_used(const XdMirror *mirror, const XdVDI *vdi);

/* Does a task of the operation that @tag names still run? */
gboolean xd_remains_is_busy(const XdMirror *mirror, const XdTag *tag);

G_END_DECLS
