/* Progress: what its line says, by a clock of the test's own. */
#include "progress.h"

#define SECOND G_USEC_PER_SEC

static void
take(ProgressState *state, const char *step, double fraction, guint64 done, guint64 total,
     gint64 now_us)
{
    HvdProgress news = {
        .struct_size = sizeof news,
        .operation = "spawn",
        .step = step,
        .subject = "",
        .fraction = fraction,
        .bytes_done = done,
        .bytes_total = total,
    };

    progress_state_take(state, &news, now_us);
}

static void
check(const ProgressState *state, const char *subject, gint64 now_us, const char *expected)
{
    g_autofree char *line = progress_state_print(state, subject, 0, now_us);

    g_assert_cmpstr(line, ==, expected);
}

static void
test_steps(void)
{
    g_auto(ProgressState) state = {0};

    take(&state, "create-vm", 0.014, 0, 0, 100 * SECOND);
    check(&state, "web-1", 100 * SECOND, "spawn web-1: creating the machine  1%  0:00");
    take(&state, "start", 0.95, 0, 0, 165 * SECOND);
    check(&state, NULL, 170 * SECOND, "spawn: starting it  95%  1:10");
}

static void
test_transfer(void)
{
    g_auto(ProgressState) state = {0};
    guint64 mib = 1 << 20;

    take(&state, "import-image", 0.1, 0, 300 * mib, 10 * SECOND);
    check(&state, "a", 10 * SECOND, "spawn a: writing the image  10%  0 B of 300 MiB");
    take(&state, "import-image", 0.4, 100 * mib, 300 * mib, 20 * SECOND);
    check(&state, "a", 20 * SECOND,
          "spawn a: writing the image  40%  100 MiB of 300 MiB  10 MiB/s  0:21 left");
    /* nothing arrives any more: the rate falls, the rest grows */
    check(&state, "a", 30 * SECOND,
          "spawn a: writing the image  40%  100 MiB of 300 MiB  5 MiB/s  0:41 left");
    take(&state, "import-image", 0.8, 300 * mib, 300 * mib, 40 * SECOND);
    check(&state, "a", 40 * SECOND,
          "spawn a: writing the image  80%  300 MiB of 300 MiB  10 MiB/s");
}

static void
test_rate_begins_with_the_step(void)
{
    g_auto(ProgressState) state = {0};
    guint64 mib = 1 << 20;

    take(&state, "first", 0.1, 50 * mib, 100 * mib, 0);
    take(&state, "second", 0.5, 10 * mib, 100 * mib, 100 * SECOND);
    take(&state, "second", 0.6, 30 * mib, 100 * mib, 110 * SECOND);
    check(&state, "a", 110 * SECOND, "spawn a: second  60%  30 MiB of 100 MiB  2 MiB/s  0:36 left");
}

static void
test_inert_and_bounded(void)
{
    g_auto(ProgressState) state = {0};

    take(&state, "\033[2J", 17.0, 0, 0, 0);
    check(&state, "\n", 0, "spawn \\x0a: \\x1b[2J  100%  0:00");
    take(&state, NULL, -1.0, 0, 0, 0);
    check(&state, NULL, 0, "spawn:   0%  0:00");
}

static void
test_undo(void)
{
    g_auto(ProgressState) state = {0};

    take(&state, "undo create-vm", 0.5, 0, 0, 0);
    check(&state, "a", 0, "spawn a: taking back: creating the machine  50%  0:00");
    take(&state, "of-another-driver", 0.5, 0, 0, 0);
    check(&state, "a", 0, "spawn a: of-another-driver  50%  0:00");
}

/* Step, percent and time are what is looked at: the name gives way. */
static void
test_narrow(void)
{
    static const struct {
        guint columns;
        const char *expected;
    } cases[] = {
        {0, "spawn a-very-long-name: starting it  50%  0:00"},
        {46, "spawn a-very-long-name: starting it  50%  0:00"},
        {40, "spawn a-very-lo\342\200\246: starting it  50%  0:00"},
        {25, "\342\200\246: starting it  50%  0:00"},
    };
    g_auto(ProgressState) state = {0};

    take(&state, "start", 0.5, 0, 0, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line =
            progress_state_print(&state, "a-very-long-name", cases[i].columns, 0);

        g_assert_cmpstr(line, ==, cases[i].expected);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim/progress/steps", test_steps);
    g_test_add_func("/shim/progress/transfer", test_transfer);
    g_test_add_func("/shim/progress/rate-begins-with-the-step", test_rate_begins_with_the_step);
    g_test_add_func("/shim/progress/undo", test_undo);
    g_test_add_func("/shim/progress/narrow", test_narrow);
    g_test_add_func("/shim/progress/inert-and-bounded", test_inert_and_bounded);
    return g_test_run();
}
