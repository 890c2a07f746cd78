/* A file that is there whole or not at all. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * Partial: a file that is being written, in the directory where it shall be, readable by its owner
 * alone. It has no name until it is complete: whatever ends the process, nothing is left. Where the
 * file system knows no such files it has a hidden name meanwhile.
 */
typedef struct _Partial Partial;

/* May @path become a file? It must not be there, or with @replace be a regular one. Errors: EXISTS,
 * INVALID. */
gboolean partial_check(const char *path, gboolean replace, GError **error);
/* Errors: as before, and of the file. */
Partial *partial_new(const char *path, gboolean replace, GError **error);
/* Removes what is not complete. */
void partial_free(Partial *partial);

/* (transfer none) */
GOutputStream *partial_get_stream(const Partial *partial);
/* On disk, and under its name. */
gboolean partial_complete(Partial *partial, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Partial, partial_free)

G_END_DECLS
