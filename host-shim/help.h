/* What is said of hvd and its commands. */
#pragma once

#include "commands.h"
#include "output.h"

G_BEGIN_DECLS

typedef struct {
    const char *name;
    const char *meaning; /* marked for translation */
} HelpVariable;

extern const HelpVariable help_variables[]; /* of the environment; ended by a NULL name */

/* What there is help on beside commands. */
typedef struct {
    const char *name;
    const char *about; /* marked for translation */
    void (*print)(Output *output);
} HelpTopic;

extern const HelpTopic help_topics[]; /* ended by a NULL name */

/* Two lines on stderr, for an empty command line. */
void help_print_usage(Output *output);
/* @command, @family: (nullable): what it is about; else the whole. With --json
 * it is always the whole. Returns TRUE. */
gboolean help_print(Output *output, const Command *command, const char *family);
/* All of it as one object, for what is made of it: the manual, completions. */
void help_print_json(Output *output);

G_END_DECLS
