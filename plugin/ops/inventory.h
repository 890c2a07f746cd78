/* Slots that tell what there is. */
#pragma once

#include "xd-documents.h"
#include "xenapi/connection.h"

G_BEGIN_DECLS

void
xd_list_instances_async(XdConnection *connection, const HvdCall *call, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data);
void xd_list_nodes_async(XdConnection *connection, const HvdCall *call, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data);
void
xd_get_instance_async(XdConnection *connection, const char *instance, const HvdCall *call,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* the result is an HvdInstanceState */
void
xd_get_state_async(XdConnection *connection, const char *instance, const HvdCall *call,
                   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* the result is a gboolean */
void xd_exists_async(XdConnection *connection, const char *instance, const HvdCall *call,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void xd_get_volume_connector_async(XdConnection *connection, const char *node, const HvdCall *call,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);

/* (transfer full): the node-list document. @login: (nullable) (transfer full): the coordinator's */
char *xd_print_nodes(XdConnection *connection, XdNodeLogin *login);

G_END_DECLS
