#include "control/home.h"

#include "core/sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_WAIT_MS 10000
#define LOCK_STEP_MS 50

static gboolean
fail(GError **error, const char *what, const char *path)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "%s %s: %s", what, path,
                g_strerror(errno));
    return FALSE;
}

char *
sim_home_file(const SimHome *home, const char *name)
{
    return g_build_filename(home->path, name, NULL);
}

typedef struct {
    GMainLoop *loop;
    int fd;
    guint left_ms;
    gboolean locked;
} LockWait;

static gboolean
on_try_lock(gpointer data)
{
    LockWait *wait = data;

    wait->locked = flock(wait->fd, LOCK_EX | LOCK_NB) == 0;
    wait->left_ms -= MIN(wait->left_ms, LOCK_STEP_MS);
    if (!wait->locked && wait->left_ms > 0)
        return G_SOURCE_CONTINUE;
    g_main_loop_quit(wait->loop);
    return G_SOURCE_REMOVE;
}

static gboolean
take_lock(SimHome *home, GError **error)
{
    g_autofree char *path = sim_home_file(home, "lock");
    LockWait wait = {NULL, -1, LOCK_WAIT_MS, FALSE};

    home->lock_fd = g_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (home->lock_fd < 0)
        return fail(error, "cannot open", path);
    if (flock(home->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    wait.loop = g_main_loop_new(NULL, FALSE);
    wait.fd = home->lock_fd;
    g_timeout_add(LOCK_STEP_MS, on_try_lock, &wait);
    g_main_loop_run(wait.loop);
    g_main_loop_unref(wait.loop);
    if (!wait.locked)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY,
                    "another simulator runs in %s and did not end within 10 seconds", home->path);
    return wait.locked;
}

static void
home_free(SimHome *home)
{
    if (home->lock_fd >= 0)
        close(home->lock_fd);
    g_free(home->path);
    g_free(home);
}

SimHome *
sim_home_open(const char *path, GError **error)
{
    SimHome *home = g_new0(SimHome, 1);

    home->lock_fd = -1;
    home->temporary = path == NULL;
    home->path = path != NULL ? g_canonicalize_filename(path, NULL)
                              : g_dir_make_tmp("xapi-sim-XXXXXX", error);
    if (home->path == NULL) {
        home_free(home);
        return NULL;
    }
    if (g_mkdir_with_parents(home->path, 0700) != 0) {
        fail(error, "cannot make", home->path);
        home_free(home);
        return NULL;
    }
    if (!take_lock(home, error)) {
        home_free(home);
        return NULL;
    }
    return home;
}

/* Only what a simulator makes is in there: files, and one level of folders. */
static void
remove_tree(const char *path, guint depth)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && depth < 4 && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            remove_tree(child, depth + 1);
        else
            g_unlink(child);
    }
    g_rmdir(path);
}

void
sim_home_close(SimHome *home)
{
    if (home->temporary)
        remove_tree(home->path, 0);
    home_free(home);
}

static gboolean
read_password(const SimHome *home, Sim *sim, const char *user, const char *name, GError **error)
{
    g_autofree char *path = sim_home_file(home, name);
    g_autofree char *password = NULL;

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        password = sim_ids_secret();
        if (!g_file_set_contents_full(path, password, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
                                      error))
            return FALSE;
    } else if (!g_file_get_contents(path, &password, NULL, error)) {
        return FALSE;
    }
    sim_sessions_set_password(sim->sessions, user, g_strchomp(password));
    return TRUE;
}

gboolean
sim_home_read_passwords(const SimHome *home, Sim *sim, GError **error)
{
    if (!read_password(home, sim, "root", "password", error))
        return FALSE;
    for (guint i = 0; i < SIM_N_ROLES; i++) {
        const char *role = sim_role_name((SimRole) i);
        g_autofree char *name = g_strconcat("password-", role, NULL);

        if (!read_password(home, sim, role, name, error))
            return FALSE;
    }
    return TRUE;
}
