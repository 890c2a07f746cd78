/* reconcile: what processes that are gone have left half-done. */
#include "cmd.h"
#include "present.h"

#include <glib/gi18n.h>

static void
add_objects(Table *table, JsonObject *report, const char *member, const char *fate, Style style)
{
    g_autoptr(GPtrArray) objects = document_objects(report, member);

    for (guint i = 0; i < objects->len; i++) {
        JsonObject *object = g_ptr_array_index(objects, i);

        table_row(table);
        table_cell_styled(table, fate, style);
        table_cell(table, document_text(object, "kind"));
        table_cell(table, document_text(object, "name"));
        table_cell(table, document_text(object, "uuid"));
        table_cell(table, document_text(object, "instance"));
        table_cell(table, document_text(object, "reason"));
    }
}

static guint
count(JsonObject *report, const char *member)
{
    g_autoptr(GPtrArray) objects = document_objects(report, member);

    return objects->len;
}

static void
show_report(Output *output, JsonNode *answer)
{
    static const Column columns[] = {
        {N_("FATE")}, {N_("KIND")},     {N_("NAME"), FALSE, TRUE},
        {N_("UUID")}, {N_("INSTANCE")}, {N_("REASON"), FALSE, TRUE},
    };
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    JsonObject *report = document_object(answer);
    guint completed = count(report, "completed");
    guint removed = count(report, "removed");
    guint leftovers = count(report, "leftovers");

    if (completed + removed + leftovers == 0) {
        output_line(output, "%s", _("nothing was left half-done"));
        return;
    }
    add_objects(table, report, "completed", _("completed"), STYLE_GOOD);
    add_objects(table, report, "removed", _("removed"), STYLE_GOOD);
    add_objects(table, report, "leftovers", _("left"), STYLE_WARN);
    output_table(output, table);
    output_line(output, _("%u completed, %u removed, %u left where they are"), completed, removed,
                leftovers);
}

gboolean
cmd_reconcile(Shim *shim, GError **error)
{
    if (shim_connect(shim, error) == NULL)
        return FALSE;
    progress_begin(shim->progress, NULL);
    return present(shim, runner_call(shim->runner, "reconcile", error), show_report);
}
