/* The directory that holds all that a pool consists of beside memory. */
#pragma once

#include "core/sim.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
    char *path;
    gboolean temporary; /* removed at the end */
    int lock_fd;
} SimHome;

/* Makes the directory (0700) and locks it. Where another simulator holds the lock, waits for
 * its end, ten seconds at most. @path: NULL: a private temporary one. */
SimHome *sim_home_open(const char *path, GError **error);
void sim_home_close(SimHome *home);
char *sim_home_file(const SimHome *home, const char *name);

/* Reads the passwords of root and of the users of each role, or makes them (files of mode
 * 0600). */
gboolean sim_home_read_passwords(const SimHome *home, Sim *sim, GError **error);

/* A CA and a certificate for each node, made once. (transfer full): of GTlsCertificate. @pins:
 * (out) (transfer full): for each node its public key as curl wants it pinned. */
GPtrArray *
sim_home_read_certificates(const SimHome *home, Sim *sim, GPtrArray **pins, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimHome, sim_home_close)

G_END_DECLS
