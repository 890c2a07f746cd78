/* How far an operation is: a live line on a terminal, elsewhere a line a second. */
#pragma once

#include "hvd-driver.h"
#include "output.h"

G_BEGIN_DECLS

/* What is known at a moment; pure, so that its words can be tested. */
typedef struct {
    char *operation;
    char *step;
    double fraction;
    guint64 bytes_done;
    guint64 bytes_total;
    guint64 bytes_before; /* where the rate begins */
    gint64 bytes_since_us;
    gint64 started_us;
} ProgressState;

/* Takes over what a driver said at @now_us. */
void progress_state_take(ProgressState *state, const HvdProgress *news, gint64 now_us);
void progress_state_clear(ProgressState *state);
/* @columns: what there is room for, 0: no matter; the subject gives way first.
 * "spawn web-1: writing the image  42%  1.3 GiB of 3 GiB  112 MiB/s  0:15 left"; safe */
char *
progress_state_print(const ProgressState *state, const char *subject, guint columns, gint64 now_us);

typedef struct _Progress Progress;

Progress *progress_new(Output *output);
void progress_free(Progress *progress);
/* What the instance is called; a new operation begins. (nullable) */
void progress_begin(Progress *progress, const char *subject);
/* What comes is a part of a longer operation, of which it takes it from one fraction to another.
 * @operation: (unowned); cleared by progress_begin() */
void progress_part(Progress *progress, const char *operation, double from, double to);
/* What comes takes it no farther: it is on its way back. */
void progress_stay(Progress *progress);
/* Takes the live line away until there is news. */
void progress_end(Progress *progress);

/* HvdProgressFunc; @progress: a Progress */
void progress_update(const HvdProgress *news, gpointer progress);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Progress, progress_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProgressState, progress_state_clear)

G_END_DECLS
