/* The one door for log records; what comes from outside is made inert on the way. */
#pragma once

#include "hvd-driver.h"

G_BEGIN_DECLS

/**
 * XdLog: of one connection. Records go to the host's callback, or else to GLib's structured log.
 * The level says who should look: debug the developer, info support, message the operator, warning
 * "degraded, went on". Lower layers return errors and stay quiet; a failed operation logs once.
 */
typedef struct _XdLog XdLog;

XdLog *xd_log_new(const HvdHostCallbacks *callbacks);
void xd_log_free(XdLog *log);

/**
 * XdLogFields: what a record is about; NULL and 0 members are left out.
 * @ms: how long it took
 */
typedef struct {
    const char *host;
    const char *op;
    const char *step;
    const char *method;
    const char *ref;
    const char *trace;
    gint64 ms;
} XdLogFields;

/* @fields is nullable. Control and bidi characters of the finished message are escaped. */
void xd_log(XdLog *log, GLogLevelFlags level, const char *domain, const XdLogFields *fields,
            const char *format, ...) G_GNUC_PRINTF(5, 6);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdLog, xd_log_free)

G_END_DECLS
