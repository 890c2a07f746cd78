/* watch: a live table of the instances. */
#include "cmd.h"
#include "describe.h"
#include "document.h"
#include "text.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Changes are drawn at once. What no event tells, as operations that begin, is seen this often; it is read
 * from the driver's own picture of the pool, so that no request travels. */
#define REDRAW_MS 1000

#define HOME         "\033[H"
#define CLEAR_LINE   "\033[K"
#define CLEAR_BELOW  "\033[J"
#define CLEAR_SCREEN "\033[2J"

typedef struct {
    Shim *shim;
    gboolean stale; /* what is on the screen is not what there is */
    gboolean ended;
    gboolean keys;
    struct termios before; /* of the terminal, where we take @keys */
} Watch;

/* ---- a screen's text ---- */

/* From the left as many as there is room for. */
static guint
n_columns_for(guint width)
{
    static const struct {
        guint width;
        guint n;
    } rows[] = {{100, 5}, {48, 4}, {32, 3}};

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (width == 0 || width >= rows[i].width)
            return rows[i].n;
    }
    return 2;
}

static void
add_instance(Table *table, JsonObject *info, guint n_columns)
{
    g_autoptr(GPtrArray) operations = document_texts(info, "operations");
    g_autofree char *doing = NULL;

    g_ptr_array_add(operations, NULL);
    doing = g_strjoinv(", ", (char **) operations->pdata);
    table_row(table);
    table_cell(table, document_text(info, "name"));
    describe_state(table, info);
    if (n_columns > 2)
        table_cell(table, document_text(document_member(info, "node"), "name"));
    if (n_columns > 3)
        table_cell(table, doing);
    if (n_columns > 4)
        table_cell(table, document_text(info, "uuid"));
}

static char *
print_table(const GPtrArray *infos, guint n, guint width, gboolean colours)
{
    static const Column columns[] = {
        {N_("NAME"), FALSE, TRUE},  {N_("STATE")}, {N_("NODE"), FALSE, TRUE},
        {N_("DOING"), FALSE, TRUE}, {N_("UUID")},
    };
    guint n_columns = n_columns_for(width);
    g_autoptr(Table) table = table_new(columns, n_columns);

    for (guint i = 0; i < n; i++)
        add_instance(table, g_ptr_array_index(infos, i), n_columns);
    return table_print(table, width, colours);
}

static guint
count_running(const GPtrArray *infos)
{
    guint n = 0;

    for (guint i = 0; i < infos->len; i++)
        n += g_strcmp0(document_text(g_ptr_array_index(infos, i), "state"), "running") == 0;
    return n;
}

/* One line: how many, and whether that is still true. */
static char *
print_head(const GPtrArray *infos)
{
    gint64 since =
        infos->len > 0 ? document_number(g_ptr_array_index(infos, 0), "stale_since", 0) : 0;
    g_autoptr(GDateTime) when = since > 0 ? g_date_time_new_from_unix_local(since) : NULL;
    g_autofree char *time = when != NULL ? g_date_time_format(when, "%H:%M:%S") : NULL;

    if (time != NULL)
        return g_strdup_printf(_("the pool has been out of sight since %s"), time);
    return g_strdup_printf(
        ngettext("%u instance, %u running; q ends", "%u instances, %u running; q ends", infos->len),
        infos->len, count_running(infos));
}

static void
append_line(GString *screen, const char *line, guint width)
{
    g_autofree char *fitted = width > 0 ? text_fit(line, width) : g_strdup(line);

    g_string_append_printf(screen, "%s%s\n", fitted, CLEAR_LINE);
}

/* ---- drawing ---- */

static guint
count_rows(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

#define OTHER_ROWS 4 /* head, titles, "more", and the one of the cursor */

static char *
print_screen(const GPtrArray *infos, guint width, gboolean colours)
{
    guint rows = count_rows();
    guint n = rows > OTHER_ROWS ? MIN(infos->len, rows - OTHER_ROWS) : infos->len;
    g_autofree char *head = print_head(infos);
    g_autofree char *table = print_table(infos, n, width, colours);
    g_auto(GStrv) lines = g_strsplit(table, "\n", -1);
    GString *screen = g_string_new(HOME);

    append_line(screen, head, width);
    /* these have colours in them, and are as narrow as they should be */
    for (guint i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
        append_line(screen, lines[i], 0);
    if (n < infos->len) {
        g_autofree char *more = g_strdup_printf(
            ngettext("... and %u more", "... and %u more", infos->len - n), infos->len - n);

        append_line(screen, more, width);
    }
    g_string_append(screen, CLEAR_BELOW);
    return g_string_free(screen, FALSE);
}

/* However old it is: a screen that says so is better than none. */
static JsonNode *
read_instances(Shim *shim, GError **error)
{
    HvdCall *call = runner_get_call(shim->runner);
    g_autofree char *text = NULL;

    call->flags |= HVD_CALL_ALLOW_STALE;
    text = runner_call(shim->runner, "list_instances", error);
    call->flags &= ~(guint) HVD_CALL_ALLOW_STALE;
    return text != NULL ? document_parse(text) : NULL;
}

static gboolean
draw(Watch *watch, GError **error)
{
    Output *output = watch->shim->output;
    g_autoptr(JsonNode) list = read_instances(watch->shim, error);
    g_autoptr(GPtrArray) infos = document_elements(list);
    g_autofree char *screen = NULL;

    if (list == NULL)
        return FALSE;
    watch->stale = FALSE;
    screen = print_screen(infos, output_width(STDOUT_FILENO), output->out_colours);
    output_text(output, screen);
    return output_flush(error);
}

/* ---- the terminal ---- */

/* Keys come one by one and are not shown. Ctrl-C stays a signal; a stop would leave the shell without
 * echo. */
static void
take_keys(Watch *watch)
{
    struct termios silent;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &watch->before) != 0)
        return;
    silent = watch->before;
    silent.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
    silent.c_cc[VSUSP] = _POSIX_VDISABLE;
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    watch->keys = tcsetattr(STDIN_FILENO, TCSANOW, &silent) == 0;
}

static void
give_keys_back(Watch *watch)
{
    if (watch->keys)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &watch->before);
}

static gboolean
on_key(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    Watch *watch = data;
    char keys[64];
    gssize n = read(fd, keys, sizeof keys);

    if (n <= 0 || memchr(keys, 'q', (gsize) n) != NULL)
        watch->ended = TRUE;
    return n > 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* ---- until somebody has seen enough ---- */

/* In the driver: nothing may be called here. */
static void
on_lifecycle(const HvdLifecycle *event G_GNUC_UNUSED, gpointer data)
{
    ((Watch *) data)->stale = TRUE;
}

static gboolean
on_redraw(gpointer data)
{
    ((Watch *) data)->stale = TRUE;
    return G_SOURCE_CONTINUE;
}

/* A signal and a key are how it is meant to end. */
static gboolean
turn(Watch *watch, GError **error)
{
    GCancellable *cancellable = runner_get_cancellable(watch->shim->runner);

    while (!watch->ended && !g_cancellable_is_cancelled(cancellable)) {
        if (watch->stale && !draw(watch, error))
            return g_cancellable_is_cancelled(cancellable);
        if (!watch->stale)
            g_main_context_iteration(NULL, TRUE);
    }
    return TRUE;
}

static gboolean
watch_screen(Watch *watch, GError **error)
{
    guint timer = g_timeout_add(REDRAW_MS, on_redraw, watch);
    GSource *keys = NULL;
    gboolean done;

    take_keys(watch);
    if (watch->keys) {
        keys = g_unix_fd_source_new(STDIN_FILENO, G_IO_IN | G_IO_HUP);
        g_source_set_callback(keys, G_SOURCE_FUNC(on_key), watch, NULL);
        g_source_attach(keys, NULL);
    }
    output_text(watch->shim->output, CLEAR_SCREEN);
    done = turn(watch, error);
    if (keys != NULL)
        g_source_destroy(keys);
    g_clear_pointer(&keys, g_source_unref);
    g_source_remove(timer);
    give_keys_back(watch);
    return done;
}

/* Somebody looks, and the terminal can put its cursor somewhere. */
static gboolean
is_screen(const Shim *shim)
{
    const char *kind = g_getenv("TERM");

    return !shim->output->json && shim->output->out_is_terminal && kind != NULL &&
           strcmp(kind, "dumb") != 0;
}

gboolean
cmd_watch(Shim *shim, GError **error)
{
    Watch watch = {.shim = shim, .stale = TRUE};
    gboolean done;

    if (!is_screen(shim))
        return cmd_events_follow(shim, error);
    shim->on_lifecycle = on_lifecycle;
    shim->lifecycle_data = &watch;
    done = shim_connect(shim, error) != NULL;
    if (done) {
        interrupt_expect(shim->interrupt, TRUE);
        done = watch_screen(&watch, error);
    }
    shim->on_lifecycle = NULL;
    return done;
}
