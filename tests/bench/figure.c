#include "figure.h"

#include <string.h>
#include <time.h>

void
figure_keep_result(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    *(GAsyncResult **) data = g_object_ref(result);
}

XdConnection *
figure_open(char **settings)
{
    XdConnectionOptions options = {.settings = (const char *const *) settings};
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;
    XdConnection *connection;

    xd_connection_open_async(&options, NULL, figure_keep_result, &result);
    while (result == NULL)
        g_main_context_iteration(NULL, TRUE);
    connection = xd_connection_open_finish(result, &error);
    g_assert_no_error(error);
    return connection;
}

void
figure_close(XdConnection *connection)
{
    g_autoptr(GAsyncResult) result = NULL;

    xd_connection_close_async(connection, figure_keep_result, &result);
    while (result == NULL)
        g_main_context_iteration(NULL, TRUE);
    xd_connection_close_finish(result);
}

guint64
figure_memory(const char *name)
{
    g_autofree char *status = NULL;
    g_autofree char *label = g_strconcat("\n", name, ":", NULL);
    const char *line;

    g_file_get_contents("/proc/self/status", &status, NULL, NULL);
    line = status != NULL ? strstr(status, label) : NULL;
    if (line == NULL)
        g_error("the kernel tells no %s", name);
    return g_ascii_strtoull(line + strlen(label), NULL, 10) * 1024;
}

gint64
figure_thread_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

gboolean
figure_loop_turn(FigureLoop *loop)
{
    GMainContext *context = g_main_context_default();
    int priority, timeout, needed;
    gint64 start, taken;

    g_assert_true(g_main_context_acquire(context));
    g_main_context_prepare(context, &priority);
    while ((needed = g_main_context_query(context, priority, &timeout, loop->fds, loop->n_fds)) >
           loop->n_fds) {
        loop->fds = g_renew(GPollFD, loop->fds, needed);
        loop->n_fds = needed;
    }
    g_poll(loop->fds, (guint) needed, timeout);
    if (!g_main_context_check(context, priority, loop->fds, needed)) {
        g_main_context_release(context);
        return FALSE;
    }
    start = figure_thread_time();
    g_main_context_dispatch(context);
    taken = figure_thread_time() - start;
    g_main_context_release(context);
    loop->dispatches++;
    loop->over += taken > loop->limit_ns;
    loop->longest_ns = MAX(loop->longest_ns, taken);
    return TRUE;
}

void
figure_loop_clear(FigureLoop *loop)
{
    g_clear_pointer(&loop->fds, g_free);
}
