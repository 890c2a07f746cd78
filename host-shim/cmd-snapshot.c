/* snapshot: a disk's bytes into a file or a pipe. */
#include "act.h"
#include "cmd.h"
#include "failure.h"
#include "partial.h"
#include "text.h"

#include <gio/gunixoutputstream.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

static char *
describe(Shim *shim, const char *answer, const char *where)
{
    g_autoptr(JsonNode) info = document_parse(answer);
    JsonObject *object = document_object(info);
    g_autofree char *size = text_size((guint64) document_number(object, "size_bytes", 0));

    return g_strdup_printf(_("%s: %s written to %s, SHA-256 %s"),
                           arguments_operand(shim->arguments, 0), size, where,
                           document_text(object, "sha256"));
}

/* ---- into a file ---- */

static gboolean
into_file(Shim *shim, const char *uuid, const char *path, GError **error)
{
    g_autoptr(Partial) partial = partial_new(path, arguments_has(shim->arguments, "force"), error);
    char *answer = partial != NULL
                       ? runner_snapshot(shim->runner, uuid, partial_get_stream(partial), error)
                       : NULL;
    g_autofree char *line = answer != NULL ? describe(shim, answer, path) : NULL;

    if (answer != NULL && !partial_complete(partial, error))
        g_clear_pointer(&answer, g_free);
    if (!present(shim, answer, NULL))
        return FALSE;
    if (present_is_for_eyes(shim))
        output_line(shim->output, "%s", line);
    return TRUE;
}

/* ---- into a pipe ---- */

static gboolean
check_stdout(const Shim *shim, GError **error)
{
    const char *problem = NULL;

    if (shim->output->json)
        problem = N_("with --to - the disk's bytes are what is printed: no --json");
    else if (isatty(STDOUT_FILENO))
        problem = N_("the bytes of a disk are nothing for a terminal: name a file");
    if (problem == NULL || arguments_has(shim->arguments, "plan"))
        return TRUE;
    failure_set(error, FAILURE_USAGE, NULL, "%s", _(problem));
    return FALSE;
}

static gboolean
into_stdout(Shim *shim, const char *uuid, GError **error)
{
    g_autoptr(GOutputStream) stream = g_unix_output_stream_new(STDOUT_FILENO, FALSE);
    g_autofree char *answer = runner_snapshot(shim->runner, uuid, stream, error);
    g_autofree char *line = answer != NULL ? describe(shim, answer, _("standard output")) : NULL;

    progress_end(shim->progress);
    if (line != NULL)
        output_note(shim->output, "%s", line);
    return line != NULL;
}

/* ---- the command ---- */

static gboolean
plan(Shim *shim, const char *uuid, GError **error)
{
    g_autoptr(GOutputStream) nowhere = g_memory_output_stream_new_resizable();

    return present(shim, runner_snapshot(shim->runner, uuid, nowhere, error), NULL);
}

static gboolean
check_place(const Shim *shim, const char *path, GError **error)
{
    if (path == NULL) {
        failure_set(error, FAILURE_USAGE, _("usage: hvd snapshot INSTANCE --to FILE"), "%s",
                    _("snapshot: where to? --to FILE"));
        return FALSE;
    }
    return strcmp(path, "-") == 0
               ? check_stdout(shim, error)
               : partial_check(path, arguments_has(shim->arguments, "force"), error);
}

gboolean
cmd_snapshot(Shim *shim, GError **error)
{
    const char *path = arguments_get(shim->arguments, "to");
    g_autofree char *uuid = check_place(shim, path, error) ? act_begin(shim, error) : NULL;

    if (uuid == NULL)
        return FALSE;
    runner_get_call(shim->runner)->flags |= HVD_CALL_DIGEST;
    if (arguments_has(shim->arguments, "plan"))
        return plan(shim, uuid, error);
    return strcmp(path, "-") == 0 ? into_stdout(shim, uuid, error)
                                  : into_file(shim, uuid, path, error);
}
