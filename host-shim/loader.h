/* From a file to a driver's table. */
#pragma once

#include "hvd-driver.h"

G_BEGIN_DECLS

/**
 * loader_load:
 * @path: (nullable): the module; NULL: the one beside this program, else the installed one
 * @found: (out) (transfer full): the file that was loaded, all links followed
 *
 * Loads only from a directory and a file that belong to root or to us and that nobody else may write;
 * checks version, sizes and that slots come in pairs. The module stays loaded.
 * Errors: HVD_ERROR: NOT_FOUND, DENIED, UNSUPPORTED, PROTOCOL.
 */
const HvdDriver *loader_load(const char *path, char **found, GError **error);

/* Of a table, however it came: is it one that can be called? */
gboolean loader_check(const HvdDriver *driver, GError **error);

G_END_DECLS
