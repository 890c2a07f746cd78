/* help, and what is said where the command line is empty. All of it comes from the table. */
#include "help.h"

#include "cmd.h"
#include "failure.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define WIDEST 100

static guint
help_width(void)
{
    guint width = output_width(STDOUT_FILENO);

    return width >= 40 ? MIN(width, WIDEST) : 80;
}

static void
append_title(GString *out, const char *title, gboolean colours)
{
    g_string_append_printf(out, "\n%s%s%s\n", style_begin(STYLE_TITLE, colours), title,
                           style_end(STYLE_TITLE, colours));
}

/* "  left     right, wrapped under itself" */
static void
append_entry(GString *out, const char *left, guint left_width, const char *right)
{
    g_autoptr(GString) wrapped = g_string_new(NULL);

    g_string_append(out, "  ");
    text_pad(out, left, left_width, FALSE);
    g_string_append(out, "  ");
    text_wrap(wrapped, right, left_width + 4, help_width());
    g_string_append(out, wrapped->str + MIN(left_width + 4, wrapped->len));
}

/* ---- options ---- */

static char *
spell_option(const Option *option)
{
    g_autofree char *letter =
        option->letter != 0 ? g_strdup_printf("-%c, ", option->letter) : g_strdup("");

    if (option->kind == OPTION_FLAG)
        return g_strdup_printf("%s--%s", letter, option->name);
    if (option->kind == OPTION_MAYBE)
        return g_strdup_printf("%s--%s[=%s]", letter, option->name, _(option->value));
    return g_strdup_printf("%s--%s %s", letter, option->name, _(option->value));
}

static void
measure(const Option *option, guint *width)
{
    g_autofree char *spelling = spell_option(option);

    *width = MAX(*width, text_width(spelling));
}

static void
append_option(GString *out, const Option *option, guint width)
{
    g_autofree char *spelling = spell_option(option);

    append_entry(out, spelling, width, _(option->summary));
}

/* @options: (nullable); @last: (nullable): one more */
static void
append_options(GString *out, const Option *options, const Option *last)
{
    guint width = 0;

    if (last != NULL)
        measure(last, &width);
    for (const Option *option = options; option != NULL && option->name != NULL; option++)
        measure(option, &width);
    for (const Option *option = options; option != NULL && option->name != NULL; option++)
        append_option(out, option, width);
    if (last != NULL)
        append_option(out, last, width);
}

/* ---- the whole ---- */

static void
append_commands(GString *out, gboolean colours)
{
    guint width = 0;

    for (const Command *command = commands; command->name != NULL; command++) {
        g_autofree char *spelling = commands_spell(command);

        width = MAX(width, text_width(spelling));
    }
    for (guint group = 0; group < N_GROUPS; group++) {
        append_title(out, _(group_titles[group]), colours);
        for (const Command *command = commands; command->name != NULL; command++) {
            g_autofree char *spelling = commands_spell(command);

            if (command->group == group)
                append_entry(out, spelling, width, _(command->summary));
        }
    }
}

#define USAGE N_("Usage: hvd [OPTION...] COMMAND [ARGUMENT...]\n")

void
help_print_usage(Output *output)
{
    output_stderr(output, _(USAGE));
    output_stderr(output, _("Try \"hvd list\", \"hvd nodes\" or \"hvd help\".\n"));
}

static void
print_all(Output *output)
{
    g_autoptr(GString) out = g_string_new(_(USAGE));

    text_wrap(out,
              _("Drives a XenServer or XCP-ng pool. Without any configuration it uses a simulated "
                "pool of its own, so that everything can be tried at once."),
              0, help_width());
    append_commands(out, output->out_colours);
    append_title(out, _("Options"), output->out_colours);
    append_options(out, global_options, NULL);
    append_title(out, _("More"), output->out_colours);
    append_entry(out, _("hvd help COMMAND"), 20, _("a command, its options, examples"));
    for (const HelpTopic *topic = help_topics; topic->name != NULL; topic++) {
        g_autofree char *words = g_strconcat("hvd help ", topic->name, NULL);

        append_entry(out, words, 20, _(topic->about));
    }
    output_text(output, out->str);
}

/* ---- one command ---- */

static void
append_examples(GString *out, const char *examples)
{
    g_auto(GStrv) lines = g_strsplit(examples, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++)
        g_string_append_printf(out, "  hvd %s\n", lines[i]);
}

static void
print_command(Output *output, const Command *command)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *spelling = commands_spell(command);
    const Option *plan = (command->flags & COMMAND_CHANGES) != 0 ? &plan_option : NULL;

    g_string_append_printf(out, _("Usage: hvd [OPTION...] %s\n"), spelling);
    text_wrap(out, _(command->summary), 0, help_width());
    if (command->details != NULL) {
        g_string_append_c(out, '\n');
        text_wrap(out, _(command->details), 0, help_width());
    }
    if (command->options != NULL || plan != NULL) {
        append_title(out, _("Options"), output->out_colours);
        append_options(out, command->options, plan);
    }
    append_title(out, _("With --json"), output->out_colours);
    text_wrap(out, _(command->json), 2, help_width());
    if (command->examples != NULL) {
        append_title(out, _("Examples"), output->out_colours);
        append_examples(out, command->examples);
    }
    output_text(output, out->str);
}

/* The commands of a family: "power", "volume". */
static void
print_family(Output *output, const char *prefix)
{
    g_autoptr(GString) out = g_string_new(NULL);
    gsize length = strlen(prefix);

    g_string_append_printf(out, _("Usage: hvd [OPTION...] %s ...\n\n"), prefix);
    for (const Command *command = commands; command->name != NULL; command++) {
        g_autofree char *spelling = commands_spell(command);

        if (strncmp(command->name, prefix, length) == 0 && command->name[length] == ' ')
            append_entry(out, spelling, 30, _(command->summary));
    }
    output_text(output, out->str);
}

/* ---- topics ---- */

static void
print_exit_codes(Output *output)
{
    g_autofree char *text = failure_print_table(output->out_colours, output_width(STDOUT_FILENO));

    output_text(output, text);
}

const HelpVariable help_variables[] = {
    {"HVD_CREDENTIAL",
     N_("a reference to the pool's password. file:PATH: a file that only its owner can read. "
        "credential:NAME: of the service manager. fd:N: an open descriptor. "
        "secret-service:NAME=VALUE[,...]: the one item of the session's Secret Service (a "
        "keyring) that has these attributes. env:VARIABLE: another variable, read once and "
        "removed; the weakest of these. Without it, and without pool.password of a "
        "configuration, it is asked for at the terminal. Empty it is refused.")},
    {"XDG_STATE_HOME", N_("where the simulated pool lives, in hvd/simulated")},
    {"NO_COLOR", N_("no colours")},
    {"TERM", N_("with \"dumb\": no colours, no line that is written over")},
    {"LANG, LANGUAGE", N_("the language of these texts")},
    {NULL, NULL},
};

static void
print_environment(Output *output)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (const HelpVariable *variable = help_variables; variable->name != NULL; variable++)
        append_entry(out, variable->name, 14, _(variable->meaning));
    output_text(output, out->str);
}

const HelpTopic help_topics[] = {
    {"exit-codes", N_("what the exit status says"), print_exit_codes},
    {"environment", N_("variables, and where a password comes from"), print_environment},
    {NULL, NULL, NULL},
};

/* ---- the command ---- */

static gboolean
print_topic(Output *output, const char *name)
{
    for (const HelpTopic *topic = help_topics; topic->name != NULL; topic++) {
        if (strcmp(topic->name, name) != 0)
            continue;
        topic->print(output);
        return TRUE;
    }
    return FALSE;
}

static gboolean
refuse_topic(const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *advice = NULL;
    const char *nearest;

    for (const Command *command = commands; command->name != NULL; command++)
        g_ptr_array_add(names, (gpointer) command->name);
    for (const HelpTopic *topic = help_topics; topic->name != NULL; topic++)
        g_ptr_array_add(names, (gpointer) topic->name);
    g_ptr_array_add(names, NULL);
    nearest = text_nearest(name, (const char *const *) names->pdata);
    if (nearest != NULL)
        advice = g_strdup_printf(_("did you mean \"%s\"?"), nearest);
    else
        advice = g_strdup(_("see \"hvd help\""));
    failure_set(error, FAILURE_USAGE, advice, _("there is no help on \"%s\""), name);
    return FALSE;
}

gboolean
help_print(Output *output, const Command *command, const char *family)
{
    if (output->json)
        help_print_json(output);
    else if (command != NULL)
        print_command(output, command);
    else if (family != NULL)
        print_family(output, family);
    else
        print_all(output);
    return TRUE;
}

gboolean
cmd_help(Shim *shim, GError **error)
{
    const char *first = arguments_operand(shim->arguments, 0);
    const char *second = arguments_operand(shim->arguments, 1);
    g_autofree char *name = first != NULL ? g_strjoin(" ", first, second, NULL) : NULL;

    if (name == NULL || shim->output->json)
        return help_print(shim->output, NULL, NULL);
    if (commands_find(name) != NULL)
        return help_print(shim->output, commands_find(name), NULL);
    if (print_topic(shim->output, name))
        return TRUE;
    if (!commands_is_prefix(name))
        return refuse_topic(name, error);
    print_family(shim->output, name);
    return TRUE;
}
