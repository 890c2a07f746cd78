/* The iSCSI targets that storage can be attached to, as the tests describe them. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

#define SIM_ISCSI_PORT 3260

/* @path: the file with an array of descriptions, which need not exist yet */
SimTargets *sim_targets_new(const char *path);
void sim_targets_free(SimTargets *targets);
gboolean sim_targets_load(SimTargets *targets, GError **error);

/* {"target":"192.0.2.10","port":3260,"iqn":"iqn...","luns":[{"lun":0,"size":BYTES}],
 *  "chap":{"user","password"}}; replaces what was said of the same target before. */
gboolean sim_targets_add(SimTargets *targets, const SimValue *description, char **problem);

/* (transfer full) (nullable): the description of what a PBD's @config names. As long as nothing
 * is described every target exists, with one LUN of 1 GiB. */
SimValue *sim_targets_find(const SimTargets *targets, const SimValue *config);
/* (transfer full): the names of the targets at an address */
SimValue *sim_targets_list_iqns(const SimTargets *targets, const SimValue *config);
/* The same LUN is the same disk wherever and whenever it is met. */
char *sim_target_lun_uuid(const SimValue *target, gint64 lun);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimTargets, sim_targets_free)

G_END_DECLS
