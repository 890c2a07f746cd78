/* Documents for eyes, where more than one command shows them. */
#pragma once

#include "document.h"
#include "output.h"

G_BEGIN_DECLS

/* An instance, whole. */
/* @nodes: (element-type JsonObject): what list_nodes gives; it has the names of storage */
void describe_instance(Output *output, JsonObject *info, const GPtrArray *nodes);
/* One line: "web-1 (UUID) is running on node-1" */
void describe_instance_briefly(Output *output, JsonObject *info);

/* Cells for tables. */
void describe_state(Table *table, JsonObject *info);
void describe_bytes(Table *table, JsonObject *object, const char *member);

G_END_DECLS
