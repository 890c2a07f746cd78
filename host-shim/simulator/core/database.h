/* The pool's database: objects by class and reference, relations kept in step, and a generation
 * that counts every change, which is what events are made of. */
#pragma once

#include "base/ids.h"
#include "core/model.h"

G_BEGIN_DECLS

#define SIM_NULL_REF "OpaqueRef:NULL"

typedef struct _SimDatabase SimDatabase;

/**
 * SimObject:
 *
 * One row. The database owns it; whoever keeps it over a turn of the loop holds a reference and
 * asks sim_object_is_alive() afterwards.
 */
typedef struct _SimObject SimObject;

typedef struct {
    char *ref;
    guint64 created;
    guint64 deleted;
} SimDeletion;

SimDatabase *sim_db_new(const SimModel *model, SimIds *ids);
void sim_db_free(SimDatabase *db);
const SimModel *sim_db_model(const SimDatabase *db);
SimIds *sim_db_ids(const SimDatabase *db);
/* Called after every change, in the middle of whatever makes it: it may only take note. */
void sim_db_set_listener(SimDatabase *db, void (*on_change)(gpointer data), gpointer data);

guint64 sim_db_generation(const SimDatabase *db);
/* For a state that is read back, and for event.inject. */
void sim_db_set_generation(SimDatabase *db, guint64 generation);

/* A new object with the class's initial values and a new uuid. (transfer none) */
SimObject *sim_db_create(SimDatabase *db, const char *class_name);
SimObject *sim_db_create_with_ref(SimDatabase *db, const SimClass *class, const char *ref);
void sim_db_destroy(SimObject *object);

/* (nullable) (transfer none) */
SimObject *sim_db_find(const SimDatabase *db, const char *class_name, const char *ref);
SimObject *sim_db_find_uuid(const SimDatabase *db, const char *class_name, const char *uuid);
/* In the order of creation; the current one may be destroyed once its successor is known. */
SimObject *sim_db_first(const SimDatabase *db, const char *class_name);
SimObject *sim_object_next(const SimObject *object);
guint sim_db_count(const SimDatabase *db, const SimClass *class);

SimObject *sim_object_ref(SimObject *object);
void sim_object_unref(SimObject *object);
gboolean sim_object_is_alive(const SimObject *object);
const SimClass *sim_object_class(const SimObject *object);
SimDatabase *sim_object_db(const SimObject *object);
const char *sim_object_get_ref(const SimObject *object);
guint64 sim_object_created(const SimObject *object);
guint64 sim_object_modified(const SimObject *object);
void sim_object_set_generations(SimObject *object, guint64 created, guint64 modified);
void sim_object_touch(SimObject *object); /* a change without a change: event.inject */

/* Fields; a name that the class lacks is a programmer's error. */
const SimValue *sim_object_get(const SimObject *object, const char *field);
const SimValue *sim_object_get_at(const SimObject *object, guint index);
/* Takes @value. Nothing happens where it is the present one. */
void sim_object_set(SimObject *object, const char *field, SimValue *value);
/* Without the relations: for a state that is read back. Takes @value. */
void sim_object_load(SimObject *object, const SimField *field, SimValue *value);
/* All fields, as get_record answers them. */
SimValue *sim_object_record(const SimObject *object);

/* The same by kind. */
const char *sim_object_text(const SimObject *object, const char *field);
gint64 sim_object_int(const SimObject *object, const char *field);
gboolean sim_object_bool(const SimObject *object, const char *field);
/* (nullable): the object that a reference field names */
SimObject *sim_object_follow(const SimObject *object, const char *field);
void sim_object_set_text(SimObject *object, const char *field, const char *text);
void sim_object_set_int(SimObject *object, const char *field, gint64 number);
void sim_object_set_bool(SimObject *object, const char *field, gboolean truth);
/* @target: (nullable): the null reference */
void sim_object_set_ref(SimObject *object, const char *field, const SimObject *target);
const char *sim_object_map_text(const SimObject *object, const char *field, const char *key);
void sim_object_map_set(SimObject *object, const char *field, const char *key, const char *text);
void sim_object_map_remove(SimObject *object, const char *field, const char *key);
/* The objects that a set of references names; what is gone is left out. (transfer container) */
GPtrArray *sim_object_follow_all(const SimObject *object, const char *field);

/* For events: from the newest change backwards, and what has been deleted, oldest first. */
SimObject *sim_db_newest(const SimDatabase *db);
SimObject *sim_object_older(const SimObject *object);
const GQueue *sim_db_deletions(const SimDatabase *db, const SimClass *class); /* of SimDeletion */
/* Forgets the oldest @count deletions of each class, as a busy server does. */
void sim_db_drop_deletions(SimDatabase *db, guint count);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimDatabase, sim_db_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimObject, sim_object_unref)

G_END_DECLS
