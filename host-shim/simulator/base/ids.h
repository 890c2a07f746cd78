/* References, uuids and MAC addresses: random, or repeatable from a seed. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SimIds SimIds;

SimIds *sim_ids_new(void);
SimIds *sim_ids_new_with_seed(guint32 seed);
void sim_ids_free(SimIds *ids);

char *sim_ids_uuid(SimIds *ids);
char *sim_ids_ref(SimIds *ids); /* "OpaqueRef:..." */
char *sim_ids_mac(SimIds *ids); /* locally administered */
guint64 sim_ids_number(SimIds *ids);
/* For passwords and session references: from the system, whatever the seed. Hexadecimal. */
char *sim_ids_secret(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimIds, sim_ids_free)

G_END_DECLS
