/* The smallest compute service there is: opens a pool, makes an instance of an image, and removes it.
 *
 *   cc compute-service.c -o compute-service $(pkg-config --cflags --libs hvd-0) \
 *      -DDRIVERS="\"$(pkg-config --variable=driverdir hvd-0)\""
 *   ./compute-service xenapi.conf debian.raw
 */
#include <dlfcn.h>
#include <hvd/hvd-driver.h>

#define UUID "6d0a8e5c-3c1f-4a57-9a80-2d8e3e7a1f10"

/* A real service goes on with other work; this one waits for each answer. */
static void
on_answer(GObject *source, GAsyncResult *result, gpointer answer)
{
    (void) source;
    *(GAsyncResult **) answer = g_object_ref(result);
}

static GAsyncResult *
wait_for(GAsyncResult **answer)
{
    while (*answer == NULL)
        g_main_context_iteration(NULL, TRUE);
    return *answer;
}

static void
on_progress(const HvdProgress *progress, gpointer data)
{
    (void) data;
    g_printerr("%s: %s %3.0f %%\n", progress->operation, progress->step, progress->fraction * 100);
}

/* The one exported symbol gives the table of everything that the driver can do. */
static const HvdDriver *
load(GError **error)
{
    void *module = dlopen(DRIVERS "/xenapi.so", RTLD_NOW | RTLD_LOCAL);
    HvdQuery query = module != NULL ? (HvdQuery) dlsym(module, HVD_QUERY_SYMBOL) : NULL;

    if (query != NULL)
        return query(HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR, error);
    g_set_error(error, HVD_ERROR, HVD_ERROR_UNSUPPORTED, "%s", dlerror());
    return NULL;
}

static HvdConnection *
open_pool(const HvdDriver *driver, const char *config_file, GError **error)
{
    HvdOpen open = {.struct_size = sizeof open, .config_file = config_file};
    g_autoptr(GAsyncResult) answer = NULL;

    driver->open_async(&open, NULL, on_answer, &answer);
    return driver->open_finish(wait_for(&answer), error);
}

/* What is to be made is a document (instance.schema.json), and so is the answer. The image's bytes come
 * from any stream of GIO. */
static char *
spawn(const HvdDriver *driver, HvdConnection *pool, GFile *file, GError **error)
{
    g_autoptr(GFileInputStream) image = g_file_read(file, NULL, error);
    g_autoptr(GFileInfo) info =
        image != NULL ? g_file_input_stream_query_info(image, "standard::size", NULL, error) : NULL;
    HvdCall call = {.struct_size = sizeof call, .request_id = "job-1", .progress = on_progress};
    g_autofree char *document = NULL;
    g_autoptr(GAsyncResult) answer = NULL;

    if (info == NULL)
        return NULL;
    document = g_strdup_printf(
        "{\"uuid\": \"" UUID "\", \"name\": \"web-1\", \"memory_bytes\": 1073741824, \"vcpus\": 2,"
        " \"image\": {\"source\": \"stream\", \"format\": \"raw\", \"size_bytes\": "
        "%" G_GOFFSET_FORMAT "}, \"root_disk\": {\"size_bytes\": 8589934592},"
        " \"networks\": [{\"mac\": \"fa:16:3e:00:00:01\", \"network\": \"xenbr0\"}]}",
        g_file_info_get_size(info));
    driver->spawn_async(pool, document, G_INPUT_STREAM(image), &call, NULL, on_answer, &answer);
    return driver->spawn_finish(pool, wait_for(&answer), error);
}

static char *
destroy(const HvdDriver *driver, HvdConnection *pool, GError **error)
{
    g_autoptr(GAsyncResult) answer = NULL;

    driver->destroy_async(pool, UUID, NULL, NULL, on_answer, &answer);
    return driver->destroy_finish(pool, wait_for(&answer), error);
}

static void
close_pool(const HvdDriver *driver, HvdConnection *pool)
{
    g_autoptr(GAsyncResult) answer = NULL;

    driver->close_async(pool, on_answer, &answer);
    driver->close_finish(wait_for(&answer));
}

static gboolean
run(const char *config_file, const char *path, GError **error)
{
    g_autoptr(GFile) image = g_file_new_for_path(path);
    const HvdDriver *driver = load(error);
    HvdConnection *pool = driver != NULL ? open_pool(driver, config_file, error) : NULL;
    g_autofree char *made = pool != NULL ? spawn(driver, pool, image, error) : NULL;
    g_autofree char *gone = NULL;

    if (made != NULL) {
        g_print("%s\n", made);
        gone = destroy(driver, pool, error);
    }
    if (pool != NULL)
        close_pool(driver, pool);
    return gone != NULL;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    if (argc != 3) {
        g_printerr("usage: %s CONFIG IMAGE\n", argv[0]);
        return 2;
    }
    if (run(argv[1], argv[2], &error))
        return 0;
    g_printerr("%s\n", error->message);
    return 1;
}
