/* Where a migration goes to, as the source sees it: another simulator behind a URL, or this one. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

typedef struct _SimTarget SimTarget;
typedef void (*SimTargetDone)(SimCall *call, const SimValue *answer);
typedef void (*SimTargetFailed)(SimCall *call, SimValue *error); /* takes @error */

/* (nullable): fails @call where @dest is not what host.migrate_receive gives */
SimTarget *sim_target_new(SimCall *call, const SimValue *dest);
/* A disk that stays in this pool. */
SimTarget *sim_target_new_local(Sim *sim, SimObject *host);
void sim_target_free(SimTarget *target);

gboolean sim_target_is_local(const SimTarget *target);
const char *sim_target_host_ref(const SimTarget *target);
SimObject *sim_target_host(const SimTarget *target); /* (nullable): not of this pool */

/* A part of a step: sends @command (taken) and tells @done of the answer, which may be NULL. %TRUE:
 * that has happened; %FALSE: the call goes on later, or @failed has got an error. */
gboolean sim_target_ask(SimTarget *target, SimCall *call, SimValue *command, SimTargetDone done,
                        SimTargetFailed failed);
/* The same for the bytes of @vdi, into the disk @ref over there. */
gboolean sim_target_send_disk(SimTarget *target, SimCall *call, const SimObject *vdi,
                              const char *ref, SimTargetFailed failed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimTarget, sim_target_free)

G_END_DECLS
