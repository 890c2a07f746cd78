/* What may happen to an object beside what is happening already, class by class. */
#pragma once

#include "core/call.h"

G_BEGIN_DECLS

typedef struct {
    const char *class_name;
    /* %FALSE: @operation has to wait for what is in current_operations. NULL: always may. */
    gboolean (*may_run)(SimObject *object, const char *operation);
    /* Computes allowed_operations anew. NULL: the class has none worth computing. */
    void (*update_allowed)(SimObject *object);
} SimPolicy;

void sim_calls_add_policies(SimCalls *calls, const SimPolicy *policies); /* ended by NULL */
/* Computes allowed_operations of @object anew, whatever its class. */
void sim_update_allowed(Sim *sim, SimObject *object);

G_END_DECLS
