/* Where passwords come from: references, never values. */
#pragma once

#include "base/error.h"
#include "base/secret.h"

G_BEGIN_DECLS

/**
 * xd_secret_load: fetches what @reference names into @arena:
 *
 * - `file:PATH`: a private file: no link, a regular file of ours or root's, no bits for group and
 *   others, 1 byte to 4 KiB, without NUL; one trailing newline is dropped
 * - `credential:NAME`: the same in the service manager's credential directory
 * - `fd:N`: what an open descriptor gives until its end; the descriptor stays open
 * - `host:NAME`: the host's HvdHostCallbacks.read_secret
 *
 * Errors: SECRET_LITERAL where @reference looks like a value (which no message repeats), SECRET.
 */
XdSecret *xd_secret_load(XdArena *arena, const char *reference, const HvdHostCallbacks *callbacks,
                         GError **error);

G_END_DECLS
