/* A file that is there whole or not at all, also where the file system knows no files without a name. */
#include "failure.h"
#include "partial.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixoutputstream.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean knows_nameless = TRUE;

int __real_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, ...);

int
__wrap_open64(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    if (!knows_nameless && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    va_start(arguments, flags);
    mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return __real_open64(path, flags, mode);
}

/* ---- a directory, and what lies in it ---- */

typedef struct {
    char *directory;
    char *path;
} Place;

static void
place_init(Place *place, gconstpointer hidden)
{
    knows_nameless = hidden == NULL;
    place->directory = g_dir_make_tmp(NULL, NULL);
    place->path = g_build_filename(place->directory, "x.raw", NULL);
}

static void
place_clear(Place *place, gconstpointer hidden G_GNUC_UNUSED)
{
    knows_nameless = TRUE;
    g_unlink(place->path);
    g_assert_cmpint(g_rmdir(place->directory), ==, 0); /* there is nothing else */
    g_free(place->path);
    g_free(place->directory);
}

/* How many names there are. */
static guint
count(const Place *place)
{
    g_autoptr(GDir) directory = g_dir_open(place->directory, 0, NULL);
    guint n = 0;

    while (g_dir_read_name(directory) != NULL)
        n++;
    return n;
}

static Partial *
begin(const Place *place, gboolean replace, const char *text)
{
    g_autoptr(GError) error = NULL;
    Partial *partial = partial_new(place->path, replace, &error);
    struct stat info;

    g_assert_no_error(error);
    g_assert_cmpint(
        fstat(g_unix_output_stream_get_fd(G_UNIX_OUTPUT_STREAM(partial_get_stream(partial))),
              &info),
        ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600); /* also before it is complete */
    g_output_stream_write_all(partial_get_stream(partial), text, strlen(text), NULL, NULL, &error);
    g_assert_no_error(error);
    return partial;
}

static void
assert_content(const Place *place, const char *text)
{
    g_autofree char *content = NULL;
    GStatBuf info;

    g_assert_true(g_file_get_contents(place->path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, text);
    g_assert_cmpint(g_stat(place->path, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    g_assert_cmpuint(count(place), ==, 1);
}

/* ---- the tests ---- */

static void
test_complete(Place *place, gconstpointer hidden)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Partial) partial = begin(place, FALSE, "one");

    g_assert_cmpuint(count(place), ==, hidden != NULL ? 1 : 0);
    g_assert_false(g_file_test(place->path, G_FILE_TEST_EXISTS));
    partial_complete(partial, &error);
    g_assert_no_error(error);
    assert_content(place, "one");
}

static void
test_given_up(Place *place, gconstpointer hidden G_GNUC_UNUSED)
{
    Partial *partial = begin(place, FALSE, "one");

    partial_free(partial);
    g_assert_cmpuint(count(place), ==, 0);
}

/* Somebody makes a file of the name while ours is being written. */
static void
test_taken(Place *place, gconstpointer hidden G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    Partial *partial = begin(place, FALSE, "one");

    g_assert_true(
        g_file_set_contents_full(place->path, "theirs", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    g_assert_false(partial_complete(partial, &error));
    g_assert_error(error, FAILURE, HVD_ERROR_EXISTS);
    partial_free(partial);
    assert_content(place, "theirs");
}

static void
test_replaced(Place *place, gconstpointer hidden G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    Partial *partial;

    g_assert_true(
        g_file_set_contents_full(place->path, "old", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    g_assert_null(partial_new(place->path, FALSE, &error));
    g_assert_error(error, FAILURE, HVD_ERROR_EXISTS);
    g_clear_error(&error);
    partial_free(begin(place, TRUE, "given up"));
    assert_content(place, "old");
    partial = begin(place, TRUE, "new");
    partial_complete(partial, &error);
    g_assert_no_error(error);
    partial_free(partial);
    assert_content(place, "new");
}

static gboolean
can_be_nameless(void)
{
    int fd = open(g_get_tmp_dir(), O_TMPFILE | O_WRONLY, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Place *place, gconstpointer hidden);
    } tests[] = {
        {"complete", test_complete},
        {"given-up", test_given_up},
        {"taken", test_taken},
        {"replaced", test_replaced},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *nameless = g_strdup_printf("/shim/partial/%s", tests[i].name);
        g_autofree char *hidden = g_strdup_printf("/shim/partial/hidden-%s", tests[i].name);

        if (can_be_nameless())
            g_test_add(nameless, Place, NULL, place_init, tests[i].run, place_clear);
        g_test_add(hidden, Place, "hidden", place_init, tests[i].run, place_clear);
    }
    return g_test_run();
}
