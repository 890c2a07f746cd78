/* Bulk bytes between an exchange and whatever they come from or go to. */
#pragma once

#include "http/http.h"

G_BEGIN_DECLS

/**
 * XdSource: gives the bytes of an upload, @size of them exactly.
 * @read: as XdExchangeClass.read_body: after %XD_FLOW_PAUSE the source calls @wake from the loop when
 *   there is more
 * @verify: (nullable): all was read: is it what was announced?
 */
typedef struct _XdSource XdSource;
typedef struct {
    XdFlow (*read)(XdSource *source, char *buffer, gsize size, gsize *length, GError **error);
    gboolean (*verify)(XdSource *source, GError **error);
    void (*free)(XdSource *source);
} XdSourceClass;

struct _XdSource {
    const XdSourceClass *klass;
    guint64 size;
    guint64 position;
    void (*wake)(gpointer data);
    gpointer wake_data;
};

/**
 * XdDrain: takes the bytes of a download.
 * @write: takes them all, or none and %XD_FLOW_PAUSE, and calls @wake from the loop when there is room
 * @finish: all was written: calls @finished from the loop when it has arrived, or when it was cancelled
 */
typedef struct _XdDrain XdDrain;
typedef struct {
    XdFlow (*write)(XdDrain *drain, const char *bytes, gsize length, GError **error);
    void (*finish)(XdDrain *drain, GCancellable *cancellable);
    void (*free)(XdDrain *drain);
} XdDrainClass;

struct _XdDrain {
    const XdDrainClass *klass;
    guint64 position;
    void (*wake)(gpointer data);
    void (*finished)(gpointer data, GError *error); /* (transfer full) */
    gpointer wake_data;
};

static inline void
xd_source_free(XdSource *source)
{
    source->klass->free(source);
}

static inline void
xd_drain_free(XdDrain *drain)
{
    drain->klass->free(drain);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdSource, xd_source_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdDrain, xd_drain_free)

G_END_DECLS
