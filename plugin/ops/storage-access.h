/* Giving nodes access to a volume's storage: what volumes and migrations share. */
#pragma once

#include "ops/operation.h"
#include "xd-documents.h"

G_BEGIN_DECLS

/* A node's connection to a storage, and so who takes it away. */
typedef enum {
    XD_LINK_NONE,      /* none is known */
    XD_LINK_WAS_THERE, /* before us: it stays */
    XD_LINK_OURS,
    XD_LINK_DOUBTFUL, /* ours, or another tool's, nobody can tell: it is told, and stays */
} XdLinkState;

/**
 * XdNodeAccess: one node's access.
 * @link: asked by everybody, said by one
 * @pbd: (nullable): reference of the connection
 * @was_plugged: before us
 * @tag: (nullable): of the call that makes it, once there was one
 */
typedef struct {
    struct _XdStorageAccess *storage;
    char *host;
    XdLinkState link;
    char *pbd;
    gboolean was_plugged;
    char *tag;
} XdNodeAccess;

/**
 * XdStorageAccess: one storage repository, and the nodes that need it.
 * @operation: whose marks are used
 * @config: (element-type XdPair): texts of the device configuration, without what is secret
 * @password: (nullable): of CHAP
 * @model: (nullable): reference of another node's connection: new ones are made like it
 * @nodes: (element-type XdNodeAccess): the coordinator first, since it scans shared storage
 */
typedef struct _XdStorageAccess {
    XdOperation *operation;
    char *uuid;
    char *type;
    char *label;
    gboolean shared;
    GPtrArray *config;
    XdSecret *password;
    char *model;
    GPtrArray *nodes;

    char *sr;
    char *mark; /* the description of the one that this operation introduces */
    char *secret;
    char *secret_uuid;
    char *secret_tag;
    GHashTable *model_config; /* (element-type utf8 XdSecret) */
} XdStorageAccess;

XdStorageAccess *xd_storage_access_new(XdOperation *operation);
void xd_storage_access_free(XdStorageAccess *access);
void xd_storage_access_add_config(XdStorageAccess *access, const char *key, const char *value);
/* Is there a node without a connection? */
gboolean xd_storage_access_needs_pbd(const XdStorageAccess *access);
/* What is there already is noted; a node that has access needs nothing. */
void xd_storage_access_add_node(XdStorageAccess *access, const char *host);

/* The table that gives access, for xd_op_table() over an #XdStorageAccess: everything that is made is
 * taken back when a later step fails; what was there before is never touched. */
extern const XdStep xd_storage_connect_steps[];

/* (transfer full): what is told of a connection that is left, LEFTOVERS. */
GError *xd_storage_doubtful_error(const XdPBD *pbd);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdStorageAccess, xd_storage_access_free)

G_END_DECLS
