#include "shim.h"

#include "document.h"
#include "failure.h"
#include "limit.h"
#include "loader.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

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
    g_clear_pointer(&shim->names, g_hash_table_unref);
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

#define VERBOSE_LEVELS (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO)

static gboolean
is_verbose(const Shim *shim)
{
    return arguments_has(shim->arguments, "debug") || arguments_has(shim->arguments, "verbose");
}

static GLogLevelFlags
wanted_levels(const Shim *shim)
{
    GLogLevelFlags levels = G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL;

    if (arguments_has(shim->arguments, "debug"))
        return levels | VERBOSE_LEVELS | G_LOG_LEVEL_DEBUG;
    if (arguments_has(shim->arguments, "verbose"))
        return levels | VERBOSE_LEVELS;
    return shim->output->json ? levels : levels | G_LOG_LEVEL_WARNING;
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

/* A line for eyes; what it is about is for those who asked for more. */
static void
log_text(Shim *shim, const char *level, const char *domain, const char *message,
         const char *const *fields)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *safe = NULL;

    g_string_append_printf(line, "hvd: %s: %s: %s", level, domain, message);
    for (guint i = 0; is_verbose(shim) && fields[i] != NULL && fields[i + 1] != NULL; i += 2)
        g_string_append_printf(line, " %s=%s", fields[i], fields[i + 1]);
    safe = text_escape(line->str);
    output_stderr(shim->output, safe);
    output_stderr(shim->output, "\n");
}

static void
log_json(Shim *shim, const char *level, const char *domain, const char *message,
         const char *const *fields)
{
    g_autoptr(JsonObject) line = json_object_new();
    g_autofree char *text = NULL;

    json_object_set_string_member(line, "log", message);
    json_object_set_string_member(line, "level", level);
    json_object_set_string_member(line, "domain", domain);
    for (guint i = 0; fields[i] != NULL && fields[i + 1] != NULL; i += 2)
        json_object_set_string_member(line, fields[i], fields[i + 1]);
    text = document_print_object(line);
    output_stderr_json(shim->output, text);
}

/* Is it about an operation? Of that the error tells, or the answer. */
static gboolean
is_of_operation(const char *const *fields)
{
    for (guint i = 0; fields[i] != NULL && fields[i + 1] != NULL; i += 2) {
        if (strcmp(fields[i], "XD_OP") == 0)
            return TRUE;
    }
    return FALSE;
}

static void
on_log(GLogLevelFlags level, const char *domain, const char *message, const char *const *fields,
       gpointer data)
{
    static const char *const none[] = {NULL};
    const char *const *about = fields != NULL ? fields : none;
    Shim *shim = data;

    if ((level & wanted_levels(shim)) == 0 ||
        ((level & G_LOG_LEVEL_WARNING) != 0 && !is_verbose(shim) && is_of_operation(about)))
        return;
    if (shim->output->json)
        log_json(shim, level_name(level), domain, message, about);
    else
        log_text(shim, level_name(level), domain, message, about);
}

/* ---- the pool ---- */

static void
prepare_call(Shim *shim)
{
    HvdCall *call = runner_get_call(shim->runner);

    call->flags = 0;
    call->request_id = NULL;
    call->timeout_ms = (guint) arguments_number(shim->arguments, "timeout", 0) * 1000;
    call->progress = progress_update;
    call->progress_data = shim->progress;
    if (arguments_has(shim->arguments, "plan"))
        call->flags |= HVD_CALL_PLAN_ONLY;
}

/* --timeout is for the whole, and opening is part of it. */
static gboolean
open_in_time(Shim *shim, const HvdOpen *open, GError **error)
{
    guint seconds = (guint) arguments_number(shim->arguments, "timeout", 0);
    Limit *limit = limit_new(seconds, runner_get_cancellable(shim->runner));
    gboolean opened = runner_open(shim->runner, open, error);

    if (!limit_free(limit))
        return opened;
    /* that time is over says nothing of what comes after opening */
    if (!interrupt_has_come(shim->interrupt))
        g_cancellable_reset(runner_get_cancellable(shim->runner));
    if (opened)
        return TRUE;
    g_clear_error(error);
    failure_set(error, HVD_ERROR_TIMED_OUT, _("give it more time with --timeout"),
                _("the pool did not answer within %u s"), seconds);
    return FALSE;
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
        .log_levels = wanted_levels(shim),
    };
    HvdOpen open = {
        .struct_size = sizeof open,
        .config_file = shim->target->config_file,
        .settings = (const char *const *) shim->target->settings,
        .callbacks = &callbacks,
    };
    GError *problem;

    if (open_in_time(shim, &open, error))
        return TRUE;
    problem = credential_take_problem(shim->credential);
    if (problem != NULL) {
        g_clear_error(error);
        g_propagate_error(error, problem);
    }
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

/* ---- commands ---- */

static gboolean
check_plan_fits(const Command *command, const Arguments *arguments, GError **error)
{
    if (!arguments_has(arguments, "plan") || (command->flags & COMMAND_CHANGES) != 0)
        return TRUE;
    failure_set(error, FAILURE_USAGE, NULL, _("\"%s\" changes nothing: there is nothing to plan"),
                command->name);
    return FALSE;
}

gboolean
shim_run(Shim *shim, const Command *command, GError **error)
{
    if (!check_plan_fits(command, shim->arguments, error))
        return FALSE;
    if (command->run(shim, error))
        return TRUE;
    shim_explain(shim, *error);
    return FALSE;
}

gboolean
shim_borrow(Shim *part, const Shim *whole, const Arguments *arguments, Output *output,
            GError **error)
{
    *part = *whole;
    part->arguments = arguments;
    part->output = output;
    part->names = NULL;
    prepare_call(part);
    return check_plan(part, error);
}

void
shim_return(Shim *part)
{
    g_clear_pointer(&part->names, g_hash_table_unref);
}

/* ---- words ---- */

void
shim_name(Shim *shim, const char *uuid, const char *word)
{
    if (shim->names == NULL)
        shim->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert(shim->names, g_strdup(uuid), g_strdup(word));
}

void
shim_explain(const Shim *shim, GError *error)
{
    GHashTableIter iter;
    gpointer uuid, word;

    if (shim->names == NULL)
        return;
    g_hash_table_iter_init(&iter, shim->names);
    while (g_hash_table_iter_next(&iter, &uuid, &word))
        failure_rename(error, uuid, word);
}

gboolean
shim_check_cancelled(Shim *shim, GError **error)
{
    return !g_cancellable_set_error_if_cancelled(runner_get_cancellable(shim->runner), error);
}
