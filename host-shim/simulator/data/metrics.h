/* What can be measured of hosts and guests. Nothing is stored: a value follows from the object,
 * the name and the time, so the same question always has the same answer. */
#pragma once

#include "core/sim.h"

G_BEGIN_DECLS

typedef struct {
    char *name;
    char *description;
    const char *units;
    double max; /* INFINITY: none; the least is 0 but for @signed_value */
    gboolean signed_value;
    gboolean standard; /* recorded from the start */
    gboolean derived;  /* a rate, not a level */
    double level;      /* about which the value moves, */
    double swing;      /* by so much of it */
} SimMetric;

/* Of a host or a virtual machine, sorted by name. (transfer full): of SimMetric */
GPtrArray *sim_metrics_of(Sim *sim, const SimObject *object);
/* NaN before the guest was started. */
double sim_metric_value(const SimObject *object, const SimMetric *metric, gint64 seconds);
/* (transfer full): as data_source records have it */
SimValue *sim_metric_describe(const SimMetric *metric);

G_END_DECLS
