/* Requests to another simulator: one connection for each, one answer, no retry. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SimClient SimClient;
/* The end of a request, called once. @status: 0 where there was no answer */
typedef void (*SimClientFunc)(guint status, const char *body, gsize length, gpointer data);

/* Sends @method @target to the server of @url, "http://127.0.0.1:4711" and whatever follows. The
 * certificate is not looked at: each simulated pool has an authority of its own, and neither does
 * the toolstack look when it moves machines to another pool. Belongs to itself until it ends. */
SimClient *sim_client_send(const char *url, const char *method, const char *target,
                           const char *body, gsize length, SimClientFunc func, gpointer data);
/* @func will not be called any more. */
void sim_client_forget(SimClient *client);

/* Can a request be sent there? */
gboolean sim_client_knows_url(const char *url);

G_END_DECLS
