/* power ..., soft-delete, restore, bootable: one slot each. */
#include "act.h"
#include "cmd.h"
#include "failure.h"

#include <glib/gi18n.h>
#include <string.h>

/* ---- slots that take nothing but the instance ---- */

static char *
call_plain(Shim *shim, const char *uuid, GError **error)
{
    static const struct {
        const char *command;
        const char *slot;
    } plain[] = {
        {"power on", "power_on"},     {"power pause", "pause"},   {"power unpause", "unpause"},
        {"power suspend", "suspend"}, {"power resume", "resume"}, {"soft-delete", "soft_delete"},
        {"restore", "restore"},
    };
    const char *command = arguments_get_command(shim->arguments)->name;

    for (gsize i = 0; i < G_N_ELEMENTS(plain); i++) {
        if (strcmp(plain[i].command, command) == 0)
            return runner_instance(shim->runner, plain[i].slot, uuid, error);
    }
    g_return_val_if_reached(NULL);
}

gboolean
cmd_power(Shim *shim, GError **error)
{
    return act_on_instance(shim, call_plain, act_show_instance, error);
}

/* ---- off, reboot ---- */

static char *
call_off(Shim *shim, const char *uuid, GError **error)
{
    const Arguments *arguments = shim->arguments;
    int timeout_s =
        arguments_has(arguments, "hard") ? 0 : (int) arguments_number(arguments, "wait", -1);

    return runner_power_off(shim->runner, uuid, timeout_s, error);
}

gboolean
cmd_power_off(Shim *shim, GError **error)
{
    if (!arguments_has(shim->arguments, "hard") || !arguments_has(shim->arguments, "wait"))
        return act_on_instance(shim, call_off, act_show_instance, error);
    failure_set(error, FAILURE_USAGE, NULL, "%s", _("--hard waits for nothing: no --wait with it"));
    return FALSE;
}

static char *
call_reboot(Shim *shim, const char *uuid, GError **error)
{
    return runner_reboot(shim->runner, uuid, arguments_has(shim->arguments, "hard"), error);
}

gboolean
cmd_reboot(Shim *shim, GError **error)
{
    return act_on_instance(shim, call_reboot, act_show_instance, error);
}

/* ---- bootable ---- */

static gboolean
is_yes(const Shim *shim)
{
    return strcmp(arguments_operand(shim->arguments, 1), "yes") == 0;
}

static char *
call_bootable(Shim *shim, const char *uuid, GError **error)
{
    return runner_set_bootable(shim->runner, uuid, is_yes(shim), error);
}

static void
show_startable(Output *output, JsonNode *info)
{
    output_line(output, _("%s (%s) may be started"), document_text(document_object(info), "name"),
                document_text(document_object(info), "uuid"));
}

static void
show_barred(Output *output, JsonNode *info)
{
    output_line(output, _("%s (%s) will not start until it is made bootable again"),
                document_text(document_object(info), "name"),
                document_text(document_object(info), "uuid"));
}

gboolean
cmd_bootable(Shim *shim, GError **error)
{
    if (is_yes(shim) || strcmp(arguments_operand(shim->arguments, 1), "no") == 0)
        return act_on_instance(shim, call_bootable, is_yes(shim) ? show_startable : show_barred,
                               error);
    failure_set(error, FAILURE_USAGE, NULL, _("bootable takes yes or no, not \"%s\""),
                arguments_operand(shim->arguments, 1));
    return FALSE;
}
