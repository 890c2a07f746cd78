/* A driver that does what its configuration says, and writes down what it was asked: for the parts of
 * hvd that no real driver shows, because it does not fail there.
 *
 *   [answers]  SLOT=JSON        what a slot gives
 *   [errors]   SLOT=NUMBER      or with which HVD_ERROR it fails
 *   [pool]     journal=FILE     a line for each call: the slot, and the document where it has one
 *              waits=SLOT       a slot that ends only when it is cancelled
 *              told=FIFO        and where it says that it waits
 *              budgets=FILE     a line for each call: the slot, and how many ms it may take
 *              uses-up=SLOT     a slot that takes all the time that it has, and succeeds
 */
#include "hvd-driver.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    GKeyFile *script;
} Connection;

static void
note(Connection *connection, const char *where, const char *slot, const char *document)
{
    g_autofree char *path = g_key_file_get_value(connection->script, "pool", where, NULL);
    FILE *file = fopen(path, "ae");

    if (file == NULL)
        g_error("%s cannot be written", path);
    fprintf(file, "%s%s%s\n", slot, document != NULL ? " " : "", document != NULL ? document : "");
    fclose(file);
}

static void
answer(Connection *connection, GTask *task, const char *slot)
{
    g_autofree char *text = g_key_file_get_value(connection->script, "answers", slot, NULL);
    int code = g_key_file_get_integer(connection->script, "errors", slot, NULL);

    if (code != 0)
        g_task_return_new_error(task, HVD_ERROR, code, "%s does not work", slot);
    else
        g_task_return_pointer(task, text != NULL ? g_steal_pointer(&text) : g_strdup("{}"), g_free);
}

static gboolean
on_cancelled(GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
    g_autoptr(GTask) task = data;

    g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
    return G_SOURCE_REMOVE;
}

static void
note_budget(Connection *connection, const char *slot, const HvdCall *call)
{
    g_autofree char *budget = g_strdup_printf("%u", call->timeout_ms);

    if (g_key_file_has_key(connection->script, "pool", "budgets", NULL))
        note(connection, "budgets", slot, budget);
}

static gboolean
on_used_up(gpointer data)
{
    g_autoptr(GTask) task = data;

    g_task_return_pointer(task, g_strdup("{}"), g_free);
    return G_SOURCE_REMOVE;
}

static void
play(HvdConnection *opened, const char *slot, const char *document, const HvdCall *call,
     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
    Connection *connection = (Connection *) opened;
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, data);
    g_autofree char *waits = g_key_file_get_value(connection->script, "pool", "waits", NULL);

    g_autofree char *uses_up = g_key_file_get_value(connection->script, "pool", "uses-up", NULL);

    note(connection, "journal", slot, document);
    note_budget(connection, slot, call);
    if (g_strcmp0(uses_up, slot) == 0) {
        g_timeout_add(call->timeout_ms, on_used_up, g_steal_pointer(&task));
        return;
    }
    if (g_strcmp0(waits, slot) == 0) {
        g_autoptr(GSource) source = g_cancellable_source_new(cancellable);

        note(connection, "told", slot, NULL);
        g_source_set_callback(source, G_SOURCE_FUNC(on_cancelled), g_steal_pointer(&task), NULL);
        g_source_attach(source, NULL);
        return;
    }
    if (g_cancellable_is_cancelled(cancellable))
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
    else
        answer(connection, task, slot);
}

static char *
finish(HvdConnection *connection G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/* ---- slots ---- */

static void
open_async(const HvdOpen *open, GCancellable *cancellable G_GNUC_UNUSED,
           GAsyncReadyCallback callback, gpointer data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, data);
    Connection *connection = g_new0(Connection, 1);

    connection->script = g_key_file_new();
    g_key_file_load_from_file(connection->script, open->config_file, G_KEY_FILE_NONE, NULL);
    g_task_return_pointer(task, connection, NULL);
}

static HvdConnection *
open_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

static void
close_async(HvdConnection *opened, GAsyncReadyCallback callback, gpointer data)
{
    Connection *connection = (Connection *) opened;
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, data);

    g_key_file_unref(connection->script);
    g_free(connection);
    g_task_return_boolean(task, TRUE);
}

static void
close_finish(GAsyncResult *result)
{
    g_task_propagate_boolean(G_TASK(result), NULL);
}

#define CALL(slot)                                                                                 \
    static void slot##_async(HvdConnection *connection, const HvdCall *call,                       \
                             GCancellable *cancellable, GAsyncReadyCallback callback,              \
                             gpointer data)                                                        \
    {                                                                                              \
        play(connection, #slot, NULL, call, cancellable, callback, data);                          \
    }

#define INSTANCE(slot)                                                                             \
    static void slot##_async(HvdConnection *connection, const char *instance G_GNUC_UNUSED,        \
                             const HvdCall *call, GCancellable *cancellable,                       \
                             GAsyncReadyCallback callback, gpointer data)                          \
    {                                                                                              \
        play(connection, #slot, NULL, call, cancellable, callback, data);                          \
    }

#define DOCUMENT(slot)                                                                             \
    static void slot##_async(HvdConnection *connection, const char *instance G_GNUC_UNUSED,        \
                             const char *document, const HvdCall *call, GCancellable *cancellable, \
                             GAsyncReadyCallback callback, gpointer data)                          \
    {                                                                                              \
        play(connection, #slot, document, call, cancellable, callback, data);                      \
    }

CALL(list_instances)
CALL(list_nodes)
CALL(reconcile)
INSTANCE(get_instance)
INSTANCE(pause)
DOCUMENT(check_can_live_migrate_destination)
DOCUMENT(cleanup_live_migration_destination_check)
DOCUMENT(check_can_live_migrate_source)
DOCUMENT(pre_live_migration)
DOCUMENT(live_migration)
DOCUMENT(post_live_migration)
DOCUMENT(post_live_migration_at_source)
DOCUMENT(post_live_migration_at_destination)
DOCUMENT(rollback_live_migration_at_destination)

#define SLOT(slot) .slot##_async = slot##_async, .slot##_finish = finish

static const HvdDriver driver = {
    .major = HVD_DRIVER_MAJOR,
    .minor = HVD_DRIVER_MINOR,
    .struct_size = sizeof driver,
    .name = "puppet",
    .version = "1",
    .open_async = open_async,
    .open_finish = open_finish,
    .close_async = close_async,
    .close_finish = close_finish,
    SLOT(list_instances),
    SLOT(list_nodes),
    SLOT(get_instance),
    SLOT(pause),
    SLOT(reconcile),
    SLOT(check_can_live_migrate_destination),
    SLOT(cleanup_live_migration_destination_check),
    SLOT(check_can_live_migrate_source),
    SLOT(pre_live_migration),
    SLOT(live_migration),
    SLOT(post_live_migration),
    SLOT(post_live_migration_at_source),
    SLOT(post_live_migration_at_destination),
    SLOT(rollback_live_migration_at_destination),
};

G_MODULE_EXPORT const HvdDriver *hvd_query(guint32 host_major, guint32 host_minor, GError **error);

G_MODULE_EXPORT const HvdDriver *
hvd_query(guint32 host_major G_GNUC_UNUSED, guint32 host_minor G_GNUC_UNUSED,
          GError **error G_GNUC_UNUSED)
{
    return &driver;
}
