/* One opened pool: what belongs to it, held together. */
#pragma once

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/secret.h"
#include "http/http.h"

G_BEGIN_DECLS

typedef struct _HvdConnection XdConnection; /* what the host knows as #HvdConnection */
typedef struct _XdSession XdSession;
typedef struct _XdMirror XdMirror;
typedef struct _XdEvents XdEvents;
typedef struct _XdGates XdGates;

/**
 * XdConnection: is what the host knows as #HvdConnection. Reference counted: every running call
 * and operation holds one, so that nothing outlives what it stands on.
 * @owner: who made the objects that this connection makes; the same over restarts
 * @epoch: random, of this opening
 */
struct _HvdConnection {
    guint references;
    GMainContext *context;
    XdClock *clock;
    XdArena *arena;
    XdLog *log;
    XdConfig *config;
    HvdHostCallbacks callbacks;
    char *owner;
    char *epoch;
    XdHttp *http;
    XdSession *session;
    XdMirror *mirror;
    XdEvents *events;
    XdGates *gates; /* to storage, by reference */
    XdGates *turns; /* one spawn of an instance at a time, by its uuid */
    guint next_request;
    guint calls;            /* under way */
    GCancellable *closing;  /* cancelled when close begins */
    GHashTable *operations; /* (element-type GCancellable): of running operations */
    GTask *close_task;      /* waits until all of them have ended */
    gboolean logged_out;
    gpointer guest; /* what the layer above keeps with it */
    GDestroyNotify free_guest;
};

typedef struct {
    XdClock *clock; /* (nullable): NULL: the real one */
    const char *config_file;
    const char *const *settings;
    const HvdHostCallbacks *callbacks;
    void (*watch)(XdConnection *connection); /* (nullable): called before the first picture comes */
} XdConnectionOptions;

/**
 * xd_connection_open_async: reads the configuration, logs in and waits for the first whole
 * picture of the pool. The result is a #XdConnection with one reference, to be given to
 * xd_connection_close_async().
 */
void xd_connection_open_async(const XdConnectionOptions *options, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
XdConnection *xd_connection_open_finish(GAsyncResult *result, GError **error);

/* Takes the reference. Cancels what runs, waits for its end, logs out. Never fails. */
void xd_connection_close_async(XdConnection *connection, GAsyncReadyCallback callback,
                               gpointer user_data);
void xd_connection_close_finish(GAsyncResult *result);

XdConnection *xd_connection_ref(XdConnection *connection);
void xd_connection_unref(XdConnection *connection);

/* @func once, from the loop. */
void xd_connection_defer(XdConnection *connection, GSourceFunc func, gpointer data);

/* An operation begins and ends: close waits for it, and stops it through @cancellable. */
void xd_connection_enter(XdConnection *connection, GCancellable *cancellable);
void xd_connection_leave(XdConnection *connection, GCancellable *cancellable);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdConnection, xd_connection_unref)

G_END_DECLS
