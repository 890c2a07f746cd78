/* Standard output and error: who watches, what they get, and the one live line between. */
#pragma once

#include "table.h"

G_BEGIN_DECLS

typedef struct {
    gboolean json;
    gboolean quiet;           /* no notes: a script reads errors from our stderr */
    gboolean out_is_terminal; /* colours and cutting have somebody to see them */
    gboolean err_is_terminal;
    gboolean out_colours;
    gboolean err_colours;
    gboolean live;     /* a line without its end stands on stderr */
    GString *out_into; /* (nullable) (unowned): what takes the place of stdout */
    GString *err_into; /* (nullable) (unowned): and of stderr */
} Output;

/* Looks at the terminal and at NO_COLOR and TERM. */
void output_init(Output *output);
void output_set_json(Output *output);
/* Nobody watches: what a command prints with --json ends in these. */
void output_capture(Output *output, GString *out, GString *err);

/* Columns of the terminal, 0 where there is none. */
guint output_width(int fd);

/* To stdout: text for eyes (UTF-8, safe); JSON as it came, made inert, with a newline. */
void output_text(Output *output, const char *text);
void output_table(Output *output, const Table *table);
void output_json(Output *output, const char *json);
void output_line(Output *output, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* What could not be written ends as an error here. */
gboolean output_flush(GError **error);

/* To stderr: "hvd: ..." where a person or a log reads it. */
void output_note(Output *output, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* What a script has to know too: with --json a line {"log": ...}, which no quiet keeps back. */
void output_tell(Output *output, const char *format, ...) G_GNUC_PRINTF(2, 3);
void output_error(Output *output, const GError *error);
void output_stderr(Output *output, const char *text);
void output_stderr_json(Output *output, const char *json);

/* Replaces the live line; NULL: takes it away. */
void output_live(Output *output, const char *line);

G_END_DECLS
