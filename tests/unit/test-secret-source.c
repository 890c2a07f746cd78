/* SEC-1, SEC-3: references to secrets, and what a secret file must be like. */
#include "base/secret-source.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANARY "canary-7f3a"

typedef struct {
    XdArena *arena;
    char *directory;
    char *path;
} World;

static void
world_set_up(World *world, gconstpointer data G_GNUC_UNUSED)
{
    world->arena = xd_arena_new();
    world->directory = g_dir_make_tmp("hvd-secret-XXXXXX", NULL);
    world->path = g_build_filename(world->directory, "password", NULL);
}

static void
world_tear_down(World *world, gconstpointer data G_GNUC_UNUSED)
{
    unlink(world->path);
    rmdir(world->path);
    g_assert_cmpint(rmdir(world->directory), ==, 0);
    g_free(world->path);
    g_free(world->directory);
    xd_arena_unref(world->arena);
}

static void
write_file(World *world, const char *text, gsize length, mode_t mode)
{
    unlink(world->path);
    g_assert_true(g_file_set_contents(world->path, text, (gssize) length, NULL));
    g_assert_cmpint(chmod(world->path, mode), ==, 0);
}

static void
assert_loads(World *world, const char *expected)
{
    g_autofree char *reference = g_strconcat("file:", world->path, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(XdSecret) secret = xd_secret_load(world->arena, reference, NULL, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(xd_secret_reveal(secret, NULL), ==, expected);
}

static void
assert_refused(World *world, const char *why)
{
    g_autofree char *reference = g_strconcat("file:", world->path, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(xd_secret_load(world->arena, reference, NULL, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_SECRET);
    g_assert_nonnull(strstr(error->message, why));
    g_assert_null(strstr(error->message, CANARY));
}

static void
test_file(World *world, gconstpointer data G_GNUC_UNUSED)
{
    write_file(world, CANARY, strlen(CANARY), 0600);
    assert_loads(world, CANARY);
    write_file(world, CANARY "\n", strlen(CANARY) + 1, 0400);
    assert_loads(world, CANARY);
    write_file(world, CANARY "\n\n", strlen(CANARY) + 2, 0600);
    assert_loads(world, CANARY "\n");
}

static void
test_file_refused(World *world, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *big = g_strnfill(5000, 'x');
    g_autofree char *other = g_build_filename(world->directory, "other", NULL);

    write_file(world, CANARY, strlen(CANARY), 0640);
    assert_refused(world, "group or others");
    write_file(world, CANARY, strlen(CANARY), 0604);
    assert_refused(world, "group or others");
    write_file(world, big, 5000, 0600);
    assert_refused(world, "longer");
    write_file(world, "", 0, 0600);
    assert_refused(world, "empty");
    write_file(world, "\n", 1, 0600);
    assert_refused(world, "empty");
    write_file(world, "a\0b", 3, 0600);
    assert_refused(world, "NUL");

    write_file(world, CANARY, strlen(CANARY), 0600);
    g_assert_cmpint(rename(world->path, other), ==, 0);
    g_assert_cmpint(symlink(other, world->path), ==, 0);
    assert_refused(world, "symbolic link");
    unlink(world->path);
    unlink(other);
    assert_refused(world, "cannot be opened");
    g_assert_cmpint(mkfifo(world->path, 0600), ==, 0);
    assert_refused(world, "regular file");
    unlink(world->path);
    g_assert_cmpint(mkdir(world->path, 0700), ==, 0);
    assert_refused(world, "regular file");
    rmdir(world->path);
    if (geteuid() == 0) { /* only root can make a file of somebody else's */
        write_file(world, CANARY, strlen(CANARY), 0600);
        g_assert_cmpint(chown(world->path, 12345, 12345), ==, 0);
        g_assert_cmpint(seteuid(12346), ==, 0);
        assert_refused(world, "cannot be opened");
        g_assert_cmpint(seteuid(0), ==, 0);
        assert_refused(world, "another user");
    }
}

static void
test_relative(World *world, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(xd_secret_load(world->arena, "file:password", NULL, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_SECRET);
}

static void
test_fd(World *world, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdSecret) secret = NULL;
    g_autofree char *reference = NULL;
    int ends[2];

    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    g_assert_cmpint(write(ends[1], CANARY "\n", strlen(CANARY) + 1), >, 0);
    close(ends[1]);
    reference = g_strdup_printf("fd:%d", ends[0]);
    secret = xd_secret_load(world->arena, reference, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(xd_secret_reveal(secret, NULL), ==, CANARY);
    close(ends[0]);
    g_assert_null(xd_secret_load(world->arena, "fd:-1", NULL, NULL));
    g_assert_null(xd_secret_load(world->arena, "fd:0x3", NULL, NULL));
    g_assert_null(xd_secret_load(world->arena, "fd:", NULL, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_SECRET);
}

static void
test_credential(World *world, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdSecret) secret = NULL;

    g_unsetenv("CREDENTIALS_DIRECTORY");
    g_assert_null(xd_secret_load(world->arena, "credential:password", NULL, NULL));
    g_setenv("CREDENTIALS_DIRECTORY", world->directory, TRUE);
    write_file(world, CANARY, strlen(CANARY), 0400);
    secret = xd_secret_load(world->arena, "credential:password", NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(xd_secret_reveal(secret, NULL), ==, CANARY);
    g_assert_null(xd_secret_load(world->arena, "credential:../password", NULL, NULL));
    g_assert_null(xd_secret_load(world->arena, "credential:", NULL, NULL));
    g_unsetenv("CREDENTIALS_DIRECTORY");
}

static gssize
read_secret(const char *name, char *buffer, gsize size, gpointer user_data, GError **error)
{
    g_assert_true(user_data == (gpointer) buffer || user_data == NULL);
    g_assert_cmpuint(size, >, strlen(CANARY));
    if (strcmp(name, "pool-1") != 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no such entry");
        return -1;
    }
    memcpy(buffer, CANARY, strlen(CANARY));
    return (gssize) strlen(CANARY);
}

static void
test_host(World *world, gconstpointer data G_GNUC_UNUSED)
{
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .read_secret = read_secret};
    g_autoptr(GError) error = NULL;
    g_autoptr(XdSecret) secret = xd_secret_load(world->arena, "host:pool-1", &callbacks, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(xd_secret_reveal(secret, NULL), ==, CANARY);
    g_assert_null(xd_secret_load(world->arena, "host:other", &callbacks, &error));
    g_assert_error(error, XD_ERROR, HVD_ERROR_SECRET);
    g_assert_nonnull(strstr(error->message, "no such entry"));
    g_assert_null(xd_secret_load(world->arena, "host:pool-1", NULL, NULL));
}

static void
test_literal(World *world, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const literals[] = {CANARY, "env:" CANARY, "vault:" CANARY, ""};

    for (gsize i = 0; i < G_N_ELEMENTS(literals); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(xd_secret_load(world->arena, literals[i], NULL, &error));
        g_assert_error(error, XD_ERROR, HVD_ERROR_SECRET_LITERAL);
        g_assert_null(strstr(error->message, CANARY));
    }
}

#define ADD(PATH, FUNC) g_test_add(PATH, World, NULL, world_set_up, FUNC, world_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/base/secret-source/file", test_file);
    ADD("/base/secret-source/file-refused", test_file_refused);
    ADD("/base/secret-source/relative", test_relative);
    ADD("/base/secret-source/fd", test_fd);
    ADD("/base/secret-source/credential", test_credential);
    ADD("/base/secret-source/host", test_host);
    ADD("/base/secret-source/literal", test_literal);
    return g_test_run();
}
