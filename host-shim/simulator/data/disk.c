#include "data/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER      (256 * 1024)
#define KEPT_PREFIX "kept-"

struct _SimDisks {
    char *path;
};

/* Names of files in @path, folders not. */
static GPtrArray *
list_files(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (!g_file_test(child, G_FILE_TEST_IS_DIR))
            g_ptr_array_add(names, g_strdup(name));
    }
    return names;
}

/* Folders in it stay. */
static void
empty_folder(const char *path)
{
    g_autoptr(GPtrArray) names = list_files(path);

    for (guint i = 0; i < names->len; i++) {
        g_autofree char *child = g_build_filename(path, g_ptr_array_index(names, i), NULL);

        g_unlink(child);
    }
}

/* States kept in memory died with the simulator that kept them. */
static void
remove_kept(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (!g_str_has_prefix(name, KEPT_PREFIX))
            continue;
        empty_folder(child);
        g_rmdir(child);
    }
}

SimDisks *
sim_disks_new(const char *path)
{
    SimDisks *disks = g_new0(SimDisks, 1);

    disks->path = g_strdup(path);
    g_mkdir_with_parents(path, 0700);
    remove_kept(path);
    return disks;
}

void
sim_disks_free(SimDisks *disks)
{
    g_free(disks->path);
    g_free(disks);
}

/* Locations are the client's words: they never become file names. */
char *
sim_disk_key(const SimObject *vdi)
{
    const SimObject *sr = sim_object_follow(vdi, "SR");
    const char *location = sim_object_text(vdi, "location");
    gboolean lun = sim_object_map_text(vdi, "sm_config", "LUNid") != NULL;
    g_autofree char *name =
        g_strconcat(lun || sr == NULL ? "lun" : sim_object_text(sr, "uuid"), "/", location, NULL);

    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
}

static char *
disk_path(const SimDisks *disks, const SimObject *vdi)
{
    g_autofree char *key = sim_disk_key(vdi);

    return g_build_filename(disks->path, key, NULL);
}

/* Copies what is data and leaves the holes. */
static gboolean
copy_bytes(int from, int to)
{
    g_autofree char *buffer = g_malloc(BUFFER);
    off_t end = lseek(from, 0, SEEK_END);
    off_t at = 0;

    while (at < end && (at = lseek(from, at, SEEK_DATA)) >= 0) {
        off_t hole = lseek(from, at, SEEK_HOLE);

        while (at < hole) {
            gssize length = pread(from, buffer, (gsize) MIN(BUFFER, hole - at), at);

            if (length <= 0 || pwrite(to, buffer, (gsize) length, at) != length)
                return FALSE;
            at += length;
        }
    }
    return ftruncate(to, end) == 0;
}

/* A file with several names is a copy that nobody has written yet. */
static gboolean
make_own(const char *path)
{
    g_autofree char *fresh = NULL;
    struct stat status;
    gboolean copied;
    int from;
    int to;

    if (stat(path, &status) != 0 || status.st_nlink == 1)
        return TRUE;
    fresh = g_strconcat(path, ".new", NULL);
    from = g_open(path, O_RDONLY | O_CLOEXEC, 0);
    to = g_open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    copied = from >= 0 && to >= 0 && copy_bytes(from, to);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return copied && g_rename(fresh, path) == 0;
}

int
sim_disk_open(SimDisks *disks, const SimObject *vdi, gboolean for_writing)
{
    g_autofree char *path = disk_path(disks, vdi);

    if (!for_writing)
        return g_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (!make_own(path))
        return -1;
    return g_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

void
sim_disk_remove(SimDisks *disks, const SimObject *vdi)
{
    g_autofree char *path = disk_path(disks, vdi);

    g_unlink(path);
}

void
sim_disk_copy(SimDisks *disks, const SimObject *from, const SimObject *to)
{
    g_autofree char *source = disk_path(disks, from);
    g_autofree char *target = disk_path(disks, to);

    g_unlink(target);
    if (link(source, target) != 0 && errno != ENOENT)
        g_printerr("xapi-sim: cannot copy a disk: %s\n", g_strerror(errno));
}

void
sim_disk_truncate(SimDisks *disks, const SimObject *vdi, gint64 size)
{
    g_autofree char *path = disk_path(disks, vdi);
    struct stat status;

    if (stat(path, &status) != 0 || status.st_size <= size || !make_own(path))
        return;
    if (truncate(path, size) != 0)
        g_printerr("xapi-sim: cannot shorten a disk: %s\n", g_strerror(errno));
}

gint64
sim_disk_used_bytes(SimDisks *disks, const SimObject *vdi)
{
    g_autofree char *path = disk_path(disks, vdi);
    struct stat status;

    return stat(path, &status) == 0 ? (gint64) status.st_blocks * 512 : 0;
}

static gint64
last_data_byte(const char *buffer, gssize length)
{
    while (length > 0 && buffer[length - 1] == '\0')
        length--;
    return length;
}

/* Where the bytes that are not zero end. */
static gint64
find_end(int fd)
{
    g_autofree char *buffer = g_malloc(BUFFER);
    off_t end = lseek(fd, 0, SEEK_END);
    off_t at = 0;
    gint64 last = 0;

    while (at < end && (at = lseek(fd, at, SEEK_DATA)) >= 0) {
        gssize length = pread(fd, buffer, BUFFER, at);
        gint64 used;

        if (length <= 0)
            break;
        used = last_data_byte(buffer, length);
        if (used > 0)
            last = at + used;
        at += length;
    }
    return last;
}

static void
digest_bytes(GChecksum *checksum, int fd, gint64 end)
{
    g_autofree char *buffer = g_malloc(BUFFER);
    gint64 at = 0;

    while (at < end) {
        gssize length = pread(fd, buffer, (gsize) MIN(BUFFER, end - at), at);

        if (length <= 0)
            break;
        g_checksum_update(checksum, (const guchar *) buffer, length);
        at += length;
    }
}

char *
sim_disk_digest(SimDisks *disks, const SimObject *vdi, gint64 *length)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    int fd = sim_disk_open(disks, vdi, FALSE);

    *length = 0;
    if (fd >= 0) {
        *length = find_end(fd);
        digest_bytes(checksum, fd, *length);
        close(fd);
    }
    return g_strdup(g_checksum_get_string(checksum));
}

/* Makes @to hold the very files of @from. */
static void
link_all(const char *from, const char *to)
{
    g_autoptr(GPtrArray) names = list_files(from);

    empty_folder(to);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *source = g_build_filename(from, g_ptr_array_index(names, i), NULL);
        g_autofree char *target = g_build_filename(to, g_ptr_array_index(names, i), NULL);

        if (link(source, target) != 0)
            g_printerr("xapi-sim: cannot keep a disk: %s\n", g_strerror(errno));
    }
}

static char *
kept_path(const SimDisks *disks, const char *name)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    g_autofree char *folder = g_strconcat(KEPT_PREFIX, digest, NULL);

    return g_build_filename(disks->path, folder, NULL);
}

void
sim_disks_keep(SimDisks *disks, const char *name)
{
    g_autofree char *kept = kept_path(disks, name);

    g_mkdir_with_parents(kept, 0700);
    link_all(disks->path, kept);
}

void
sim_disks_restore(SimDisks *disks, const char *name)
{
    g_autofree char *kept = kept_path(disks, name);

    link_all(kept, disks->path);
}
