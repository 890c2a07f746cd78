/* How long something may take: then it is cancelled. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _Limit Limit;

/* @seconds: 0 is for ever */
Limit *limit_new(guint seconds, GCancellable *cancellable);
/* Was it reached? */
gboolean limit_free(Limit *limit);

G_END_DECLS
