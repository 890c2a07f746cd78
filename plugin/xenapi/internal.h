/* Shared by the files of xenapi/ alone. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

/* Methods that may take longer hold a connection of their own. */
#define XD_SHORT_CALL_S 60

/* A call begins and ends; it keeps the connection alive. */
void xd_connection_enter_call(XdConnection *connection);
void xd_connection_leave_call(XdConnection *connection);

G_END_DECLS
