/* Which nodes have refused the password, and until when they are not asked again. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

/**
 * XdRefusal:
 * @error: (nullable): the last one
 * @origins: (element-type XdOrigin): of those that are not asked until @until_ms
 * @n: in a row
 */
typedef struct {
    XdClock *clock; /* (unowned) */
    GError *error;
    GPtrArray *origins;
    guint n;
    gint64 until_ms;
} XdRefusal;

void xd_refusal_init(XdRefusal *refusal, XdClock *clock);
void xd_refusal_clear(XdRefusal *refusal);

/* Each one counts against the account, and a directory locks it: each makes the pause longer. */
void xd_refusal_note(XdRefusal *refusal, const XdOrigin *origin, const GError *error);
/* The password is right. */
void xd_refusal_forget(XdRefusal *refusal);
gboolean xd_refusal_lasts(const XdRefusal *refusal);
gboolean xd_refusal_is_of(const XdRefusal *refusal, const XdOrigin *origin);

G_END_DECLS
