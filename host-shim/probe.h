/* Who answers at an address, and with which certificate. Nothing is sent but the handshake. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * ProbeTrust: what the driver would trust.
 * @ca_file: (nullable): NULL: the system's authorities
 * @pins: (nullable): "ADDRESS=sha256//BASE64"
 */
typedef struct {
    const char *ca_file;
    char **pins;
    gboolean tls;
    guint port;
    guint timeout_s;
} ProbeTrust;

/**
 * Probe: an address, and what was found there.
 * @name: (nullable): of the node
 * @reached: somebody takes connections
 * @trusted: the driver would trust it
 * @pinned: there is a pin for the address
 * @error: (nullable): why it was not reached, or is not trusted
 * @pin: (nullable): of the key that it shows, also where it is not trusted
 * @expires: (nullable): when its certificate does
 */
typedef struct {
    char *name;
    char *address;
    gboolean reached;
    gboolean trusted;
    gboolean pinned;
    gboolean blind; /* GLib has no TLS here: nothing is known of certificates */
    GTlsCertificateFlags flaws;
    char *peer; /* (nullable): the IP address that answered */
    char *pin;
    GDateTime *expires;
    GError *error;
} Probe;

Probe *probe_new(const char *name, const char *address);
void probe_free(Probe *probe);

/* Tries all of them at once; turns the main context meanwhile. */
void probe_run(GPtrArray *probes, const ProbeTrust *trust, GCancellable *cancellable);

/* Is there a pin for @address, and with @pin is it this one? */
gboolean probe_has_pin(char **pins, const char *address, const char *pin);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Probe, probe_free)

G_END_DECLS
