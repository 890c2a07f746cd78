/* Every operation, cancelled at every moment of the time that the pool takes for it (SEC-25): who says that it
 * was cancelled has left the pool as it was, and who says that it is done has done it. */
#include "world.h"

#include <string.h>

typedef struct {
    const Operation *operation;
    char *before;
    char *after;
    guint moments; /* that it takes */
} Subject;

static TestPool *pool;
static guint moment;

/* Time passes in the pool whenever somebody waits. */
static gboolean
on_moment(gpointer data G_GNUC_UNUSED)
{
    moment++;
    test_pool_control(pool, "{\"cmd\":\"clock\",\"advance\":0.05}");
    return G_SOURCE_CONTINUE;
}

static void
restore(const char *state)
{
    test_pool_control(pool, "{\"cmd\":\"restore-state\",\"name\":\"%s\"}", state);
}

/* A reboot shows nowhere else; -1: there is no machine. */
static gint64
domain(void)
{
    JsonArray *refs =
        json_node_get_array(test_pool_call(pool, "VM.get_by_name_label", "[\"web\"]"));
    g_autofree char *parameters = NULL;

    if (json_array_get_length(refs) == 0)
        return -1;
    parameters = g_strdup_printf("[\"%s\"]", json_array_get_string_element(refs, 0));
    return json_node_get_int(test_pool_call(pool, "VM.get_domid", parameters));
}

static void
subject_init(Subject *self, const Operation *operation)
{
    g_autoptr(World) world = NULL;

    self->operation = operation;
    restore("fresh");
    world = world_new(pool, FALSE, NULL);
    world_prepare(world, operation);
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\",\"name\":\"before\"}");
    self->before = test_pool_picture(pool);
    moment = 0;
    world_run(world, operation);
    g_assert_no_error(world->error);
    self->moments = moment;
    self->after = test_pool_picture(pool);
}

static void
subject_clear(Subject *self)
{
    g_free(self->before);
    g_free(self->after);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Subject, subject_clear)

static void
cancel_at(const Subject *self, guint when)
{
    g_autoptr(World) world = NULL;
    g_autofree char *now = NULL;
    const char *expected;
    gint64 domain_before;

    restore("before");
    domain_before = domain();
    world = world_new(pool, FALSE, NULL);
    moment = 0;
    world_start(world, self->operation, NULL);
    while (!world->ended) {
        if (moment >= when)
            g_cancellable_cancel(world->cancellable);
        g_main_context_iteration(NULL, TRUE);
    }
    now = test_pool_picture(pool);
    expected = world->error != NULL ? self->before : self->after;
    if (strcmp(now, expected) == 0 && (world->error == NULL || domain() == domain_before))
        return;
    g_printerr("%s, cancelled after %u of %u moments: %s\n", self->operation->name, when,
               self->moments, world->error != NULL ? world->error->message : "succeeded");
    test_pool_print_difference("expected", expected, now);
    g_test_fail();
}

static void
test_cancel(gconstpointer data)
{
    g_auto(Subject) subject = {0};

    subject_init(&subject, data);
    for (guint when = 0; when <= subject.moments; when++)
        cancel_at(&subject, when);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_log_set_fatal_mask("xd-ops", G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
    pool = test_pool_new_slow();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\",\"name\":\"fresh\"}");
    g_timeout_add(1, on_moment, NULL);
    for (guint i = 0; i < n_operations; i++) {
        g_autofree char *path = g_strdup_printf("/op/%s/cancel", operations[i].name);

        g_test_add_data_func(path, &operations[i], test_cancel);
    }
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
