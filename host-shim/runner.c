#include "runner.h"

#include "document.h"
#include "failure.h"
#include "slots.h"

#include <glib/gi18n.h>
#include <string.h>

/* A second answer may come at any time: so many calls are remembered. */
#define MAX_CALLS 64

/* One call of a slot. */
typedef struct {
    const char *slot;
    GThread *thread;
    gboolean returned;
    gboolean too_early;
    gboolean elsewhere;
    guint answers;
    GAsyncResult *result; /* until it was made an answer of */
} Pending;

struct _Runner {
    const HvdDriver *driver;
    HvdConnection *connection;
    HvdCall call;
    GCancellable *cancellable;
    gboolean shielded;
    GPtrArray *calls; /* (element-type Pending) */
    guint n_calls;    /* that there were */
};

static void
pending_free(gpointer data)
{
    Pending *pending = data;

    g_clear_object(&pending->result);
    g_free(pending);
}

Runner *
runner_new(const HvdDriver *driver)
{
    Runner *runner = g_new0(Runner, 1);

    runner->driver = driver;
    runner->call.struct_size = sizeof runner->call;
    runner->cancellable = g_cancellable_new();
    runner->calls = g_ptr_array_new_with_free_func(pending_free);
    return runner;
}

void
runner_free(Runner *runner)
{
    runner_close(runner);
    g_object_unref(runner->cancellable);
    g_ptr_array_unref(runner->calls);
    g_free(runner);
}

const HvdDriver *
runner_get_driver(const Runner *runner)
{
    return runner->driver;
}

HvdCall *
runner_get_call(Runner *runner)
{
    return &runner->call;
}

GCancellable *
runner_get_cancellable(const Runner *runner)
{
    return runner->cancellable;
}

void
runner_shield(Runner *runner, gboolean shielded)
{
    runner->shielded = shielded;
}

/* (nullable): what may stop the next call */
static GCancellable *
stopper(const Runner *runner)
{
    return runner->shielded ? NULL : runner->cancellable;
}

/* ---- the contract ---- */

static void
on_answer(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Pending *pending = data;

    pending->answers++;
    pending->too_early |= !pending->returned;
    pending->elsewhere |= g_thread_self() != pending->thread;
    if (pending->answers == 1)
        pending->result = g_object_ref(result);
}

/* A second answer that came too late to be an error of its call is at least told. */
static void
check_late_answer(const Pending *pending)
{
    if (pending->answers > 1)
        g_warning("the driver broke its contract: %s called back twice", pending->slot);
}

/* One that nobody has used yet, or the oldest. */
static Pending *
take_pending(Runner *runner)
{
    Pending *pending;

    if (runner->n_calls < MAX_CALLS) {
        g_ptr_array_add(runner->calls, g_new0(Pending, 1));
        return g_ptr_array_index(runner->calls, runner->n_calls++);
    }
    pending = g_ptr_array_index(runner->calls, runner->n_calls++ % MAX_CALLS);
    check_late_answer(pending);
    g_clear_object(&pending->result);
    return pending;
}

static Pending *
new_pending(Runner *runner, const char *slot)
{
    Pending *pending = take_pending(runner);

    *pending = (Pending){.slot = slot, .thread = g_thread_self()};
    return pending;
}

static gboolean
broken(const Pending *pending, const char *what, GError **error)
{
    g_set_error(error, HVD_ERROR, HVD_ERROR_PROTOCOL,
                /* a slot, and what it did: "called back twice" */
                _("the driver broke its contract: %s %s"), pending->slot, what);
    return FALSE;
}

/* Waits for the callback, and gives a second one the chance to show itself. */
static gboolean
pending_wait(Pending *pending, GError **error)
{
    pending->returned = TRUE;
    while (pending->answers == 0)
        g_main_context_iteration(NULL, TRUE);
    g_main_context_iteration(NULL, FALSE);
    if (pending->elsewhere)
        return broken(pending, _("called back in another thread"), error);
    if (pending->too_early)
        return broken(pending, _("called back before it returned"), error);
    if (pending->answers > 1)
        return broken(pending, _("called back twice"), error);
    return TRUE;
}

/* What a finish function gave: result or error, and an error that the host can act on. Takes
 * @given. */
static gboolean
check_end(Runner *runner, Pending *pending, gboolean succeeded, GError *given, GError **error)
{
    g_autoptr(GAsyncResult) result = g_steal_pointer(&pending->result);
    g_autoptr(GError) owned = given;
    char *document = NULL;

    if (succeeded && given != NULL)
        return broken(pending, _("gave a result and an error"), error);
    if (!succeeded && given == NULL)
        return broken(pending, _("gave neither a result nor an error"), error);
    if (succeeded)
        return TRUE;
    if (given->domain != HVD_ERROR && !g_error_matches(given, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return broken(pending, _("gave an error of a foreign domain"), error);
    if (HVD_HAS(runner->driver, describe_error))
        document = runner->driver->describe_error(result);
    g_propagate_error(error, failure_from_driver(g_steal_pointer(&owned), document));
    return FALSE;
}

static gboolean
check_json(const Pending *pending, const char *text, GError **error)
{
    g_autoptr(JsonNode) node = document_parse(text);

    return node != NULL || broken(pending, _("gave text that is no JSON"), error);
}

static char *
finish_text(Runner *runner, Pending *pending, HvdDocumentFinish finish, GError **error)
{
    g_autofree char *text = NULL;
    GError *given = NULL;

    if (!pending_wait(pending, error))
        return NULL;
    text = finish(runner->connection, pending->result, &given);
    if (!check_end(runner, pending, text != NULL, given, error) ||
        !check_json(pending, text, error))
        return NULL;
    return g_steal_pointer(&text);
}

/* ---- connection ---- */

gboolean
runner_open(Runner *runner, const HvdOpen *open, GError **error)
{
    Pending *pending = new_pending(runner, "open");
    GError *given = NULL;

    runner->driver->open_async(open, runner->cancellable, on_answer, pending);
    if (!pending_wait(pending, error))
        return FALSE;
    runner->connection = runner->driver->open_finish(pending->result, &given);
    return check_end(runner, pending, runner->connection != NULL, given, error);
}

void
runner_close(Runner *runner)
{
    Pending *pending;

    if (runner->connection == NULL)
        return;
    pending = new_pending(runner, "close");
    runner->driver->close_async(g_steal_pointer(&runner->connection), on_answer, pending);
    if (pending_wait(pending, NULL))
        runner->driver->close_finish(pending->result);
    for (guint i = 0; i < runner->calls->len; i++)
        check_late_answer(g_ptr_array_index(runner->calls, i));
}

/* The slot's two functions. */
static gboolean
find_slot(const Runner *runner, const char *name, gpointer async, gpointer finish, GError **error)
{
    const Slot *slot = slots_find(name);

    if (slot == NULL || !slots_has(runner->driver, slot)) {
        g_set_error(error, HVD_ERROR, HVD_ERROR_UNSUPPORTED, _("the driver %s has no %s"),
                    runner->driver->name, name);
        return FALSE;
    }
    *(gpointer *) async = slots_member(runner->driver, slot->async);
    *(gpointer *) finish = slots_member(runner->driver, slot->finish);
    return TRUE;
}

gboolean
runner_has(const Runner *runner, const char *slot)
{
    gpointer async, finish;

    return find_slot(runner, slot, &async, &finish, NULL);
}

/* ---- slots, form by form ---- */

#define PREPARE(SLOT_NAME, AsyncType, FinishType)                                                  \
    Pending *pending;                                                                              \
    AsyncType async;                                                                               \
    FinishType finish;                                                                             \
    if (!find_slot(runner, SLOT_NAME, &async, &finish, error))                                     \
        return 0;                                                                                  \
    pending = new_pending(runner, SLOT_NAME);

#define TAIL &runner->call, stopper(runner), on_answer, pending

char *
runner_call(Runner *runner, const char *slot, GError **error)
{
    PREPARE(slot, HvdCallAsync, HvdDocumentFinish)

    async(runner->connection, TAIL);
    return finish_text(runner, pending, finish, error);
}

char *
runner_instance(Runner *runner, const char *slot, const char *instance, GError **error)
{
    PREPARE(slot, HvdInstanceAsync, HvdDocumentFinish)

    async(runner->connection, instance, TAIL);
    return finish_text(runner, pending, finish, error);
}

char *
runner_document(Runner *runner, const char *slot, const char *instance, const char *document,
                GError **error)
{
    PREPARE(slot, HvdDocumentAsync, HvdDocumentFinish)

    async(runner->connection, instance, document, TAIL);
    return finish_text(runner, pending, finish, error);
}

/* Slots of a form of their own: the type is that of the table's member. */
#define MEMBER(slot, half) __typeof__(((HvdDriver *) NULL)->slot##_##half)
#define PREPARE_OWN(slot)  PREPARE(#slot, MEMBER(slot, async), MEMBER(slot, finish))

char *
runner_spawn(Runner *runner, const char *document, GInputStream *image, GError **error)
{
    PREPARE_OWN(spawn)

    async(runner->connection, document, image, TAIL);
    return finish_text(runner, pending, finish, error);
}

char *
runner_power_off(Runner *runner, const char *instance, int timeout_s, GError **error)
{
    PREPARE_OWN(power_off)

    async(runner->connection, instance, timeout_s, TAIL);
    return finish_text(runner, pending, finish, error);
}

char *
runner_reboot(Runner *runner, const char *instance, gboolean hard, GError **error)
{
    PREPARE_OWN(reboot)

    async(runner->connection, instance, hard, TAIL);
    return finish_text(runner, pending, finish, error);
}

char *
runner_set_bootable(Runner *runner, const char *instance, gboolean bootable, GError **error)
{
    PREPARE_OWN(set_bootable)

    async(runner->connection, instance, bootable, TAIL);
    return finish_text(runner, pending, finish, error);
}

char *
runner_snapshot(Runner *runner, const char *instance, GOutputStream *sink, GError **error)
{
    PREPARE_OWN(snapshot)

    async(runner->connection, instance, sink, TAIL);
    return finish_text(runner, pending, finish, error);
}

char *
runner_get_volume_connector(Runner *runner, const char *node, GError **error)
{
    PREPARE_OWN(get_volume_connector)

    async(runner->connection, node, TAIL);
    return finish_text(runner, pending, finish, error);
}

char *
runner_attach_volume(Runner *runner, const char *instance, const char *connection_info,
                     const char *mountpoint, GError **error)
{
    PREPARE_OWN(attach_volume)

    async(runner->connection, instance, connection_info, mountpoint, TAIL);
    return finish_text(runner, pending, finish, error);
}

gboolean
runner_get_state(Runner *runner, const char *instance, HvdInstanceState *state, GError **error)
{
    GError *given = NULL;
    gboolean ended;
    PREPARE_OWN(get_state)

    async(runner->connection, instance, TAIL);
    if (!pending_wait(pending, error))
        return FALSE;
    ended = finish(runner->connection, pending->result, state, &given);
    return check_end(runner, pending, ended, given, error);
}

gboolean
runner_exists(Runner *runner, const char *instance, gboolean *exists, GError **error)
{
    GError *given = NULL;
    gboolean ended;
    PREPARE_OWN(exists)

    async(runner->connection, instance, TAIL);
    if (!pending_wait(pending, error))
        return FALSE;
    ended = finish(runner->connection, pending->result, exists, &given);
    return check_end(runner, pending, ended, given, error);
}
