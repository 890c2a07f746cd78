#include "arguments.h"

#include "failure.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

typedef struct {
    GPtrArray *texts;
    gint64 number;
} Value;

struct _Arguments {
    const Command *command;
    char *family;
    GPtrArray *operands;
    GHashTable *values; /* option's name -> Value */
};

/* Where the reader is. */
typedef struct {
    Arguments *arguments;
    char **words;       /* what is left */
    const char *prefix; /* the first of two words of a command */
    gboolean only_operands;
    const Option *open; /* whose value is missing */
} Reader;

static void
value_free(gpointer data)
{
    Value *value = data;

    g_ptr_array_unref(value->texts);
    g_free(value);
}

static Arguments *
arguments_new(void)
{
    Arguments *arguments = g_new0(Arguments, 1);

    arguments->operands = g_ptr_array_new_with_free_func(g_free);
    arguments->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, value_free);
    return arguments;
}

void
arguments_free(Arguments *arguments)
{
    g_free(arguments->family);
    g_ptr_array_unref(arguments->operands);
    g_hash_table_unref(arguments->values);
    g_free(arguments);
}

/* ---- usage errors ---- */

static char *
advise_nearest(const char *word, const GPtrArray *words, const char *marks)
{
    const char *nearest = text_nearest(word, (const char *const *) words->pdata);

    return nearest != NULL ? g_strdup_printf(_("did you mean \"%s%s\"?"), marks, nearest) : NULL;
}

static char *
advise_help(const Command *command)
{
    return command != NULL ? g_strdup_printf(_("see \"hvd help %s\""), command->name)
                           : g_strdup(_("see \"hvd help\""));
}

static void
add_names(GPtrArray *names, const Option *options)
{
    for (; options != NULL && options->name != NULL; options++)
        g_ptr_array_add(names, (gpointer) options->name);
}

/* @marks: "-" or "--" */
static gboolean
refuse_option(const Reader *reader, const char *marks, const char *name, gsize length,
              GError **error)
{
    g_autofree char *shown = g_strndup(name, length);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *advice = NULL;

    add_names(names, global_options);
    if (reader->arguments->command != NULL)
        add_names(names, reader->arguments->command->options);
    g_ptr_array_add(names, NULL);
    advice = advise_nearest(shown, names, "--");
    if (advice == NULL)
        advice = advise_help(reader->arguments->command);
    failure_set(error, FAILURE_USAGE, advice, _("there is no option %s%s"), marks, shown);
    return FALSE;
}

/* The first words of all commands; or, whole, those whose first word @prefix is. */
static GPtrArray *
command_names(const char *prefix)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (const Command *command = commands; command->name != NULL; command++) {
        gsize first = strcspn(command->name, " ");

        if (prefix == NULL)
            g_ptr_array_add(names, g_strndup(command->name, first));
        else if (strlen(prefix) == first && strncmp(command->name, prefix, first) == 0)
            g_ptr_array_add(names, g_strdup(command->name));
    }
    g_ptr_array_add(names, NULL);
    return names;
}

static gboolean
refuse_command(const Reader *reader, const char *name, GError **error)
{
    const char *prefix = reader->prefix;
    g_autoptr(GPtrArray) names = command_names(prefix);
    g_autofree char *advice = advise_nearest(name, names, "");

    if (advice == NULL && prefix == NULL &&
        g_strcmp0(arguments_get(reader->arguments, "simulate"), "") == 0)
        advice = g_strdup_printf(_("a directory is written as --simulate=%s"), name);
    if (advice == NULL && prefix != NULL) {
        g_autofree char *all = g_strjoinv(", ", (char **) names->pdata);

        advice = g_strdup_printf(_("there are: %s"), all);
    }
    if (advice == NULL)
        advice = advise_help(NULL);
    failure_set(error, FAILURE_USAGE, advice, _("there is no command \"%s\""), name);
    return FALSE;
}

/* ---- options ---- */

static const Option *
find_in(const Option *options, const char *name, gsize length)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (strlen(options->name) == length && strncmp(options->name, name, length) == 0)
            return options;
    }
    return NULL;
}

static const Option *
find_letter(const Option *options, char letter)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (options->letter == letter)
            return options;
    }
    return NULL;
}

static gboolean
read_size(const Option *option, Value *value, const char *text, GError **error)
{
    guint64 bytes = 0;

    if (text_parse_size(text, &bytes)) {
        value->number = (gint64) bytes;
        return TRUE;
    }
    failure_set(error, FAILURE_USAGE, _("write 512M, 4G or 1.5T; without a unit it is bytes"),
                _("--%s takes a size, not \"%s\""), option->name, text);
    return FALSE;
}

/* Checks what can be checked without knowing what it is for. */
static gboolean
read_value(const Option *option, Value *value, const char *text, GError **error)
{
    if (option->kind == OPTION_NUMBER &&
        !g_ascii_string_to_signed(text, 10, option->least, option->most, &value->number, NULL)) {
        failure_set(error, FAILURE_USAGE, NULL, _("--%s takes a number from %d to %d, not \"%s\""),
                    option->name, option->least, option->most, text);
        return FALSE;
    }
    if (option->kind == OPTION_SIZE)
        return read_size(option, value, text, error);
    if (option->kind == OPTION_FLAG || option->kind == OPTION_MAYBE || text[0] != '\0')
        return TRUE;
    failure_set(error, FAILURE_USAGE, NULL, _("the value of --%s is empty"), option->name);
    return FALSE;
}

static gboolean
take_value(Reader *reader, const Option *option, const char *text, GError **error)
{
    GHashTable *values = reader->arguments->values;
    Value *value = g_hash_table_lookup(values, option->name);

    if (value != NULL && option->kind != OPTION_LIST && option->kind != OPTION_FLAG) {
        failure_set(error, FAILURE_USAGE, NULL, _("--%s was given twice"), option->name);
        return FALSE;
    }
    if (value == NULL) {
        value = g_new0(Value, 1);
        value->texts = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(values, (gpointer) option->name, value);
    }
    if (!read_value(option, value, text, error))
        return FALSE;
    g_ptr_array_add(value->texts, g_strdup(text));
    return TRUE;
}

/* @attached: (nullable): what stands behind "=" */
static gboolean
take_option(Reader *reader, const Option *option, const char *attached, GError **error)
{
    if (option->kind == OPTION_FLAG && attached != NULL) {
        failure_set(error, FAILURE_USAGE, NULL, _("--%s takes no value"), option->name);
        return FALSE;
    }
    if (attached != NULL || option->kind == OPTION_FLAG || option->kind == OPTION_MAYBE)
        return take_value(reader, option, attached != NULL ? attached : "", error);
    if (*reader->words != NULL)
        return take_value(reader, option, *reader->words++, error);
    reader->open = option;
    failure_set(error, FAILURE_USAGE, NULL, _("--%s needs a value: --%s %s"), option->name,
                option->name, _(option->value));
    return FALSE;
}

static const Option *
command_options(const Reader *reader)
{
    return reader->arguments->command != NULL ? reader->arguments->command->options : NULL;
}

const Option *
arguments_find_option(const Command *command, const char *name, gsize length)
{
    const Option *option = command != NULL ? find_in(command->options, name, length) : NULL;

    return option != NULL ? option : find_in(global_options, name, length);
}

static gboolean
take_long(Reader *reader, const char *word, GError **error)
{
    const char *name = word + 2;
    gsize length = strcspn(name, "=");
    const Option *option = arguments_find_option(reader->arguments->command, name, length);

    if (option == NULL)
        return refuse_option(reader, "--", name, length, error);
    return take_option(reader, option, name[length] == '=' ? name + length + 1 : NULL, error);
}

/* "-v", or several that take no value: "-vy" */
static gboolean
take_letters(Reader *reader, const char *word, GError **error)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const Option *option = find_letter(command_options(reader), *letter);

        if (option == NULL)
            option = find_letter(global_options, *letter);
        if (option == NULL)
            return refuse_option(reader, "-", letter, strlen(letter), error);
        if (!take_option(reader, option, NULL, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- the command ---- */

static gboolean
take_command(Reader *reader, const char *word, GError **error)
{
    g_autofree char *name =
        reader->prefix != NULL ? g_strconcat(reader->prefix, " ", word, NULL) : g_strdup(word);

    if (reader->prefix == NULL && commands_is_prefix(word)) {
        reader->prefix = word;
        return TRUE;
    }
    reader->arguments->command = commands_find(name);
    return reader->arguments->command != NULL || refuse_command(reader, name, error);
}

static gboolean
take_word(Reader *reader, const char *word, GError **error)
{
    if (!reader->only_operands && strcmp(word, "--") == 0) {
        reader->only_operands = TRUE;
        return TRUE;
    }
    if (!reader->only_operands && g_str_has_prefix(word, "--"))
        return take_long(reader, word, error);
    if (!reader->only_operands && word[0] == '-' && word[1] != '\0')
        return take_letters(reader, word, error);
    if (reader->arguments->command == NULL)
        return take_command(reader, word, error);
    g_ptr_array_add(reader->arguments->operands, g_strdup(word));
    return TRUE;
}

/* ---- how many operands ---- */

static gboolean
check_operands(const Arguments *arguments, GError **error)
{
    const Command *command = arguments->command;
    g_auto(GStrv) wanted = g_strsplit(command->operands, " ", -1);
    g_autofree char *spelling = commands_spell(command);
    g_autofree char *advice = g_strdup_printf(_("usage: hvd %s"), spelling);
    guint n_wanted = command->operands[0] != '\0' ? g_strv_length(wanted) : 0;
    guint n = arguments->operands->len;

    if (n < n_wanted && wanted[n][0] != '[') {
        failure_set(error, FAILURE_USAGE, advice, _("%s: %s is missing"), command->name,
                    _(wanted[n]));
        return FALSE;
    }
    if (n <= n_wanted || (n_wanted > 0 && g_str_has_suffix(wanted[n_wanted - 1], "...")))
        return TRUE;
    failure_set(error, FAILURE_USAGE, advice, _("%s: \"%s\" is one word too many"), command->name,
                (const char *) g_ptr_array_index(arguments->operands, n_wanted));
    return FALSE;
}

static gboolean
check_end(const Reader *reader, GError **error)
{
    const Arguments *arguments = reader->arguments;
    g_autoptr(GPtrArray) names = NULL;
    g_autofree char *all = NULL;
    g_autofree char *advice = NULL;

    if (arguments_has(arguments, "help"))
        return TRUE;
    if (arguments->command != NULL)
        return check_operands(arguments, error);
    if (reader->prefix == NULL)
        return TRUE;
    names = command_names(reader->prefix);
    all = g_strjoinv(", ", (char **) names->pdata);
    advice = g_strdup_printf(_("there are: %s"), all);
    failure_set(error, FAILURE_USAGE, advice, _("\"%s\" is only half a command"), reader->prefix);
    return FALSE;
}

/* ---- the face ---- */

static gboolean
has_password(char **words)
{
    for (; *words != NULL; words++) {
        g_autofree char *lower = g_ascii_strdown(*words, -1);

        if (strstr(lower, "password=") != NULL)
            return TRUE;
    }
    return FALSE;
}

Arguments *
arguments_parse(char **words, GError **error)
{
    g_autoptr(Arguments) arguments = arguments_new();
    Reader reader = {.arguments = arguments, .words = words};

    if (has_password(words)) {
        failure_set(error, HVD_ERROR_SECRET_LITERAL,
                    _("set HVD_CREDENTIAL to a reference, e.g. file:PATH; see \"hvd help "
                      "environment\""),
                    "%s", _("arguments are seen by every user of this machine: no password there"));
        return NULL;
    }
    while (*reader.words != NULL) {
        if (!take_word(&reader, *reader.words++, error))
            return NULL;
    }
    if (arguments->command == NULL)
        arguments->family = g_strdup(reader.prefix);
    return check_end(&reader, error) ? g_steal_pointer(&arguments) : NULL;
}

void
arguments_parse_beginning(char **words, Beginning *beginning)
{
    Reader reader = {.arguments = arguments_new(), .words = words};

    while (*reader.words != NULL)
        take_word(&reader, *reader.words++, NULL);
    if (reader.arguments->command == NULL)
        reader.arguments->family = g_strdup(reader.prefix);
    *beginning = (Beginning){
        .arguments = reader.arguments,
        .open = reader.open,
        .only_operands = reader.only_operands,
    };
}

const Command *
arguments_get_command(const Arguments *arguments)
{
    return arguments->command;
}

const char *
arguments_get_family(const Arguments *arguments)
{
    return arguments->family;
}

gboolean
arguments_is_empty(const Arguments *arguments)
{
    return arguments->command == NULL && !arguments_has(arguments, "help") &&
           !arguments_has(arguments, "version");
}

guint
arguments_count(const Arguments *arguments)
{
    return arguments->operands->len;
}

const char *
arguments_operand(const Arguments *arguments, guint position)
{
    return position < arguments->operands->len ? g_ptr_array_index(arguments->operands, position)
                                               : NULL;
}

static const Value *
find_value(const Arguments *arguments, const char *name)
{
    return g_hash_table_lookup(arguments->values, name);
}

gboolean
arguments_has(const Arguments *arguments, const char *name)
{
    return find_value(arguments, name) != NULL;
}

const char *
arguments_get(const Arguments *arguments, const char *name)
{
    const Value *value = find_value(arguments, name);

    return value != NULL ? g_ptr_array_index(value->texts, value->texts->len - 1) : NULL;
}

GStrv
arguments_list(const Arguments *arguments, const char *name)
{
    const Value *value = find_value(arguments, name);
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();

    for (guint i = 0; value != NULL && i < value->texts->len; i++)
        g_strv_builder_add(list, g_ptr_array_index(value->texts, i));
    return g_strv_builder_end(list);
}

gint64
arguments_number(const Arguments *arguments, const char *name, gint64 otherwise)
{
    const Value *value = find_value(arguments, name);

    return value != NULL ? value->number : otherwise;
}
