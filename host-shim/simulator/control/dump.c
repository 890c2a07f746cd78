#include "control/dump.h"

#include "data/disk.h"

#include <string.h>

/* A session's reference is all that somebody needs to be its owner: the key is the uuid here. */
static const char *
dump_key(const SimObject *object)
{
    if (strcmp(sim_object_class(object)->name, "session") == 0)
        return sim_object_text(object, "uuid");
    return sim_object_get_ref(object);
}

static SimValue *
dump_class(Sim *sim, const SimClass *class)
{
    SimValue *records = sim_map();

    for (SimObject *object = sim_db_first(sim->db, class->name); object != NULL;
         object = sim_object_next(object))
        sim_map_add(records, dump_key(object), sim_object_record(object));
    return records;
}

static SimValue *
dump_disks(Sim *sim)
{
    SimValue *all = sim_map();

    for (SimObject *vdi = sim_db_first(sim->db, "VDI"); vdi != NULL; vdi = sim_object_next(vdi)) {
        SimValue *disk = sim_map();
        gint64 length;
        char *digest = sim_disk_digest(sim->disks, vdi, &length);

        sim_map_add(disk, "bytes", sim_int(length));
        sim_map_add(disk, "sha256", sim_string_take(digest));
        sim_map_add(all, sim_object_get_ref(vdi), disk);
    }
    return all;
}

SimValue *
sim_dump(Sim *sim, gboolean disks)
{
    SimValue *dump = sim_map();

    if (disks)
        sim_map_add(dump, "disks", dump_disks(sim));
    for (guint i = 0; i < sim_model_n_classes(sim->model); i++) {
        const SimClass *class = sim_model_class_at(sim->model, i);

        if (sim_db_count(sim->db, class) > 0)
            sim_map_add(dump, class->name, dump_class(sim, class));
    }
    return dump;
}
