/* The pool as it is on the first day: nodes, storage, networks. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

/* (transfer none): a member of seed.json */
const SimValue *sim_seed(Sim *sim, const char *name);
/* Sets the fields that @fields names, of those that the class has. */
void sim_object_set_all(SimObject *object, const SimValue *fields);

/* What a host that starts finds. */
void sim_build_cpus(Sim *sim, SimObject *host);
/* The fingerprints of what a host shows; @der: the certificate itself */
void sim_certificate_set(SimObject *certificate, GBytes *der);

/* Into an empty database. */
void sim_build_pool(Sim *sim);
/* The nodes of a database that was read back, at their addresses of today. %FALSE: no hosts. */
gboolean sim_build_nodes(Sim *sim);
/* The address of node @number, counted from the base address; NULL: that is none. */
char *sim_build_address(const char *base, guint number);

G_END_DECLS
