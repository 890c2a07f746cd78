#include "certificates.h"

static char **
directory(void)
{
    static char *path;

    return &path;
}

static void
run(const char *program, const char *option, const char *path)
{
    const char *command[] = {program, option != NULL ? option : path, option != NULL ? path : NULL,
                             NULL};
    g_autoptr(GError) error = NULL;
    int status;

    g_spawn_sync(NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                 &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
}

void
certificates_make(const char *script)
{
    *directory() = g_dir_make_tmp("hvd-tls-XXXXXX", NULL);
    run(script, NULL, *directory());
}

void
certificates_remove(void)
{
    run("rm", "-rf", *directory());
    g_clear_pointer(directory(), g_free);
}

char *
certificates_path(const char *name, const char *suffix)
{
    g_autofree char *file = g_strconcat(name, suffix, NULL);

    return g_build_filename(*directory(), file, NULL);
}

char *
certificates_pin(const char *host, const char *name)
{
    g_autofree char *path = certificates_path(name, ".pin");
    g_autofree char *pin = NULL;

    g_assert_true(g_file_get_contents(path, &pin, NULL, NULL));
    return g_strdup_printf("%s=%s", host, pin);
}

GTlsCertificate *
certificates_load(const char *name)
{
    g_autofree char *path = certificates_path(name, ".pem");
    g_autoptr(GError) error = NULL;
    GTlsCertificate *certificate = g_tls_certificate_new_from_file(path, &error);

    g_assert_no_error(error);
    return certificate;
}
