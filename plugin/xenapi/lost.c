#include "xenapi/lost.h"

#include "xenapi/barrier.h"
#include "xenapi/internal.h"
#include "xenapi/mirror.h"
#include "xenapi/task.h"

#include <string.h>

typedef struct {
    XdConnection *connection;
    char *method;
    char *tag;
    char *task;
    GCancellable *cancellable;
    XdLostDone done;
    gpointer data;
    gboolean waited; /* for the task of a plain call; after it the object is there, or never */
} Search;

/* Which index finds what a call makes. */
static const struct {
    const char *method;
    XdIndex index;
} creators[] = {
    {"VM.create", XD_BY_VM_TAG},
    {"VDI.create", XD_BY_VDI_TAG},
    {"VBD.create", XD_BY_VBD_TAG},
    {"VIF.create", XD_BY_VIF_TAG},
};

static void search_look(Search *search);

static void
search_end(Search *search, const XdLostEnd *end, const GError *error)
{
    XdConnection *connection = search->connection;

    search->done(end, error, search->data);
    g_clear_object(&search->cancellable);
    g_free(search->method);
    g_free(search->tag);
    g_free(search->task);
    g_free(search);
    xd_connection_leave_call(connection);
}

/* (nullable): what task.create makes carries the mark as its name */
static const char *
find_named_task(Search *search)
{
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, search->connection->mirror, &xd_class_task);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        if (strcmp(((const XdTask *) record)->name_label, search->tag) == 0)
            return record->ref;
    }
    return NULL;
}

static const char *
find_object(Search *search)
{
    if (strcmp(search->method, "task.create") == 0)
        return find_named_task(search);
    for (guint i = 0; i < G_N_ELEMENTS(creators); i++) {
        const GPtrArray *records;

        if (strcmp(creators[i].method, search->method) != 0)
            continue;
        records = xd_mirror_find(search->connection->mirror, creators[i].index, search->tag);
        /* clones and snapshots inherit the mark: with several nobody can say which is ours, and
         * the one who asks gets nothing and reports what is there */
        return records->len == 1 ? ((const XdRecord *) g_ptr_array_index(records, 0))->ref : NULL;
    }
    return NULL;
}

static void
on_barrier(XdConnection *connection G_GNUC_UNUSED, const GError *error, gpointer data)
{
    Search *search = data;

    if (error != NULL)
        search_end(search, NULL, error);
    else
        search_look(search);
}

static void
on_task_ended(const XdTaskEnd *end G_GNUC_UNUSED, const GError *error, gpointer data)
{
    Search *search = data;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        search_end(search, NULL, error);
        return;
    }
    xd_barrier(search->connection, search->cancellable, on_barrier, search);
}

static gboolean
is_asynchronous(const XdTask *task)
{
    return g_str_has_prefix(task->name_label, "Async.");
}

static void
search_look(Search *search)
{
    const GPtrArray *tasks =
        xd_mirror_find(search->connection->mirror, XD_BY_TASK_TAG, search->tag);
    XdLostEnd end = {.ref = find_object(search)};

    if (end.ref == NULL && tasks->len > 0) {
        const XdTask *task = g_ptr_array_index(tasks, 0);

        search->task = g_strdup(task->parent.ref);
        /* a plain call has a task as long as it runs (verified-sequences 1.1) */
        if (!is_asynchronous(task) && !search->waited) {
            search->waited = TRUE;
            xd_task_follow(search->connection, search->task, search->cancellable, NULL,
                           on_task_ended, search);
            return;
        }
        end.task = is_asynchronous(task) ? search->task : NULL;
    }
    search_end(search, &end, NULL);
}

void
xd_lost_find(XdConnection *connection, const char *method, const char *tag,
             GCancellable *cancellable, XdLostDone done, gpointer data)
{
    Search *search = g_new0(Search, 1);

    search->connection = connection;
    search->method = g_strdup(method);
    search->tag = g_strdup(tag);
    search->cancellable = cancellable != NULL ? g_object_ref(cancellable) : NULL;
    search->done = done;
    search->data = data;
    xd_connection_enter_call(connection);
    xd_barrier(connection, cancellable, on_barrier, search);
}
