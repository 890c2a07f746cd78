/* scenario: commands one after the other, on one connection, held to what is expected of them. */
#include "cmd.h"
#include "document.h"
#include "expect.h"
#include "failure.h"
#include "scenario.h"

#include <glib/gi18n.h>
#include <string.h>

/* What became of a step. */
typedef struct {
    GStrv words; /* as they were run */
    char *line;  /* the same, as one would type them */
    gboolean ran;
    int exit;
    JsonNode *answer; /* (nullable) */
    char *text;       /* of stderr, as it is without --json */
    char *problem;    /* (nullable): what was not as expected */
    GError *error;    /* (nullable): why the command failed */
} Outcome;

typedef struct {
    Shim *shim;
    Scenario *scenario;
    GHashTable *values;  /* what has been saved: name -> text */
    GPtrArray *outcomes; /* of Outcome, one a step */
} Play;

static void
outcome_free(gpointer data)
{
    Outcome *outcome = data;

    g_strfreev(outcome->words);
    g_free(outcome->line);
    g_clear_pointer(&outcome->answer, json_node_unref);
    g_free(outcome->text);
    g_free(outcome->problem);
    g_clear_error(&outcome->error);
    g_free(outcome);
}

static void
play_clear(Play *play)
{
    g_clear_pointer(&play->scenario, scenario_free);
    g_clear_pointer(&play->values, g_hash_table_unref);
    g_clear_pointer(&play->outcomes, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Play, play_clear)

static GStrv
expand_words(char **words, GHashTable *values)
{
    g_autoptr(GStrvBuilder) expanded = g_strv_builder_new();

    for (guint i = 0; words[i] != NULL; i++) {
        g_autofree char *missing = NULL;
        g_autofree char *word = expect_expand(words[i], values, &missing);

        /* what is not known yet is shown as it stands there */
        g_strv_builder_add(expanded, word != NULL ? word : words[i]);
    }
    return g_strv_builder_end(expanded);
}

/* ---- running ---- */

/* One value as it is; of several, a line each, an array. */
static JsonNode *
parse_answer(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(JsonArray) array = json_array_new();
    JsonNode *node;

    for (guint i = 0; lines[i] != NULL; i++) {
        JsonNode *value = lines[i][0] != '\0' ? document_parse(lines[i]) : NULL;

        if (value != NULL)
            json_array_add_element(array, value);
    }
    if (json_array_get_length(array) == 0)
        return NULL;
    if (json_array_get_length(array) == 1)
        return json_array_dup_element(array, 0);
    node = json_node_new(JSON_NODE_ARRAY);
    json_node_set_array(node, array);
    return node;
}

static gboolean
run_command(Shim *whole, char **words, Output *output, GError **error)
{
    g_autoptr(Arguments) arguments = arguments_parse(words, error);
    Shim part = {0};
    gboolean done;

    if (arguments == NULL)
        return FALSE;
    done = shim_borrow(&part, whole, arguments, output, error) &&
           shim_run(&part, arguments_get_command(arguments), error);
    shim_return(&part);
    progress_end(whole->progress);
    return done;
}

static void
run_step(Shim *shim, Outcome *outcome)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GString) err = g_string_new(NULL);
    Output output;

    outcome->ran = TRUE;
    output_capture(&output, out, err);
    if (!run_command(shim, outcome->words, &output, &outcome->error)) {
        g_autofree char *document = failure_print_json(outcome->error);
        g_autofree char *text = failure_print(outcome->error, FALSE);

        outcome->exit = failure_get_exit_status(outcome->error);
        outcome->answer = document_parse(document);
        g_string_append(err, text);
    } else {
        outcome->answer = parse_answer(out->str);
    }
    outcome->text = g_strdup(err->str);
}

/* ---- what was expected ---- */

static char *
find_problem(const ScenarioStep *step, const Outcome *outcome, GHashTable *values)
{
    g_autofree char *missing = NULL;
    g_autofree char *text = step->text != NULL ? expect_expand(step->text, values, &missing) : NULL;

    if (outcome->exit != step->exit)
        return g_strdup_printf(_("expected exit status %d, not %d"), step->exit, outcome->exit);
    if (text != NULL && strstr(outcome->text, text) == NULL)
        return g_strdup_printf(_("standard error does not have \"%s\""), text);
    return step->json != NULL ? expect_compare(step->json, outcome->answer, values) : NULL;
}

static char *
save(const ScenarioStep *step, const Outcome *outcome, GHashTable *values)
{
    g_autoptr(GList) names = step->save != NULL ? json_object_get_members(step->save) : NULL;

    for (GList *name = names; name != NULL; name = name->next) {
        const char *pointer = document_text(step->save, name->data);
        JsonNode *node = expect_find(outcome->answer, pointer);

        if (node == NULL)
            return g_strdup_printf(_("there is no %s in the answer to save"), pointer);
        if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING)
            g_hash_table_insert(values, g_strdup(name->data), json_node_dup_string(node));
        else
            g_hash_table_insert(values, g_strdup(name->data), document_print(node));
    }
    return NULL;
}

/* ---- step after step ---- */

static void
tell_step(const Play *play, guint number, const Outcome *outcome)
{
    const ScenarioStep *step = g_ptr_array_index(play->scenario->steps, number);

    if (step->comment != NULL)
        output_note(play->shim->output, _("step %u of %u: %s (%s)"), number + 1,
                    play->scenario->steps->len, outcome->line, step->comment);
    else
        output_note(play->shim->output, _("step %u of %u: %s"), number + 1,
                    play->scenario->steps->len, outcome->line);
}

static void
play_step(Play *play, guint number)
{
    const ScenarioStep *step = g_ptr_array_index(play->scenario->steps, number);
    Outcome *outcome = g_ptr_array_index(play->outcomes, number);

    g_strfreev(outcome->words);
    g_free(outcome->line);
    outcome->words = expand_words(step->words, play->values);
    outcome->line = scenario_print_words(outcome->words);
    tell_step(play, number, outcome);
    run_step(play->shim, outcome);
    outcome->problem = find_problem(step, outcome, play->values);
    if (outcome->problem == NULL)
        outcome->problem = save(step, outcome, play->values);
}

static gboolean
fail(guint number, const Outcome *outcome, GError **error)
{
    /* the command's own failure says more than that it was not expected */
    if (outcome->error != NULL) {
        g_propagate_error(error, g_error_copy(outcome->error));
        g_prefix_error(error, _("step %u (%s): %s: "), number + 1, outcome->line, outcome->problem);
        return FALSE;
    }
    failure_set(error, HVD_ERROR_FAILED, NULL, _("step %u (%s): %s"), number + 1, outcome->line,
                outcome->problem);
    return FALSE;
}

/* Stops at the first one that is not as expected. */
static gboolean
play_steps(Play *play, GError **error)
{
    for (guint i = 0; i < play->outcomes->len; i++) {
        const Outcome *outcome = g_ptr_array_index(play->outcomes, i);

        if (!shim_check_cancelled(play->shim, error))
            return FALSE;
        play_step(play, i);
        if (outcome->problem != NULL)
            return fail(i, outcome, error);
    }
    return TRUE;
}

/* ---- what came of it ---- */

static const char *
result_of(const Outcome *outcome)
{
    if (!outcome->ran)
        return N_("not run");
    return outcome->problem == NULL ? N_("ok") : N_("failed");
}

static void
show_steps(const Play *play)
{
    static const Column columns[] = {{N_("STEP"), TRUE, FALSE},
                                     {N_("RESULT")},
                                     {N_("EXIT"), TRUE, FALSE},
                                     {N_("COMMAND"), FALSE, TRUE}};
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));

    for (guint i = 0; i < play->outcomes->len; i++) {
        const Outcome *outcome = g_ptr_array_index(play->outcomes, i);
        Style style = outcome->problem != NULL ? STYLE_BAD
                      : outcome->ran           ? STYLE_GOOD
                                               : STYLE_FAINT;

        table_row(table);
        table_take(table, g_strdup_printf("%u", i + 1));
        table_cell_styled(table, _(result_of(outcome)), style);
        table_take(table, outcome->ran ? g_strdup_printf("%d", outcome->exit) : NULL);
        table_cell(table, outcome->line);
    }
    output_table(play->shim->output, table);
}

static JsonObject *
describe_outcome(const Outcome *outcome)
{
    JsonObject *object = json_object_new();
    JsonArray *words = json_array_new();

    for (guint i = 0; outcome->words[i] != NULL; i++)
        json_array_add_string_element(words, outcome->words[i]);
    json_object_set_array_member(object, "run", words);
    json_object_set_string_member(object, "result", result_of(outcome));
    if (!outcome->ran)
        return object;
    json_object_set_int_member(object, "exit", outcome->exit);
    if (outcome->answer != NULL)
        json_object_set_member(object, "answer", json_node_copy(outcome->answer));
    if (outcome->problem != NULL)
        json_object_set_string_member(object, "problem", outcome->problem);
    return object;
}

static void
print_steps(const Play *play, gboolean ok)
{
    g_autoptr(JsonObject) object = json_object_new();
    g_autofree char *text = NULL;
    JsonArray *steps = json_array_new();

    for (guint i = 0; i < play->outcomes->len; i++)
        json_array_add_object_element(steps,
                                      describe_outcome(g_ptr_array_index(play->outcomes, i)));
    json_object_set_boolean_member(object, "ok", ok);
    json_object_set_array_member(object, "steps", steps);
    text = document_print_object(object);
    output_json(play->shim->output, text);
}

/* ---- the command ---- */

static void
prepare(Play *play)
{
    play->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    play->outcomes = g_ptr_array_new_with_free_func(outcome_free);
    for (guint i = 0; i < play->scenario->steps->len; i++) {
        const ScenarioStep *step = g_ptr_array_index(play->scenario->steps, i);
        Outcome *outcome = g_new0(Outcome, 1);

        outcome->words = g_strdupv(step->words);
        outcome->line = scenario_print_words(outcome->words);
        g_ptr_array_add(play->outcomes, outcome);
    }
}

gboolean
cmd_scenario(Shim *shim, GError **error)
{
    g_auto(Play) play = {.shim = shim};
    gboolean is_plan = arguments_has(shim->arguments, "plan");
    gboolean ok;

    play.scenario = scenario_read(arguments_operand(shim->arguments, 0), error);
    if (play.scenario == NULL)
        return FALSE;
    prepare(&play);
    if (!is_plan && shim_connect(shim, error) == NULL)
        return FALSE;
    ok = is_plan || play_steps(&play, error);
    if (shim->output->json)
        print_steps(&play, ok);
    else
        show_steps(&play);
    return ok;
}
