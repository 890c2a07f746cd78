#include "api/families.h"

static const SimHandlerEntry *const families[] = {
    sim_session_handlers, sim_event_handlers, sim_message_handlers,
    sim_task_handlers,    sim_plain_handlers,
};

void
sim_families_register(Sim *sim)
{
    for (guint i = 0; i < G_N_ELEMENTS(families); i++)
        sim_calls_register(sim->calls, families[i]);
}
