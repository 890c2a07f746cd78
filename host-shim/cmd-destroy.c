/* destroy, cleanup: what is not there any more afterwards. */
#include "act.h"
#include "cmd.h"
#include "failure.h"
#include "terminal.h"
#include "text.h"

#include <glib/gi18n.h>
#include <unistd.h>

/* ---- destroy ---- */

/* The simulated pool is there to be played with, and a scenario was written to the end: nobody is asked.
 * Without a terminal there is nobody. */
static gboolean
is_to_be_asked(const Shim *shim)
{
    return !arguments_has(shim->arguments, "plan") && !arguments_has(shim->arguments, "yes") &&
           shim->target->simulated == NULL && shim->output->err_into == NULL &&
           isatty(STDIN_FILENO);
}

/* Until it is answered there is nothing that a signal would have to undo. */
static gboolean
ask(Shim *shim, const char *question, GError **error)
{
    gboolean confirmed;

    interrupt_expect(shim->interrupt, TRUE);
    confirmed = terminal_confirm(question, runner_get_cancellable(shim->runner), error);
    interrupt_expect(shim->interrupt, FALSE);
    return confirmed;
}

static gboolean
is_wanted(Shim *shim, const char *who, GError **error)
{
    g_autofree char *safe = text_escape(who);
    g_autofree char *question = g_strdup_printf(_("Destroy %s with its disks?"), safe);

    if (!is_to_be_asked(shim))
        return TRUE;
    if (!terminal_is_there()) {
        failure_set(
            error, FAILURE_USAGE, _("--yes answers it"), "%s",
            _("not destroyed: it asks first, and stderr, where it would ask, is no terminal"));
        return FALSE;
    }
    if (ask(shim, question, error))
        return TRUE;
    g_prefix_error(error, "%s", _("not destroyed: "));
    return FALSE;
}

gboolean
cmd_destroy(Shim *shim, GError **error)
{
    g_autofree char *uuid = act_begin(shim, error);
    g_autofree char *who = uuid != NULL ? act_describe(shim, uuid) : NULL;

    if (who == NULL || !is_wanted(shim, who, error) ||
        !present(shim, runner_instance(shim->runner, "destroy", uuid, error), NULL))
        return FALSE;
    if (present_is_for_eyes(shim))
        output_line(shim->output, _("%s is gone"), who);
    return TRUE;
}

/* ---- cleanup ---- */

gboolean
cmd_cleanup(Shim *shim, GError **error)
{
    const char *word = arguments_operand(shim->arguments, 0);
    g_autofree char *uuid = g_ascii_strdown(word, -1);

    if (!g_uuid_string_is_valid(word)) {
        failure_set(error, FAILURE_USAGE, _("an instance that is still there is for \"destroy\""),
                    _("cleanup takes the uuid of an instance that is gone, not \"%s\""), word);
        return FALSE;
    }
    if (shim_connect(shim, error) == NULL)
        return FALSE;
    progress_begin(shim->progress, uuid);
    if (!present(shim, runner_instance(shim->runner, "cleanup", uuid, error), NULL))
        return FALSE;
    if (present_is_for_eyes(shim))
        output_line(shim->output, _("nothing is left of %s"), uuid);
    return TRUE;
}
