/* capabilities, version: what was loaded. */
#include "cmd.h"
#include "document.h"
#include "loader.h"
#include "slots.h"

#include <glib/gi18n.h>

static const struct {
    guint64 bit;
    const char *name;
    const char *meaning;
} bits[] = {
    {HVD_CAPABILITY_PLAN, "plan", N_("operations can be planned without doing them")},
    {HVD_CAPABILITY_IDEMPOTENT_SPAWN, "idempotent-spawn",
     N_("a repeated request has the first one's result")},
    {HVD_CAPABILITY_RECONCILE, "reconcile",
     N_("what a killed process left behind can be found and removed")},
    {HVD_CAPABILITY_LIFECYCLE_EVENTS, "lifecycle-events", N_("changes of instances are told")},
    {HVD_CAPABILITY_CHAP, "chap", N_("volumes may need a CHAP password")},
};

static char *
interface_version(const HvdDriver *driver)
{
    return g_strdup_printf("%u.%u", driver->major, driver->minor);
}

static void
print_object(Output *output, JsonObject *object)
{
    g_autofree char *text = document_print_object(object);

    output_json(output, text);
}

/* ---- capabilities ---- */

static void
print_capabilities(Output *output, const HvdDriver *driver)
{
    g_autoptr(JsonObject) object = json_object_new();
    JsonObject *has = json_object_new();
    JsonObject *can = json_object_new();
    g_autofree char *interface = interface_version(driver);

    for (gsize i = 0; i < n_slots; i++)
        json_object_set_boolean_member(has, slots[i].name, slots_has(driver, &slots[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bits); i++)
        json_object_set_boolean_member(can, bits[i].name,
                                       (driver->capabilities & bits[i].bit) != 0);
    json_object_set_string_member(object, "driver", driver->name);
    json_object_set_string_member(object, "version", driver->version);
    json_object_set_string_member(object, "interface", interface);
    json_object_set_object_member(object, "slots", has);
    json_object_set_object_member(object, "capabilities", can);
    print_object(output, object);
}

static void
add_answer(Table *table, const char *name, gboolean yes)
{
    table_row(table);
    table_cell(table, name);
    table_cell_styled(table, yes ? _("yes") : _("no"), yes ? STYLE_GOOD : STYLE_FAINT);
}

static void
show_capabilities(Output *output, const HvdDriver *driver)
{
    static const Column slot_columns[] = {{N_("SLOT")}, {N_("THERE")}};
    static const Column bit_columns[] = {{N_("CAPABILITY")}, {N_("THERE")}, {N_("MEANING")}};
    g_autoptr(Table) has = table_new(slot_columns, G_N_ELEMENTS(slot_columns));
    g_autoptr(Table) can = table_new(bit_columns, G_N_ELEMENTS(bit_columns));

    for (gsize i = 0; i < n_slots; i++)
        add_answer(has, slots[i].name, slots_has(driver, &slots[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bits); i++) {
        add_answer(can, bits[i].name, (driver->capabilities & bits[i].bit) != 0);
        table_cell(can, _(bits[i].meaning));
    }
    output_table(output, has);
    output_text(output, "\n");
    output_table(output, can);
}

gboolean
cmd_capabilities(Shim *shim, GError **error)
{
    const HvdDriver *driver = shim_load(shim, error);

    if (driver == NULL)
        return FALSE;
    if (shim->output->json)
        print_capabilities(shim->output, driver);
    else
        show_capabilities(shim->output, driver);
    return TRUE;
}

/* ---- version ---- */

gboolean
cmd_version(Shim *shim, GError **error)
{
    const HvdDriver *driver = shim_load(shim, error);
    g_autoptr(JsonObject) object = NULL;
    g_autofree char *interface = NULL;

    if (driver == NULL)
        return FALSE;
    interface = interface_version(driver);
    if (!shim->output->json) {
        output_line(shim->output, _("hvd %s, interface %s"), HVD_VERSION, interface);
        output_line(shim->output, _("driver %s %s from %s"), driver->name, driver->version,
                    shim->driver_file);
        return TRUE;
    }
    object = json_object_new();
    json_object_set_string_member(object, "hvd", HVD_VERSION);
    json_object_set_string_member(object, "interface", interface);
    json_object_set_string_member(object, "driver", driver->name);
    json_object_set_string_member(object, "driver_version", driver->version);
    json_object_set_string_member(object, "file", shim->driver_file);
    print_object(shim->output, object);
    return TRUE;
}
