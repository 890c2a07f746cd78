/* What a configuration says, held against the keys that the driver describes. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* @keys: (element-type JsonObject): of describe_config
 * Returns: (transfer full) (element-type utf8): what the driver would refuse, translated, a line each.
 * A text may be a password that stands in the wrong place: only numbers and words of a choice are quoted. */
GPtrArray *settings_find_faults(const GPtrArray *keys, GKeyFile *values);

/* Does it take a reference to a secret? */
gboolean settings_is_secret(JsonObject *key);

/* (nullable) (transfer full): "1 to 300", "auto, json, xml": what a key takes, translated */
char *settings_describe_values(JsonObject *key);

G_END_DECLS
