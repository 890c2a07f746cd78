/* config: the keys of the driver's configuration, and what is in force. No pool is asked. */
#include "cmd.h"
#include "document.h"
#include "failure.h"
#include "settings.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

/* ---- what is in force ---- */

static gboolean
read_file(GKeyFile *values, const char *path, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (path == NULL || g_key_file_load_from_file(values, path, G_KEY_FILE_NONE, &cause))
        return TRUE;
    /* GKeyFile's own message quotes the line, and the line may be a password */
    failure_set(error, HVD_ERROR_CONFIG, NULL, "%s: %s", path,
                cause->domain == G_KEY_FILE_ERROR ? _("it is no key file: expected [group] and "
                                                      "key=value")
                                                  : cause->message);
    return FALSE;
}

/* "group.key=value" over what the file says; that it has this shape target_describe() has seen */
static void
take_setting(GKeyFile *values, const char *setting)
{
    const char *dot = strchr(setting, '.');
    const char *equals = strchr(dot, '=');
    g_autofree char *group = g_strndup(setting, (gsize) (dot - setting));
    g_autofree char *key = g_strndup(dot + 1, (gsize) (equals - dot - 1));

    g_key_file_set_value(values, group, key, equals + 1);
}

static GKeyFile *
read_values(const Arguments *arguments, GError **error)
{
    g_autoptr(Target) target = target_describe(arguments, error);
    g_autoptr(GKeyFile) values = g_key_file_new();

    if (target == NULL || !read_file(values, target->config_file, error))
        return NULL;
    for (guint i = 0; target->settings[i] != NULL; i++)
        take_setting(values, target->settings[i]);
    return g_steal_pointer(&values);
}

/* What stands in a reference's place may be a password; so may be what stands before an address. */
static gboolean
is_showable(JsonObject *key, const char *value)
{
    static const char *const schemes[] = {"file:", "credential:", "fd:", "host:"};
    const char *authority = strstr(value, "://");

    if (authority != NULL && strchr(authority, '@') != NULL)
        return FALSE;
    if (!settings_is_secret(key) || value[0] == '\0')
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (g_str_has_prefix(value, schemes[i]))
            return TRUE;
    }
    return FALSE;
}

static void
add_values(const GPtrArray *keys, GKeyFile *values)
{
    for (guint i = 0; i < keys->len; i++) {
        JsonObject *key = g_ptr_array_index(keys, i);
        const char *group = document_text(key, "group");
        const char *name = document_text(key, "key");
        g_autofree char *value =
            group != NULL && name != NULL ? g_key_file_get_value(values, group, name, NULL) : NULL;

        if (value != NULL)
            json_object_set_string_member(key, "value",
                                          is_showable(key, value) ? value : "<redacted>");
    }
}

/* ---- which keys ---- */

static char *
full_name(JsonObject *key)
{
    return g_strdup_printf("%s.%s", document_text(key, "group"), document_text(key, "key"));
}

static gboolean
is_meant(JsonObject *key, const char *word)
{
    g_autofree char *name = full_name(key);

    return word == NULL || strcmp(name, word) == 0 ||
           g_strcmp0(document_text(key, "group"), word) == 0;
}

static GPtrArray *
choose(const GPtrArray *keys, const char *word, GError **error)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    g_auto(GStrv) all = NULL;
    g_autofree char *advice = NULL;
    const char *nearest;

    for (guint i = 0; i < keys->len; i++) {
        g_autofree char *name = full_name(g_ptr_array_index(keys, i));

        g_strv_builder_add(names, name);
        if (is_meant(g_ptr_array_index(keys, i), word))
            g_ptr_array_add(chosen, g_ptr_array_index(keys, i));
    }
    if (chosen->len > 0)
        return g_steal_pointer(&chosen);
    all = g_strv_builder_end(names);
    nearest = text_nearest(word, (const char *const *) all);
    if (nearest != NULL)
        advice = g_strdup_printf(_("did you mean \"%s\"?"), nearest);
    else
        advice = g_strdup(_("\"hvd config\" lists the keys"));
    failure_set(error, HVD_ERROR_NOT_FOUND, advice, _("there is no key \"%s\""), word);
    return NULL;
}

/* ---- for eyes ---- */

/* A member as text, whatever its type. */
static char *
member_text(JsonObject *key, const char *name)
{
    JsonNode *node = json_object_get_member(key, name);

    if (node == NULL)
        return NULL;
    if (document_text(key, name) != NULL)
        return g_strdup(document_text(key, name));
    return document_print(node);
}

/* (nullable): a member in words that the driver marks, and has no locale to translate: types here,
 * summaries and descriptions in the schema of its configuration. */
static char *
member_words(JsonObject *key, const char *name)
{
    static const char *const types[] G_GNUC_UNUSED = {
        N_("string"), N_("secret reference"), N_("choice"),
        N_("list"),   N_("boolean"),          N_("integer"),
    };
    const char *text = document_text(key, name);

    return text != NULL && text[0] != '\0' ? g_strdup(_(text)) : NULL;
}

static void
show_keys(Output *output, const GPtrArray *keys)
{
    static const Column columns[] = {{N_("KEY")}, {N_("VALUE"), FALSE, TRUE}, {N_("MEANING")}};
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));

    for (guint i = 0; i < keys->len; i++) {
        JsonObject *key = g_ptr_array_index(keys, i);
        const char *value = document_text(key, "value");
        g_autofree char *otherwise = member_text(key, "default");

        table_row(table);
        table_take(table, full_name(key));
        table_cell_styled(table, value != NULL ? value : otherwise,
                          value != NULL ? STYLE_PLAIN : STYLE_FAINT);
        table_take(table, member_words(key, "summary"));
    }
    output_table(output, table);
}

static void
add_fact(Table *table, const char *name, char *value)
{
    if (value != NULL) {
        table_row(table);
        table_cell(table, name);
        table_cell(table, value);
    }
    g_free(value);
}

static void
show_key(Output *output, JsonObject *key)
{
    static const Column columns[] = {{NULL}, {NULL, FALSE, TRUE}};
    g_autoptr(Table) facts = table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *description = member_words(key, "description");
    g_autofree char *safe = text_escape(description != NULL ? description : "");
    guint width = output_width(STDOUT_FILENO);

    add_fact(facts, _("Key"), full_name(key));
    add_fact(facts, _("Meaning"), member_words(key, "summary"));
    add_fact(facts, _("Type"), member_words(key, "type"));
    add_fact(facts, _("Values"), settings_describe_values(key));
    add_fact(facts, _("Default"), member_text(key, "default"));
    add_fact(facts, _("In force"), member_text(key, "value"));
    output_table(output, facts);
    text_wrap(text, safe, 0, width > 20 ? MIN(width, 80) : 80);
    output_text(output, "\n");
    output_text(output, text->str);
}

/* ---- the command ---- */

static void
print_keys(Output *output, const GPtrArray *keys)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);
    g_autoptr(JsonArray) array = json_array_new();
    g_autofree char *text = NULL;

    for (guint i = 0; i < keys->len; i++)
        json_array_add_object_element(array, json_object_ref(g_ptr_array_index(keys, i)));
    json_node_set_array(node, array);
    text = document_print(node);
    output_json(output, text);
}

static void
note_faults(Output *output, const GPtrArray *keys, GKeyFile *values)
{
    g_autoptr(GPtrArray) faults = settings_find_faults(keys, values);

    for (guint i = 0; i < faults->len; i++)
        output_tell(output, _("note: %s"), (const char *) g_ptr_array_index(faults, i));
}

gboolean
cmd_config(Shim *shim, GError **error)
{
    const HvdDriver *driver = shim_load(shim, error);
    g_autoptr(GKeyFile) values = driver != NULL ? read_values(shim->arguments, error) : NULL;
    g_autofree char *text = NULL;
    g_autoptr(JsonNode) described = NULL;
    g_autoptr(GPtrArray) keys = NULL;
    g_autoptr(GPtrArray) chosen = NULL;

    if (values == NULL)
        return FALSE;
    text = HVD_HAS(driver, describe_config) ? driver->describe_config() : NULL;
    described = text != NULL ? document_parse(text) : NULL;
    keys = document_elements(described);
    if (keys->len == 0) {
        failure_set(error, HVD_ERROR_UNSUPPORTED, NULL,
                    _("the driver %s does not describe its configuration"), driver->name);
        return FALSE;
    }
    chosen = choose(keys, arguments_operand(shim->arguments, 0), error);
    if (chosen == NULL)
        return FALSE;
    note_faults(shim->output, keys, values);
    add_values(chosen, values);
    if (shim->output->json)
        print_keys(shim->output, chosen);
    else if (chosen->len == 1)
        show_key(shim->output, g_ptr_array_index(chosen, 0));
    else
        show_keys(shim->output, chosen);
    return TRUE;
}
