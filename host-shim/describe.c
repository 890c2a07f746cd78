#include "describe.h"

#include "state.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

/* ---- cells ---- */

/* What keeps a stopped instance from being started says more than that it is stopped. */
static const char *
instance_state(JsonObject *info, Style *style)
{
    const char *name = state_get_word(document_text(info, "state"), style);

    if (g_strcmp0(document_text(info, "state"), "shutdown") != 0)
        return name;
    if (document_flag(info, "soft_deleted"))
        return _("soft-deleted");
    if (json_object_has_member(info, "bootable") && !document_flag(info, "bootable"))
        return _("stopped, not bootable");
    return name;
}

void
describe_state(Table *table, JsonObject *info)
{
    Style style = STYLE_PLAIN;
    const char *name = instance_state(info, &style);

    table_cell_styled(table, name, style);
}

void
describe_bytes(Table *table, JsonObject *object, const char *member)
{
    gint64 bytes = document_number(object, member, -1);

    table_take(table, bytes >= 0 ? text_size((guint64) bytes) : NULL);
}

/* ---- an instance ---- */

static void
add_pair(Table *table, const char *name, const char *value)
{
    table_row(table);
    table_cell(table, name);
    table_cell(table, value);
}

static void
add_time(Table *table, const char *name, gint64 seconds)
{
    g_autoptr(GDateTime) time = NULL;
    g_autofree char *text = NULL;

    if (seconds < 0)
        return;
    time = g_date_time_new_from_unix_local(seconds);
    text = time != NULL ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S %z") : NULL;
    add_pair(table, name, text);
}

static char *
join_texts(JsonObject *object, const char *member)
{
    g_autoptr(GPtrArray) texts = document_texts(object, member);

    if (texts->len == 0)
        return NULL;
    g_ptr_array_add(texts, NULL);
    return g_strjoinv(", ", (char **) texts->pdata);
}

static void
add_facts(Table *table, JsonObject *info)
{
    JsonObject *node = document_member(info, "node");
    g_autofree char *memory = text_size((guint64) document_number(info, "memory_bytes", 0));
    g_autofree char *vcpus =
        g_strdup_printf("%" G_GINT64_FORMAT, document_number(info, "vcpus", 0));
    g_autofree char *busy = join_texts(info, "operations");

    add_pair(table, _("Name"), document_text(info, "name"));
    add_pair(table, _("UUID"), document_text(info, "uuid"));
    table_row(table);
    table_cell(table, _("State"));
    describe_state(table, info);
    add_pair(table, _("Node"), document_text(node, "name"));
    add_pair(table, _("Memory"), memory);
    add_pair(table, _("vCPUs"), vcpus);
    if (busy != NULL)
        add_pair(table, _("Busy with"), busy);
    if (document_text(info, "request_id") != NULL)
        add_pair(table, _("Request"), document_text(info, "request_id"));
    add_time(table, _("Made"), document_number(info, "created", -1));
    add_time(table, _("As of"), document_number(info, "stale_since", -1));
}

/* (nullable): its uuid where the nodes do not tell its name */
static const char *
storage_name(const GPtrArray *nodes, const char *uuid)
{
    for (guint i = 0; i < nodes->len; i++) {
        g_autoptr(GPtrArray) storages = document_objects(g_ptr_array_index(nodes, i), "storage");

        for (guint k = 0; k < storages->len; k++) {
            JsonObject *storage = g_ptr_array_index(storages, k);

            if (g_strcmp0(document_text(storage, "uuid"), uuid) == 0)
                return document_text(storage, "name");
        }
    }
    return uuid;
}

/* (nullable); what is not known stays as it is */
static const char *
role_word(const char *role)
{
    static const char *const roles[] = {N_("root"), N_("disk"), N_("volume"), N_("cd")};

    for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
        if (g_strcmp0(roles[i], role) == 0)
            return _(roles[i]);
    }
    return role;
}

static void
show_disks(Output *output, const GPtrArray *disks, const GPtrArray *nodes)
{
    static const Column columns[] = {
        {N_("DISK")},   {N_("ROLE")},    {N_("SIZE"), TRUE, FALSE},
        {N_("ACCESS")}, {N_("STORAGE")}, {N_("VDI")},
    };
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));

    for (guint i = 0; i < disks->len; i++) {
        JsonObject *disk = g_ptr_array_index(disks, i);

        table_row(table);
        table_cell(table, document_text(disk, "device"));
        table_cell(table, role_word(document_text(disk, "role")));
        describe_bytes(table, disk, "size_bytes");
        table_cell(table, document_flag(disk, "read_only") ? _("read only") : _("read, write"));
        table_cell(table, storage_name(nodes, document_text(disk, "storage")));
        table_cell(table, document_text(disk, "vdi"));
    }
    output_text(output, "\n");
    output_table(output, table);
}

static void
show_networks(Output *output, const GPtrArray *networks)
{
    static const Column columns[] = {
        {N_("NIC")},
        {N_("MAC")},
        {N_("NETWORK")},
        {N_("ADDRESSES")},
    };
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));

    for (guint i = 0; i < networks->len; i++) {
        JsonObject *network = g_ptr_array_index(networks, i);

        table_row(table);
        table_cell(table, document_text(network, "device"));
        table_cell(table, document_text(network, "mac"));
        table_cell(table, document_text(network, "network"));
        table_take(table, join_texts(network, "addresses"));
    }
    output_text(output, "\n");
    output_table(output, table);
}

void
describe_instance(Output *output, JsonObject *info, const GPtrArray *nodes)
{
    static const Column columns[] = {{NULL}, {NULL, FALSE, TRUE}};
    g_autoptr(Table) facts = table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(GPtrArray) disks = document_objects(info, "disks");
    g_autoptr(GPtrArray) networks = document_objects(info, "networks");

    add_facts(facts, info);
    output_table(output, facts);
    if (disks->len > 0)
        show_disks(output, disks, nodes);
    if (networks->len > 0)
        show_networks(output, networks);
}

void
describe_instance_briefly(Output *output, JsonObject *info)
{
    const char *node = document_text(document_member(info, "node"), "name");
    const char *name = document_text(info, "name");
    const char *uuid = document_text(info, "uuid");
    Style style = STYLE_PLAIN;
    const char *state = instance_state(info, &style);

    if (node != NULL)
        output_line(output, _("%s (%s) is %s on %s"), name, uuid, state, node);
    else
        output_line(output, _("%s (%s) is %s"), name, uuid, state);
}
