/* A password in the Secret Service of a desktop's session: GNOME Keyring, KWallet, KeePassXC. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* (element-type utf8 utf8): of "NAME=VALUE[,NAME=VALUE...]". What is wrong is told without what stands
 * there: it may be a password. Errors: SECRET. */
GHashTable *keyring_parse(const char *text, GError **error);
/* "host, user": attributes without their values, for messages */
char *keyring_print_names(GHashTable *attributes);

/* ---- with libsecret, or without ---- */

/* Errors: SECRET where this program was built without it. */
gboolean keyring_check(GError **error);

/**
 * keyring_read:
 * @buffer: locked memory; the secret is copied there from libsecret's own, and to nowhere else
 *
 * The secret of the one item that has these attributes. Nothing is unlocked: that may ask on a screen
 * that nobody sees. Waits, in a loop of its own; a signal ends that. Returns its length.
 * Errors: SECRET; G_IO_ERROR_CANCELLED.
 */
gssize keyring_read(GHashTable *attributes, char *buffer, gsize size, GError **error);

G_END_DECLS
