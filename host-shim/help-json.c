/* The tables of help as one JSON object. */
#include "help.h"

#include "document.h"
#include "failure.h"

#include <glib/gi18n.h>

static void
set_text(JsonObject *object, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_object_set_string_member(object, name, text);
}

/* Without what is not there. */
static void
set_translated(JsonObject *object, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_object_set_string_member(object, name, _(text));
}

/* ---- options ---- */

static const char *const kind_names[] = {
    [OPTION_FLAG] = "flag",   [OPTION_TEXT] = "text",     [OPTION_LIST] = "list",
    [OPTION_MAYBE] = "maybe", [OPTION_NUMBER] = "number", [OPTION_SIZE] = "size",
};

static JsonObject *
describe_option(const Option *option)
{
    JsonObject *object = json_object_new();
    char letter[] = {option->letter, '\0'};

    set_text(object, "name", option->name);
    set_text(object, "letter", letter);
    set_text(object, "kind", kind_names[option->kind]);
    set_translated(object, "value", option->value);
    set_translated(object, "summary", option->summary);
    if (option->kind == OPTION_NUMBER) {
        json_object_set_int_member(object, "least", option->least);
        json_object_set_int_member(object, "most", option->most);
    }
    return object;
}

/* @options, @last: (nullable) */
static JsonArray *
describe_options(const Option *options, const Option *last)
{
    JsonArray *array = json_array_new();

    for (; options != NULL && options->name != NULL; options++)
        json_array_add_object_element(array, describe_option(options));
    if (last != NULL)
        json_array_add_object_element(array, describe_option(last));
    return array;
}

/* ---- commands ---- */

static JsonArray *
describe_examples(const char *examples)
{
    g_auto(GStrv) lines = g_strsplit(examples != NULL ? examples : "", "\n", -1);
    JsonArray *array = json_array_new();

    for (guint i = 0; lines[i] != NULL; i++)
        json_array_add_string_element(array, lines[i]);
    return array;
}

static JsonObject *
describe_command(const Command *command)
{
    gboolean changes = (command->flags & COMMAND_CHANGES) != 0;
    JsonObject *object = json_object_new();

    set_text(object, "name", command->name);
    set_text(object, "operands", command->operands);
    set_text(object, "needs", command->needs);
    set_translated(object, "group", group_titles[command->group]);
    set_translated(object, "summary", command->summary);
    set_translated(object, "details", command->details);
    set_translated(object, "json", command->json);
    json_object_set_array_member(object, "examples", describe_examples(command->examples));
    json_object_set_array_member(object, "options",
                                 describe_options(command->options, changes ? &plan_option : NULL));
    return object;
}

static JsonArray *
describe_commands(void)
{
    JsonArray *array = json_array_new();

    for (const Command *command = commands; command->name != NULL; command++)
        json_array_add_object_element(array, describe_command(command));
    return array;
}

/* ---- the rest ---- */

static JsonArray *
describe_variables(void)
{
    JsonArray *array = json_array_new();

    for (const HelpVariable *variable = help_variables; variable->name != NULL; variable++) {
        JsonObject *object = json_object_new();

        set_text(object, "name", variable->name);
        set_translated(object, "meaning", variable->meaning);
        json_array_add_object_element(array, object);
    }
    return array;
}

void
help_print_json(Output *output)
{
    g_autoptr(JsonObject) all = json_object_new();
    g_autofree char *text = NULL;

    json_object_set_array_member(all, "commands", describe_commands());
    json_object_set_array_member(all, "options", describe_options(global_options, NULL));
    json_object_set_array_member(all, "exit_codes", failure_describe_codes());
    json_object_set_array_member(all, "variables", describe_variables());
    text = document_print_object(all);
    output_json(output, text);
}
