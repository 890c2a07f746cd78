#include "core/batch.h"

#include <string.h>

/* xenapi-protocol 4.1: classes that never produce events. */
static const char *const silent_classes[] = {"session", "user",        "auth",   "secret",
                                             "role",    "data_source", "subject"};

gboolean
sim_subscriptions_read(SimSubscriptions *subscriptions, const SimValue *classes, const char **bad)
{
    subscriptions->texts = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < sim_value_size(classes); i++) {
        const char *text = sim_value_text(sim_value_at(classes, i));
        const char *slash = strchr(text, '/');
        gsize length = slash != NULL ? (gsize) (slash - text) : strlen(text);
        g_autofree char *class_name = g_ascii_strdown(text, (gssize) length);

        if (slash != NULL && strchr(slash + 1, '/') != NULL) {
            *bad = text;
            return FALSE;
        }
        if (strcmp(text, "*") == 0)
            subscriptions->all = TRUE;
        g_ptr_array_add(subscriptions->texts,
                        g_strconcat(class_name, slash != NULL ? slash : "", NULL));
    }
    return TRUE;
}

void
sim_subscriptions_clear(SimSubscriptions *subscriptions)
{
    g_clear_pointer(&subscriptions->texts, g_ptr_array_unref);
}

gboolean
sim_subscriptions_match(const SimSubscriptions *subscriptions, const char *event_class,
                        const char *ref)
{
    gsize length = strlen(event_class);

    if (subscriptions->all)
        return TRUE;
    for (guint i = 0; i < subscriptions->texts->len; i++) {
        const char *text = g_ptr_array_index(subscriptions->texts, i);

        if (strncmp(text, event_class, length) != 0)
            continue;
        if (text[length] == '\0' ||
            (text[length] == '/' && (ref == NULL || strcmp(text + length + 1, ref) == 0)))
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_events(const SimClass *class)
{
    for (guint i = 0; i < G_N_ELEMENTS(silent_classes); i++) {
        if (strcmp(silent_classes[i], class->name) == 0)
            return FALSE;
    }
    return TRUE;
}

static gint
compare_objects(gconstpointer a, gconstpointer b)
{
    const SimObject *first = *(SimObject *const *) a;
    const SimObject *second = *(SimObject *const *) b;
    guint first_class = sim_object_class(first)->index;
    guint second_class = sim_object_class(second)->index;
    guint64 first_created = sim_object_created(first);
    guint64 second_created = sim_object_created(second);

    if (first_class != second_class)
        return first_class < second_class ? -1 : 1;
    return first_created < second_created ? -1 : first_created > second_created;
}

static void
collect_changes(SimBatch *batch, SimDatabase *db, const SimSubscriptions *subscriptions,
                guint64 since)
{
    for (SimObject *object = sim_db_newest(db);
         object != NULL && sim_object_modified(object) > since; object = sim_object_older(object)) {
        const SimClass *class = sim_object_class(object);

        if (!has_events(class) ||
            !sim_subscriptions_match(subscriptions, class->event_name, sim_object_get_ref(object)))
            continue;
        batch->last = MAX(batch->last, sim_object_modified(object));
        g_ptr_array_add(sim_object_created(object) > since ? batch->adds : batch->mods, object);
    }
    g_ptr_array_sort(batch->adds, compare_objects);
    g_ptr_array_sort(batch->mods, compare_objects);
}

/* What came and went between two looks leaves no trace, not even in the token (captures:
 * json2_event_from). */
static void
collect_deletions(SimBatch *batch, SimDatabase *db, const SimClass *class,
                  const SimSubscriptions *subscriptions, guint64 since)
{
    const GQueue *deletions = sim_db_deletions(db, class);
    GList *item = deletions->tail;

    if (!has_events(class))
        return;
    while (item != NULL && ((SimDeletion *) item->data)->deleted > since)
        item = item->prev;
    for (item = item != NULL ? item->next : deletions->head; item != NULL; item = item->next) {
        const SimDeletion *deletion = item->data;
        g_autofree char *id = g_strdup_printf("%" G_GUINT64_FORMAT, deletion->deleted);

        if (deletion->created > since ||
            !sim_subscriptions_match(subscriptions, class->event_name, deletion->ref))
            continue;
        batch->last = MAX(batch->last, deletion->deleted);
        g_ptr_array_add(batch->dels,
                        sim_event_new(id, "0.0", class->event_name, "del", deletion->ref));
    }
}

void
sim_batch_collect(SimBatch *batch, SimDatabase *db, const SimSubscriptions *subscriptions,
                  guint64 since)
{
    const SimModel *model = sim_db_model(db);

    batch->adds = g_ptr_array_new();
    batch->mods = g_ptr_array_new();
    batch->dels = g_ptr_array_new_with_free_func((GDestroyNotify) sim_value_unref);
    batch->last = since;
    collect_changes(batch, db, subscriptions, since);
    for (guint i = 0; i < sim_model_n_classes(model); i++)
        collect_deletions(batch, db, sim_model_class_at(model, i), subscriptions, since);
}

void
sim_batch_clear(SimBatch *batch)
{
    g_clear_pointer(&batch->adds, g_ptr_array_unref);
    g_clear_pointer(&batch->mods, g_ptr_array_unref);
    g_clear_pointer(&batch->dels, g_ptr_array_unref);
}

gboolean
sim_batch_is_empty(const SimBatch *batch)
{
    return batch->adds->len == 0 && batch->mods->len == 0 && batch->dels->len == 0;
}

SimValue *
sim_event_new(const char *id, const char *timestamp, const char *class_name, const char *operation,
              const char *ref)
{
    return sim_string_map("id", id, "timestamp", timestamp, "class", class_name, "operation",
                          operation, "ref", ref, NULL);
}

static void
print_objects(const GPtrArray *objects, const char *operation, SimValue *events)
{
    for (guint i = 0; i < objects->len; i++) {
        const SimObject *object = g_ptr_array_index(objects, i);
        gboolean add = strcmp(operation, "add") == 0;
        g_autofree char *id = g_strdup_printf(
            "%" G_GUINT64_FORMAT, add ? sim_object_created(object) : sim_object_modified(object));
        SimValue *event = sim_event_new(id, "0.0", sim_object_class(object)->event_name, operation,
                                        sim_object_get_ref(object));

        sim_map_add(event, "snapshot", sim_object_record(object));
        sim_array_add(events, event);
    }
}

void
sim_batch_print(const SimBatch *batch, SimValue *events)
{
    print_objects(batch->adds, "add", events);
    print_objects(batch->mods, "mod", events);
    for (guint i = 0; i < batch->dels->len; i++)
        sim_array_add(events, sim_value_ref(g_ptr_array_index(batch->dels, i)));
}

SimValue *
sim_batch_counts(SimDatabase *db)
{
    const SimModel *model = sim_db_model(db);
    SimValue *counts = sim_map();

    for (guint i = sim_model_n_classes(model); i > 0; i--) {
        const SimClass *class = sim_model_class_at(model, i - 1);

        sim_map_add(counts, class->event_name, sim_i4(sim_db_count(db, class)));
    }
    return counts;
}
