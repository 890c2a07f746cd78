/* reconcile: what processes that are gone have left half-done. */
#include "cmd.h"
#include "failure.h"
#include "present.h"

#include <glib/gi18n.h>

/* (nullable): in words that the driver marks, and has no locale to translate */
static const char *
reason_of(JsonObject *object)
{
    const char *reason = document_text(object, "reason");

    return reason != NULL && reason[0] != '\0' ? _(reason) : NULL;
}

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
        table_cell(table, reason_of(object));
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

    add_objects(table, report, "completed", _("completed"), STYLE_GOOD);
    add_objects(table, report, "removed", _("removed"), STYLE_GOOD);
    add_objects(table, report, "leftovers", _("left"), STYLE_WARN);
    output_table(output, table);
    output_line(output, _("%u completed, %u removed, %u left where they are"), completed, removed,
                leftovers);
}

/* ---- how old ---- */

/* Seconds: what is in force, else what the driver says that it takes. */
static guint64
find_grace(Shim *shim)
{
    g_autofree char *given = target_get_value(shim->target, "reconcile", "grace");
    g_autofree char *text =
        HVD_HAS(shim->driver, describe_config) ? shim->driver->describe_config() : NULL;
    g_autoptr(JsonNode) node = text != NULL ? document_parse(text) : NULL;
    g_autoptr(GPtrArray) keys = document_elements(node);

    if (given != NULL)
        return g_ascii_strtoull(given, NULL, 10);
    for (guint i = 0; i < keys->len; i++) {
        JsonObject *key = g_ptr_array_index(keys, i);

        if (g_strcmp0(document_text(key, "group"), "reconcile") == 0 &&
            g_strcmp0(document_text(key, "key"), "grace") == 0)
            return (guint64) document_number(key, "default", 0);
    }
    return 0;
}

/* What is younger belongs to somebody who may only be slow; the report does not have it, nor what has a
 * session that was in use until just now: a pool forgets none because its owner is gone. */
static void
say_nothing(Shim *shim)
{
    guint64 seconds = find_grace(shim);

    if (seconds == 0)
        output_line(shim->output, "%s", _("nothing was found half-done"));
    else if (seconds % 60 == 0)
        output_line(shim->output,
                    _("nothing that is older than %u min was found half-done; younger things are "
                      "left alone: see \"hvd --plan --set reconcile.grace=0 reconcile\""),
                    (guint) (seconds / 60));
    else
        output_line(shim->output,
                    _("nothing that is older than %u s was found half-done; younger things are "
                      "left alone: see \"hvd --plan --set reconcile.grace=0 reconcile\""),
                    (guint) seconds);
    output_line(shim->output, "%s",
                _("what a process killed just now has left shows after a quarter of an hour"));
}

static gboolean
is_empty(JsonObject *report)
{
    return count(report, "completed") + count(report, "removed") + count(report, "leftovers") == 0;
}

/* Whoever looks at the exit status alone has to know of what could not be put right. */
static gboolean
check_failures(JsonObject *report, GError **error)
{
    g_autoptr(GPtrArray) leftovers = document_objects(report, "leftovers");
    const char *ended_early = document_text(report, "ended_early");
    guint n = 0;

    if (ended_early != NULL) {
        failure_set(error, HVD_ERROR_LEFTOVERS,
                    _("what it does not name was perhaps not looked at; it can be repeated"),
                    _("reconcile ended early: %s"), ended_early);
        return FALSE;
    }
    for (guint i = 0; i < leftovers->len; i++)
        n += document_flag(g_ptr_array_index(leftovers, i), "failed") ? 1 : 0;
    if (n == 0)
        return TRUE;
    failure_set(error, HVD_ERROR_LEFTOVERS, _("see the reasons; \"hvd reconcile\" can be repeated"),
                _("reconcile: %u of what was left half-done could not be put right"), n);
    return FALSE;
}

gboolean
cmd_reconcile(Shim *shim, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(JsonNode) report = NULL;

    if (shim_connect(shim, error) == NULL)
        return FALSE;
    progress_begin(shim->progress, NULL);
    text = runner_call(shim->runner, "reconcile", error);
    report = text != NULL ? document_parse(text) : NULL;
    if (report != NULL && present_is_for_eyes(shim) && is_empty(document_object(report))) {
        progress_end(shim->progress);
        say_nothing(shim);
        return TRUE;
    }
    return present(shim, g_steal_pointer(&text), show_report) &&
           check_failures(document_object(report), error);
}
