/* list, info, nodes: what there is. */
#include "cmd.h"
#include "describe.h"
#include "present.h"
#include "resolve.h"
#include "text.h"

#include <glib/gi18n.h>

static char *
number(JsonObject *object, const char *member)
{
    return g_strdup_printf("%" G_GINT64_FORMAT, document_number(object, member, 0));
}

/* ---- instances ---- */

static void
show_instances(Output *output, JsonNode *list)
{
    static const Column columns[] = {
        {N_("NAME"), FALSE, TRUE},   {N_("STATE")},
        {N_("NODE"), FALSE, TRUE},   {N_("VCPUS"), TRUE, FALSE},
        {N_("MEMORY"), TRUE, FALSE}, {N_("UUID")},
    };
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(GPtrArray) infos = document_elements(list);

    for (guint i = 0; i < infos->len; i++) {
        JsonObject *info = g_ptr_array_index(infos, i);

        table_row(table);
        table_cell(table, document_text(info, "name"));
        describe_state(table, info);
        table_cell(table, document_text(document_member(info, "node"), "name"));
        table_take(table, number(info, "vcpus"));
        describe_bytes(table, info, "memory_bytes");
        table_cell(table, document_text(info, "uuid"));
    }
    if (infos->len > 0)
        output_table(output, table);
    else
        output_line(output, "%s", _("no instances"));
}

gboolean
cmd_list(Shim *shim, GError **error)
{
    if (shim_connect(shim, error) == NULL)
        return FALSE;
    return present(shim, runner_call(shim->runner, "list_instances", error), show_instances);
}

/* The instance's own document has the storage's uuid: the nodes know what it is called. */
static gboolean
show_instance(Shim *shim, const char *text, GError **error)
{
    g_autoptr(JsonNode) info = document_parse(text);
    g_autoptr(JsonNode) list = resolve_read(shim, "list_nodes", NULL, error);
    g_autoptr(GPtrArray) nodes = document_elements(list);

    if (list == NULL)
        return FALSE;
    describe_instance(shim->output, document_object(info), nodes);
    return TRUE;
}

gboolean
cmd_info(Shim *shim, GError **error)
{
    g_autofree char *uuid = NULL;
    g_autofree char *text = NULL;

    if (shim_connect(shim, error) == NULL)
        return FALSE;
    uuid = resolve_instance(shim, arguments_operand(shim->arguments, 0), error);
    text = uuid != NULL ? runner_instance(shim->runner, "get_instance", uuid, error) : NULL;
    if (text == NULL)
        return FALSE;
    return present_is_for_eyes(shim) ? show_instance(shim, text, error)
                                     : present(shim, g_steal_pointer(&text), NULL);
}

/* ---- nodes ---- */

static void
add_condition(Table *table, JsonObject *node)
{
    gboolean live = document_flag(node, "live");
    gboolean enabled = document_flag(node, "enabled");

    if (live && enabled)
        table_cell_styled(table, _("ready"), STYLE_GOOD);
    else if (live)
        table_cell_styled(table, _("disabled"), STYLE_WARN);
    else
        table_cell_styled(table, _("down"), STYLE_BAD);
}

static void
show_nodes(Output *output, JsonNode *list)
{
    static const Column columns[] = {
        {N_("NAME"), FALSE, TRUE},
        {N_("ADDRESS")},
        {N_("ROLE")},
        {N_("STATE")},
        {N_("CPUS"), TRUE, FALSE},
        {N_("MEMORY"), TRUE, FALSE},
        {N_("FREE"), TRUE, FALSE},
        {N_("INST"), TRUE, FALSE},
        {N_("VERSION"), FALSE, TRUE},
    };
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(GPtrArray) nodes = document_elements(list);

    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *node = g_ptr_array_index(nodes, i);
        const char *brand = document_text(node, "brand");

        table_row(table);
        table_cell(table, document_text(node, "name"));
        table_cell(table, document_text(node, "address"));
        table_cell(table, document_flag(node, "coordinator") ? _("coordinator") : _("member"));
        add_condition(table, node);
        table_take(table, number(node, "cpus"));
        describe_bytes(table, node, "memory_bytes");
        describe_bytes(table, node, "memory_free_bytes");
        table_take(table, number(node, "instances"));
        table_take(table, g_strjoin(" ", brand != NULL ? brand : "", document_text(node, "version"),
                                    NULL));
    }
    output_table(output, table);
}

static void
add_storage(Table *table, JsonObject *node, JsonObject *storage)
{
    table_row(table);
    table_cell(table, document_text(node, "name"));
    table_cell(table, document_text(storage, "name"));
    table_cell(table, document_text(storage, "type"));
    table_cell(table, document_flag(storage, "shared") ? _("shared") : _("local"));
    describe_bytes(table, storage, "size_bytes");
    describe_bytes(table, storage, "free_bytes");
    if (document_flag(storage, "attached"))
        table_cell_styled(table, _("attached"), STYLE_GOOD);
    else
        table_cell_styled(table, _("detached"), STYLE_WARN);
    table_cell(table, document_text(storage, "uuid"));
}

static void
show_storage(Output *output, JsonNode *list)
{
    static const Column columns[] = {
        {N_("NODE"), FALSE, TRUE}, {N_("STORAGE"), FALSE, TRUE}, {N_("TYPE")}, {N_("SCOPE")},
        {N_("SIZE"), TRUE, FALSE}, {N_("FREE"), TRUE, FALSE},    {N_("LINK")}, {N_("UUID")},
    };
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(GPtrArray) nodes = document_elements(list);

    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *node = g_ptr_array_index(nodes, i);
        g_autoptr(GPtrArray) storage = document_objects(node, "storage");

        for (guint k = 0; k < storage->len; k++)
            add_storage(table, node, g_ptr_array_index(storage, k));
    }
    output_table(output, table);
}

gboolean
cmd_nodes(Shim *shim, GError **error)
{
    gboolean storage = arguments_has(shim->arguments, "storage");

    if (shim_connect(shim, error) == NULL)
        return FALSE;
    return present(shim, runner_call(shim->runner, "list_nodes", error),
                   storage ? show_storage : show_nodes);
}
