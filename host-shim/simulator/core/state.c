#include "core/state.h"

#include "core/events.h"
#include "core/task.h"
#include "wire/rpc.h"

#include <gio/gio.h>
#include <string.h>

#define SAVE_DELAY_MS 500
#define MAX_KEPT      100
#define FORMAT        1

struct _SimState {
    Sim *sim;
    char *path;
    GPtrArray *parts; /* of SimStatePart */
    SimValue *last;
    GHashTable *kept; /* name -> SimValue */
    guint timer;
    gboolean applying;
};

SimState *
sim_state_new(Sim *sim, const char *path)
{
    SimState *state = g_new0(SimState, 1);

    state->sim = sim;
    state->path = g_strdup(path);
    state->parts = g_ptr_array_new();
    state->kept =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) sim_value_unref);
    return state;
}

void
sim_state_free(SimState *state)
{
    sim_clock_cancel(state->sim->clock, state->timer);
    g_clear_pointer(&state->last, sim_value_unref);
    g_hash_table_unref(state->kept);
    g_ptr_array_unref(state->parts);
    g_free(state->path);
    g_free(state);
}

void
sim_state_add_part(SimState *state, const SimStatePart *part)
{
    g_ptr_array_add(state->parts, (gpointer) part);
}

/* Sessions and tasks go with the toolstack; where that goes on, it remembers tasks that have ended. */
static gboolean
is_captured(const SimObject *object, gboolean with_tasks)
{
    const char *class_name = sim_object_class(object)->name;

    if (strcmp(class_name, "task") == 0)
        return with_tasks && !sim_task_is_pending(object);
    return strcmp(class_name, "session") != 0;
}

static SimValue *
capture_object(const SimObject *object)
{
    SimValue *row = sim_map();

    sim_map_add(row, "class", sim_string(sim_object_class(object)->name));
    sim_map_add(row, "ref", sim_string(sim_object_get_ref(object)));
    sim_map_add(row, "created", sim_int((gint64) sim_object_created(object)));
    sim_map_add(row, "modified", sim_int((gint64) sim_object_modified(object)));
    sim_map_add(row, "fields", sim_object_record(object));
    return row;
}

static SimValue *
capture(SimState *state, gboolean with_tasks)
{
    Sim *sim = state->sim;
    SimValue *snapshot = sim_map();
    SimValue *objects = sim_array();

    for (guint i = 0; i < sim_model_n_classes(sim->model); i++) {
        const SimClass *class = sim_model_class_at(sim->model, i);

        for (SimObject *object = sim_db_first(sim->db, class->name); object != NULL;
             object = sim_object_next(object)) {
            if (is_captured(object, with_tasks))
                sim_array_add(objects, capture_object(object));
        }
    }
    sim_map_add(snapshot, "format", sim_int(FORMAT));
    sim_map_add(snapshot, "generation", sim_int((gint64) sim_db_generation(sim->db)));
    sim_map_add(snapshot, "coordinator", sim_int(sim->coordinator));
    sim_map_add(snapshot, "objects", objects);
    for (guint i = 0; i < state->parts->len; i++) {
        const SimStatePart *part = g_ptr_array_index(state->parts, i);

        sim_map_add(snapshot, part->name, part->capture(sim));
    }
    return snapshot;
}

SimValue *
sim_state_capture(SimState *state)
{
    return capture(state, FALSE);
}

/* No operation outlives the toolstack that ran it. */
static SimValue *
stored_field(const SimField *field, const SimValue *value)
{
    if (strcmp(field->name, "current_operations") == 0)
        return sim_map();
    return sim_type_read(field->type, value);
}

static void
apply_fields(SimObject *object, const SimValue *fields)
{
    const SimClass *class = sim_object_class(object);
    gboolean changed = FALSE;

    for (guint i = 0; i < class->fields->len; i++) {
        const SimField *field = &g_array_index(class->fields, SimField, i);
        const SimValue *stored = sim_map_get(fields, field->name);
        SimValue *value = stored != NULL ? stored_field(field, stored) : NULL;

        if (value == NULL)
            continue;
        if (sim_value_equal(value, sim_object_get_at(object, i))) {
            sim_value_unref(value);
            continue;
        }
        sim_object_load(object, field, value);
        changed = TRUE;
    }
    if (changed)
        sim_object_touch(object);
}

/* In the order of their last change, which is the order that the database keeps. */
static gint
compare_rows(gconstpointer a, gconstpointer b)
{
    const SimValue *first = *(SimValue *const *) a;
    const SimValue *second = *(SimValue *const *) b;
    gint64 difference = sim_value_int(sim_map_get(first, "modified")) -
                        sim_value_int(sim_map_get(second, "modified"));

    return difference < 0 ? -1 : difference > 0;
}

static void
apply_rows(SimDatabase *db, const SimValue *objects, gboolean with_generations)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();

    for (guint i = 0; i < sim_value_size(objects); i++)
        g_ptr_array_add(rows, (gpointer) sim_value_at(objects, i));
    g_ptr_array_sort(rows, compare_rows);
    for (guint i = 0; i < rows->len; i++) {
        const SimValue *row = g_ptr_array_index(rows, i);
        const char *ref = sim_value_text(sim_map_get(row, "ref"));
        const SimClass *class =
            sim_model_find_class(sim_db_model(db), sim_value_text(sim_map_get(row, "class")));
        SimObject *object = class != NULL ? sim_db_find(db, class->name, ref) : NULL;

        if (class == NULL)
            continue;
        if (object == NULL)
            object = sim_db_create_with_ref(db, class, ref);
        apply_fields(object, sim_map_get(row, "fields"));
        if (with_generations)
            sim_object_set_generations(object, (guint64) sim_value_int(sim_map_get(row, "created")),
                                       (guint64) sim_value_int(sim_map_get(row, "modified")));
    }
}

static void
destroy_others(SimDatabase *db, const SimValue *objects)
{
    const SimModel *model = sim_db_model(db);
    g_autoptr(GHashTable) wanted = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < sim_value_size(objects); i++)
        g_hash_table_add(wanted,
                         (gpointer) sim_value_text(sim_map_get(sim_value_at(objects, i), "ref")));
    for (guint i = 0; i < sim_model_n_classes(model); i++) {
        const SimClass *class = sim_model_class_at(model, i);
        SimObject *object = sim_db_first(db, class->name);

        while (object != NULL && strcmp(class->name, "session") != 0) {
            SimObject *next = sim_object_next(object);

            if (!g_hash_table_contains(wanted, sim_object_get_ref(object)))
                sim_db_destroy(object);
            object = next;
        }
    }
}

static void
apply_parts(SimState *state, const SimValue *snapshot)
{
    for (guint i = 0; i < state->parts->len; i++) {
        const SimStatePart *part = g_ptr_array_index(state->parts, i);
        const SimValue *value = sim_map_get(snapshot, part->name);

        if (value != NULL)
            part->apply(state->sim, value);
    }
}

static void
replace_database(Sim *sim, const SimValue *snapshot)
{
    SimDatabase *db = sim_db_new(sim->model, sim->ids);

    apply_rows(db, sim_map_get(snapshot, "objects"), TRUE);
    sim_db_set_generation(db, (guint64) sim_value_int(sim_map_get(snapshot, "generation")));
    sim_use_database(sim, db);
}

void
sim_state_apply(SimState *state, const SimValue *snapshot, SimStateMode mode)
{
    Sim *sim = state->sim;
    const SimValue *objects = sim_map_get(snapshot, "objects");
    gint64 coordinator = sim_value_int(sim_map_get(snapshot, "coordinator"));

    state->applying = TRUE;
    if (mode == SIM_STATE_REPLACE) {
        replace_database(sim, snapshot);
    } else {
        destroy_others(sim->db, objects);
        apply_rows(sim->db, objects, FALSE);
    }
    if (coordinator >= 0 && coordinator < (gint64) MAX(sim->nodes->len, 1))
        sim->coordinator = (guint) coordinator;
    apply_parts(state, snapshot);
    state->applying = FALSE;
}

gboolean
sim_state_save(SimState *state, GError **error)
{
    g_autoptr(GString) text = NULL;

    sim_clock_cancel(state->sim->clock, state->timer);
    state->timer = 0;
    g_clear_pointer(&state->last, sim_value_unref);
    state->last = sim_state_capture(state);
    if (state->path == NULL)
        return TRUE;
    text = g_string_new(NULL);
    sim_json_print(text, state->last);
    return g_file_set_contents_full(state->path, text->str, (gssize) text->len,
                                    G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                    0600, error);
}

static void
on_save(gpointer data)
{
    SimState *state = data;
    g_autoptr(GError) error = NULL;

    state->timer = 0;
    if (!sim_state_save(state, &error))
        g_printerr("xapi-sim: cannot save the pool: %s\n", error->message);
}

void
sim_state_note_change(SimState *state)
{
    if (state->timer == 0 && !state->applying)
        state->timer = sim_clock_after_ms(state->sim->clock, SAVE_DELAY_MS, on_save, state);
}

gboolean
sim_state_load(SimState *state, GError **error)
{
    g_autoptr(SimValue) snapshot = NULL;

    if (state->path == NULL || !g_file_test(state->path, G_FILE_TEST_EXISTS))
        return FALSE;
    snapshot = sim_json_read(state->path, error);
    if (snapshot == NULL)
        return FALSE;
    if (sim_value_int(sim_map_get(snapshot, "format")) != FORMAT) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: no state of a pool",
                    state->path);
        return FALSE;
    }
    sim_state_apply(state, snapshot, SIM_STATE_REPLACE);
    state->last = g_steal_pointer(&snapshot);
    return TRUE;
}

const SimValue *
sim_state_last(const SimState *state)
{
    return state->last;
}

void
sim_state_keep(SimState *state, const char *name)
{
    if (g_hash_table_size(state->kept) < MAX_KEPT || g_hash_table_contains(state->kept, name))
        g_hash_table_insert(state->kept, g_strdup(name), capture(state, TRUE));
}

const SimValue *
sim_state_kept(const SimState *state, const char *name)
{
    return g_hash_table_lookup(state->kept, name);
}
