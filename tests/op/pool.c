#include "pool.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

struct _TestPool {
    char *directory;
    GSubprocess *process; /* NULL: another one's */
    GSocketConnection *control;
    GDataInputStream *answers;
    JsonNode *ready; /* what it said of itself */
    JsonParser *parser;
    char *volume;
    char *kept;
};

/* ---- life ---- */

static void
pool_connect(TestPool *pool)
{
    g_autofree char *path = g_build_filename(pool->directory, "control.sock", NULL);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GError) error = NULL;

    pool->control = g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, &error);
    g_assert_no_error(error);
    pool->answers =
        g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(pool->control)));
}

static void
remove_directory(const char *path)
{
    const char *command[] = {"rm", "-rf", path, NULL};

    g_spawn_sync(NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
}

void
test_pool_free(TestPool *pool)
{
    if (pool->process != NULL) {
        test_pool_control(pool, "{\"cmd\":\"shutdown\"}");
        g_subprocess_wait(pool->process, NULL, NULL);
        remove_directory(pool->directory);
    }
    g_object_unref(pool->answers);
    g_object_unref(pool->control);
    g_clear_object(&pool->process);
    json_node_unref(pool->ready);
    g_object_unref(pool->parser);
    g_free(pool->directory);
    g_free(pool->volume);
    g_free(pool->kept);
    g_free(pool);
}

const char *
test_pool_get_directory(TestPool *pool)
{
    return pool->directory;
}

GStrv
test_pool_settings(TestPool *pool, const char *const *more)
{
    JsonObject *ready = json_node_get_object(pool->ready);
    g_autoptr(GStrvBuilder) settings = g_strv_builder_new();
    g_autofree char *url =
        g_strconcat("pool.url=", json_object_get_string_member(ready, "url"), NULL);
    g_autofree char *password = g_strconcat(
        "pool.password=file:", json_object_get_string_member(ready, "password_file"), NULL);

    g_strv_builder_add_many(settings, url, password, "pool.owner=tester",
                            "http.allow-plaintext=loopback", NULL);
    for (guint i = 0; more != NULL && more[i] != NULL; i++)
        g_strv_builder_add(settings, more[i]);
    return g_strv_builder_end(settings);
}

/* ---- control ---- */

G_GNUC_PRINTF(2, 0) static void send_line(TestPool *pool, const char *format, va_list arguments)
{
    g_autofree char *command = g_strdup_vprintf(format, arguments);
    g_autofree char *line = g_strconcat(command, "\n", NULL);
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(pool->control));

    g_assert_true(g_output_stream_write_all(out, line, strlen(line), NULL, NULL, NULL));
}

static JsonObject *
take_answer(TestPool *pool, char *line)
{
    g_autofree char *owned G_GNUC_UNUSED = line;
    g_autoptr(GError) error = NULL;
    JsonObject *answer;

    g_assert_nonnull(line);
    json_parser_load_from_data(pool->parser, line, -1, &error);
    g_assert_no_error(error);
    answer = json_node_get_object(json_parser_get_root(pool->parser));
    if (json_object_has_member(answer, "error") || json_object_has_member(answer, "problem"))
        g_error("the pool refuses a command: %s", line);
    return answer;
}

JsonObject *
test_pool_control(TestPool *pool, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    send_line(pool, format, arguments);
    va_end(arguments);
    return take_answer(pool, g_data_input_stream_read_line(pool->answers, NULL, NULL, NULL));
}

static void
on_line(GObject *stream, GAsyncResult *result, gpointer data)
{
    char **line = data;

    *line = g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(stream), result, NULL, NULL);
    g_assert_nonnull(*line);
}

JsonObject *
test_pool_control_turning(TestPool *pool, const char *format, ...)
{
    char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    send_line(pool, format, arguments);
    va_end(arguments);
    g_data_input_stream_read_line_async(pool->answers, G_PRIORITY_DEFAULT, NULL, on_line, &line);
    while (line == NULL)
        g_main_context_iteration(NULL, TRUE);
    return take_answer(pool, line);
}

JsonNode *
test_pool_call(TestPool *pool, const char *method, const char *parameters)
{
    JsonObject *answer = test_pool_control(
        pool, "{\"cmd\":\"call\",\"method\":\"%s\",\"params\":%s}", method, parameters);

    return json_object_get_member(answer, "result");
}

/* ---- what volumes are made of ---- */

static void
add_targets(TestPool *pool)
{
    static const char target[] = "{\"cmd\":\"iscsi-target\",\"target\":\"%s\",\"iqn\":\"" TARGET_IQN
                                 "\",\"luns\":[{\"lun\":0,\"size\":1073741824},"
                                 "{\"lun\":1,\"size\":1073741824}]%s}";
    static const char chap[] =
        ",\"chap\":{\"user\":\"" TARGET_USER "\",\"password\":\"" TARGET_PASSWORD "\"}";

    test_pool_control(pool, target, TARGET, "");
    test_pool_control(pool, target, GUARDED_TARGET, chap);
}

static char *
call_for_text(TestPool *pool, const char *method, const char *parameters)
{
    return g_strdup(json_node_get_string(test_pool_call(pool, method, parameters)));
}

static void
add_volume(TestPool *pool)
{
    JsonArray *pools = json_node_get_array(test_pool_call(pool, "pool.get_all", "[]"));
    g_autofree char *pool_ref =
        g_strdup_printf("[\"%s\"]", json_array_get_string_element(pools, 0));
    g_autofree char *sr = call_for_text(pool, "pool.get_default_SR", pool_ref);
    g_autofree char *record = g_strdup_printf(
        "[{\"SR\":\"%s\",\"virtual_size\":\"1048576\",\"type\":\"user\",\"sharable\":false,"
        "\"read_only\":false,\"other_config\":{},\"name_label\":\"volume\"}]",
        sr);
    g_autofree char *vdi = call_for_text(pool, "VDI.create", record);
    g_autofree char *vdi_ref = g_strdup_printf("[\"%s\"]", vdi);

    pool->volume = call_for_text(pool, "VDI.get_uuid", vdi_ref);
}

const char *
test_pool_get_volume(TestPool *pool)
{
    return pool->volume;
}

void
test_pool_keep(TestPool *pool, const char *text)
{
    g_free(pool->kept);
    pool->kept = g_strdup(text);
}

const char *
test_pool_get_kept(TestPool *pool)
{
    return pool->kept;
}

void
test_pool_destroy_vm(TestPool *pool, const char *name)
{
    g_autofree char *ref = test_pool_find_ref(pool, "VM", name);
    g_autofree char *vm = g_strdup_printf("[\"%s\"]", ref);

    if (strcmp(json_node_get_string(test_pool_call(pool, "VM.get_power_state", vm)), "Halted") != 0)
        test_pool_call(pool, "VM.hard_shutdown", vm);
    test_pool_call(pool, "VM.destroy", vm);
}

static TestPool *
pool_start(const char *pace, const char *clock)
{
    const char *command[] = {g_getenv("XAPI_SIM"),
                             "--state",
                             NULL,
                             "--event-delay",
                             "0",
                             "--seed",
                             "1",
                             "--linger",
                             "1",
                             "--pace",
                             pace,
                             clock,
                             NULL};
    TestPool *pool = g_new0(TestPool, 1);
    g_autoptr(GDataInputStream) output = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *line = NULL;

    pool->directory = g_dir_make_tmp("hvd-pool-XXXXXX", NULL);
    command[2] = pool->directory;
    pool->process = g_subprocess_newv(command, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
    g_assert_no_error(error);
    output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(pool->process));
    line = g_data_input_stream_read_line(output, NULL, NULL, NULL);
    g_assert_nonnull(line);
    pool->ready = json_from_string(line, NULL);
    g_assert_nonnull(pool->ready);
    pool->parser = json_parser_new();
    pool_connect(pool);
    add_targets(pool);
    add_volume(pool);
    return pool;
}

TestPool *
test_pool_new(void)
{
    return pool_start("0", NULL);
}

TestPool *
test_pool_new_slow(void)
{
    return pool_start("1000", "--stopped-clock");
}

TestPool *
test_pool_join(const char *directory, const char *volume)
{
    TestPool *pool = g_new0(TestPool, 1);

    pool->directory = g_strdup(directory);
    pool->parser = json_parser_new();
    pool_connect(pool);
    test_pool_control(pool, "{\"cmd\":\"hello\"}");
    pool->ready = json_parser_steal_root(pool->parser);
    pool->volume = g_strdup(volume);
    return pool;
}

void
test_pool_hold(TestPool *pool, const char *id, const char *method, const char *when)
{
    test_pool_control(pool,
                      "{\"cmd\":\"fault\",\"add\":{\"id\":\"%s\",\"method\":\"%s\","
                      "\"nth\":1,\"when\":\"%s\",\"action\":\"hold\"}}",
                      id, method, when);
}

void
test_pool_let_go(TestPool *pool, const char *id)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":\"%s\"}", id);
}

char *
test_pool_find_ref(TestPool *pool, const char *class, const char *name)
{
    g_autofree char *by_name = g_strconcat(class, ".get_by_name_label", NULL);
    g_autofree char *name_json = g_strdup_printf("[\"%s\"]", name);
    JsonArray *refs = json_node_get_array(test_pool_call(pool, by_name, name_json));

    g_assert_cmpuint(json_array_get_length(refs), ==, 1);
    return g_strdup(json_array_get_string_element(refs, 0));
}

/* A field of an object that is text. */
static char *
get_text(TestPool *pool, const char *class, const char *ref, const char *field)
{
    g_autofree char *method = g_strconcat(class, ".get_", field, NULL);
    g_autofree char *parameters = g_strdup_printf("[\"%s\"]", ref);

    return call_for_text(pool, method, parameters);
}

char *
test_pool_find(TestPool *pool, const char *class, const char *name)
{
    g_autofree char *ref = test_pool_find_ref(pool, class, name);

    return get_text(pool, class, ref, "uuid");
}

char *
test_pool_find_local_storage(TestPool *pool, const char *node)
{
    g_autofree char *host = test_pool_find_ref(pool, "host", node);
    JsonArray *found =
        json_node_get_array(test_pool_call(pool, "SR.get_by_name_label", "[\"Local storage\"]"));
    g_autoptr(JsonArray) storage = json_array_ref(found);

    for (guint i = 0; i < json_array_get_length(storage); i++) {
        const char *sr = json_array_get_string_element(storage, i);
        g_autofree char *parameters = g_strdup_printf("[\"%s\"]", sr);
        JsonArray *pbds = json_node_get_array(test_pool_call(pool, "SR.get_PBDs", parameters));
        g_autofree char *pbd = g_strdup(json_array_get_string_element(pbds, 0));
        g_autofree char *owner = get_text(pool, "PBD", pbd, "host");

        if (strcmp(owner, host) == 0)
            return get_text(pool, "SR", sr, "uuid");
    }
    g_error("node %s has no storage of its own", node);
}

void
test_pool_set(TestPool *pool, const char *class, const char *ref, const char *field,
              const char *value)
{
    test_pool_control(
        pool, "{\"cmd\":\"set\",\"class\":\"%s\",\"ref\":\"%s\",\"field\":\"%s\",\"value\":%s}",
        class, ref, field, value);
}

guint
test_pool_count_requests(TestPool *pool)
{
    JsonObject *stats = test_pool_control(pool, "{\"cmd\":\"stats\"}");
    JsonArray *calls = json_object_get_array_member(stats, "calls");
    guint n = 0;

    for (guint i = 0; i < json_array_get_length(calls); i++) {
        const char *method =
            json_object_get_string_member(json_array_get_object_element(calls, i), "method");

        n += !g_str_has_prefix(method, "session.") && !g_str_has_prefix(method, "event.");
    }
    return n;
}

void
test_pool_reset_stats(TestPool *pool)
{
    test_pool_control(pool, "{\"cmd\":\"reset-stats\"}");
}

/* ---- pictures ---- */

static const char *const pictured[] = {"VM",  "VDI",    "VBD",     "VIF",  "SR",
                                       "PBD", "secret", "network", "task", NULL};

/* What says something to whoever uses the pool. */
static const char *const shown_fields[] = {"name_label",
                                           "power_state",
                                           "resident_on",
                                           "is_a_template",
                                           "is_a_snapshot",
                                           "VM",
                                           "VDI",
                                           "SR",
                                           "host",
                                           "network",
                                           "userdevice",
                                           "device",
                                           "MAC",
                                           "mode",
                                           "type",
                                           "bootable",
                                           "virtual_size",
                                           "snapshot_of",
                                           "currently_attached",
                                           "memory_static_max",
                                           "VCPUs_max",
                                           "shared",
                                           "value",
                                           "blocked_operations",
                                           "other_config",
                                           "current_operations",
                                           "suspend_VDI",
                                           NULL};

/* Written by the toolstack itself at will, or different each time. */
static gboolean
is_noise(const char *key)
{
    static const char *const noise[] = {
        "content_id",  "mac_seed",           "vgpu_pci",
        "import_task", "base_template_name", "storage_driver_domain",
        NULL};

    return g_strv_contains(noise, key);
}

static char *name_of(JsonObject *dump, const char *ref);

static char *
object_name(JsonObject *dump, const char *class, JsonObject *object)
{
    g_autofree char *vm = NULL;
    g_autofree char *host = NULL;

    if (strcmp(class, "VBD") == 0 || strcmp(class, "VIF") == 0) {
        vm = name_of(dump, json_object_get_string_member(object, "VM"));
        return g_strdup_printf("%s of %s at %s", class, vm,
                               json_object_get_string_member(
                                   object, strcmp(class, "VBD") == 0 ? "userdevice" : "device"));
    }
    if (strcmp(class, "PBD") == 0) {
        vm = name_of(dump, json_object_get_string_member(object, "SR"));
        host = name_of(dump, json_object_get_string_member(object, "host"));
        return g_strdup_printf("PBD of %s on %s", vm, host);
    }
    if (json_object_has_member(object, "name_label"))
        return g_strdup_printf("%s \"%s\"", class,
                               json_object_get_string_member(object, "name_label"));
    return g_strdup(class);
}

/* References are told by what they stand for. */
static char *
name_of(JsonObject *dump, const char *ref)
{
    g_autoptr(GList) classes = json_object_get_members(dump);

    for (GList *link = classes; link != NULL; link = link->next) {
        JsonNode *node = json_object_get_member(dump, link->data);
        JsonObject *objects = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;

        if (objects != NULL && json_object_has_member(objects, ref))
            return object_name(dump, link->data, json_object_get_object_member(objects, ref));
    }
    return g_strdup(strcmp(ref, "OpaqueRef:NULL") == 0 ? "none" : "gone");
}

/* A mark of an operation, which stands behind a word of ours, is different each time. */
static void
add_pair(GString *line, const char *key, const char *value)
{
    g_auto(GStrv) reasons = g_strsplit(value, "; ", -1);
    g_autofree char *text = NULL;

    for (guint i = 0; reasons[i] != NULL; i++) {
        char *ours = strstr(reasons[i], "(hvd)");

        if (ours != NULL)
            ours[5] = '\0';
    }
    text = g_strjoinv("; ", reasons);
    g_string_append_printf(line, "{%s=%s}", key, text);
}

static void
add_map(GString *line, JsonObject *map)
{
    g_autoptr(GList) keys = g_list_sort(json_object_get_members(map), (GCompareFunc) strcmp);

    for (GList *link = keys; link != NULL; link = link->next) {
        const char *key = link->data;

        if (is_noise(key))
            continue;
        if (g_str_has_prefix(key, "hvd") || g_str_has_prefix(key, "OpaqueRef:"))
            g_string_append_printf(line, "{%s}", g_str_has_prefix(key, "hvd") ? key : "ref");
        else
            add_pair(line, key, json_object_get_string_member(map, key));
    }
}

static void
add_field(GString *line, JsonObject *dump, const char *field, JsonNode *value)
{
    g_autofree char *text = NULL;

    g_string_append_printf(line, " %s=", field);
    if (JSON_NODE_HOLDS_OBJECT(value)) {
        add_map(line, json_node_get_object(value));
        return;
    }
    if (JSON_NODE_HOLDS_VALUE(value) && json_node_get_value_type(value) == G_TYPE_STRING &&
        g_str_has_prefix(json_node_get_string(value), "OpaqueRef:"))
        text = name_of(dump, json_node_get_string(value));
    else
        text = json_to_string(value, FALSE);
    /* an image that somebody has destroyed is none */
    if (strcmp(field, "suspend_VDI") == 0 && strcmp(text, "gone") == 0)
        memcpy(text, "none", sizeof "none");
    g_string_append(line, text);
}

static char *
object_line(JsonObject *dump, const char *class, JsonObject *object)
{
    g_autofree char *name = object_name(dump, class, object);
    g_autoptr(GString) line = g_string_new(name);

    for (guint i = 0; shown_fields[i] != NULL; i++) {
        /* a device's guest name appears and goes with the plug */
        if (strcmp(shown_fields[i], "device") == 0 && strcmp(class, "VBD") == 0)
            continue;
        if (json_object_has_member(object, shown_fields[i]))
            add_field(line, dump, shown_fields[i], json_object_get_member(object, shown_fields[i]));
    }
    return g_strdup(line->str);
}

/* Tasks come and go; one that task.create has made stays until somebody ends it. */
static gboolean
is_shown(const char *class, JsonObject *object)
{
    return strcmp(class, "task") != 0 ||
           (strcmp(json_object_get_string_member(object, "status"), "pending") == 0 &&
            strchr(json_object_get_string_member(object, "name_label"), ';') != NULL);
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

char *
test_pool_picture(TestPool *pool)
{
    JsonObject *dump = test_pool_control(pool, "{\"cmd\":\"dump\"}");
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; pictured[i] != NULL; i++) {
        g_autoptr(GList) refs = NULL;
        JsonObject *objects;

        if (!json_object_has_member(dump, pictured[i]))
            continue;
        objects = json_object_get_object_member(dump, pictured[i]);
        refs = json_object_get_members(objects);
        for (GList *link = refs; link != NULL; link = link->next) {
            JsonObject *object = json_object_get_object_member(objects, link->data);

            if (is_shown(pictured[i], object))
                g_ptr_array_add(lines, object_line(dump, pictured[i], object));
        }
    }
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **) lines->pdata);
}

static void
print_lines(const char *sign, const char *in, const char *not_in)
{
    g_auto(GStrv) lines = g_strsplit(in, "\n", -1);
    g_auto(GStrv) others = g_strsplit(not_in, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++) {
        if (!g_strv_contains((const char *const *) others, lines[i]))
            g_printerr("  %s %s\n", sign, lines[i]);
    }
}

void
test_pool_print_difference(const char *name, const char *picture, const char *now)
{
    g_printerr(" not as %s:\n", name);
    print_lines("missing", picture, now);
    print_lines("surplus", now, picture);
}

void
test_pool_assert_picture(TestPool *pool, const char *picture)
{
    g_autofree char *now = test_pool_picture(pool);

    if (strcmp(picture, now) == 0)
        return;
    test_pool_print_difference("before", picture, now);
    g_test_fail();
}
