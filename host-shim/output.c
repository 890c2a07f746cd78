#include "output.h"

#include "document.h"
#include "failure.h"
#include "text.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- who watches ---- */

static gboolean
is_capable(int fd)
{
    const char *term = g_getenv("TERM");

    return isatty(fd) && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

static gboolean
wants_colours(void)
{
    const char *refusal = g_getenv("NO_COLOR"); /* no-color.org: set, and not empty */

    return refusal == NULL || refusal[0] == '\0';
}

void
output_init(Output *output)
{
    *output = (Output){0};
    output->out_is_terminal = is_capable(STDOUT_FILENO);
    output->err_is_terminal = is_capable(STDERR_FILENO);
    output->out_colours = output->out_is_terminal && wants_colours();
    output->err_colours = output->err_is_terminal && wants_colours();
}

void
output_set_json(Output *output)
{
    output->json = TRUE;
    output->quiet = !isatty(STDERR_FILENO);
}

void
output_capture(Output *output, GString *out, GString *err)
{
    *output = (Output){.json = TRUE, .quiet = TRUE, .out_into = out, .err_into = err};
}

guint
output_width(int fd)
{
    struct winsize size = {0};

    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* ---- writing ---- */

/* @into: (nullable): takes it in place of @file, in UTF-8 */
static void
put(FILE *file, GString *into, const char *text)
{
    const char *charset = NULL;
    g_autofree char *converted = NULL;

    if (into != NULL) {
        g_string_append(into, text);
        return;
    }
    if (!g_get_charset(&charset))
        converted = g_convert_with_fallback(text, -1, charset, "UTF-8", "?", NULL, NULL, NULL);
    fputs(converted != NULL ? converted : text, file);
}

void
output_text(Output *output, const char *text)
{
    output_live(output, NULL);
    put(stdout, output->out_into, text);
}

void
output_line(Output *output, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *safe = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    safe = text_escape(text);
    output_text(output, safe);
    output_text(output, "\n");
}

void
output_table(Output *output, const Table *table)
{
    g_autofree char *text = table_print(
        table, output->out_is_terminal ? output_width(STDOUT_FILENO) : 0, output->out_colours);

    output_text(output, text);
}

/* JSON is UTF-8 whatever the locale. */
static void
put_json(FILE *file, GString *into, const char *json)
{
    g_autofree char *inert = text_escape_json(json);

    if (into != NULL)
        g_string_append_printf(into, "%s\n", inert);
    else
        fprintf(file, "%s\n", inert);
}

void
output_json(Output *output, const char *json)
{
    output_live(output, NULL);
    put_json(stdout, output->out_into, json);
}

gboolean
output_flush(GError **error)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return TRUE;
    failure_set(error, HVD_ERROR_FAILED, NULL, _("the output cannot be written: %s"),
                g_strerror(errno));
    return FALSE;
}

void
output_stderr(Output *output, const char *text)
{
    output_live(output, NULL);
    put(stderr, output->err_into, text);
}

void
output_stderr_json(Output *output, const char *json)
{
    output_live(output, NULL);
    put_json(stderr, output->err_into, json);
}

static void
note(Output *output, const char *text)
{
    g_autofree char *safe = text_escape(text);

    output_stderr(output, "hvd: ");
    output_stderr(output, safe);
    output_stderr(output, "\n");
}

void
output_note(Output *output, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    if (output->quiet)
        return;
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    note(output, text);
}

void
output_tell(Output *output, const char *format, ...)
{
    g_autoptr(JsonObject) line = json_object_new();
    g_autofree char *text = NULL;
    g_autofree char *json = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (!output->json) {
        note(output, text);
        return;
    }
    json_object_set_string_member(line, "log", text);
    json = document_print_object(line);
    output_stderr_json(output, json);
}

void
output_error(Output *output, const GError *error)
{
    g_autofree char *text =
        output->json ? failure_print_json(error) : failure_print(error, output->err_colours);

    /* where both go to one place the answer stands first, and whole; the failure counts for more than
     * whether that could be written */
    fflush(stdout);
    if (output->json)
        output_stderr_json(output, text);
    else
        output_stderr(output, text);
}

/* ---- the live line ---- */

void
output_live(Output *output, const char *line)
{
    guint width = output_width(STDERR_FILENO);
    g_autofree char *fitted = NULL;

    if (output->err_into != NULL || (line == NULL && !output->live))
        return;
    /* one column stays free: a full last one makes some terminals go on to the next line */
    if (line != NULL)
        fitted = width > 1 ? text_fit(line, width - 1) : g_strdup(line);
    fputs("\r\033[K", stderr);
    if (fitted != NULL)
        put(stderr, NULL, fitted);
    fflush(stderr);
    output->live = line != NULL;
}
