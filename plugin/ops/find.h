/* Instances, nodes, storage and networks by the keys that callers have. */
#pragma once

#include "xenapi/mirror.h"

G_BEGIN_DECLS

/* Where Nova kept what the orchestrator knows an instance by. */
#define XD_INSTANCE_KEY      "nova_uuid"
#define XD_DISK_INSTANCE_KEY "nova_instance_uuid"
#define XD_VOLUME_KEY        "osvol"       /* VBD.other_config: this disk outlives the instance */
#define XD_DISK_KEY          "hvd_disk"    /* VBD.other_config: this disk is the instance's own */
#define XD_UNNAMED_KEY       "hvd_unnamed" /* VBD.other_config: the only unit there was */
#define XD_REQUEST_KEY       "hvd_request"
#define XD_DESTROY_KEY       "hvd_destroy" /* VDI.other_config: it goes with its VM */
#define XD_SNAPSHOT_KEY      "hvd_snapshot"

/* Is it a machine that anybody may run, and the orchestrator's? Anybody may write into its key what is no uuid. */
gboolean xd_is_instance(const XdVM *vm);

/* Halted or suspended: no domain has its disks. */
gboolean xd_is_down(const XdVM *vm);

/* Has it ever run? Then the spawn that made it came to its end. */
gboolean xd_was_started(const XdVM *vm);

/* Errors: NOT_FOUND, AMBIGUOUS. */
const XdVM *xd_find_instance(const XdMirror *mirror, const char *uuid, GError **error);
/* NULL without an error where there is none. Errors: AMBIGUOUS. */
const XdVM *xd_look_for_instance(const XdMirror *mirror, const char *uuid, GError **error);
/* By uuid. Errors: NOT_FOUND. */
const XdHost *xd_find_node(const XdMirror *mirror, const char *uuid, GError **error);
/* By uuid or name; NULL: the pool's default. Errors: NOT_FOUND, AMBIGUOUS. */
const XdSR *xd_find_storage(const XdMirror *mirror, const char *key, GError **error);
/* By uuid, name or bridge. Errors: NOT_FOUND, AMBIGUOUS. */
const XdNetwork *xd_find_network(const XdMirror *mirror, const char *key, GError **error);

gboolean xd_node_is_live(const XdMirror *mirror, const XdHost *host);
/* (nullable): the node's connection to the storage */
const XdPBD *xd_find_pbd(const XdMirror *mirror, const char *sr, const char *host);
/* (nullable): the device with the root disk: the one disk that boots; where none or several say so, the
 * one at position 0 */
const XdVBD *xd_find_root(const XdMirror *mirror, const char *vm);

/**
 * xd_own_disk: (nullable): the disk of @vbd, if it lives and dies with instance @uuid: it says so in
 * the VBD's other_config, or in its own as Nova wrote it; it is no volume, no medium, no snapshot,
 * and no other VM has it.
 */
const XdVDI *xd_own_disk(const XdMirror *mirror, const XdVBD *vbd, const char *uuid);

G_END_DECLS
