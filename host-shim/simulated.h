/* The embedded simulated pool: its own process, started or joined. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * Simulated: a running xapi-sim, held by a connection to its control socket: it ends some seconds
 * after the last of these has gone.
 */
typedef struct _Simulated Simulated;

/* @directory: (nullable): of its state; NULL and "": $XDG_STATE_HOME/hvd/simulated */
char *simulated_find_directory(const char *directory);
Simulated *simulated_open(const char *directory, GError **error);
void simulated_free(Simulated *simulated);

/* The configuration of a driver that is to open it; in its directory, and ours alone. */
const char *simulated_get_config_file(const Simulated *simulated);
const char *simulated_get_directory(const Simulated *simulated);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Simulated, simulated_free)

G_END_DECLS
