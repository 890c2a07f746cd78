/* One attempt to get a session from one node. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

typedef struct _XdLogin XdLogin;

/* @error: (nullable). Frees @login. */
typedef void (*XdLoginDone)(XdLogin *login, const GError *error, gpointer data);

/**
 * XdLogin:
 * @origin: of the node that is asked
 * @hops: nodes that have sent us on to it
 * @ref: (nullable): of the session; one to begin with may still live, and then no other is made
 * @pool: (nullable) (transfer none): the uuid of the only pool that a new session may be of
 * @is_new: @ref is of this attempt, which may have failed since
 * @uuid: (nullable): of the session
 * @is_stopped: nobody waits for it any more: what is under way is its last call
 */
struct _XdLogin {
    XdConnection *connection;
    XdOrigin *origin;
    guint hops;
    XdSecret *ref;
    const char *pool;
    gboolean is_new;
    char *uuid;
    gboolean is_stopped;
    XdSecret *password;
    GCancellable *cancellable;
    XdLoginDone done;
    gpointer data;
};

/* Asks. @done is called once, from the loop. */
void xd_login_start(XdLogin *login);
void xd_login_free(XdLogin *login);

/* What its failure says: that this node does not lead now, but may in a moment; */
gboolean xd_login_is_passing(const GError *error);
/* that this node is not trusted, or does not trust us: another one may be what we look for; */
gboolean xd_login_is_distrust(const GError *error);
/* or HOST_IS_SLAVE, with the coordinator's address behind it. */
gboolean xd_login_names_coordinator(const GError *error);

G_END_DECLS
