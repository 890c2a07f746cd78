/* CONNECT /console: a guest's screen, or its serial line. */
#pragma once

#include "http/server.h"

G_BEGIN_DECLS

extern const SimRoute sim_console_routes[]; /* ended by NULL */

G_END_DECLS
