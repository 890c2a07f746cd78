#include "progress.h"

#include "steps.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS    250 /* the clock of the live line goes on where the driver is silent */
#define LINE_PAUSE G_USEC_PER_SEC
#define RATE_AFTER (G_USEC_PER_SEC / 4)

/* ---- what is known ---- */

static void
restart_rate(ProgressState *state, guint64 bytes, gint64 now_us)
{
    state->bytes_before = bytes;
    state->bytes_since_us = now_us;
}

static const char *
or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void
progress_state_take(ProgressState *state, const HvdProgress *news, gint64 now_us)
{
    gboolean other_operation = g_strcmp0(state->operation, news->operation) != 0;
    gboolean other_step = other_operation || g_strcmp0(state->step, news->step) != 0;

    if (other_operation) {
        g_free(state->operation);
        state->operation = g_strdup(or_empty(news->operation));
        state->started_us = now_us;
    }
    if (other_step) {
        g_free(state->step);
        state->step = g_strdup(or_empty(news->step));
    }
    if (other_step || news->bytes_done < state->bytes_done)
        restart_rate(state, news->bytes_done, now_us);
    state->fraction = CLAMP(news->fraction, 0.0, 1.0);
    state->bytes_done = news->bytes_done;
    state->bytes_total = news->bytes_total;
}

void
progress_state_clear(ProgressState *state)
{
    g_free(state->operation);
    g_free(state->step);
    *state = (ProgressState){0};
}

/* ---- its words ---- */

static void
append_transfer(GString *line, const ProgressState *state, gint64 now_us)
{
    gint64 passed_us = now_us - state->bytes_since_us;
    g_autofree char *done = text_size(state->bytes_done);
    g_autofree char *total = text_size(state->bytes_total);
    g_autofree char *speed = NULL;
    g_autofree char *left = NULL;
    double rate;

    g_string_append(line, "  ");
    g_string_append_printf(line, _("%s of %s"), done, total);
    if (passed_us < RATE_AFTER || state->bytes_done <= state->bytes_before)
        return;
    rate = (double) (state->bytes_done - state->bytes_before) * G_USEC_PER_SEC / (double) passed_us;
    speed = text_size((guint64) rate);
    g_string_append_printf(line, "  %s/s", speed);
    if (rate < 1.0 || state->bytes_done >= state->bytes_total)
        return;
    left = text_duration((gint64) ((double) (state->bytes_total - state->bytes_done) / rate) + 1);
    g_string_append(line, "  ");
    g_string_append_printf(line, _("%s left"), left);
}

/* ": writing the image  42%  0:15" */
static GString *
print_state(const ProgressState *state, gint64 now_us)
{
    g_autofree char *words = steps_describe(or_empty(state->step));
    g_autofree char *step = text_escape(words);
    g_autofree char *passed = text_duration((now_us - state->started_us) / G_USEC_PER_SEC);
    GString *line = g_string_new(NULL);

    g_string_append_printf(line, ": %s  %d%%", step, (int) (state->fraction * 100.0));
    if (state->bytes_total > 0)
        append_transfer(line, state, now_us);
    else
        g_string_append_printf(line, "  %s", passed);
    return line;
}

char *
progress_state_print(const ProgressState *state, const char *subject, guint columns, gint64 now_us)
{
    g_autofree char *operation = text_escape(or_empty(state->operation));
    g_autofree char *safe = text_escape(or_empty(subject));
    g_autofree char *title = g_strconcat(operation, safe[0] != '\0' ? " " : "", safe, NULL);
    g_autoptr(GString) rest = print_state(state, now_us);
    guint width = text_width(rest->str);
    g_autofree char *fitted = columns > width ? text_fit(title, columns - width) : g_strdup(title);

    return g_strconcat(fitted, rest->str, NULL);
}

/* ---- where it is shown ---- */

struct _Progress {
    Output *output;
    ProgressState state;
    char *subject;
    const char *whole; /* (nullable): the operation that this is a part of */
    double from, to;
    guint ticker;
    gint64 shown_us; /* of the last line, where there is no terminal */
};

Progress *
progress_new(Output *output)
{
    Progress *progress = g_new0(Progress, 1);

    progress->output = output;
    return progress;
}

void
progress_free(Progress *progress)
{
    progress_end(progress);
    progress_state_clear(&progress->state);
    g_free(progress->subject);
    g_free(progress);
}

void
progress_begin(Progress *progress, const char *subject)
{
    progress_end(progress);
    progress_state_clear(&progress->state);
    g_free(progress->subject);
    progress->subject = g_strdup(subject);
    progress->whole = NULL;
}

void
progress_part(Progress *progress, const char *operation, double from, double to)
{
    progress->whole = operation;
    progress->from = from;
    progress->to = to;
}

void
progress_stay(Progress *progress)
{
    progress->from = progress->to = progress->state.fraction;
}

void
progress_end(Progress *progress)
{
    g_clear_handle_id(&progress->ticker, g_source_remove);
    output_live(progress->output, NULL);
}

static void
show(Progress *progress)
{
    gint64 now_us = g_get_monotonic_time();
    gint64 since_us = MAX(progress->shown_us, progress->state.started_us);
    guint columns = output_width(STDERR_FILENO);
    g_autofree char *line = NULL;

    if (!progress->output->err_is_terminal && now_us - since_us < LINE_PAUSE)
        return;
    line = progress_state_print(&progress->state, progress->subject, columns > 1 ? columns - 1 : 0,
                                now_us);
    if (progress->output->err_is_terminal)
        output_live(progress->output, line);
    else
        output_note(progress->output, "%s", line);
    progress->shown_us = now_us;
}

static gboolean
on_tick(gpointer data)
{
    show(data);
    return G_SOURCE_CONTINUE;
}

/* The same as news of the whole. */
static HvdProgress
widen(const Progress *progress, const HvdProgress *news)
{
    double fraction = CLAMP(news->fraction, 0.0, 1.0);

    return (HvdProgress){
        .struct_size = sizeof(HvdProgress),
        .operation = progress->whole,
        .step = news->step,
        .fraction = progress->from + (progress->to - progress->from) * fraction,
        .bytes_done = news->bytes_done,
        .bytes_total = news->bytes_total,
    };
}

void
progress_update(const HvdProgress *news, gpointer data)
{
    Progress *progress = data;
    HvdProgress whole = progress->whole != NULL ? widen(progress, news) : (HvdProgress){0};

    progress_state_take(&progress->state, progress->whole != NULL ? &whole : news,
                        g_get_monotonic_time());
    if (progress->ticker == 0)
        progress->ticker = g_timeout_add(TICK_MS, on_tick, progress);
    show(progress);
}
