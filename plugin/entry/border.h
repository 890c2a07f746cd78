/* What crosses the border on the way out: documents, errors and their documents. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

HvdConnection *xd_border_open_finish(GAsyncResult *result, GError **error);
char *xd_border_finish(HvdConnection *connection, GAsyncResult *result, GError **error);
gboolean xd_border_get_state_finish(HvdConnection *connection, GAsyncResult *result,
                                    HvdInstanceState *state, GError **error);
gboolean xd_border_exists_finish(HvdConnection *connection, GAsyncResult *result, gboolean *exists,
                                 GError **error);

/* HvdDriver.describe_error and describe_config */
char *xd_border_describe_error(GAsyncResult *result);
char *xd_border_describe_config(void);

G_END_DECLS
