#include "present.h"

#include "steps.h"
#include "text.h"

#include <glib/gi18n.h>
#include <unistd.h>

#define INDENT "       "

/* ---- plans ---- */

static void
show_call(Output *output, JsonObject *call)
{
    guint width = output->out_is_terminal ? output_width(STDOUT_FILENO) : 0;
    JsonNode *parameters = json_object_get_member(call, "parameters");
    const char *method = document_text(call, "method");
    g_autofree char *values = parameters != NULL ? document_print(parameters) : g_strdup("");
    g_autofree char *safe = text_escape(values);
    g_autofree char *line =
        g_strdup_printf("%s%s  %s", INDENT, method != NULL ? method : "?", safe);
    g_autofree char *fitted = width > 0 ? text_fit(line, width) : g_strdup(line);

    output_line(output, "%s", fitted);
}

static void
show_step(Output *output, guint number, JsonObject *step)
{
    g_autoptr(GPtrArray) calls = document_objects(step, "calls");
    const char *name = document_text(step, "name");
    g_autofree char *words = steps_describe(name != NULL ? name : "?");

    if (document_text(step, "undo") != NULL)
        output_line(output, _("  %2u. %s  (taken back should a later step fail)"), number, words);
    else
        output_line(output, "  %2u. %s", number, words);
    for (guint i = 0; i < calls->len; i++)
        show_call(output, g_ptr_array_index(calls, i));
}

void
present_plan(Output *output, JsonNode *plan)
{
    JsonObject *object = document_object(plan);
    g_autoptr(GPtrArray) steps = document_objects(object, "steps");
    const char *operation = document_text(object, "operation");
    const char *subject = document_text(object, "subject");

    output_line(output, _("%s %s would take these steps; nothing was done"),
                operation != NULL ? operation : "?", subject != NULL ? subject : "");
    for (guint i = 0; i < steps->len; i++)
        show_step(output, i + 1, g_ptr_array_index(steps, i));
}

/* ---- answers ---- */

gboolean
present(Shim *shim, char *text, PresentFunc show)
{
    g_autofree char *owned G_GNUC_UNUSED = text;
    g_autoptr(JsonNode) answer = NULL;

    progress_end(shim->progress);
    if (text == NULL)
        return FALSE;
    if (shim->output->json) {
        output_json(shim->output, text);
        return TRUE;
    }
    answer = document_parse(text);
    if (arguments_has(shim->arguments, "plan"))
        present_plan(shim->output, answer);
    else if (show != NULL)
        show(shim->output, answer);
    return TRUE;
}

gboolean
present_is_for_eyes(const Shim *shim)
{
    return !shim->output->json && !arguments_has(shim->arguments, "plan");
}
