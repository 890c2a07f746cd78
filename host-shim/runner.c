#include "runner.h"

#include "slots.h"

#include <json-glib/json-glib.h>
#include <string.h>

struct _Runner {
    const HvdDriver *driver;
    HvdConnection *connection;
    HvdCall call;
    GCancellable *cancellable;
    char *error_document;
};

/* One call of a slot. */
typedef struct {
    const char *slot;
    GThread *thread;
    gboolean returned;
    gboolean too_early;
    gboolean elsewhere;
    guint answers;
    GAsyncResult *result;
} Pending;

Runner *
runner_new(const HvdDriver *driver)
{
    Runner *runner = g_new0(Runner, 1);

    runner->driver = driver;
    runner->call.struct_size = sizeof runner->call;
    runner->cancellable = g_cancellable_new();
    return runner;
}

void
runner_free(Runner *runner)
{
    runner_close(runner);
    g_object_unref(runner->cancellable);
    g_free(runner->error_document);
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

void
runner_cancel(Runner *runner)
{
    g_cancellable_cancel(runner->cancellable);
}

const char *
runner_get_error_document(const Runner *runner)
{
    return runner->error_document;
}

/* ---- the contract ---- */

static void
on_answer(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Pending *pending = data;

    pending->answers++;
    pending->too_early |= !pending->returned;
    pending->elsewhere |= g_thread_self() != pending->thread;
    if (pending->result == NULL)
        pending->result = g_object_ref(result);
}

static void
pending_init(Pending *pending, const char *slot)
{
    *pending = (Pending){.slot = slot, .thread = g_thread_self()};
}

static gboolean
broken(Pending *pending, const char *what, GError **error)
{
    g_set_error(error, HVD_ERROR, HVD_ERROR_PROTOCOL, "the driver broke its contract: %s %s",
                pending->slot, what);
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
    if (pending->too_early)
        return broken(pending, "called back before it returned", error);
    if (pending->elsewhere)
        return broken(pending, "called back in another thread", error);
    if (pending->answers > 1)
        return broken(pending, "called back twice", error);
    return TRUE;
}

static gboolean
is_json(const char *text)
{
    g_autoptr(JsonParser) parser = json_parser_new();

    return g_utf8_validate(text, -1, NULL) && json_parser_load_from_data(parser, text, -1, NULL);
}

/* What a finish function gave: result or error, and an error that the host can act on. */
static gboolean
check_end(Runner *runner, Pending *pending, gboolean succeeded, GError *given, GError **error)
{
    g_clear_pointer(&runner->error_document, g_free);
    if (succeeded && given != NULL) {
        g_error_free(given);
        return broken(pending, "gave a result and an error", error);
    }
    if (!succeeded && given == NULL)
        return broken(pending, "gave neither a result nor an error", error);
    if (given == NULL)
        return TRUE;
    if (given->domain != HVD_ERROR && !g_error_matches(given, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        g_error_free(given);
        return broken(pending, "gave an error of a foreign domain", error);
    }
    if (HVD_HAS(runner->driver, describe_error))
        runner->error_document = runner->driver->describe_error(pending->result);
    g_propagate_error(error, given);
    return FALSE;
}

static char *
check_text(Runner *runner, Pending *pending, char *text, GError *given, GError **error)
{
    g_autofree char *owned = text;

    g_clear_object(&pending->result);
    if (!check_end(runner, pending, text != NULL, given, error))
        return NULL;
    if (is_json(text))
        return g_steal_pointer(&owned);
    broken(pending, "gave text that is no JSON", error);
    return NULL;
}

/* (nullable): the slot's two functions */
static gboolean
find_slot(Runner *runner, const char *name, gpointer async, gpointer finish, GError **error)
{
    for (gsize i = 0; i < n_slots; i++) {
        if (strcmp(slots[i].name, name) != 0)
            continue;
        if (slots[i].finish + sizeof(gpointer) > runner->driver->struct_size)
            break;
        memcpy(async, (const char *) runner->driver + slots[i].async, sizeof(gpointer));
        memcpy(finish, (const char *) runner->driver + slots[i].finish, sizeof(gpointer));
        if (*(gpointer *) async != NULL)
            return TRUE;
        break;
    }
    g_set_error(error, HVD_ERROR, HVD_ERROR_UNSUPPORTED, "the driver %s has no %s",
                runner->driver->name, name);
    return FALSE;
}

static char *
finish_text(Runner *runner, Pending *pending, HvdDocumentFinish finish, GError **error)
{
    GError *given = NULL;
    char *text;

    if (!pending_wait(pending, error)) {
        g_clear_object(&pending->result);
        return NULL;
    }
    text = finish(runner->connection, pending->result, &given);
    if (given != NULL && text == NULL) {
        check_end(runner, pending, FALSE, given, error);
        g_clear_object(&pending->result);
        return NULL;
    }
    return check_text(runner, pending, text, given, error);
}

/* ---- connection ---- */

gboolean
runner_open(Runner *runner, const HvdOpen *open, GError **error)
{
    Pending pending;
    GError *given = NULL;
    gboolean opened;

    pending_init(&pending, "open");
    runner->driver->open_async(open, runner->cancellable, on_answer, &pending);
    if (!pending_wait(&pending, error)) {
        g_clear_object(&pending.result);
        return FALSE;
    }
    runner->connection = runner->driver->open_finish(pending.result, &given);
    opened = check_end(runner, &pending, runner->connection != NULL, given, error);
    g_clear_object(&pending.result);
    return opened;
}

void
runner_close(Runner *runner)
{
    Pending pending;

    if (runner->connection == NULL)
        return;
    pending_init(&pending, "close");
    runner->driver->close_async(g_steal_pointer(&runner->connection), on_answer, &pending);
    if (pending_wait(&pending, NULL))
        runner->driver->close_finish(pending.result);
    g_clear_object(&pending.result);
}

/* ---- slots, form by form ---- */

#define PREPARE(SLOT_NAME, AsyncType, FinishType)                                                  \
    Pending pending;                                                                               \
    AsyncType async;                                                                               \
    FinishType finish;                                                                             \
    pending_init(&pending, SLOT_NAME);                                                             \
    if (!find_slot(runner, SLOT_NAME, &async, &finish, error))                                     \
        return 0;

#define TAIL &runner->call, runner->cancellable, on_answer, &pending

char *
runner_call(Runner *runner, const char *slot, GError **error)
{
    PREPARE(slot, HvdCallAsync, HvdDocumentFinish)

    async(runner->connection, TAIL);
    return finish_text(runner, &pending, finish, error);
}

char *
runner_instance(Runner *runner, const char *slot, const char *instance, GError **error)
{
    PREPARE(slot, HvdInstanceAsync, HvdDocumentFinish)

    async(runner->connection, instance, TAIL);
    return finish_text(runner, &pending, finish, error);
}

char *
runner_document(Runner *runner, const char *slot, const char *instance, const char *document,
                GError **error)
{
    PREPARE(slot, HvdDocumentAsync, HvdDocumentFinish)

    async(runner->connection, instance, document, TAIL);
    return finish_text(runner, &pending, finish, error);
}

/* Slots of a form of their own: the type is that of the table's member. */
#define MEMBER(slot, half) __typeof__(((HvdDriver *) NULL)->slot##_##half)
#define PREPARE_OWN(slot)  PREPARE(#slot, MEMBER(slot, async), MEMBER(slot, finish))

char *
runner_spawn(Runner *runner, const char *document, GInputStream *image, GError **error)
{
    PREPARE_OWN(spawn)

    async(runner->connection, document, image, TAIL);
    return finish_text(runner, &pending, finish, error);
}

char *
runner_power_off(Runner *runner, const char *instance, int timeout_s, GError **error)
{
    PREPARE_OWN(power_off)

    async(runner->connection, instance, timeout_s, TAIL);
    return finish_text(runner, &pending, finish, error);
}

char *
runner_reboot(Runner *runner, const char *instance, gboolean hard, GError **error)
{
    PREPARE_OWN(reboot)

    async(runner->connection, instance, hard, TAIL);
    return finish_text(runner, &pending, finish, error);
}

char *
runner_set_bootable(Runner *runner, const char *instance, gboolean bootable, GError **error)
{
    PREPARE_OWN(set_bootable)

    async(runner->connection, instance, bootable, TAIL);
    return finish_text(runner, &pending, finish, error);
}

char *
runner_snapshot(Runner *runner, const char *instance, GOutputStream *sink, GError **error)
{
    PREPARE_OWN(snapshot)

    async(runner->connection, instance, sink, TAIL);
    return finish_text(runner, &pending, finish, error);
}

char *
runner_attach_volume(Runner *runner, const char *instance, const char *connection_info,
                     const char *mountpoint, GError **error)
{
    PREPARE_OWN(attach_volume)

    async(runner->connection, instance, connection_info, mountpoint, TAIL);
    return finish_text(runner, &pending, finish, error);
}

gboolean
runner_get_state(Runner *runner, const char *instance, HvdInstanceState *state, GError **error)
{
    GError *given = NULL;
    gboolean ended;
    PREPARE_OWN(get_state)

    async(runner->connection, instance, TAIL);
    if (!pending_wait(&pending, error)) {
        g_clear_object(&pending.result);
        return FALSE;
    }
    ended = finish(runner->connection, pending.result, state, &given);
    ended = check_end(runner, &pending, ended, given, error);
    g_clear_object(&pending.result);
    return ended;
}

gboolean
runner_exists(Runner *runner, const char *instance, gboolean *exists, GError **error)
{
    GError *given = NULL;
    gboolean ended;
    PREPARE_OWN(exists)

    async(runner->connection, instance, TAIL);
    if (!pending_wait(&pending, error)) {
        g_clear_object(&pending.result);
        return FALSE;
    }
    ended = finish(runner->connection, pending.result, exists, &given);
    ended = check_end(runner, &pending, ended, given, error);
    g_clear_object(&pending.result);
    return ended;
}
