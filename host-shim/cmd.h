/* The functions behind the table of commands, one file a family. */
#pragma once

#include "shim.h"

G_BEGIN_DECLS

/* cmd-look.c */
gboolean cmd_list(Shim *shim, GError **error);
gboolean cmd_info(Shim *shim, GError **error);
gboolean cmd_nodes(Shim *shim, GError **error);

/* cmd-driver.c */
gboolean cmd_config(Shim *shim, GError **error);
gboolean cmd_capabilities(Shim *shim, GError **error);
gboolean cmd_version(Shim *shim, GError **error);

/* help.c */
gboolean cmd_help(Shim *shim, GError **error);

G_END_DECLS
