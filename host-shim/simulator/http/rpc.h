/* XML-RPC and JSON-RPC over HTTP, with the faults that were asked for. */
#pragma once

#include "http/connection.h"

G_BEGIN_DECLS

void sim_rpc_post_xml(SimConnection *connection);
void sim_rpc_post_json(SimConnection *connection);
void sim_rpc_options(SimConnection *connection);
/* Request headers X-Http-Other-Config-KEY, as the other_config of a task. (transfer full) */
SimValue *sim_rpc_task_config(const SimHead *head);
/* (nullable): what names the caller's operation in them */
const char *sim_rpc_tag(const SimHead *head);

G_END_DECLS
