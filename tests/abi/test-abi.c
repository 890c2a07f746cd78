/* The module seen by a host that knows nothing but the header: versions, sizes, pairs, loading and
 * unloading. SEC-38. */
#include "abi-slots.h"

#include <dlfcn.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REFUSED "http://127.0.0.1:1" /* nobody listens there */

static const char *module_path;

static HvdQuery
load(gpointer *module)
{
    HvdQuery query;
    gpointer symbol;

    *module = dlopen(module_path, RTLD_NOW | RTLD_LOCAL);
    if (*module == NULL)
        g_error("%s", dlerror());
    symbol = dlsym(*module, HVD_QUERY_SYMBOL);
    g_assert_nonnull(symbol);
    memcpy(&query, &symbol, sizeof query);
    return query;
}

static const HvdDriver *
driver_get(void)
{
    gpointer module;
    g_autoptr(GError) error = NULL;
    const HvdDriver *driver = load(&module)(HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR, &error);

    g_assert_no_error(error);
    return driver;
}

/* ---- the table ---- */

static gpointer
member(const HvdDriver *driver, gsize offset)
{
    gpointer pointer;

    memcpy(&pointer, (const char *) driver + offset, sizeof pointer);
    return pointer;
}

static void
test_table(void)
{
    const HvdDriver *driver = driver_get();

    g_assert_cmpuint(driver->major, ==, HVD_DRIVER_MAJOR);
    g_assert_cmpuint(driver->minor, ==, HVD_DRIVER_MINOR);
    g_assert_cmpuint(driver->struct_size, ==, sizeof *driver);
    g_assert_cmpstr(driver->name, ==, "xenapi");
    g_assert_true(HVD_HAS(driver, describe_config) && HVD_HAS(driver, describe_error));
    for (gsize i = 0; i < G_N_ELEMENTS(abi_slots); i++) {
        if ((member(driver, abi_slots[i].async) == NULL) !=
            (member(driver, abi_slots[i].finish) == NULL))
            g_error("the slot %s is there by half", abi_slots[i].name);
    }
}

/* A slot beyond the size that an older driver has is absent, and so is one that is NULL. */
static void
test_has(void)
{
    HvdDriver older = *driver_get();

    g_assert_true(HVD_HAS(&older, list_nodes_async));
    older.struct_size = G_STRUCT_OFFSET(HvdDriver, list_nodes_async) + sizeof(gpointer) - 1;
    g_assert_false(HVD_HAS(&older, list_nodes_async));
    g_assert_true(HVD_HAS(&older, list_instances_async));
    older.list_instances_async = NULL;
    g_assert_false(HVD_HAS(&older, list_instances_async));
}

static void
test_versions(void)
{
    static const struct {
        guint32 major, minor;
    } wrong[] = {
        {HVD_DRIVER_MAJOR + 1, HVD_DRIVER_MINOR}, {HVD_DRIVER_MAJOR + 1, 0},
        {HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR + 1}, /* major 0 makes no promise between minors */
        {HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR - 1}, {G_MAXUINT32, G_MAXUINT32},
    };
    gpointer module;
    HvdQuery query = load(&module);

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *theirs = g_strdup_printf("%u.%u", wrong[i].major, wrong[i].minor);
        g_autofree char *ours = g_strdup_printf("%u.%u", HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR);
        g_autoptr(GError) error = NULL;

        g_assert_null(query(wrong[i].major, wrong[i].minor, &error));
        g_assert_error(error, HVD_ERROR, HVD_ERROR_UNSUPPORTED);
        g_assert_nonnull(strstr(error->message, theirs));
        g_assert_nonnull(strstr(error->message, ours));
        g_assert_null(query(wrong[i].major, wrong[i].minor, NULL));
    }
}

/* ---- opening what cannot be opened ---- */

typedef struct {
    const HvdDriver *driver;
    GThread *thread;
    gboolean returned;
    guint answers;
    GError *error;
} Opening;

static void
on_opened(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Opening *opening = data;

    g_assert_true(opening->returned);
    g_assert_true(g_thread_self() == opening->thread);
    opening->answers++;
    g_assert_null(opening->driver->open_finish(result, &opening->error));
}

static GError *
open_failing(const HvdDriver *driver, const HvdOpen *open)
{
    g_autoptr(GMainContext) context = g_main_context_ref_thread_default();
    Opening opening = {.driver = driver, .thread = g_thread_self()};

    driver->open_async(open, NULL, on_opened, &opening);
    opening.returned = TRUE;
    while (opening.answers == 0)
        g_main_context_iteration(context, TRUE);
    g_main_context_iteration(context, FALSE);
    g_assert_cmpuint(opening.answers, ==, 1);
    return opening.error;
}

static gssize
read_secret(const char *name G_GNUC_UNUSED, char *buffer, gsize size G_GNUC_UNUSED,
            gpointer user_data G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    memcpy(buffer, "secret", 6);
    return 6;
}

static const HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks,
                                           .read_secret = read_secret};

/* Up to the connection that nobody takes. */
static GError *
open_owned(const HvdDriver *driver, const char *owner)
{
    g_autofree char *setting = g_strconcat("pool.owner=", owner, NULL);
    const char *settings[] = {"pool.url=" REFUSED, "pool.password=host:x",
                              "http.allow-plaintext=loopback", setting, NULL};
    HvdOpen open = {.struct_size = sizeof open, .settings = settings, .callbacks = &callbacks};

    return open_failing(driver, &open);
}

/* What is made in its name is found again by it, so that it has to fit into a mark. */
static void
test_owners(void)
{
    g_autofree char *longest = g_strnfill(64, 'x');
    g_autofree char *too_long = g_strnfill(65, 'x');
    const char *const good[] = {"nova-compute_1.example.org", "7", longest};
    const char *const bad[] = {"nova compute",     "a;b", "\303\274",
                               "a\r\nX-Header: b", " ",   too_long};

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = open_owned(driver_get(), good[i]);

        g_assert_error(error, HVD_ERROR, HVD_ERROR_NOT_REACHABLE);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = open_owned(driver_get(), bad[i]);

        g_assert_error(error, HVD_ERROR, HVD_ERROR_CONFIG);
        g_assert_nonnull(strstr(error->message, "pool.owner"));
    }
}

static void
test_open(void)
{
    const HvdDriver *driver = driver_get();
    g_autoptr(GError) refused = open_owned(driver, "");
    g_autoptr(GError) unset = open_failing(driver, &(HvdOpen){.struct_size = sizeof(HvdOpen)});

    g_assert_error(refused, HVD_ERROR, HVD_ERROR_NOT_REACHABLE);
    g_assert_error(unset, HVD_ERROR, HVD_ERROR_CONFIG);
}

/* ---- older hosts: their structures end earlier, and what lies behind must not be touched ---- */

/* A copy of @size bytes, with a page behind that nobody may read. */
static gpointer
at_the_edge(gconstpointer bytes, gsize size)
{
    gsize page = (gsize) sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    g_assert_true(pages != MAP_FAILED);
    g_assert_cmpint(mprotect(pages + page, page, PROT_NONE), ==, 0);
    return memcpy(pages + page - size, bytes, size);
}

static void
test_older_open(void)
{
    static const gsize sizes[] = {
        G_STRUCT_OFFSET(HvdOpen, config_file),
        G_STRUCT_OFFSET(HvdOpen, settings),
        G_STRUCT_OFFSET(HvdOpen, callbacks),
    };
    static const char *const settings[] = {"pool.url=ftp://x", "pool.password=host:x", NULL};
    HvdOpen whole = {.config_file = "/nowhere/x.conf", .settings = settings};

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;

        whole.struct_size = sizes[i];
        error = open_failing(driver_get(), at_the_edge(&whole, sizes[i]));
        g_assert_error(error, HVD_ERROR, HVD_ERROR_CONFIG);
        g_assert_cmpint(strstr(error->message, "/nowhere") != NULL, ==, i > 0);
    }
}

static void
test_older_callbacks(void)
{
    static const gsize sizes[] = {
        G_STRUCT_OFFSET(HvdHostCallbacks, user_data),
        G_STRUCT_OFFSET(HvdHostCallbacks, log),
        G_STRUCT_OFFSET(HvdHostCallbacks, lifecycle),
        G_STRUCT_OFFSET(HvdHostCallbacks, read_secret),
        G_STRUCT_OFFSET(HvdHostCallbacks, log_levels),
    };
    static const char *const settings[] = {"pool.url=" REFUSED, "pool.password=host:x",
                                           "http.allow-plaintext=loopback", NULL};
    HvdHostCallbacks whole = callbacks;

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        HvdError expected = i < 4 ? HVD_ERROR_SECRET : HVD_ERROR_NOT_REACHABLE;
        HvdOpen open = {.struct_size = sizeof open, .settings = settings};
        g_autoptr(GError) error = NULL;

        whole.struct_size = sizes[i];
        open.callbacks = at_the_edge(&whole, sizes[i]);
        error = open_failing(driver_get(), &open);
        g_assert_error(error, HVD_ERROR, (int) expected); /* is read_secret among them? */
    }
}

/* ---- loading and unloading ---- */

static gpointer
load_and_open(gpointer data G_GNUC_UNUSED)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(GError) error = NULL;

    g_main_context_push_thread_default(context);
    error = open_owned(driver_get(), "");
    g_assert_error(error, HVD_ERROR, HVD_ERROR_NOT_REACHABLE);
    g_main_context_pop_thread_default(context);
    return NULL;
}

/* First of all tests: another thread than the main one loads it. */
static void
test_thread(void)
{
    g_thread_join(g_thread_new("second", load_and_open, NULL));
}

/* In a process where nobody else holds it. */
static void
test_resident(void)
{
    gpointer module;
    const HvdDriver *driver;

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
        g_test_trap_assert_passed();
        return;
    }
    driver = load(&module)(HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR, NULL);
    g_assert_cmpint(dlclose(module), ==, 0);
    g_assert_nonnull(dlopen(module_path, RTLD_NOW | RTLD_NOLOAD));
    g_assert_cmpstr(driver->name, ==, "xenapi");
    g_assert_true(driver_get() == driver);
}

typedef struct {
    guint threads;
    guint descriptors;
    gsize bytes;
} Load;

static guint
count_entries(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    guint n = 0;

    while (g_dir_read_name(folder) != NULL)
        n++;
    return n;
}

static Load
measure(void)
{
    return (Load){count_entries("/proc/self/task"), count_entries("/proc/self/fd"),
                  mallinfo2().uordblks};
}

static void
do_rounds(guint n)
{
    for (guint i = 0; i < n; i++) {
        gpointer module;
        const HvdDriver *driver = load(&module)(HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR, NULL);
        g_autoptr(GError) refused = open_owned(driver, "");
        g_autoptr(GError) unset = open_failing(driver, &(HvdOpen){.struct_size = sizeof(HvdOpen)});

        g_assert_error(refused, HVD_ERROR, HVD_ERROR_NOT_REACHABLE);
        g_assert_error(unset, HVD_ERROR, HVD_ERROR_CONFIG);
        dlclose(module);
    }
}

/* A thousand times; one byte each would be seen. The environment that meson gives keeps malloc() from
 * setting anything aside (under the sanitizers it counts nothing, and their leak check does). */
static void
test_rounds(void)
{
    Load before, after;

    do_rounds(50);
    before = measure();
    do_rounds(1000);
    after = measure();
    g_assert_cmpuint(after.threads, ==, before.threads);
    g_assert_cmpuint(after.descriptors, ==, before.descriptors);
    g_assert_cmpuint(after.bytes, <, before.bytes + 1000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    module_path = g_getenv("HVD_MODULE");
    g_test_add_func("/abi/thread", test_thread);
    g_test_add_func("/abi/table", test_table);
    g_test_add_func("/abi/has", test_has);
    g_test_add_func("/abi/versions", test_versions);
    g_test_add_func("/abi/open", test_open);
    g_test_add_func("/abi/owners", test_owners);
    g_test_add_func("/abi/older-open", test_older_open);
    g_test_add_func("/abi/older-callbacks", test_older_callbacks);
    g_test_add_func("/abi/resident", test_resident);
    g_test_add_func("/abi/rounds", test_rounds);
    return g_test_run();
}
