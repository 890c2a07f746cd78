/* volume ...: storage that outlives instances. What says how to reach it may have a password in it: it
 * goes to the driver as it came, and nowhere else. */
#include "act.h"
#include "cmd.h"
#include "payload.h"
#include "pointer.h"
#include "resolve.h"

#include <glib/gi18n.h>

/* What reads the document says where in it something is wrong; here also in which. */
static gboolean
tell_file(Shim *shim, GError *problem, GError **error)
{
    if (problem == NULL)
        return TRUE;
    pointer_tell_file(problem, arguments_operand(shim->arguments, 1));
    g_propagate_error(error, problem);
    return FALSE;
}

/* ---- attach ---- */

static void
say_attached(Shim *shim, const char *who, const char *answer)
{
    g_autoptr(JsonNode) info = document_parse(answer);
    JsonObject *object = document_object(info);

    output_line(shim->output, _("%s has the volume as device %s, VDI %s"), who,
                document_text(object, "device"), document_text(object, "vdi_uuid"));
}

static gboolean
attach(Shim *shim, const Payload *connection, GError **error)
{
    g_autofree char *uuid = act_begin(shim, error);
    g_autofree char *who = uuid != NULL ? act_describe(shim, uuid) : NULL;
    g_autofree char *answer = NULL;

    if (uuid == NULL)
        return FALSE;
    answer = runner_attach_volume(shim->runner, uuid, payload_get_text(connection),
                                  arguments_get(shim->arguments, "device"), error);
    if (!present(shim, g_strdup(answer), NULL))
        return FALSE;
    if (present_is_for_eyes(shim))
        say_attached(shim, who, answer);
    return TRUE;
}

gboolean
cmd_volume_attach(Shim *shim, GError **error)
{
    g_autoptr(Payload) connection = payload_read(arguments_operand(shim->arguments, 1), error);

    GError *problem = NULL;

    if (connection == NULL)
        return FALSE;
    attach(shim, connection, &problem);
    return tell_file(shim, problem, error);
}

/* ---- detach ---- */

static gboolean
detach(Shim *shim, const Payload *connection, GError **error)
{
    g_autofree char *uuid = act_begin(shim, error);
    g_autofree char *who = uuid != NULL ? act_describe(shim, uuid) : NULL;

    if (uuid == NULL || !present(shim,
                                 runner_document(shim->runner, "detach_volume", uuid,
                                                 payload_get_text(connection), error),
                                 NULL))
        return FALSE;
    if (present_is_for_eyes(shim))
        output_line(shim->output, _("%s no longer has the volume"), who);
    return TRUE;
}

gboolean
cmd_volume_detach(Shim *shim, GError **error)
{
    g_autoptr(Payload) connection = payload_read(arguments_operand(shim->arguments, 1), error);

    GError *problem = NULL;

    if (connection == NULL)
        return FALSE;
    detach(shim, connection, &problem);
    return tell_file(shim, problem, error);
}

/* ---- connector ---- */

static void
add_fact(Table *facts, const char *name, const char *value)
{
    table_row(facts);
    table_cell(facts, name);
    table_cell(facts, value);
}

static void
show_connector(Output *output, JsonNode *connector)
{
    static const Column columns[] = {{NULL}, {NULL, FALSE, TRUE}};
    g_autoptr(Table) facts = table_new(columns, G_N_ELEMENTS(columns));
    JsonObject *object = document_object(connector);

    add_fact(facts, _("Initiator"), document_text(object, "initiator"));
    add_fact(facts, _("Address"), document_text(object, "ip"));
    add_fact(facts, _("Host name"), document_text(object, "host"));
    add_fact(facts, _("Several paths"), document_flag(object, "multipath") ? _("yes") : _("no"));
    output_table(output, facts);
}

gboolean
cmd_volume_connector(Shim *shim, GError **error)
{
    const char *word = arguments_operand(shim->arguments, 0);
    g_autofree char *node = NULL;

    if (shim_connect(shim, error) == NULL)
        return FALSE;
    node = word != NULL ? resolve_node(shim, word, error) : NULL;
    if (word != NULL && node == NULL)
        return FALSE;
    return present(shim, runner_get_volume_connector(shim->runner, node, error), show_connector);
}
