/* The runner against drivers that break the contract, each in its own way; and the loader's check of
 * tables. */
#include "document.h"
#include "failure.h"
#include "loader.h"
#include "runner.h"

#include <string.h>

/* ---- a driver that does what the test says ---- */

typedef enum {
    WELL,
    TOO_EARLY,
    TWICE,
    TWICE_LATER,
    ELSEWHERE,
    BOTH,
    NEITHER,
    FOREIGN,
    NO_JSON,
    REFUSES,
} Manner;

/* What the border calls a connection. */
typedef struct {
    Manner manner;
    GAsyncReadyCallback late; /* to be called once more at the end */
    gpointer late_data;
} Connection;

static guint n_results; /* that somebody still has */

static void
on_result_gone(gpointer data G_GNUC_UNUSED, GObject *result G_GNUC_UNUSED)
{
    n_results--;
}

static void
complete(gpointer data, GAsyncReadyCallback callback)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);

    n_results++;
    g_object_weak_ref(G_OBJECT(task), on_result_gone, NULL);
    callback(NULL, G_ASYNC_RESULT(task), data);
}

typedef struct {
    GAsyncReadyCallback callback;
    gpointer data;
    guint times;
} Answer;

static gboolean
on_turn(gpointer data)
{
    Answer *answer = data;

    while (answer->times-- > 0)
        complete(answer->data, answer->callback);
    return G_SOURCE_REMOVE;
}

static void
answer_later(GAsyncReadyCallback callback, gpointer data, guint times)
{
    Answer *answer = g_new0(Answer, 1);

    *answer = (Answer){callback, data, times};
    g_idle_add_full(G_PRIORITY_DEFAULT, on_turn, answer, g_free);
}

static gpointer
answer_in_thread(gpointer data)
{
    on_turn(data);
    g_main_context_wakeup(NULL);
    return NULL;
}

static void
open_async(const HvdOpen *open G_GNUC_UNUSED, GCancellable *cancellable G_GNUC_UNUSED,
           GAsyncReadyCallback callback, gpointer data)
{
    answer_later(callback, data, 1);
}

static HvdConnection *
open_finish(GAsyncResult *result G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return (HvdConnection *) g_new0(Connection, 1);
}

static void
close_async(HvdConnection *connection, GAsyncReadyCallback callback, gpointer data)
{
    g_autofree Connection *ended = (Connection *) connection;

    if (ended->late != NULL)
        complete(ended->late_data, ended->late);
    answer_later(callback, data, 1);
}

static void
close_finish(GAsyncResult *result G_GNUC_UNUSED)
{
}

/* The name of the instance is the manner. */
static void
pause_async(HvdConnection *connection, const char *instance, const HvdCall *call,
            GCancellable *cancellable G_GNUC_UNUSED, GAsyncReadyCallback callback, gpointer data)
{
    Connection *ours = (Connection *) connection;
    Manner manner = ours->manner = (Manner) (instance[0] - 'a');
    g_autofree Answer *answer = NULL;

    g_assert_cmpuint(call->struct_size, ==, sizeof *call);
    if (manner == TWICE_LATER) {
        ours->late = callback;
        ours->late_data = data;
    }
    if (manner == TOO_EARLY) {
        complete(data, callback);
    } else if (manner == ELSEWHERE) {
        answer = g_new0(Answer, 1);
        *answer = (Answer){callback, data, 1};
        g_thread_join(g_thread_new("other", answer_in_thread, answer));
    } else {
        answer_later(callback, data, manner == TWICE ? 2 : 1);
    }
}

static char *
pause_finish(HvdConnection *connection, GAsyncResult *result G_GNUC_UNUSED, GError **error)
{
    Manner manner = ((Connection *) connection)->manner;

    if (manner == FOREIGN)
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "foreign");
    else if (manner == REFUSES || manner == BOTH)
        g_set_error_literal(error, HVD_ERROR, HVD_ERROR_BUSY, "busy");
    return manner == WELL || manner == BOTH || manner == TWICE_LATER ? g_strdup("{}")
           : manner == NO_JSON                                       ? g_strdup("{]")
                                                                     : NULL;
}

static char *
describe_error(GAsyncResult *result)
{
    g_assert_nonnull(result);
    return g_strdup("{\"code\":\"BUSY\",\"message\":\"busy\",\"advice\":\"wait\"}");
}

static const HvdDriver driver = {
    .major = HVD_DRIVER_MAJOR,
    .minor = HVD_DRIVER_MINOR,
    .struct_size = sizeof driver,
    .name = "test",
    .version = "1",
    .describe_error = describe_error,
    .open_async = open_async,
    .open_finish = open_finish,
    .close_async = close_async,
    .close_finish = close_finish,
    .pause_async = pause_async,
    .pause_finish = pause_finish,
};

static char *
call(Runner *runner, Manner manner, GError **error)
{
    char instance[2] = {(char) ('a' + manner), '\0'};

    return runner_instance(runner, "pause", instance, error);
}

static Runner *
open_runner(void)
{
    Runner *runner = runner_new(&driver);
    HvdOpen open = {.struct_size = sizeof open};
    g_autoptr(GError) error = NULL;

    g_assert_true(runner_open(runner, &open, &error));
    g_assert_no_error(error);
    return runner;
}

/* ---- the tests ---- */

static void
test_well(void)
{
    g_autoptr(Runner) runner = open_runner();
    g_autoptr(GError) error = NULL;
    g_autofree char *text = call(runner, WELL, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(text, ==, "{}");
}

/* hvd watch makes a call a second for weeks. */
static void
test_many(void)
{
    g_autoptr(Runner) runner = open_runner();

    for (guint i = 0; i < 200; i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = call(runner, i % 2 == 0 ? WELL : REFUSES, &error);

        g_assert_cmpstr(text, ==, i % 2 == 0 ? "{}" : NULL);
        g_assert_cmpuint(n_results, ==, 0);
    }
}

static void
test_broken(void)
{
    static const struct {
        Manner manner;
        const char *message;
    } cases[] = {
        {TOO_EARLY, "pause called back before it returned"},
        {TWICE, "pause called back twice"},
        {ELSEWHERE, "pause called back in another thread"},
        {BOTH, "pause gave a result and an error"},
        {NEITHER, "pause gave neither a result nor an error"},
        {FOREIGN, "pause gave an error of a foreign domain"},
        {NO_JSON, "pause gave text that is no JSON"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Runner *runner = open_runner();
        g_autoptr(GError) error = NULL;

        g_assert_null(call(runner, cases[i].manner, &error));
        g_assert_true(failure_is(error, HVD_ERROR_PROTOCOL));
        g_assert_nonnull(strstr(error->message, cases[i].message));
        if (cases[i].manner == TWICE)
            g_test_expect_message("hvd", G_LOG_LEVEL_WARNING, "*pause called back twice");
        runner_free(runner);
        g_test_assert_expected_messages();
    }
}

/* The second answer comes when the call has long ended well. */
static void
test_twice_later(void)
{
    Runner *runner = open_runner();
    g_autoptr(GError) error = NULL;
    g_autofree char *text = call(runner, TWICE_LATER, &error);

    g_assert_no_error(error);
    g_assert_nonnull(text);
    g_test_expect_message("hvd", G_LOG_LEVEL_WARNING, "*pause called back twice");
    runner_free(runner);
    g_test_assert_expected_messages();
}

static void
test_error_document(void)
{
    g_autoptr(Runner) runner = open_runner();
    g_autoptr(GError) error = NULL;
    g_autofree char *shown = NULL;

    g_assert_null(call(runner, REFUSES, &error));
    g_assert_true(failure_is(error, HVD_ERROR_BUSY));
    shown = failure_print(error, FALSE);
    g_assert_cmpstr(shown, ==, "hvd: BUSY: busy\n  advice: wait\n");
}

static void
test_absent_slot(void)
{
    g_autoptr(Runner) runner = open_runner();
    g_autoptr(GError) error = NULL;

    g_assert_null(runner_instance(runner, "unpause", "x", &error));
    g_assert_true(failure_is(error, HVD_ERROR_UNSUPPORTED));
    g_assert_cmpstr(error->message, ==, "the driver test has no unpause");
    g_assert_false(runner_has(runner, "unpause"));
    g_assert_true(runner_has(runner, "pause"));
    g_assert_false(runner_has(runner, "no such slot"));
}

/* ---- tables ---- */

static gboolean
is_refused(const HvdDriver *table, HvdError code)
{
    g_autoptr(GError) error = NULL;

    return !loader_check(table, &error) && failure_is(error, (int) code);
}

static void
test_tables(void)
{
    g_autoptr(GError) error = NULL;
    HvdDriver table = driver;

    g_assert_true(loader_check(&driver, &error));
    g_assert_no_error(error);
    table.major = HVD_DRIVER_MAJOR + 1;
    g_assert_true(is_refused(&table, HVD_ERROR_UNSUPPORTED));
    table = driver;
    table.minor = HVD_DRIVER_MINOR + 1;
    g_assert_true(is_refused(&table, HVD_ERROR_UNSUPPORTED));
    table = driver;
    table.name = NULL;
    g_assert_true(is_refused(&table, HVD_ERROR_PROTOCOL));
    table = driver;
    table.pause_finish = NULL;
    g_assert_true(is_refused(&table, HVD_ERROR_PROTOCOL));
    table = driver;
    table.unpause_finish = pause_finish;
    g_assert_true(is_refused(&table, HVD_ERROR_PROTOCOL));
    table = driver;
    table.struct_size = G_STRUCT_OFFSET(HvdDriver, open_async);
    g_assert_true(is_refused(&table, HVD_ERROR_PROTOCOL));
}

/* What stands behind the table's size is not read, let alone called. */
static void
test_short_table(void)
{
    HvdDriver table = driver;
    g_autoptr(Runner) runner = NULL;
    g_autoptr(GError) error = NULL;

    table.struct_size = G_STRUCT_OFFSET(HvdDriver, pause_async);
    g_assert_true(loader_check(&table, &error));
    g_assert_no_error(error);
    runner = runner_new(&table);
    g_assert_false(runner_has(runner, "pause"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim/runner/well", test_well);
    g_test_add_func("/shim/runner/many", test_many);
    g_test_add_func("/shim/runner/broken", test_broken);
    g_test_add_func("/shim/runner/twice-later", test_twice_later);
    g_test_add_func("/shim/runner/error-document", test_error_document);
    g_test_add_func("/shim/runner/absent-slot", test_absent_slot);
    g_test_add_func("/shim/loader/tables", test_tables);
    g_test_add_func("/shim/loader/short-table", test_short_table);
    return g_test_run();
}
