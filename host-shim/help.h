/* What is said of hvd and its commands. */
#pragma once

#include "commands.h"
#include "output.h"

G_BEGIN_DECLS

/* Two lines on stderr, for an empty command line. */
void help_print_usage(Output *output);
/* @command, @family: (nullable): what it is about; else the whole. Returns TRUE. */
gboolean help_print(Output *output, const Command *command, const char *family);

G_END_DECLS
