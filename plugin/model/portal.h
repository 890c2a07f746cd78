/* iSCSI portals, and the storage repositories that stand for targets. */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/**
 * XdPortal: "HOST[:PORT][,TAG]"; HOST may be a name, an address, or an IPv6 address in brackets.
 */
typedef struct {
    char *host;
    guint16 port;
} XdPortal;

/* Errors: INVALID. */
gboolean xd_portal_parse(const char *text, XdPortal *portal, GError **error);
void xd_portal_clear(XdPortal *portal);

/**
 * xd_sr_uuid_new: the uuid of the repository of a target: version 5 of "HOST/PORT/IQN" in Nova's name
 * space, so that migrations pair them and what Nova attached is found (driver-infrastructure 3.2).
 */
char *xd_sr_uuid_new(const XdPortal *portal, const char *iqn);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(XdPortal, xd_portal_clear)

G_END_DECLS
