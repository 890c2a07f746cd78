#include "scenario.h"

#include "arguments.h"
#include "document.h"
#include "expect.h"
#include "failure.h"
#include "payload.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

#define MOST_STEPS 1000
#define MOST_EXIT  255

/* Where the reader is. */
typedef struct {
    const char *path;
    GHashTable *values; /* name -> a value that every option takes */
    GString *pointer;
} Reader;

static void
step_free(gpointer data)
{
    ScenarioStep *step = data;

    g_strfreev(step->words);
    g_free(step);
}

void
scenario_free(Scenario *scenario)
{
    g_ptr_array_unref(scenario->steps);
    g_clear_pointer(&scenario->root, json_node_unref);
    g_free(scenario);
}

char *
scenario_print_words(char **words)
{
    g_autoptr(GString) line = g_string_new(NULL);

    for (guint i = 0; words[i] != NULL; i++) {
        gboolean is_plain = words[i][0] != '\0' && strpbrk(words[i], " \t\n'\"\\") == NULL;
        g_autofree char *quoted = is_plain ? g_strdup(words[i]) : g_shell_quote(words[i]);

        g_string_append_printf(line, "%s%s", i > 0 ? " " : "", quoted);
    }
    return g_string_free(g_steal_pointer(&line), FALSE);
}

/* ---- refusals ---- */

/* @what: translated */
static gboolean
refuse(const Reader *reader, GError **error, const char *what)
{
    failure_set(error, HVD_ERROR_INVALID, _("see \"hvd help scenario\""), "%s: \"%s\": %s",
                reader->path, reader->pointer->str, what);
    return FALSE;
}

/* Below @member; taken back with g_string_truncate(). */
static gsize
enter(Reader *reader, const char *member)
{
    gsize before = reader->pointer->len;

    expect_append_pointer(reader->pointer, member);
    return before;
}

static gsize
enter_index(Reader *reader, guint index)
{
    g_autofree char *member = g_strdup_printf("%u", index);

    return enter(reader, member);
}

static gboolean
check_members(Reader *reader, JsonObject *object, const char *const *known, GError **error)
{
    g_autoptr(GList) names = json_object_get_members(object);

    for (GList *name = names; name != NULL; name = name->next) {
        if (g_strv_contains(known, name->data))
            continue;
        enter(reader, name->data);
        return refuse(reader, error, _("there is no such member"));
    }
    return TRUE;
}

/* ---- one member each; the pointer is that of the member ---- */

static gboolean
holds_text(JsonNode *node)
{
    return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
}

/* (nullable) */
static char *
expand(Reader *reader, const char *text, GError **error)
{
    g_autofree char *missing = NULL;
    g_autofree char *problem = NULL;
    char *expanded = expect_expand(text, reader->values, &missing);

    if (expanded == NULL) {
        problem = g_strdup_printf(_("no step before this one saves \"%s\""), missing);
        refuse(reader, error, problem);
    }
    return expanded;
}

/* "-", or "--image=-" */
static gboolean
is_standard_stream(const char *word)
{
    const char *equals = g_str_has_prefix(word, "--") ? strchr(word, '=') : NULL;

    return strcmp(equals != NULL ? equals + 1 : word, "-") == 0;
}

static gboolean
read_words(Reader *reader, JsonArray *array, GStrvBuilder *words, GStrvBuilder *expanded,
           GError **error)
{
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *element = json_array_get_element(array, i);
        gsize before = enter_index(reader, i);
        g_autofree char *word = NULL;

        if (!holds_text(element))
            return refuse(reader, error, _("expected a text"));
        if (is_standard_stream(json_node_get_string(element)))
            return refuse(reader, error, _("standard input and output are not a step's"));
        word = expand(reader, json_node_get_string(element), error);
        if (word == NULL)
            return FALSE;
        g_strv_builder_add(words, json_node_get_string(element));
        g_strv_builder_add(expanded, word);
        g_string_truncate(reader->pointer, before);
    }
    return TRUE;
}

/* (nullable): an option that is the scenario's as a whole */
static const char *
find_foreign_option(const Arguments *arguments)
{
    static const char *const own[] = {"plan", "timeout", NULL};

    for (const Option *option = global_options; option->name != NULL; option++) {
        if (arguments_has(arguments, option->name) && !g_strv_contains(own, option->name))
            return option->name;
    }
    return NULL;
}

static gboolean
check_command(Reader *reader, char **words, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(Arguments) arguments = arguments_parse(words, &cause);
    const Command *command = arguments != NULL ? arguments_get_command(arguments) : NULL;
    const char *option = arguments != NULL ? find_foreign_option(arguments) : NULL;
    g_autofree char *problem = NULL;

    if (arguments == NULL)
        return refuse(reader, error, cause->message);
    if (option != NULL)
        problem = g_strdup_printf(_("--%s stands before \"scenario\", not in a step"), option);
    else if (command == NULL)
        problem = g_strdup(_("there is no command"));
    else if (command->group == GROUP_SHIM)
        problem = g_strdup_printf(_("\"%s\" is no command for a step"), command->name);
    else if ((command->flags & COMMAND_ENDLESS) != 0)
        problem = g_strdup_printf(_("\"%s\" would never end"), command->name);
    else if (arguments_has(arguments, "follow"))
        problem = g_strdup(_("--follow would never end"));
    return problem == NULL || refuse(reader, error, problem);
}

static gboolean
read_run(Reader *reader, JsonNode *node, ScenarioStep *step, GError **error)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autoptr(GStrvBuilder) expanded = g_strv_builder_new();
    g_auto(GStrv) as_run = NULL;

    if (!JSON_NODE_HOLDS_ARRAY(node) || json_array_get_length(json_node_get_array(node)) == 0)
        return refuse(reader, error, _("expected a list of words, the command first"));
    if (!read_words(reader, json_node_get_array(node), words, expanded, error))
        return FALSE;
    step->words = g_strv_builder_end(words);
    as_run = g_strv_builder_end(expanded);
    return check_command(reader, as_run, error);
}

static gboolean
read_exit(Reader *reader, JsonNode *node, ScenarioStep *step, GError **error)
{
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64 ||
        json_node_get_int(node) < 0 || json_node_get_int(node) > MOST_EXIT)
        return refuse(reader, error, _("expected an exit status, 0 to 255"));
    step->exit = (int) json_node_get_int(node);
    return TRUE;
}

/* The variables in all texts of it. */
static gboolean
check_json(Reader *reader, JsonNode *node, GError **error)
{
    g_autoptr(GList) members = NULL;
    g_autofree char *text = NULL;

    if (holds_text(node)) {
        text = expand(reader, json_node_get_string(node), error);
        return text != NULL;
    }
    if (JSON_NODE_HOLDS_OBJECT(node))
        members = json_object_get_values(json_node_get_object(node));
    else if (JSON_NODE_HOLDS_ARRAY(node))
        members = json_array_get_elements(json_node_get_array(node));
    for (GList *member = members; member != NULL; member = member->next) {
        if (!check_json(reader, member->data, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_json(Reader *reader, JsonNode *node, ScenarioStep *step, GError **error)
{
    step->json = node;
    return check_json(reader, node, error);
}

static gboolean
read_stderr(Reader *reader, JsonNode *node, ScenarioStep *step, GError **error)
{
    if (!holds_text(node) || json_node_get_string(node)[0] == '\0')
        return refuse(reader, error, _("expected a text"));
    step->text = json_node_get_string(node);
    return check_json(reader, node, error);
}

static gboolean
read_comment(Reader *reader, JsonNode *node, ScenarioStep *step, GError **error)
{
    if (!holds_text(node))
        return refuse(reader, error, _("expected a text"));
    step->comment = json_node_get_string(node);
    return TRUE;
}

static gboolean
read_save(Reader *reader, JsonNode *node, ScenarioStep *step, GError **error)
{
    g_autoptr(GList) names = NULL;

    if (!JSON_NODE_HOLDS_OBJECT(node))
        return refuse(reader, error, _("expected an object"));
    step->save = json_node_get_object(node);
    names = json_object_get_members(step->save);
    for (GList *name = names; name != NULL; name = name->next) {
        JsonNode *pointer = json_object_get_member(step->save, name->data);
        gsize before = enter(reader, name->data);

        if (!expect_is_name(name->data))
            return refuse(reader, error, _("a name has letters, digits and _, no digit first"));
        if (!holds_text(pointer) || !expect_is_pointer(json_node_get_string(pointer)))
            return refuse(reader, error, _("expected a JSON Pointer, like /node/name"));
        g_string_truncate(reader->pointer, before);
    }
    return TRUE;
}

/* ---- objects ---- */

typedef struct {
    const char *name;
    gboolean (*read)(Reader *reader, JsonNode *node, ScenarioStep *step, GError **error);
} Member;

static gboolean
read_members(Reader *reader, JsonNode *node, const Member *members, guint n, ScenarioStep *step,
             GError **error)
{
    JsonObject *object = json_node_get_object(node);

    for (guint i = 0; i < n; i++) {
        JsonNode *member = json_object_get_member(object, members[i].name);
        gsize before = enter(reader, members[i].name);

        if (member != NULL && !members[i].read(reader, member, step, error))
            return FALSE;
        g_string_truncate(reader->pointer, before);
    }
    return TRUE;
}

static gboolean
read_expect(Reader *reader, JsonNode *node, ScenarioStep *step, GError **error)
{
    static const char *const names[] = {"exit", "json", "stderr", NULL};
    static const Member members[] = {
        {"exit", read_exit}, {"json", read_json}, {"stderr", read_stderr}};

    if (!JSON_NODE_HOLDS_OBJECT(node))
        return refuse(reader, error, _("expected an object"));
    return check_members(reader, json_node_get_object(node), names, error) &&
           read_members(reader, node, members, G_N_ELEMENTS(members), step, error);
}

/* What the step saves is there for the next one. */
static void
learn_names(Reader *reader, const ScenarioStep *step)
{
    g_autoptr(GList) names = step->save != NULL ? json_object_get_members(step->save) : NULL;

    for (GList *name = names; name != NULL; name = name->next)
        g_hash_table_insert(reader->values, name->data, (gpointer) "1");
}

static gboolean
read_step(Reader *reader, JsonNode *node, ScenarioStep *step, GError **error)
{
    static const char *const names[] = {"run", "expect", "save", "comment", NULL};
    static const Member members[] = {
        {"run", read_run}, {"expect", read_expect}, {"save", read_save}, {"comment", read_comment}};

    if (!JSON_NODE_HOLDS_OBJECT(node))
        return refuse(reader, error, _("expected an object with \"run\""));
    if (!check_members(reader, json_node_get_object(node), names, error))
        return FALSE;
    if (!json_object_has_member(json_node_get_object(node), "run"))
        return refuse(reader, error, _("\"run\" is missing"));
    if (!read_members(reader, node, members, G_N_ELEMENTS(members), step, error))
        return FALSE;
    learn_names(reader, step);
    return TRUE;
}

static gboolean
read_steps(Reader *reader, Scenario *scenario, GError **error)
{
    JsonArray *array = scenario->root != NULL && JSON_NODE_HOLDS_ARRAY(scenario->root)
                           ? json_node_get_array(scenario->root)
                           : NULL;
    guint n = array != NULL ? json_array_get_length(array) : 0;

    if (scenario->root == NULL)
        return refuse(reader, error, _("it is no JSON"));
    if (n == 0 || n > MOST_STEPS)
        return refuse(reader, error, _("expected a list of 1 to 1000 steps"));
    for (guint i = 0; i < n; i++) {
        ScenarioStep *step = g_new0(ScenarioStep, 1);
        gsize before = enter_index(reader, i);

        g_ptr_array_add(scenario->steps, step);
        if (!read_step(reader, json_array_get_element(array, i), step, error))
            return FALSE;
        g_string_truncate(reader->pointer, before);
    }
    return TRUE;
}

Scenario *
scenario_read(const char *path, GError **error)
{
    g_autoptr(Payload) payload = payload_read(path, error);
    g_autoptr(Scenario) scenario = NULL;
    g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) pointer = g_string_new(NULL);
    Reader reader = {
        .path = strcmp(path, "-") == 0 ? _("standard input") : path,
        .values = values,
        .pointer = pointer,
    };

    if (payload == NULL)
        return NULL;
    scenario = g_new0(Scenario, 1);
    scenario->steps = g_ptr_array_new_with_free_func(step_free);
    scenario->root = document_parse(payload_get_text(payload));
    return read_steps(&reader, scenario, error) ? g_steal_pointer(&scenario) : NULL;
}
