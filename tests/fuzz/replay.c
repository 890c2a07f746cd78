/* SEC-45: runs a fuzz target over files, or the files of folders, and says so in TAP. */
#include "fuzz.h"

static guint
run_file(const char *path, guint n)
{
    g_autofree char *bytes = NULL;
    g_autofree char *copy = NULL;
    gsize length;

    if (!g_file_get_contents(path, &bytes, &length, NULL))
        g_error("cannot read %s", path);
    copy = g_memdup2(bytes, length); /* without the NUL behind it, so that a read beyond is seen */
    LLVMFuzzerTestOneInput((const guint8 *) copy, length);
    g_print("ok %u %s\n", n, path);
    return n + 1;
}

static guint
run_folder(const char *path, guint n)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        n = run_file(file, n);
    }
    return n;
}

int
main(int argc, char **argv)
{
    guint n = 1;

    LLVMFuzzerTestOneInput((const guint8 *) "", 0);
    for (int i = 1; i < argc; i++)
        n = g_file_test(argv[i], G_FILE_TEST_IS_DIR) ? run_folder(argv[i], n)
                                                     : run_file(argv[i], n);
    g_print("1..%u\n", n - 1);
    return n > 1 ? 0 : 1;
}
