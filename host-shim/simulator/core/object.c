/* Fields by kind: short forms over the database. */
#include "core/database.h"

const char *
sim_object_text(const SimObject *object, const char *field)
{
    return sim_value_text(sim_object_get(object, field));
}

gint64
sim_object_int(const SimObject *object, const char *field)
{
    return sim_value_int(sim_object_get(object, field));
}

gboolean
sim_object_bool(const SimObject *object, const char *field)
{
    return sim_value_bool(sim_object_get(object, field));
}

SimObject *
sim_object_follow(const SimObject *object, const char *name)
{
    const SimField *field = sim_class_find_field(sim_object_class(object), name);

    g_return_val_if_fail(field != NULL && field->type->kind == SIM_TYPE_REF, NULL);
    return sim_db_find(sim_object_db(object), field->type->name,
                       sim_value_text(sim_object_get_at(object, field->index)));
}

void
sim_object_set_text(SimObject *object, const char *field, const char *text)
{
    sim_object_set(object, field, sim_string(text));
}

void
sim_object_set_int(SimObject *object, const char *field, gint64 number)
{
    sim_object_set(object, field, sim_int(number));
}

void
sim_object_set_bool(SimObject *object, const char *field, gboolean truth)
{
    sim_object_set(object, field, sim_bool(truth));
}

void
sim_object_set_ref(SimObject *object, const char *field, const SimObject *target)
{
    sim_object_set_text(object, field, target != NULL ? sim_object_get_ref(target) : SIM_NULL_REF);
}

const char *
sim_object_map_text(const SimObject *object, const char *field, const char *key)
{
    return sim_map_get_text(sim_object_get(object, field), key);
}

void
sim_object_map_set(SimObject *object, const char *field, const char *key, const char *text)
{
    const SimValue *map = sim_object_get(object, field);

    if (g_strcmp0(sim_map_get_text(map, key), text) != 0)
        sim_object_set(object, field, sim_map_with(map, key, sim_string(text)));
}

void
sim_object_map_remove(SimObject *object, const char *field, const char *key)
{
    sim_object_set(object, field, sim_map_without(sim_object_get(object, field), key));
}

GPtrArray *
sim_object_follow_all(const SimObject *object, const char *name)
{
    const SimField *field = sim_class_find_field(sim_object_class(object), name);
    const SimValue *refs = sim_object_get(object, name);
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify) sim_object_unref);

    for (guint i = 0; i < sim_value_size(refs); i++) {
        SimObject *target = sim_db_find(sim_object_db(object), field->type->item->name,
                                        sim_value_text(sim_value_at(refs, i)));

        if (target != NULL)
            g_ptr_array_add(found, sim_object_ref(target));
    }
    return found;
}
