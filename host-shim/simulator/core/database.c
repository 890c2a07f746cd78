#include "core/database.h"

#include "core/relations.h"

#include <string.h>

/* toolstack, db_cache_types.ml: a table remembers its last 256 to 512 deletions. */
#define MAX_DELETIONS 512
#define MIN_DELETIONS 256

typedef struct {
    SimObject *first;
    SimObject *last;
    guint count;
    GHashTable *by_ref;
    GQueue deletions;
} Table;

struct _SimObject {
    guint references;
    SimDatabase *db; /* NULL once it is destroyed */
    const SimClass *class;
    char *ref;
    guint64 created;
    guint64 modified;
    SimObject *previous; /* in the table, by creation */
    SimObject *next;
    SimObject *older; /* in the database, by last change */
    SimObject *newer;
    SimValue **values;
};

struct _SimDatabase {
    const SimModel *model;
    SimIds *ids;
    Table *tables;
    SimObject *newest;
    SimObject *oldest;
    GHashTable *by_uuid; /* "class/uuid" -> SimObject */
    guint64 generation;
    void (*on_change)(gpointer data);
    gpointer listener;
};

static void
deletion_free(SimDeletion *deletion)
{
    g_free(deletion->ref);
    g_free(deletion);
}

SimDatabase *
sim_db_new(const SimModel *model, SimIds *ids)
{
    SimDatabase *db = g_new0(SimDatabase, 1);

    db->model = model;
    db->ids = ids;
    db->tables = g_new0(Table, sim_model_n_classes(model));
    db->by_uuid = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < sim_model_n_classes(model); i++) {
        db->tables[i].by_ref = g_hash_table_new(g_str_hash, g_str_equal);
        g_queue_init(&db->tables[i].deletions);
    }
    return db;
}

static void
table_clear(Table *table)
{
    SimObject *object = table->first;

    while (object != NULL) {
        SimObject *next = object->next;

        object->db = NULL;
        sim_object_unref(object);
        object = next;
    }
    g_hash_table_unref(table->by_ref);
    g_queue_clear_full(&table->deletions, (GDestroyNotify) deletion_free);
}

void
sim_db_free(SimDatabase *db)
{
    for (guint i = 0; i < sim_model_n_classes(db->model); i++)
        table_clear(&db->tables[i]);
    g_hash_table_unref(db->by_uuid);
    g_free(db->tables);
    g_free(db);
}

const SimModel *
sim_db_model(const SimDatabase *db)
{
    return db->model;
}

SimIds *
sim_db_ids(const SimDatabase *db)
{
    return db->ids;
}

void
sim_db_set_listener(SimDatabase *db, void (*on_change)(gpointer data), gpointer data)
{
    db->on_change = on_change;
    db->listener = data;
}

guint64
sim_db_generation(const SimDatabase *db)
{
    return db->generation;
}

void
sim_db_set_generation(SimDatabase *db, guint64 generation)
{
    db->generation = generation;
}

static Table *
table_of(const SimDatabase *db, const SimClass *class)
{
    return &db->tables[class->index];
}

static Table *
find_table(const SimDatabase *db, const char *class_name)
{
    const SimClass *class = sim_model_find_class(db->model, class_name);

    g_return_val_if_fail(class != NULL, NULL);
    return table_of(db, class);
}

static void
unlink_change(SimObject *object)
{
    SimDatabase *db = object->db;

    *(object->newer != NULL ? &object->newer->older : &db->newest) = object->older;
    *(object->older != NULL ? &object->older->newer : &db->oldest) = object->newer;
    object->newer = object->older = NULL;
}

static void
link_newest(SimObject *object)
{
    SimDatabase *db = object->db;

    object->older = db->newest;
    *(db->newest != NULL ? &db->newest->newer : &db->oldest) = object;
    db->newest = object;
}

static void
note_change(SimDatabase *db)
{
    if (db->on_change != NULL)
        db->on_change(db->listener);
}

void
sim_object_touch(SimObject *object)
{
    object->modified = ++object->db->generation;
    unlink_change(object);
    link_newest(object);
    note_change(object->db);
}

void
sim_object_set_generations(SimObject *object, guint64 created, guint64 modified)
{
    object->created = created;
    object->modified = modified;
}

static char *
uuid_key(const SimClass *class, const char *uuid)
{
    return g_strconcat(class->name, "/", uuid, NULL);
}

static void
index_uuid(SimObject *object, gboolean add)
{
    const SimField *field = sim_class_find_field(object->class, "uuid");
    const char *uuid = field != NULL ? sim_value_text(object->values[field->index]) : "";

    if (uuid[0] == '\0')
        return;
    if (add) {
        g_hash_table_insert(object->db->by_uuid, uuid_key(object->class, uuid), object);
    } else {
        g_autofree char *key = uuid_key(object->class, uuid);

        if (g_hash_table_lookup(object->db->by_uuid, key) == object)
            g_hash_table_remove(object->db->by_uuid, key);
    }
}

SimObject *
sim_db_create_with_ref(SimDatabase *db, const SimClass *class, const char *ref)
{
    Table *table = table_of(db, class);
    SimObject *object = g_new0(SimObject, 1);

    object->references = 1;
    object->db = db;
    object->class = class;
    object->ref = g_strdup(ref);
    object->created = object->modified = ++db->generation;
    object->values = g_new0(SimValue *, class->fields->len);
    for (guint i = 0; i < class->fields->len; i++)
        object->values[i] = sim_value_ref(g_array_index(class->fields, SimField, i).initial);
    object->previous = table->last;
    *(table->last != NULL ? &table->last->next : &table->first) = object;
    table->last = object;
    table->count++;
    g_hash_table_insert(table->by_ref, object->ref, object);
    link_newest(object);
    note_change(db);
    return object;
}

SimObject *
sim_db_create(SimDatabase *db, const char *class_name)
{
    const SimClass *class = sim_model_find_class(db->model, class_name);
    g_autofree char *ref = sim_ids_ref(db->ids);
    SimObject *object;

    g_return_val_if_fail(class != NULL, NULL);
    object = sim_db_create_with_ref(db, class, ref);
    sim_object_set(object, "uuid", sim_string_take(sim_ids_uuid(db->ids)));
    return object;
}

static SimObject *
find_related(const SimObject *object, const SimField *field)
{
    const char *ref = sim_value_text(object->values[field->index]);

    return sim_db_find(object->db, field->type->name, ref);
}

/* Keeps the set on the other side in step with a reference that comes or goes. */
static void
relate(SimObject *object, const SimField *field, gboolean add)
{
    const char *set;
    SimObject *target;
    const SimValue *members;

    if (field->type->kind != SIM_TYPE_REF)
        return;
    set = sim_relation_set(object->class, field);
    target = set != NULL ? find_related(object, field) : NULL;
    if (target == NULL)
        return;
    members = sim_object_get(target, set);
    if (add && !sim_array_has(members, object->ref))
        sim_object_set(target, set, sim_array_with(members, object->ref));
    else if (!add)
        sim_object_set(target, set, sim_array_without(members, object->ref));
}

static void
remember_deletion(Table *table, const SimObject *object, guint64 generation)
{
    SimDeletion *deletion = g_new0(SimDeletion, 1);

    deletion->ref = g_strdup(object->ref);
    deletion->created = object->created;
    deletion->deleted = generation;
    g_queue_push_tail(&table->deletions, deletion);
    if (table->deletions.length <= MAX_DELETIONS)
        return;
    while (table->deletions.length > MIN_DELETIONS)
        deletion_free(g_queue_pop_head(&table->deletions));
}

void
sim_db_destroy(SimObject *object)
{
    SimDatabase *db = object->db;
    Table *table = table_of(db, object->class);

    for (guint i = 0; i < object->class->fields->len; i++)
        relate(object, &g_array_index(object->class->fields, SimField, i), FALSE);
    index_uuid(object, FALSE);
    remember_deletion(table, object, ++db->generation);
    unlink_change(object);
    *(object->previous != NULL ? &object->previous->next : &table->first) = object->next;
    *(object->next != NULL ? &object->next->previous : &table->last) = object->previous;
    table->count--;
    g_hash_table_remove(table->by_ref, object->ref);
    object->db = NULL;
    sim_object_unref(object);
    note_change(db);
}

SimObject *
sim_db_find(const SimDatabase *db, const char *class_name, const char *ref)
{
    const SimClass *class = sim_model_find_class(db->model, class_name);

    return class != NULL ? g_hash_table_lookup(table_of(db, class)->by_ref, ref) : NULL;
}

SimObject *
sim_db_find_uuid(const SimDatabase *db, const char *class_name, const char *uuid)
{
    g_autofree char *key = g_strconcat(class_name, "/", uuid, NULL);

    return g_hash_table_lookup(db->by_uuid, key);
}

SimObject *
sim_db_first(const SimDatabase *db, const char *class_name)
{
    return find_table(db, class_name)->first;
}

SimObject *
sim_object_next(const SimObject *object)
{
    return object->next;
}

guint
sim_db_count(const SimDatabase *db, const SimClass *class)
{
    return table_of(db, class)->count;
}

SimObject *
sim_object_ref(SimObject *object)
{
    object->references++;
    return object;
}

void
sim_object_unref(SimObject *object)
{
    if (--object->references > 0)
        return;
    for (guint i = 0; i < object->class->fields->len; i++)
        sim_value_unref(object->values[i]);
    g_free(object->values);
    g_free(object->ref);
    g_free(object);
}

gboolean
sim_object_is_alive(const SimObject *object)
{
    return object->db != NULL;
}

const SimClass *
sim_object_class(const SimObject *object)
{
    return object->class;
}

SimDatabase *
sim_object_db(const SimObject *object)
{
    return object->db;
}

const char *
sim_object_get_ref(const SimObject *object)
{
    return object->ref;
}

guint64
sim_object_created(const SimObject *object)
{
    return object->created;
}

guint64
sim_object_modified(const SimObject *object)
{
    return object->modified;
}

const SimValue *
sim_object_get_at(const SimObject *object, guint index)
{
    return object->values[index];
}

const SimValue *
sim_object_get(const SimObject *object, const char *name)
{
    const SimField *field = sim_class_find_field(object->class, name);

    g_return_val_if_fail(field != NULL, NULL);
    return object->values[field->index];
}

static void
replace_value(SimObject *object, const SimField *field, SimValue *value)
{
    gboolean uuid = strcmp(field->name, "uuid") == 0;

    if (uuid)
        index_uuid(object, FALSE);
    sim_value_unref(object->values[field->index]);
    object->values[field->index] = value;
    if (uuid)
        index_uuid(object, TRUE);
}

void
sim_object_set(SimObject *object, const char *name, SimValue *value)
{
    const SimField *field = sim_class_find_field(object->class, name);

    g_return_if_fail(field != NULL && object->db != NULL);
    if (sim_value_equal(object->values[field->index], value)) {
        sim_value_unref(value);
        return;
    }
    relate(object, field, FALSE);
    replace_value(object, field, value);
    relate(object, field, TRUE);
    sim_object_touch(object);
}

void
sim_object_load(SimObject *object, const SimField *field, SimValue *value)
{
    replace_value(object, field, value);
}

SimValue *
sim_object_record(const SimObject *object)
{
    SimValue *record = sim_map();

    for (guint i = 0; i < object->class->fields->len; i++)
        sim_map_add(record, g_array_index(object->class->fields, SimField, i).name,
                    sim_value_ref(object->values[i]));
    return record;
}

SimObject *
sim_db_newest(const SimDatabase *db)
{
    return db->newest;
}

SimObject *
sim_object_older(const SimObject *object)
{
    return object->older;
}

const GQueue *
sim_db_deletions(const SimDatabase *db, const SimClass *class)
{
    return &table_of(db, class)->deletions;
}

void
sim_db_drop_deletions(SimDatabase *db, guint count)
{
    for (guint i = 0; i < sim_model_n_classes(db->model); i++) {
        GQueue *deletions = &db->tables[i].deletions;

        for (guint n = 0; n < count && deletions->length > 0; n++)
            deletion_free(g_queue_pop_head(deletions));
    }
}
