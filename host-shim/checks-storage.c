/* Checks of storage and guests. */
#include "doctor.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

#define FULL_PERCENT     90
#define OVERFULL_PERCENT 98
#define PERCENT          100

/* Media and devices: always full, and nothing is put there. */
static gboolean
is_for_disks(JsonObject *storage)
{
    const char *type = document_text(storage, "type");

    return g_strcmp0(type, "iso") != 0 && g_strcmp0(type, "udev") != 0;
}

typedef void (*StorageFunc)(Doctor *doctor, JsonObject *node, JsonObject *storage, gpointer data);

static void
each_storage(Doctor *doctor, StorageFunc func, gpointer data)
{
    g_autoptr(GPtrArray) nodes = doctor_nodes(doctor);

    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *node = g_ptr_array_index(nodes, i);
        g_autoptr(GPtrArray) storage = document_objects(node, "storage");

        for (guint k = 0; k < storage->len; k++)
            func(doctor, node, g_ptr_array_index(storage, k), data);
    }
}

/* ---- links ---- */

static void
look_at_link(Doctor *doctor, JsonObject *node, JsonObject *storage, gpointer data)
{
    guint *n = data;

    if (document_flag(storage, "attached") || !document_flag(node, "live"))
        return;
    (*n)++;
    doctor_say(doctor, is_for_disks(storage) ? CHECK_PROBLEM : CHECK_WARNING,
               _("on the node: xe pbd-plug; what stops it stands in /var/log/SMlog"),
               _("%s is not connected to %s (%s)"), document_text(node, "name"),
               document_text(storage, "name"), document_text(storage, "uuid"));
}

void
check_storage_links(Doctor *doctor)
{
    guint n = 0;

    each_storage(doctor, look_at_link, &n);
    if (n == 0)
        doctor_say(doctor, CHECK_OK, NULL, "%s", _("every node is connected to all its storage"));
}

/* ---- space ---- */

typedef struct {
    GHashTable *seen; /* uuids: shared storage comes once for each node */
    guint n;
} Space;

static void
look_at_space(Doctor *doctor, JsonObject *node, JsonObject *storage, gpointer data)
{
    Space *space = data;
    const char *uuid = document_text(storage, "uuid");
    gint64 size = document_number(storage, "size_bytes", -1);
    gint64 left = document_number(storage, "free_bytes", -1);
    g_autofree char *free_text = text_size((guint64) MAX(left, 0));
    gint64 percent;

    if (uuid == NULL || !is_for_disks(storage) || size <= 0 || left < 0 ||
        !g_hash_table_add(space->seen, g_strdup(uuid)))
        return;
    percent = (gint64) ((double) (size - left) * PERCENT / (double) size);
    if (percent <= FULL_PERCENT)
        return;
    space->n++;
    doctor_say(doctor, percent >= OVERFULL_PERCENT ? CHECK_PROBLEM : CHECK_WARNING,
               _("remove what nobody needs, or make it larger: snapshots need room, too"),
               _("%s (%s) is %d %% full, %s are free"), document_text(storage, "name"),
               document_flag(storage, "shared") ? _("shared") : document_text(node, "name"),
               (int) percent, free_text);
}

void
check_storage_space(Doctor *doctor)
{
    Space space = {.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};

    each_storage(doctor, look_at_space, &space);
    if (space.n == 0)
        doctor_say(doctor, CHECK_OK, NULL, _("none of %u is more than %u %% full"),
                   g_hash_table_size(space.seen), FULL_PERCENT);
    g_hash_table_unref(space.seen);
}

/* ---- the default ---- */

typedef struct {
    const char *wanted; /* (nullable): as configured */
    GHashTable *found;  /* uuid -> name */
} Default;

static void
look_for_default(Doctor *doctor G_GNUC_UNUSED, JsonObject *node G_GNUC_UNUSED, JsonObject *storage,
                 gpointer data)
{
    Default *search = data;
    const char *uuid = document_text(storage, "uuid");
    const char *name = document_text(storage, "name");
    gboolean meant = search->wanted != NULL ? g_strcmp0(uuid, search->wanted) == 0 ||
                                                  g_strcmp0(name, search->wanted) == 0
                                            : document_flag(storage, "pool_default");

    if (meant && uuid != NULL)
        g_hash_table_insert(search->found, g_strdup(uuid), g_strdup(name));
}

static void
say_default(Doctor *doctor, const Default *search)
{
    GHashTableIter iter;
    gpointer uuid, name;
    guint n = g_hash_table_size(search->found);

    g_hash_table_iter_init(&iter, search->found);
    if (n > 1)
        doctor_say(doctor, CHECK_PROBLEM,
                   _("set storage.default to a uuid of \"hvd nodes --storage\""),
                   ngettext("storage.default is \"%s\", and %u is called so",
                            "storage.default is \"%s\", and %u are called so", n),
                   search->wanted, n);
    else if (g_hash_table_iter_next(&iter, &uuid, &name))
        doctor_say(doctor, CHECK_OK, NULL, _("new disks go to %s (%s)"), (char *) name,
                   (char *) uuid);
    else if (search->wanted != NULL)
        doctor_say(doctor, CHECK_PROBLEM, _("\"hvd nodes --storage\" lists what there is"),
                   _("storage.default is \"%s\", and there is no such storage"), search->wanted);
    else
        doctor_say(doctor, CHECK_WARNING,
                   _("set storage.default, or the pool's own: xe pool-param-set default-SR=UUID"),
                   "%s", _("neither the configuration nor the pool says where new disks go"));
}

void
check_default_storage(Doctor *doctor)
{
    g_autofree char *configured = target_get_value(doctor->target, "storage", "default");
    Default search = {
        .wanted = configured != NULL && configured[0] != '\0' ? configured : NULL,
        .found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };

    each_storage(doctor, look_for_default, &search);
    say_default(doctor, &search);
    g_hash_table_unref(search.found);
}

/* ---- guests ---- */

void
check_guest_drivers(Doctor *doctor)
{
    g_autoptr(GPtrArray) infos = document_elements(doctor->instances);
    guint n = 0, running = 0;

    for (guint i = 0; i < infos->len; i++) {
        JsonObject *info = g_ptr_array_index(infos, i);
        const char *drivers = document_text(info, "guest_drivers");
        gboolean outdated = g_strcmp0(drivers, "outdated") == 0;

        running += g_strcmp0(document_text(info, "state"), "running") == 0;
        if (!outdated && g_strcmp0(drivers, "none") != 0)
            continue;
        n++;
        doctor_say(doctor, CHECK_WARNING,
                   outdated ? _("install the present ones in the guest")
                            : _("install them in the guest: without them it is slow, and neither "
                                "shuts down when asked nor lets devices come and go"),
                   outdated ? _("%s has outdated paravirtual drivers")
                            : _("%s has told of no paravirtual drivers"),
                   document_text(info, "name"));
    }
    if (n == 0)
        doctor_say(doctor, CHECK_OK, NULL,
                   ngettext("there in all of %u running instance",
                            "there in all of %u running instances", running),
                   running);
}
