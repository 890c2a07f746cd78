#include "base/log.h"

#include "base/error.h"

#define MAX_MESSAGE 2000
#define MAX_FIELDS  8

struct _XdLog {
    HvdHostCallbacks callbacks;
};

XdLog *
xd_log_new(const HvdHostCallbacks *callbacks)
{
    XdLog *log = g_new0(XdLog, 1);

    if (callbacks != NULL)
        log->callbacks = *callbacks;
    return log;
}

void
xd_log_free(XdLog *log)
{
    g_free(log);
}

/* Fills @pairs with names and values, NULL-terminated. */
static void
list_fields(const XdLogFields *fields, const char *ms, const char *pairs[2 * MAX_FIELDS + 1])
{
    const struct {
        const char *name;
        const char *value;
    } all[] = {
        {"XD_HOST", fields->host},
        {"XD_OP", fields->op},
        {"XD_STEP", fields->step},
        {"XD_METHOD", fields->method},
        {"XD_REF", fields->ref},
        {"XD_TRACE", fields->trace},
        {"XD_MS", fields->ms > 0 ? ms : NULL},
    };
    guint n = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        if (all[i].value == NULL)
            continue;
        pairs[n++] = all[i].name;
        pairs[n++] = all[i].value;
    }
    pairs[n] = NULL;
}

static const char *
priority_of(GLogLevelFlags level)
{
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        return "3";
    if (level & G_LOG_LEVEL_WARNING)
        return "4";
    if (level & G_LOG_LEVEL_MESSAGE)
        return "5";
    return level & G_LOG_LEVEL_INFO ? "6" : "7";
}

static void
log_to_glib(GLogLevelFlags level, const char *domain, const char *message, const char **pairs)
{
    GLogField fields[MAX_FIELDS + 3];
    gsize n = 0;

    fields[n++] = (GLogField){"PRIORITY", priority_of(level), -1};
    fields[n++] = (GLogField){"GLIB_DOMAIN", domain, -1};
    fields[n++] = (GLogField){"MESSAGE", message, -1};
    for (guint i = 0; pairs[i] != NULL; i += 2)
        fields[n++] = (GLogField){pairs[i], pairs[i + 1], -1};
    g_log_structured_array(level, fields, n);
}

static gboolean
is_wanted(const XdLog *log, GLogLevelFlags level)
{
    return log->callbacks.log == NULL || log->callbacks.log_levels == 0 ||
           (level & log->callbacks.log_levels) != 0;
}

void
xd_log(XdLog *log, GLogLevelFlags level, const char *domain, const XdLogFields *fields,
       const char *format, ...)
{
    static const XdLogFields none = {0};
    const char *pairs[2 * MAX_FIELDS + 1];
    g_autofree char *message = NULL;
    char raw[MAX_MESSAGE + 8]; /* a little more, so that it shows that it was cut */
    char ms[24];
    va_list arguments;

    if (!is_wanted(log, level))
        return;
    if (fields == NULL)
        fields = &none;
    va_start(arguments, format);
    g_vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    message = xd_escape(raw, -1, MAX_MESSAGE);
    g_snprintf(ms, sizeof ms, "%" G_GINT64_FORMAT, fields->ms);
    list_fields(fields, ms, pairs);
    if (log->callbacks.log != NULL)
        log->callbacks.log(level, domain, message, pairs, log->callbacks.user_data);
    else
        log_to_glib(level, domain, message, pairs);
}
