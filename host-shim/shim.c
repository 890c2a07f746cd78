#include "shim.h"

#include "failure.h"
#include "loader.h"
#include "text.h"

#include <glib/gi18n.h>

void
shim_clear(Shim *shim)
{
    /* nothing may draw while the connection is being closed */
    g_clear_pointer(&shim->progress, progress_free);
    g_clear_pointer(&shim->runner, runner_free);
    g_clear_pointer(&shim->interrupt, interrupt_free);
    g_clear_pointer(&shim->target, target_free);
    g_clear_pointer(&shim->credential, credential_free);
    g_clear_pointer(&shim->driver_file, g_free);
}

/* ---- the driver ---- */

const HvdDriver *
shim_load(Shim *shim, GError **error)
{
    if (shim->driver == NULL)
        shim->driver =
            loader_load(arguments_get(shim->arguments, "driver"), &shim->driver_file, error);
    return shim->driver;
}

/* ---- what the driver asks of us ---- */

static gssize
on_read_secret(const char *name, char *buffer, gsize size, gpointer data, GError **error)
{
    Shim *shim = data;

    return credential_read(shim->credential, name, buffer, size, error);
}

static void
on_lifecycle(const HvdLifecycle *event, gpointer data)
{
    Shim *shim = data;

    if (shim->on_lifecycle != NULL)
        shim->on_lifecycle(event, shim->lifecycle_data);
}

static GLogLevelFlags
wanted_levels(const Shim *shim)
{
    GLogLevelFlags levels = G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING;

    if (arguments_has(shim->arguments, "debug"))
        return levels | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG;
    if (arguments_has(shim->arguments, "verbose"))
        return levels | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO;
    return levels;
}

static const char *
level_name(GLogLevelFlags level)
{
    static const struct {
        GLogLevelFlags level;
        const char *name;
    } names[] = {
        {G_LOG_LEVEL_DEBUG, "debug"},
        {G_LOG_LEVEL_INFO, "info"},
        {G_LOG_LEVEL_MESSAGE, "note"},
        {G_LOG_LEVEL_WARNING, "warning"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if ((level & names[i].level) != 0)
            return names[i].name;
    }
    return "error";
}

static void
on_log(GLogLevelFlags level, const char *domain, const char *message, const char *const *fields,
       gpointer data)
{
    Shim *shim = data;
    g_autoptr(GString) line = NULL;
    g_autofree char *safe = NULL;

    if ((level & wanted_levels(shim)) == 0)
        return;
    line = g_string_new(NULL);
    g_string_append_printf(line, "hvd: %s: %s: %s", level_name(level), domain, message);
    for (guint i = 0; fields != NULL && fields[i] != NULL && fields[i + 1] != NULL; i += 2)
        g_string_append_printf(line, " %s=%s", fields[i], fields[i + 1]);
    safe = text_escape(line->str);
    output_stderr(shim->output, safe);
    output_stderr(shim->output, "\n");
}

/* ---- the pool ---- */

static void
prepare_call(Shim *shim)
{
    HvdCall *call = runner_get_call(shim->runner);

    call->timeout_ms = (guint) arguments_number(shim->arguments, "timeout", 0) * 1000;
    call->progress = progress_update;
    call->progress_data = shim->progress;
    if (arguments_has(shim->arguments, "plan"))
        call->flags |= HVD_CALL_PLAN_ONLY;
}

static gboolean
open_pool(Shim *shim, GError **error)
{
    HvdHostCallbacks callbacks = {
        .struct_size = sizeof callbacks,
        .user_data = shim,
        .log = on_log,
        .lifecycle = on_lifecycle,
        .read_secret = on_read_secret,
    };
    HvdOpen open = {
        .struct_size = sizeof open,
        .config_file = shim->target->config_file,
        .settings = (const char *const *) shim->target->settings,
        .callbacks = &callbacks,
    };

    if (runner_open(shim->runner, &open, error))
        return TRUE;
    if (credential_was_cancelled(shim->credential)) {
        g_clear_error(error);
        failure_set(error, FAILURE_CANCELLED, NULL, "%s", _("no password was given"));
    }
    return FALSE;
}

/* A driver that does not know the flag would do it all. */
static gboolean
check_plan(Shim *shim, GError **error)
{
    if (!arguments_has(shim->arguments, "plan") ||
        (shim->driver->capabilities & HVD_CAPABILITY_PLAN) != 0)
        return TRUE;
    failure_set(error, HVD_ERROR_UNSUPPORTED, NULL, _("the driver %s cannot plan without doing"),
                shim->driver->name);
    return FALSE;
}

Runner *
shim_connect(Shim *shim, GError **error)
{
    if (shim->target != NULL)
        return shim->runner;
    if (shim_load(shim, error) == NULL || !check_plan(shim, error))
        return NULL;
    shim->target = target_find(shim->arguments, shim->credential, shim->output, error);
    if (shim->target == NULL)
        return NULL;
    shim->progress = progress_new(shim->output);
    shim->runner = runner_new(shim->driver);
    shim->interrupt = interrupt_new(shim->output, runner_get_cancellable(shim->runner));
    prepare_call(shim);
    return open_pool(shim, error) ? shim->runner : NULL;
}

gboolean
shim_check_cancelled(Shim *shim, GError **error)
{
    return !g_cancellable_set_error_if_cancelled(runner_get_cancellable(shim->runner), error);
}
