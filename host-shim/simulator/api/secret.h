/* Passwords kept apart, and the device_config keys that name them. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

/* Every "...password" becomes a new secret and its key "..._secret". Like the toolstack it turns
 * the order of the members around. */
SimValue *sim_secrets_hide(Sim *sim, const SimValue *config);
/* Every secret that @config names is copied, and the copy named instead. (nullable) with @bad
 * (transfer none) where one does not exist. */
SimValue *sim_secrets_copy(Sim *sim, const SimValue *config, const char **bad);
void sim_secrets_destroy(Sim *sim, const SimValue *config);

G_END_DECLS
