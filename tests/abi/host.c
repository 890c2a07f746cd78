/* A host that does what lines on its input say, and tells on its output everything that the driver told
 * it: one JSON object a line. driver.py speaks to it.
 *
 *   {"do": "open", "settings": [...], "password": PATH}
 *   {"do": "call", "slot": NAME, "instance": UUID, "document": TEXT or "document_file": PATH,
 *    "number": N, "plan": true, "size": N of the HvdCall, "request_id": ID,
 *    "cancel_after": N turns of the loop}
 *   {"do": "close"}  {"do": "manners"}  {"do": "load"}  {"do": "memory", "file": PATH or without}
 *
 * The main contexts are watched: nobody but this program may iterate them.
 */
#include "abi-slots.h"
#include "manners.h"
#include "memory.h"

#include <dlfcn.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define IMAGE_BYTES 100000

typedef struct {
    const HvdDriver *driver;
    HvdConnection *connection;
    GMainContext *context;
    const char *password; /* path */
    gboolean returned;
    GAsyncResult *result;
    GCancellable *cancellable; /* of the running call */
    gint64 cancel_after;       /* turns of the loop; negative: never */
} Host;

typedef void (*AnyFunc)(void);

/* ---- telling ---- */

static void
tell_node(JsonObject *object)
{
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
    g_autofree char *text = json_to_string(node, FALSE);

    json_object_unref(object);
    puts(text);
    fflush(stdout);
}

/* Names and texts, NULL-terminated; a NULL text is left out. */
static JsonObject *
object_of(const char *told, ...)
{
    JsonObject *object = json_object_new();
    const char *name;
    va_list arguments;

    json_object_set_string_member(object, "told", told);
    va_start(arguments, told);
    while ((name = va_arg(arguments, const char *)) != NULL) {
        const char *text = va_arg(arguments, const char *);

        if (text != NULL)
            json_object_set_string_member(object, name, text);
    }
    va_end(arguments);
    return object;
}

static void
on_log(GLogLevelFlags level, const char *domain, const char *message, const char *const *fields,
       gpointer data G_GNUC_UNUSED)
{
    g_autofree char *all = g_strjoinv(" ", (char **) fields);
    JsonObject *object =
        object_of("log", "domain", domain, "message", message, "fields", all, NULL);

    json_object_set_int_member(object, "level", level);
    tell_node(object);
}

static void
on_progress(const HvdProgress *progress, gpointer data G_GNUC_UNUSED)
{
    tell_node(object_of("progress", "operation", progress->operation, "step", progress->step,
                        "subject", progress->subject, NULL));
}

static void
on_lifecycle(const HvdLifecycle *event, gpointer data G_GNUC_UNUSED)
{
    tell_node(object_of("lifecycle", "uuid", event->uuid, "name", event->name, NULL));
}

static gssize
read_secret(const char *name G_GNUC_UNUSED, char *buffer, gsize size, gpointer data,
            GError **error G_GNUC_UNUSED)
{
    const char *text = memory_load(((Host *) data)->password);

    g_assert_cmpuint(strlen(text), <=, size);
    memcpy(buffer, text, strlen(text));
    return (gssize) strlen(text);
}

static void
tell_end(Host *host, gboolean succeeded, const char *value, GError *error)
{
    g_autofree char *document = succeeded ? NULL : host->driver->describe_error(host->result);
    JsonObject *object =
        object_of("end", "value", value, "message", error != NULL ? error->message : NULL,
                  "document", document, NULL);

    g_assert_true(succeeded == (error == NULL));
    json_object_set_boolean_member(object, "ok", succeeded);
    json_object_set_int_member(object, "code", error != NULL ? error->code : -1);
    json_object_set_boolean_member(object, "cancelled",
                                   g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
    json_object_set_boolean_member(object, "asked_to_stop", host->cancel_after < 0);
    tell_node(object);
    g_clear_error(&error);
}

/* ---- the main context ---- */

static gboolean *
may_poll(void)
{
    static gboolean may;

    return &may;
}

/* A turn of the loop polls once; a second time, or one outside, is the driver's. */
static gint
poll_once(GPollFD *fds, guint n, gint timeout)
{
    if (!*may_poll())
        g_error("the driver iterates the host's main context");
    *may_poll() = FALSE;
    return g_poll(fds, n, timeout);
}

static gint
poll_never(GPollFD *fds G_GNUC_UNUSED, guint n G_GNUC_UNUSED, gint timeout G_GNUC_UNUSED)
{
    g_error("the driver iterates the default main context");
    return -1;
}

static void
turn(Host *host, gboolean may_block)
{
    *may_poll() = TRUE;
    g_main_context_iteration(host->context, may_block);
    *may_poll() = FALSE;
}

static void
on_answer(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Host *host = data;

    g_assert_true(host->returned);
    g_assert_null(host->result);
    host->result = g_object_ref(result);
}

static void
wait_for_answer(Host *host)
{
    host->returned = TRUE;
    while (host->result == NULL) {
        if (host->cancel_after-- == 0)
            g_cancellable_cancel(host->cancellable);
        turn(host, TRUE);
    }
    turn(host, FALSE); /* a second callback would fail */
    host->returned = FALSE;
}

/* ---- calls ---- */

static const char *
text_of(JsonObject *command, const char *name)
{
    return json_object_get_string_member_with_default(command, name, NULL);
}

/* A secret document comes from a file, so that no parser has copies of it. */
static const char *
document_of(JsonObject *command)
{
    const char *file = text_of(command, "document_file");

    return file != NULL ? memory_load(file) : text_of(command, "document");
}

/* As long as an older host would make it, at the edge of a page that nobody may read. */
static const HvdCall *
call_of(JsonObject *command)
{
    gsize size = (gsize) json_object_get_int_member_with_default(command, "size", sizeof(HvdCall));
    gsize padded = (size + sizeof(gpointer) - 1) / sizeof(gpointer) * sizeof(gpointer);
    gsize page = (gsize) sysconf(_SC_PAGESIZE);
    gboolean plan = json_object_get_boolean_member_with_default(command, "plan", FALSE);
    HvdCall call = {.struct_size = size,
                    .flags = plan ? HVD_CALL_PLAN_ONLY : 0,
                    .request_id = text_of(command, "request_id"),
                    .trace_parent = text_of(command, "trace_parent"),
                    .progress = on_progress};
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    mprotect(pages + page, page, PROT_NONE);
    return memcpy(pages + page - padded, &call, size);
}

static GInputStream *
image_new(void)
{
    return g_memory_input_stream_new_from_data(g_malloc0(IMAGE_BYTES), IMAGE_BYTES, g_free);
}

static AnyFunc
member_of(Host *host, gsize offset)
{
    AnyFunc function;

    memcpy(&function, (const char *) host->driver + offset, sizeof function);
    return function;
}

/* The forms that are spelt out in the table, by name. */
static gboolean
start_special(Host *host, const char *slot, JsonObject *command, const HvdCall *call)
{
    const HvdDriver *driver = host->driver;
    const char *instance = text_of(command, "instance");
    int number = (int) json_object_get_int_member_with_default(command, "number", 0);
    g_autoptr(GInputStream) image = image_new();
    g_autoptr(GOutputStream) sink = g_memory_output_stream_new_resizable();

    if (strcmp(slot, "spawn") == 0)
        driver->spawn_async(host->connection, document_of(command), image, call, host->cancellable,
                            on_answer, host);
    else if (strcmp(slot, "snapshot") == 0)
        driver->snapshot_async(host->connection, instance, sink, call, host->cancellable, on_answer,
                               host);
    else if (strcmp(slot, "power_off") == 0)
        driver->power_off_async(host->connection, instance, number, call, host->cancellable,
                                on_answer, host);
    else if (strcmp(slot, "reboot") == 0)
        driver->reboot_async(host->connection, instance, number, call, host->cancellable, on_answer,
                             host);
    else if (strcmp(slot, "set_bootable") == 0)
        driver->set_bootable_async(host->connection, instance, number, call, host->cancellable,
                                   on_answer, host);
    else if (strcmp(slot, "get_volume_connector") == 0)
        driver->get_volume_connector_async(host->connection, NULL, call, host->cancellable,
                                           on_answer, host);
    else if (strcmp(slot, "attach_volume") == 0)
        driver->attach_volume_async(host->connection, instance, document_of(command), NULL, call,
                                    host->cancellable, on_answer, host);
    else
        return FALSE;
    return TRUE;
}

static gboolean
start(Host *host, const AbiSlot *slot, JsonObject *command, const HvdCall *call)
{
    AnyFunc function = member_of(host, slot->async);
    const char *instance = text_of(command, "instance");

    if (function == NULL)
        return FALSE;
    if (strcmp(slot->type, "HvdCallAsync") == 0)
        ((HvdCallAsync) function)(host->connection, call, host->cancellable, on_answer, host);
    else if (strcmp(slot->type, "HvdInstanceAsync") == 0)
        ((HvdInstanceAsync) function)(host->connection, instance, call, host->cancellable,
                                      on_answer, host);
    else if (strcmp(slot->type, "HvdDocumentAsync") == 0)
        ((HvdDocumentAsync) function)(host->connection, instance, document_of(command), call,
                                      host->cancellable, on_answer, host);
    else
        return start_special(host, slot->name, command, call);
    return TRUE;
}

static void
finish_state(Host *host)
{
    HvdInstanceState state = {.struct_size = sizeof state};
    GError *error = NULL;
    gboolean done = host->driver->get_state_finish(host->connection, host->result, &state, &error);

    tell_end(host, done, state.node, error);
}

static void
finish_exists(Host *host)
{
    gboolean exists = FALSE;
    GError *error = NULL;
    gboolean done = host->driver->exists_finish(host->connection, host->result, &exists, &error);

    tell_end(host, done, exists ? "true" : "false", error);
}

static void
finish(Host *host, const AbiSlot *slot)
{
    GError *error = NULL;
    g_autofree char *value = NULL;

    if (strcmp(slot->name, "get_state") == 0) {
        finish_state(host);
    } else if (strcmp(slot->name, "exists") == 0) {
        finish_exists(host);
    } else {
        value = ((HvdDocumentFinish) member_of(host, slot->finish))(host->connection, host->result,
                                                                    &error);
        tell_end(host, value != NULL, value, error);
    }
    g_clear_object(&host->result);
}

static const AbiSlot *
find_slot(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(abi_slots); i++) {
        if (strcmp(abi_slots[i].name, name) == 0)
            return &abi_slots[i];
    }
    g_error("there is no slot %s", name);
    return NULL;
}

/* ---- commands ---- */

static void
do_call(Host *host, JsonObject *command)
{
    const AbiSlot *slot = find_slot(text_of(command, "slot"));

    g_set_object(&host->cancellable, NULL);
    host->cancellable = g_cancellable_new();
    host->cancel_after = json_object_get_int_member_with_default(command, "cancel_after", -1);
    if (!start(host, slot, command, call_of(command))) {
        tell_node(object_of("absent", NULL));
        return;
    }
    wait_for_answer(host);
    finish(host, slot);
}

static GStrv
settings_of(JsonObject *command)
{
    JsonArray *array = json_object_get_array_member(command, "settings");
    GStrv settings = g_new0(char *, json_array_get_length(array) + 1);

    for (guint i = 0; i < json_array_get_length(array); i++)
        settings[i] = g_strdup(json_array_get_string_element(array, i));
    return settings;
}

static void
do_open(Host *host, JsonObject *command)
{
    g_auto(GStrv) settings = settings_of(command);
    g_autofree char *password = g_strdup(text_of(command, "password"));
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks,
                                  .user_data = host,
                                  .log = on_log,
                                  .lifecycle = on_lifecycle,
                                  .read_secret = read_secret};
    HvdOpen open = {.struct_size = sizeof open,
                    .settings = (const char *const *) settings,
                    .callbacks = &callbacks};
    GError *error = NULL;

    host->password = password;
    host->driver->open_async(&open, NULL, on_answer, host);
    wait_for_answer(host);
    host->connection = host->driver->open_finish(host->result, &error);
    tell_end(host, host->connection != NULL, NULL, error);
    g_clear_object(&host->result);
    host->password = NULL;
}

static void
do_close(Host *host, JsonObject *command G_GNUC_UNUSED)
{
    host->driver->close_async(g_steal_pointer(&host->connection), on_answer, host);
    wait_for_answer(host);
    host->driver->close_finish(host->result);
    g_clear_object(&host->result);
    tell_node(object_of("end", NULL));
}

static void
do_manners(Host *host G_GNUC_UNUSED, JsonObject *command G_GNUC_UNUSED)
{
    g_autofree char *text = manners_describe();

    tell_node(object_of("end", "value", text, NULL));
}

static guint
count_entries(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    guint n = 0;

    while (g_dir_read_name(folder) != NULL)
        n++;
    return n;
}

static void
do_load(Host *host G_GNUC_UNUSED, JsonObject *command G_GNUC_UNUSED)
{
    JsonObject *object = object_of("end", NULL);

    json_object_set_int_member(object, "threads", count_entries("/proc/self/task"));
    json_object_set_int_member(object, "descriptors", count_entries("/proc/self/fd"));
    tell_node(object);
}

static void
do_memory(Host *host G_GNUC_UNUSED, JsonObject *command)
{
    const char *file = text_of(command, "file");
    const char *needle = file != NULL ? memory_load(file) : NULL;
    guint sessions = 0;
    MemoryCount count =
        needle != NULL ? memory_count(needle, strlen(needle)) : memory_count_sessions(&sessions);
    JsonObject *object = object_of("end", NULL);

    json_object_set_int_member(object, "sessions", sessions);
    json_object_set_int_member(object, "guarded", count.guarded);
    json_object_set_int_member(object, "locked", count.locked);
    json_object_set_int_member(object, "foreign", count.foreign);
    json_object_set_int_member(object, "stray", count.stray);
    tell_node(object);
}

static const struct {
    const char *name;
    void (*run)(Host *host, JsonObject *command);
} commands[] = {
    {"open", do_open},       {"call", do_call}, {"close", do_close},
    {"manners", do_manners}, {"load", do_load}, {"memory", do_memory},
};

static void
run_line(Host *host, const char *line)
{
    g_autoptr(JsonNode) node = json_from_string(line, NULL);
    JsonObject *command = json_node_get_object(node);

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, text_of(command, "do")) == 0) {
            commands[i].run(host, command);
            return;
        }
    }
    g_error("not understood: %s", line);
}

static const HvdDriver *
load(const char *path)
{
    gpointer module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    gpointer symbol = module != NULL ? dlsym(module, HVD_QUERY_SYMBOL) : NULL;
    HvdQuery query;

    if (symbol == NULL)
        g_error("%s", dlerror());
    memcpy(&query, &symbol, sizeof query);
    return query(HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR, NULL);
}

int
main(int argc G_GNUC_UNUSED, char **argv)
{
    Host host = {.context = g_main_context_new(), .cancel_after = -1};
    g_autofree char *line = NULL;
    gsize size = 0;

    if (g_getenv("HVD_TEST_MEMORY") != NULL && !memory_watch())
        g_error("the memory of libcurl and its TLS library cannot be watched");
    manners_prepare();
    g_main_context_set_poll_func(host.context, poll_once);
    g_main_context_set_poll_func(NULL, poll_never);
    g_main_context_push_thread_default(host.context);
    host.driver = load(argv[1]);
    while (getline(&line, &size, stdin) > 0)
        run_line(&host, line);
    g_clear_object(&host.cancellable);
    g_main_context_pop_thread_default(host.context);
    g_main_context_unref(host.context);
    return 0;
}
