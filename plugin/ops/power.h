/* Power operations. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

void xd_power_on_async(XdConnection *connection, const char *instance, const HvdCall *call,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void xd_power_off_async(XdConnection *connection, const char *instance, int timeout_s,
                        const HvdCall *call, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data);
void
xd_reboot_async(XdConnection *connection, const char *instance, gboolean hard, const HvdCall *call,
                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void xd_pause_async(XdConnection *connection, const char *instance, const HvdCall *call,
                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void xd_unpause_async(XdConnection *connection, const char *instance, const HvdCall *call,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void xd_suspend_async(XdConnection *connection, const char *instance, const HvdCall *call,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void xd_resume_async(XdConnection *connection, const char *instance, const HvdCall *call,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void
xd_soft_delete_async(XdConnection *connection, const char *instance, const HvdCall *call,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void xd_restore_async(XdConnection *connection, const char *instance, const HvdCall *call,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void xd_set_bootable_async(XdConnection *connection, const char *instance, gboolean bootable,
                           const HvdCall *call, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
