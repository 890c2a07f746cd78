#include "xenapi/mirror.h"

#include "xenapi/tag.h"

#include <string.h>

/* Where the key of an index lies: a string of the record, or a value of one of its maps. */
typedef struct {
    const XdClass *klass;
    gsize offset;
    const char *map_key;
} IndexSpec;

#define FIELD(Type, name, field)                                                                   \
    {                                                                                              \
        &xd_class_##name, G_STRUCT_OFFSET(Type, field), NULL                                       \
    }
#define MAP(Type, name, key)                                                                       \
    {                                                                                              \
        &xd_class_##name, G_STRUCT_OFFSET(Type, other_config), key                                 \
    }

static const IndexSpec index_specs[XD_N_INDEXES] = {
    [XD_BY_VM_UUID] = FIELD(XdVM, vm, uuid),
    [XD_BY_VM_INSTANCE] = MAP(XdVM, vm, "nova_uuid"),
    [XD_BY_VM_NAME] = FIELD(XdVM, vm, name_label),
    [XD_BY_VM_TAG] = MAP(XdVM, vm, XD_TAG_KEY),
    [XD_BY_VDI_UUID] = FIELD(XdVDI, vdi, uuid),
    [XD_BY_VDI_TAG] = MAP(XdVDI, vdi, XD_TAG_KEY),
    [XD_BY_VDI_SR] = FIELD(XdVDI, vdi, sr),
    [XD_BY_VDI_INSTANCE] = MAP(XdVDI, vdi, "nova_instance_uuid"),
    [XD_BY_VBD_VM] = FIELD(XdVBD, vbd, vm),
    [XD_BY_VBD_VDI] = FIELD(XdVBD, vbd, vdi),
    [XD_BY_VBD_TAG] = MAP(XdVBD, vbd, XD_TAG_KEY),
    [XD_BY_VIF_VM] = FIELD(XdVIF, vif, vm),
    [XD_BY_VIF_TAG] = MAP(XdVIF, vif, XD_TAG_KEY),
    [XD_BY_PBD_SR] = FIELD(XdPBD, pbd, sr),
    [XD_BY_SR_UUID] = FIELD(XdSR, sr, uuid),
    [XD_BY_SR_NAME] = FIELD(XdSR, sr, name_label),
    [XD_BY_HOST_UUID] = FIELD(XdHost, host, uuid),
    [XD_BY_HOST_NAME] = FIELD(XdHost, host, name_label),
    [XD_BY_NETWORK_UUID] = FIELD(XdNetwork, network, uuid),
    [XD_BY_NETWORK_NAME] = FIELD(XdNetwork, network, name_label),
    [XD_BY_NETWORK_BRIDGE] = FIELD(XdNetwork, network, bridge),
    [XD_BY_TASK_TAG] = MAP(XdTask, task, XD_TASK_TAG_KEY),
};

/* An object. Lists of an index may be long, all disks of a storage: none is searched for who leaves it. */
typedef struct {
    XdRecord *record;
    guint sweep; /* of the last complete picture that had it */
    guint at[];  /* where it stands in the list, for each index of its class */
} Entry;

struct _XdWatch {
    char *ref;
    void (*changed)(gpointer data);
    gpointer data;
    gboolean removed;
};

struct _XdMirror {
    XdClock *clock;
    GPtrArray *classes;                /* (element-type GHashTable<ref, Entry>), by class id */
    GHashTable *indexes[XD_N_INDEXES]; /* (element-type utf8 GPtrArray<XdRecord>) */
    GPtrArray *nothing;                /* what find gives where there is nothing */
    GHashTable *watches;               /* (element-type utf8 GPtrArray<XdWatch>) */
    GPtrArray *watches_of_all;         /* (element-type XdWatch) */
    guint telling;                     /* watches are being told */
    gboolean has_removed;
    guint sweep;
    gsize bytes; /* of all records */
    char *token;
    gboolean complete;
    gboolean stale;
    gint64 stale_since_s;
    gint64 stale_since_ms;
    char *stale_reason; /* of the latest failure */
    XdMirrorObserver observer;
    gpointer observer_data;
};

/* ---- indexes ---- */

static const char *
index_key(const IndexSpec *spec, const XdRecord *record)
{
    gconstpointer at = (const char *) record + spec->offset;
    const char *key;

    if (spec->map_key != NULL)
        return xd_map_get(at, spec->map_key);
    memcpy(&key, at, sizeof key);
    return key != NULL && key[0] != '\0' ? key : NULL;
}

static GHashTable *
class_table(const XdMirror *mirror, const XdClass *klass)
{
    return g_ptr_array_index(mirror->classes, klass->id);
}

static Entry *
entry_of(const XdMirror *mirror, const XdRecord *record)
{
    return g_hash_table_lookup(class_table(mirror, record->klass), record->ref);
}

static Entry *
entry_new(const XdClass *klass)
{
    gsize n = 0;

    for (guint i = 0; i < XD_N_INDEXES; i++)
        n += index_specs[i].klass == klass;
    return g_malloc0(sizeof(Entry) + n * sizeof(guint));
}

/* The last one takes the place of the one that goes. @nth: which of its class the index is */
static void
index_remove(XdMirror *mirror, GHashTable *table, const char *key, const Entry *entry, guint nth)
{
    GPtrArray *records = g_hash_table_lookup(table, key);

    if (records->len == 1) {
        g_hash_table_remove(table, key);
        return;
    }
    entry_of(mirror, g_ptr_array_index(records, records->len - 1))->at[nth] = entry->at[nth];
    g_ptr_array_remove_index_fast(records, entry->at[nth]);
}

static void
index_add(GHashTable *table, const char *key, XdRecord *record, Entry *entry, guint nth)
{
    GPtrArray *records = g_hash_table_lookup(table, key);

    if (records == NULL) {
        records = g_ptr_array_sized_new(1);
        g_hash_table_insert(table, g_strdup(key), records);
    }
    entry->at[nth] = records->len;
    g_ptr_array_add(records, record);
}

static void
index_replace(GHashTable *table, const char *key, XdRecord *record, const Entry *entry, guint nth)
{
    GPtrArray *records = g_hash_table_lookup(table, key);

    records->pdata[entry->at[nth]] = record;
}

static void
update_index(XdMirror *mirror, guint index, Entry *entry, XdRecord *new, guint nth)
{
    const IndexSpec *spec = &index_specs[index];
    GHashTable *table = mirror->indexes[index];
    const char *old_key = entry->record != NULL ? index_key(spec, entry->record) : NULL;
    const char *new_key = new != NULL ? index_key(spec, new) : NULL;

    if (old_key != NULL && g_strcmp0(old_key, new_key) == 0) {
        index_replace(table, old_key, new, entry, nth);
        return;
    }
    if (old_key != NULL)
        index_remove(mirror, table, old_key, entry, nth);
    if (new_key != NULL)
        index_add(table, new_key, new, entry, nth);
}

/* @entry has no record yet, or @new is NULL: it comes, or it goes. */
static void
update_indexes(XdMirror *mirror, const XdClass *klass, Entry *entry, XdRecord *new)
{
    guint nth = 0;

    for (guint i = 0; i < XD_N_INDEXES; i++) {
        if (index_specs[i].klass == klass)
            update_index(mirror, i, entry, new, nth++);
    }
}

/* ---- life ---- */

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    xd_record_free(entry->record);
    g_free(entry);
}

static void
watch_free(gpointer data)
{
    XdWatch *watch = data;

    g_free(watch->ref);
    g_free(watch);
}

XdMirror *
xd_mirror_new(XdClock *clock)
{
    XdMirror *mirror = g_new0(XdMirror, 1);

    mirror->clock = xd_clock_ref(clock);
    mirror->classes = g_ptr_array_new_with_free_func((GDestroyNotify) g_hash_table_unref);
    for (guint i = 0; i < XD_N_CLASSES; i++)
        g_ptr_array_add(mirror->classes,
                        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free));
    for (guint i = 0; i < XD_N_INDEXES; i++)
        mirror->indexes[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                   (GDestroyNotify) g_ptr_array_unref);
    mirror->nothing = g_ptr_array_new();
    mirror->watches =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
    mirror->watches_of_all = g_ptr_array_new_with_free_func(watch_free);
    mirror->token = g_strdup("");
    return mirror;
}

void
xd_mirror_free(XdMirror *mirror)
{
    for (guint i = 0; i < XD_N_INDEXES; i++)
        g_hash_table_unref(mirror->indexes[i]);
    g_ptr_array_unref(mirror->classes);
    g_ptr_array_unref(mirror->nothing);
    g_hash_table_unref(mirror->watches);
    g_ptr_array_unref(mirror->watches_of_all);
    xd_clock_unref(mirror->clock);
    g_free(mirror->token);
    g_free(mirror->stale_reason);
    g_free(mirror);
}

/* ---- reading ---- */

const XdRecord *
xd_mirror_get(const XdMirror *mirror, const XdClass *klass, const char *ref)
{
    const Entry *entry = ref != NULL ? g_hash_table_lookup(class_table(mirror, klass), ref) : NULL;

    return entry != NULL ? entry->record : NULL;
}

const GPtrArray *
xd_mirror_find(const XdMirror *mirror, XdIndex index, const char *key)
{
    const GPtrArray *records =
        key != NULL ? g_hash_table_lookup(mirror->indexes[index], key) : NULL;

    return records != NULL ? records : mirror->nothing;
}

const XdRecord *
xd_mirror_find_one(const XdMirror *mirror, XdIndex index, const char *key)
{
    const GPtrArray *records = xd_mirror_find(mirror, index, key);

    return records->len == 1 ? g_ptr_array_index(records, 0) : NULL;
}

void
xd_mirror_iter_init(XdMirrorIter *iter, const XdMirror *mirror, const XdClass *klass)
{
    g_hash_table_iter_init(&iter->iter, class_table(mirror, klass));
}

const XdRecord *
xd_mirror_iter_next(XdMirrorIter *iter)
{
    gpointer entry;

    return g_hash_table_iter_next(&iter->iter, NULL, &entry) ? ((Entry *) entry)->record : NULL;
}

guint
xd_mirror_count(const XdMirror *mirror, const XdClass *klass)
{
    return g_hash_table_size(class_table(mirror, klass));
}

gsize
xd_mirror_get_bytes(const XdMirror *mirror)
{
    return mirror->bytes;
}

const XdPool *
xd_mirror_get_pool(const XdMirror *mirror)
{
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, mirror, &xd_class_pool);
    return (const XdPool *) xd_mirror_iter_next(&iter);
}

const char *
xd_mirror_get_token(const XdMirror *mirror)
{
    return mirror->token;
}

gboolean
xd_mirror_is_complete(const XdMirror *mirror)
{
    return mirror->complete;
}

gboolean
xd_mirror_is_fresh(const XdMirror *mirror)
{
    return mirror->complete && !mirror->stale;
}

gint64
xd_mirror_get_age_ms(const XdMirror *mirror)
{
    return mirror->stale ? xd_clock_now_ms(mirror->clock) - mirror->stale_since_ms : 0;
}

gint64
xd_mirror_get_stale_since(const XdMirror *mirror)
{
    return mirror->stale ? mirror->stale_since_s : 0;
}

const char *
xd_mirror_get_stale_reason(const XdMirror *mirror)
{
    return mirror->stale && mirror->stale_reason != NULL ? mirror->stale_reason : "";
}

/* ---- watches ---- */

XdWatch *
xd_mirror_watch(XdMirror *mirror, const char *ref, void (*changed)(gpointer data), gpointer data)
{
    XdWatch *watch = g_new0(XdWatch, 1);
    GPtrArray *list = mirror->watches_of_all;

    watch->ref = g_strdup(ref);
    watch->changed = changed;
    watch->data = data;
    if (ref != NULL) {
        list = g_hash_table_lookup(mirror->watches, ref);
        if (list == NULL) {
            list = g_ptr_array_new_with_free_func(watch_free);
            g_hash_table_insert(mirror->watches, g_strdup(ref), list);
        }
    }
    g_ptr_array_add(list, watch);
    return watch;
}

static void
list_drop_removed(GPtrArray *list)
{
    for (guint i = list->len; i > 0; i--) {
        if (((XdWatch *) g_ptr_array_index(list, i - 1))->removed)
            g_ptr_array_remove_index(list, i - 1);
    }
}

static gboolean
drop_removed(gpointer ref G_GNUC_UNUSED, gpointer list, gpointer data G_GNUC_UNUSED)
{
    list_drop_removed(list);
    return ((GPtrArray *) list)->len == 0;
}

static void
collect_removed(XdMirror *mirror)
{
    if (mirror->telling > 0 || !mirror->has_removed)
        return;
    mirror->has_removed = FALSE;
    list_drop_removed(mirror->watches_of_all);
    g_hash_table_foreach_remove(mirror->watches, drop_removed, NULL);
}

void
xd_mirror_unwatch(XdMirror *mirror, XdWatch *watch)
{
    GPtrArray *list;

    watch->removed = TRUE;
    if (mirror->telling > 0) {
        mirror->has_removed = TRUE;
        return;
    }
    list = watch->ref != NULL ? g_hash_table_lookup(mirror->watches, watch->ref)
                              : mirror->watches_of_all;
    if (watch->ref != NULL && list->len == 1) {
        g_autofree char *ref = g_strdup(watch->ref);

        g_hash_table_remove(mirror->watches, ref);
        return;
    }
    g_ptr_array_remove(list, watch);
}

static void
tell_list(GPtrArray *list)
{
    /* those that are added meanwhile are not told: they have seen what there is */
    for (guint i = 0, n = list != NULL ? list->len : 0; i < n; i++) {
        XdWatch *watch = g_ptr_array_index(list, i);

        if (!watch->removed)
            watch->changed(watch->data);
    }
}

static void
tell_watches(XdMirror *mirror, const GPtrArray *refs)
{
    mirror->telling++;
    for (guint i = 0; refs != NULL && i < refs->len; i++) {
        GPtrArray *list = g_hash_table_lookup(mirror->watches, g_ptr_array_index(refs, i));

        if (list == NULL)
            continue;
        g_ptr_array_ref(list);
        tell_list(list);
        g_ptr_array_unref(list);
    }
    tell_list(mirror->watches_of_all);
    mirror->telling--;
    collect_removed(mirror);
}

/* ---- feeding ---- */

static void
observe(XdMirror *mirror, const XdRecord *before, const XdRecord *now)
{
    if (mirror->observer != NULL)
        mirror->observer(before, now, mirror->observer_data);
}

static void
put_record(XdMirror *mirror, XdRecord *record)
{
    GHashTable *table = class_table(mirror, record->klass);
    Entry *entry = g_hash_table_lookup(table, record->ref);
    XdRecord *old = entry != NULL ? entry->record : NULL;

    if (entry == NULL)
        entry = entry_new(record->klass);
    update_indexes(mirror, record->klass, entry, record);
    if (old != NULL)
        g_hash_table_steal(table, old->ref); /* the key is the record's own text */
    entry->record = record;
    entry->sweep = mirror->sweep;
    mirror->bytes += record->bytes - (old != NULL ? old->bytes : 0);
    g_hash_table_insert(table, (gpointer) record->ref, entry);
    observe(mirror, old, record);
    if (old != NULL)
        xd_record_free(old);
}

static void
drop_record(XdMirror *mirror, const XdClass *klass, const char *ref)
{
    GHashTable *table = class_table(mirror, klass);
    Entry *entry = g_hash_table_lookup(table, ref);

    if (entry == NULL)
        return;
    update_indexes(mirror, klass, entry, NULL);
    g_hash_table_steal(table, ref);
    mirror->bytes -= entry->record->bytes;
    observe(mirror, entry->record, NULL);
    entry_free(entry);
}

/* What a complete picture did not show is gone, though its deletion was never told. */
static void
sweep_class(XdMirror *mirror, const XdClass *klass, GPtrArray *refs)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, class_table(mirror, klass));
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Entry *entry = value;

        if (entry->sweep != mirror->sweep)
            g_ptr_array_add(gone, g_strdup(entry->record->ref));
    }
    for (guint i = 0; i < gone->len; i++) {
        drop_record(mirror, klass, g_ptr_array_index(gone, i));
        g_ptr_array_add(refs, g_ptr_array_index(gone, i));
    }
}

void
xd_mirror_apply(XdMirror *mirror, GArray *changes, const char *token, gboolean complete,
                const XdClass *only)
{
    g_autoptr(GPtrArray) refs = g_ptr_array_new_with_free_func(g_free);

    mirror->sweep += complete ? 1 : 0;
    for (guint i = 0; i < changes->len; i++) {
        XdChange *change = &g_array_index(changes, XdChange, i);

        if (change->kind == XD_CHANGE_DEL) {
            g_ptr_array_add(refs, g_strdup(change->ref));
            drop_record(mirror, change->klass, change->ref);
        } else {
            g_ptr_array_add(refs, g_strdup(change->record->ref));
            put_record(mirror, g_steal_pointer(&change->record));
        }
    }
    for (guint i = 0; complete && i < XD_N_CLASSES; i++) {
        if (only == NULL || only == xd_classes[i])
            sweep_class(mirror, xd_classes[i], refs);
    }
    if (token != NULL) {
        g_free(mirror->token);
        mirror->token = g_strdup(token);
        mirror->stale = FALSE;
        mirror->complete = TRUE;
    }
    tell_watches(mirror, refs);
}

void
xd_mirror_set_stale(XdMirror *mirror, gint64 now_s, const char *reason)
{
    g_free(mirror->stale_reason);
    mirror->stale_reason = g_strdup(reason);
    if (mirror->stale)
        return;
    mirror->stale = TRUE;
    mirror->stale_since_s = now_s;
    mirror->stale_since_ms = xd_clock_now_ms(mirror->clock);
    g_free(mirror->token);
    mirror->token = g_strdup("");
    tell_watches(mirror, NULL);
}

void
xd_mirror_set_observer(XdMirror *mirror, XdMirrorObserver observer, gpointer data)
{
    mirror->observer = observer;
    mirror->observer_data = data;
}
