/* What the programs of this folder have in common: a connection, the end of a call, memory, time. */
#pragma once

#include "xenapi/connection.h"

G_BEGIN_DECLS

/* Opens a connection and turns the main context until it is there. */
XdConnection *figure_open(char **settings);
void figure_close(XdConnection *connection);

/* A callback; @data is a GAsyncResult *, which is set (transfer full). */
void figure_keep_result(GObject *source, GAsyncResult *result, gpointer data);

/* Of this process, in bytes: "VmRSS" or "VmHWM", as the kernel calls them. */
guint64 figure_memory(const char *name);

/* CPU time of this thread, in nanoseconds. */
gint64 figure_thread_time(void);

/**
 * FigureLoop: an iteration of the main context whose dispatch is measured.
 * @longest_ns: CPU time of the longest one
 * @dispatches: how many there were
 * @over: how many took more than @limit_ns
 */
typedef struct {
    gint64 limit_ns;
    gint64 longest_ns;
    guint dispatches;
    guint over;
    GPollFD *fds;
    int n_fds;
} FigureLoop;

/* Of the default context, blocking; TRUE: it dispatched something */
gboolean figure_loop_turn(FigureLoop *loop);
void figure_loop_clear(FigureLoop *loop);

G_END_DECLS
