/* complete: what can stand where a word is being typed, for the shells' completion. It never asks a
 * pool: names are those of the last look. */
#include "cmd.h"
#include "document.h"
#include "help.h"
#include "loader.h"
#include "names.h"
#include "settings.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

/* The last word of the line, and what stands before it. A line of the answer is "=WORD", or
 * "=WORD<tab>DESCRIPTION", or one of these words: */
#define FILES       "files\n"
#define DIRECTORIES "directories\n"

typedef struct {
    Beginning beginning;
    const char *option; /* "--node=" where the word begins so, else "" */
    const char *word;   /* behind it */
    GString *answer;
} Completion;

/* Text of a pool may be anything: what has to be escaped for a terminal is not offered. */
static gboolean
is_harmless(const char *text)
{
    g_autofree char *escaped = text_escape(text);

    return text[0] != '\0' && text[0] != '-' && strcmp(text, escaped) == 0;
}

/* @description: (nullable) */
static void
offer(Completion *completion, const char *word, const char *description)
{
    if (!g_str_has_prefix(word, completion->word))
        return;
    g_string_append_printf(completion->answer, "=%s%s", completion->option, word);
    if (description != NULL)
        g_string_append_printf(completion->answer, "\t%s", description);
    g_string_append_c(completion->answer, '\n');
}

/* ---- names of the pool ---- */

/* uuids are for those who have begun to type one */
static void
offer_names(Completion *completion, const char *member)
{
    g_autoptr(JsonNode) known = names_recall(completion->beginning.arguments);
    g_autoptr(GPtrArray) objects = document_objects(document_object(known), member);

    for (guint i = 0; i < objects->len; i++) {
        const char *name = document_text(g_ptr_array_index(objects, i), "name");
        const char *uuid = document_text(g_ptr_array_index(objects, i), "uuid");

        if (name != NULL && is_harmless(name))
            offer(completion, name, uuid);
        if (uuid != NULL && g_uuid_string_is_valid(uuid) && completion->word[0] != '\0')
            offer(completion, uuid, name != NULL && is_harmless(name) ? name : NULL);
    }
}

static void
offer_instances(Completion *completion)
{
    offer_names(completion, "instances");
}

static void
offer_nodes(Completion *completion)
{
    offer_names(completion, "nodes");
}

/* ---- files, and words that are always the same ---- */

static void
offer_files(Completion *completion)
{
    g_string_append(completion->answer, FILES);
}

static void
offer_directories(Completion *completion)
{
    g_string_append(completion->answer, DIRECTORIES);
}

static void
offer_answers(Completion *completion)
{
    offer(completion, "yes", NULL);
    offer(completion, "no", NULL);
}

static void
offer_firmware(Completion *completion)
{
    offer(completion, "bios", NULL);
    offer(completion, "uefi", NULL);
}

/* ---- keys of the configuration ---- */

static void
offer_config(Completion *completion, const char *end)
{
    g_autofree char *file = NULL;
    const HvdDriver *driver = loader_load(NULL, &file, NULL);
    g_autofree char *text =
        driver != NULL && HVD_HAS(driver, describe_config) ? driver->describe_config() : NULL;
    g_autoptr(JsonNode) described = text != NULL ? document_parse(text) : NULL;
    g_autoptr(GPtrArray) keys = document_elements(described);

    for (guint i = 0; i < keys->len; i++) {
        JsonObject *key = g_ptr_array_index(keys, i);
        g_autofree char *word =
            g_strconcat(document_text(key, "group"), ".", document_text(key, "key"), end, NULL);

        /* a word with a password in it is refused */
        if (!settings_is_secret(key) || end[0] == '\0')
            offer(completion, word, document_text(key, "summary"));
    }
}

static void
offer_keys(Completion *completion)
{
    offer_config(completion, "");
}

static void
offer_settings(Completion *completion)
{
    offer_config(completion, "=");
}

/* ---- commands ---- */

static gboolean
begins_with_word(const char *name, const char *word)
{
    gsize length = strlen(word);

    return strncmp(name, word, length) == 0 && name[length] == ' ';
}

/* The second words of a family. */
static void
offer_family(Completion *completion, const char *family)
{
    for (const Command *command = commands; command->name != NULL; command++) {
        if (begins_with_word(command->name, family))
            offer(completion, command->name + strlen(family) + 1, _(command->summary));
    }
}

/* "on, off, reboot": the second words of a family, for a description */
static char *
list_family(const char *family)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_auto(GStrv) all = NULL;

    for (const Command *command = commands; command->name != NULL; command++) {
        if (begins_with_word(command->name, family))
            g_strv_builder_add(words, command->name + strlen(family) + 1);
    }
    all = g_strv_builder_end(words);
    return g_strjoinv(", ", all);
}

/* First words; of a family only once. */
static void
offer_commands(Completion *completion)
{
    g_autofree char *family = g_strdup("");

    for (const Command *command = commands; command->name != NULL; command++) {
        gsize length = strcspn(command->name, " ");
        g_autofree char *words = NULL;

        if (command->name[length] == '\0')
            offer(completion, command->name, _(command->summary));
        if (command->name[length] == '\0' || begins_with_word(command->name, family))
            continue;
        g_free(family);
        family = g_strndup(command->name, length);
        words = list_family(family);
        offer(completion, family, words);
    }
}

/* Of help. */
static void
offer_topics(Completion *completion)
{
    offer_commands(completion);
    for (const HelpTopic *topic = help_topics; topic->name != NULL; topic++)
        offer(completion, topic->name, _(topic->about));
}

/* Of help: the second word of a command. */
static void
offer_second_words(Completion *completion)
{
    const char *first = arguments_operand(completion->beginning.arguments, 0);

    if (first != NULL)
        offer_family(completion, first);
}

/* ---- what a word stands for ---- */

static const struct {
    const char *kind; /* of an operand, or the value of an option */
    void (*offer)(Completion *completion);
} kinds[] = {
    {"INSTANCE", offer_instances}, {"NODE", offer_nodes},
    {"FILE", offer_files},         {"DIR", offer_directories},
    {"ANSWER", offer_answers},     {"KIND", offer_firmware},
    {"KEY", offer_keys},           {"GROUP.KEY=VALUE", offer_settings},
    {"COMMAND", offer_topics},     {"WORD", offer_second_words},
};

static void
offer_kind(Completion *completion, const char *kind)
{
    for (gsize i = 0; kind != NULL && i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].kind, kind) == 0)
            kinds[i].offer(completion);
    }
}

static void
offer_operand(Completion *completion, const Command *command)
{
    g_auto(GStrv) operands = g_strsplit_set(command->operands, " []", -1);
    guint wanted = arguments_count(completion->beginning.arguments);

    for (guint i = 0; operands[i] != NULL; i++) {
        if (operands[i][0] == '\0')
            continue;
        if (wanted == 0) {
            offer_kind(completion, operands[i]);
            return;
        }
        wanted--;
    }
}

/* ---- options ---- */

/* @options: (nullable); those that can be given only once are offered only once */
static void
offer_options(Completion *completion, const Option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        g_autofree char *word = g_strconcat("--", options->name, NULL);

        if (options->kind == OPTION_LIST ||
            !arguments_has(completion->beginning.arguments, options->name))
            offer(completion, word, _(options->summary));
    }
}

/* "--node=x": the value of an option in the same word */
static gboolean
offer_attached(Completion *completion, const Command *command)
{
    const char *equals = strchr(completion->word, '=');
    g_autofree char *before = NULL;
    const Option *option;

    if (equals == NULL || !g_str_has_prefix(completion->word, "--"))
        return FALSE;
    option = arguments_find_option(command, completion->word + 2,
                                   (gsize) (equals - completion->word - 2));
    before = g_strndup(completion->word, (gsize) (equals - completion->word + 1));
    completion->option = before;
    completion->word = equals + 1;
    offer_kind(completion, option != NULL ? option->value : NULL);
    completion->option = "";
    return TRUE;
}

/* ---- the command ---- */

static void
complete(Completion *completion)
{
    const Beginning *beginning = &completion->beginning;
    const Command *command = arguments_get_command(beginning->arguments);
    const char *family = arguments_get_family(beginning->arguments);

    if (beginning->open != NULL) {
        offer_kind(completion, beginning->open->value);
        return;
    }
    if (!beginning->only_operands && offer_attached(completion, command))
        return;
    if (!beginning->only_operands && completion->word[0] == '-') {
        offer_options(completion, command != NULL ? command->options : NULL);
        offer_options(completion, global_options);
    } else if (command != NULL) {
        offer_operand(completion, command);
    } else if (family != NULL) {
        offer_family(completion, family);
    } else {
        offer_commands(completion);
    }
}

gboolean
cmd_complete(Shim *shim, GError **error G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autoptr(GString) answer = g_string_new(NULL);
    Completion completion = {.option = "", .word = "", .answer = answer};
    guint n = arguments_count(shim->arguments);

    for (guint i = 0; i + 1 < n; i++)
        g_ptr_array_add(words, (gpointer) arguments_operand(shim->arguments, i));
    g_ptr_array_add(words, NULL);
    if (n > 0)
        completion.word = arguments_operand(shim->arguments, n - 1);
    arguments_parse_beginning((char **) words->pdata, &completion.beginning);
    complete(&completion);
    output_text(shim->output, answer->str);
    arguments_free(completion.beginning.arguments);
    return TRUE;
}
