/* The command line, read against the table of commands. */
#pragma once

#include "commands.h"

G_BEGIN_DECLS

typedef struct _Arguments Arguments;

/**
 * arguments_parse: options may stand anywhere behind what they belong to: those of hvd anywhere,
 * those of a command behind its name; "--" ends them. Values are checked here as far as their kind
 * goes.
 *
 * Errors: FAILURE: USAGE; SECRET_LITERAL where a word has "password=" in it (SEC-2). No message
 * repeats a value of an option that is not known.
 */
Arguments *arguments_parse(char **words, GError **error);
void arguments_free(Arguments *arguments);

/**
 * Beginning: what stands before a word that is still being typed.
 * @open: (nullable): the option whose value the word is
 * @only_operands: "--" was there
 */
typedef struct {
    Arguments *arguments;
    const Option *open;
    gboolean only_operands;
} Beginning;

/* What is wrong in it is passed over. */
void arguments_parse_beginning(char **words, Beginning *beginning);
/* (nullable): of the command, which may be NULL, or of hvd */
const Option *arguments_find_option(const Command *command, const char *name, gsize length);

/* (nullable): NULL where only options were given */
const Command *arguments_get_command(const Arguments *arguments);
/* (nullable): the first of two words, where only that was given, with --help */
const char *arguments_get_family(const Arguments *arguments);
/* Neither a command nor --help nor --version. */
gboolean arguments_is_empty(const Arguments *arguments);
guint arguments_count(const Arguments *arguments);
/* (nullable): an operand by its position */
const char *arguments_operand(const Arguments *arguments, guint position);

/* Of options, by name. A flag that was given has the value "". */
gboolean arguments_has(const Arguments *arguments, const char *name);
/* (nullable): the only or the last value */
const char *arguments_get(const Arguments *arguments, const char *name);
/* (transfer full): all values, in order; empty where there are none */
GStrv arguments_list(const Arguments *arguments, const char *name);
/* of OPTION_NUMBER and OPTION_SIZE */
gint64 arguments_number(const Arguments *arguments, const char *name, gint64 otherwise);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Arguments, arguments_free)

G_END_DECLS
