/* SEC-33: imports and exports whose other side fails, lies, or floods: each ends in an error that names the
 * step and the bytes, in bounded memory; nothing is left in the pool, and the driver goes on. */
#include "base/error.h"
#include "bytes.h"
#include "ops/snapshot.h"
#include "peak.h"
#include "xenapi/mirror.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <string.h>
#include <sys/mman.h>

#define DISK_BYTES  2097152     /* of the one that the image comes into: whole MiB */
#define MOST_MEMORY (16 * 1024) /* KiB */
#define BIG_BYTES   100663296

static TestPool *pool;

/* ---- the two ways ---- */

typedef struct {
    const char *operation;
    const char *step;
    const char *path;
    guint bytes;
} Way;

static const Way in = {"spawn", "import-image: ", "/import_raw_vdi", IMAGE_BYTES};
static const Way out = {"snapshot", "export: ", "/export_raw_vdi", DISK_BYTES};

/* ---- what holds in every case ---- */

static World *
world_of(const Way *way)
{
    return world_new_prepared(pool, operation_find(way->operation)->before);
}

/* Nobody sends the bytes again, or to somebody else. */
static void
assert_asked_once(const Way *way)
{
    JsonObject *stats = test_pool_control(pool, "{\"cmd\":\"stats\"}");
    JsonObject *transfers = json_object_get_object_member(stats, "transfer");

    g_assert_cmpint(json_object_get_int_member(transfers, way->path), ==, 1);
}

/* The error, and nothing else, is what remains; then the same works. */
static void
check(World *world, const Way *way, guint bytes, const char *before, HvdError code,
      const char *word)
{
    g_autofree char *size = g_strdup_printf(" of %u bytes", bytes);

    world_assert_refused(world, code, word);
    g_assert_nonnull(strstr(world->error->message, way->step));
    g_assert_nonnull(strstr(world->error->message, size));
    g_assert_null(world->result);
    test_pool_assert_picture(pool, before);
    bytes_assert_no_task_pending(pool);
    assert_asked_once(way);
    test_pool_control(pool, "{\"cmd\":\"fault\",\"clear\":true}");
    world_run(world, operation_find(way->operation));
    g_assert_no_error(world->error);
}

/* ---- answers ---- */

/* INTEGRITY or NOT_REACHABLE, as the task tells of a cut first, or the socket. */
#define EITHER ((HvdError) -1)

typedef struct {
    const Way *way;
    const char *name;
    const char *rule; /* of the fault, without the path */
    HvdError code;
    const char *word;
} Case;

#define STATUS(text)    "\"action\":\"status\",\"text\":\"" text "\""
#define TASK_FAILS      ",\"in\":\"task\",\"error\":[\"VDI_IO_ERROR\",\"planted\"]"
#define REDIRECT(where) "\"action\":\"redirect\",\"text\":\"" where "\""
#define AT(action, n)   "\"action\":\"" action "\",\"bytes\":" G_STRINGIFY(n)
#define LENGTH(text)    "\"action\":\"length\",\"text\":\"" text "\""
#define REDIRECTED      "answered with a redirect (HTTP status 302)"
#define VANISHED        "the task is gone without having told its outcome"

static const Case cases[] = {
    {&in, "500", "\"action\":\"status\"", HVD_ERROR_FAILED, "HTTP status 500"},
    {&in, "500-and-task-fails", "\"action\":\"error\",\"error\":[\"VDI_IO_ERROR\",\"planted\"]",
     HVD_ERROR_FAILED, "HTTP status 500"},
    {&in, "404", STATUS("404 Not Found"), HVD_ERROR_FAILED, "HTTP status 404"},
    {&in, "404-and-task-fails", STATUS("404 Not Found") TASK_FAILS, HVD_ERROR_FAILED,
     "HTTP status 404"},
    {&in, "401", STATUS("401 Unauthorised"), HVD_ERROR_BUSY, "HTTP status 401: the session"},
    {&in, "403", STATUS("403 Forbidden"), HVD_ERROR_DENIED, "HTTP status 403"},
    {&in, "204", STATUS("204 No Content"), HVD_ERROR_FAILED, "HTTP status 204"},
    {&in, "302", REDIRECT("http://192.0.2.1/import_raw_vdi"), HVD_ERROR_REDIRECTED, REDIRECTED},
    {&in, "302-to-nonsense", REDIRECT("\\u0001://\\u00ff"), HVD_ERROR_REDIRECTED, REDIRECTED},
    {&in, "302-to-itself", REDIRECT("/import_raw_vdi"), HVD_ERROR_REDIRECTED, REDIRECTED},
    {&in, "second-answer-first", AT("double", 0), HVD_ERROR_FAILED, "after "},
    {&in, "second-answer-middle", AT("double", 50000), HVD_ERROR_FAILED, "after "},
    {&in, "second-answer-last", AT("double", 100000), HVD_ERROR_FAILED, "after 100000 of"},
    {&in, "second-answer-and-success", AT("garbage", 100000), HVD_ERROR_INTEGRITY,
     "after 100000 of 100000 bytes: the node took it back in a second answer"},
    {&in, "longer-answer", LENGTH("99"), HVD_ERROR_NOT_REACHABLE, "after 100000 of"},
    {&in, "much-longer-answer", LENGTH("1099511627776"), HVD_ERROR_PROTOCOL, "after "},
    {&in, "cut-before", "\"action\":\"drop\"", EITHER, "after "},
    {&in, "cut-first", AT("drop", 1), EITHER, "after "},
    {&in, "cut-middle", AT("drop", 50000), EITHER, "after "},
    {&in, "cut-last", AT("drop", 99999), EITHER, "after "},
    {&in, "cut-behind", AT("drop", 100000), EITHER, "after "},
    {&in, "flood", AT("flood", 0), HVD_ERROR_PROTOCOL, "exceeds 4096 bytes"},
    {&in, "flood-behind", AT("flood", 100000), HVD_ERROR_PROTOCOL, "exceeds 4096 bytes"},
    {&in, "task-fails", "\"action\":\"task-fail\",\"error\":[\"VDI_IO_ERROR\",\"planted\"]",
     HVD_ERROR_INTEGRITY, "after 100000 of"},
    {&in, "task-fails-middle", AT("task-fail", 50000), HVD_ERROR_FAILED, "after 100000 of"},
    {&in, "task-vanishes", "\"action\":\"task-vanish\"", HVD_ERROR_UNKNOWN_OUTCOME, VANISHED},
    {&in, "task-vanishes-middle", AT("task-vanish", 50000), HVD_ERROR_UNKNOWN_OUTCOME, VANISHED},

    {&out, "500", "\"action\":\"status\"", HVD_ERROR_FAILED, "after 0 of"},
    {&out, "500-and-task-fails", "\"action\":\"error\",\"error\":[\"VDI_IO_ERROR\",\"planted\"]",
     HVD_ERROR_FAILED, "HTTP status 500"},
    {&out, "404", STATUS("404 Not Found"), HVD_ERROR_FAILED, "HTTP status 404"},
    {&out, "404-and-task-fails", STATUS("404 Not Found") TASK_FAILS, HVD_ERROR_FAILED,
     "HTTP status 404"},
    {&out, "200-and-nothing", STATUS("200 OK"), HVD_ERROR_INTEGRITY, "after 0 of"},
    {&out, "401", STATUS("401 Unauthorised"), HVD_ERROR_BUSY, "HTTP status 401: the session"},
    {&out, "403", STATUS("403 Forbidden"), HVD_ERROR_DENIED, "HTTP status 403"},
    {&out, "206", STATUS("206 Partial Content"), HVD_ERROR_FAILED, "HTTP status 206"},
    {&out, "302", REDIRECT("http://192.0.2.1/export_raw_vdi"), HVD_ERROR_REDIRECTED, REDIRECTED},
    {&out, "302-to-nonsense", REDIRECT("\\u0001://\\u00ff"), HVD_ERROR_REDIRECTED, REDIRECTED},
    {&out, "302-to-itself", REDIRECT("/export_raw_vdi"), HVD_ERROR_REDIRECTED, REDIRECTED},
    {&out, "second-answer-first", AT("double", 0), HVD_ERROR_FAILED, "after "},
    {&out, "second-answer-middle", AT("double", 524288), HVD_ERROR_FAILED, "after "},
    {&out, "second-answer-last", AT("double", 2097152), HVD_ERROR_PROTOCOL, "exceeds"},
    {&out, "surplus", AT("garbage", 524288), HVD_ERROR_PROTOCOL, "exceeds"},
    {&out, "short-first", AT("short", 0), HVD_ERROR_INTEGRITY, "after 0 of"},
    {&out, "short-middle", AT("short", 524288), HVD_ERROR_INTEGRITY, "after 524288 of"},
    {&out, "short-last", AT("short", 2097151), HVD_ERROR_INTEGRITY, "after 2097151 of"},
    {&out, "shorter-length", LENGTH("17"), HVD_ERROR_INTEGRITY, "after 17 of"},
    {&out, "longer-length", LENGTH("2097153"), HVD_ERROR_NOT_REACHABLE, "after 2097152 of"},
    {&out, "much-longer-length", LENGTH("1099511627776"), HVD_ERROR_PROTOCOL, "after 0 of"},
    {&out, "no-length", LENGTH("-1"), HVD_ERROR_PROTOCOL, "after 0 of"},
    {&out, "cut-first", AT("drop", 1), EITHER, "after "},
    {&out, "cut-middle", AT("drop", 524288), EITHER, "after "},
    {&out, "cut-last", AT("drop", 2097151), EITHER, "after "},
    {&out, "flood", AT("flood", 0), HVD_ERROR_PROTOCOL, "exceeds"},
    {&out, "flood-middle", AT("flood", 524288), HVD_ERROR_PROTOCOL, "exceeds"},
    {&out, "task-fails", "\"action\":\"task-fail\",\"error\":[\"VDI_IO_ERROR\",\"planted\"]",
     HVD_ERROR_INTEGRITY, "after 2097152 of"},
    {&out, "task-fails-middle", AT("task-fail", 524288), HVD_ERROR_FAILED, "after 2097152 of"},
    {&out, "task-vanishes", "\"action\":\"task-vanish\"", HVD_ERROR_UNKNOWN_OUTCOME, VANISHED},
    {&out, "task-vanishes-middle", AT("task-vanish", 524288), HVD_ERROR_UNKNOWN_OUTCOME, VANISHED},
};

static void
plant(const Way *way, const char *rule)
{
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"method\":\"%s\",%s}}", way->path, rule);
}

static void
test_answer(gconstpointer data)
{
    const Case *is = data;
    g_autoptr(World) world = world_of(is->way);
    g_autofree char *before = test_pool_picture(pool);
    HvdError code = is->code;
    guint64 peak;

    plant(is->way, is->rule);
    test_pool_reset_stats(pool);
    peak = peak_begin();
    world_run(world, operation_find(is->way->operation));
    peak_assert(peak, MOST_MEMORY);
    g_assert_nonnull(world->error);
    if (code == EITHER)
        code = xd_error_is(world->error, HVD_ERROR_INTEGRITY) ? HVD_ERROR_INTEGRITY
                                                              : HVD_ERROR_NOT_REACHABLE;
    check(world, is->way, is->way->bytes, before, code, is->word);
}

/* On a kept connection that dies without an answer libcurl asks once more for what has no body: that is
 * no harm to a reader. On a new one it does not. */
static void
test_cut_before(void)
{
    g_autoptr(World) world = world_of(&out);
    g_autofree char *before = test_pool_picture(pool);

    plant(&out, "\"action\":\"drop\"");
    world_run(world, operation_find("snapshot"));
    g_assert_no_error(world->error);
    g_assert_cmpuint(g_memory_output_stream_get_data_size(G_MEMORY_OUTPUT_STREAM(world->sink)), ==,
                     DISK_BYTES);
    plant(&out, "\"action\":\"drop\",\"count\":0");
    world_run(world, operation_find("snapshot"));
    world_assert_refused(world, HVD_ERROR_NOT_REACHABLE, "export: after 0 of 2097152 bytes: ");
    test_pool_assert_picture(pool, before);
    bytes_assert_no_task_pending(pool);
}

/* ---- too little, too much, or not what was announced ---- */

static void
spawn_from(World *world, GInputStream *image, const char *document)
{
    bytes_begin_spawn(world, image, document, NULL);
    world_wait(world);
}

static void
test_image(const char *rule, guint gives, const char *document, const char *word)
{
    g_autoptr(World) world = world_of(&in);
    g_autofree char *before = test_pool_picture(pool);
    int other;
    g_autoptr(GInputStream) image = bytes_open_pipe(gives, &other);

    close(other);
    if (rule != NULL)
        plant(&in, rule);
    test_pool_reset_stats(pool);
    spawn_from(world, image, document);
    check(world, &in, 10000, before, HVD_ERROR_INTEGRITY, word);
}

static gboolean
on_trickle(gpointer data)
{
    g_assert_cmpint(write(GPOINTER_TO_INT(data), "x", 1), ==, 1);
    return G_SOURCE_CONTINUE;
}

/* While the image still trickles in, the node closes in good order, and its task is a success. */
static void
test_node_is_content(void)
{
    g_autoptr(World) world = world_of(&in);
    g_autofree char *before = test_pool_picture(pool);
    int other;
    g_autoptr(GInputStream) image = bytes_open_pipe(4000, &other);
    guint idle = g_idle_add(on_trickle, GINT_TO_POINTER(other));

    plant(&in, AT("short", 4000));
    test_pool_reset_stats(pool);
    spawn_from(world, image, BYTES_DOCUMENT(BYTES_SIZE(10000000)));
    g_source_remove(idle);
    close(other);
    check(world, &in, 10000000, before, HVD_ERROR_INTEGRITY, "bytes: the node ended it there");
}

/* The task of what was cut may be a success all the same; who has noticed first tells of it. */
static void
test_image_is_short(void)
{
    test_image(NULL, 4000, BYTES_DOCUMENT(BYTES_SIZE(10000)),
               "after 4000 of 10000 bytes: the image ends too early");
    test_image(AT("short", 2000), 4000, BYTES_DOCUMENT(BYTES_SIZE(10000)), " of 10000 bytes: the ");
}

static void
test_image_is_long(void)
{
    test_image(NULL, 10001, BYTES_DOCUMENT(BYTES_SIZE(10000)),
               "the image has more than the 10000 bytes");
}

#define DIGEST "0000000000000000000000000000000000000000000000000000000000000000"

/* All has gone well, but for what it was. */
static void
test_image_is_another(void)
{
    test_image(NULL, 10000, BYTES_DOCUMENT(BYTES_SIZE(10000) ",\"sha256\":\"" DIGEST "\""),
               "after 10000 of 10000 bytes: the image's SHA-256 is ");
}

/* ---- much ---- */

/* Zeros that take no memory. */
static GInputStream *
open_zeros(void)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    g_assert_cmpint(ftruncate(fd, BIG_BYTES), ==, 0);
    return g_unix_input_stream_new(fd, TRUE);
}

static gssize
take_some(GInputStream *from)
{
    char piece[8192];

    return g_pollable_input_stream_read_nonblocking(G_POLLABLE_INPUT_STREAM(from), piece,
                                                    sizeof piece, NULL, NULL);
}

/* Slower than what comes: a little at a time, when nothing else is to be done. */
static gboolean
on_idle(gpointer data)
{
    take_some(data);
    return G_SOURCE_CONTINUE;
}

static void
export_slowly(World *world)
{
    int ends[2];
    g_autoptr(GInputStream) from = NULL;
    g_autoptr(GOutputStream) sink = NULL;
    guint idle;

    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    from = g_unix_input_stream_new(ends[0], TRUE);
    sink = g_unix_output_stream_new(ends[1], TRUE);
    idle = g_idle_add(on_idle, from);
    world_begin(world);
    xd_snapshot_async(world->connection, INSTANCE, sink, NULL, world->cancellable, world_on_ended,
                      world);
    world_wait(world);
    g_source_remove(idle);
}

/* An image without an end, one that is large, and a reader that cannot keep up: what lies between the
 * node and them is bounded. */
static void
test_big(void)
{
    g_autoptr(World) world = world_of(&in);
    g_autofree char *before = test_pool_picture(pool);
    g_autoptr(GInputStream) zeros = open_zeros();
    g_autoptr(GInputStream) endless =
        g_unix_input_stream_new(open("/dev/zero", O_RDONLY | O_CLOEXEC), TRUE);
    guint64 peak;

    peak = peak_begin();
    spawn_from(world, endless, BYTES_DOCUMENT(BYTES_SIZE(BIG_BYTES)));
    world_assert_refused(world, HVD_ERROR_INTEGRITY, "the image has more than the 100663296 bytes");
    test_pool_assert_picture(pool, before);
    spawn_from(world, zeros, BYTES_DOCUMENT(BYTES_SIZE(BIG_BYTES)));
    g_assert_no_error(world->error);
    export_slowly(world);
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "100663296"));
    peak_assert(peak, MOST_MEMORY);
}

/* The task that the bytes go by was made, and its name finds it again. */
static void
test_task_lost(gconstpointer data)
{
    const Way *way = data;
    g_autoptr(World) world = world_of(way);

    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"method\":\"task.create\",\"nth\":1,"
                            "\"when\":\"after\",\"action\":\"drop\"}}");
    world_run(world, operation_find(way->operation));
    g_assert_no_error(world->error);
    bytes_assert_no_task_pending(pool);
}

/* ---- the root is where its document puts it ---- */

#define PLACED(root, disks)                                                                        \
    "{\"uuid\":\"" INSTANCE "\",\"name\":\"web\",\"memory_bytes\":268435456,\"vcpus\":1,"          \
    "\"image\":{\"source\":\"stream\",\"format\":\"raw\",\"size_bytes\":1000},"                    \
    "\"root_disk\":{\"device\":" root "},\"disks\":[" disks "]}"

static const struct {
    const char *root;
    const char *document;
} placed[] = {
    {"1", PLACED("1", "{\"size_bytes\":4194304,\"device\":0}")},
    {"1", PLACED("1", "")},
    {"0", PLACED("0", "{\"size_bytes\":4194304}")},
};

static void
assert_only_root(const char *result, const char *device)
{
    g_autoptr(JsonNode) node = json_from_string(result, NULL);
    JsonArray *disks = json_object_get_array_member(json_node_get_object(node), "disks");

    for (guint i = 0; i < json_array_get_length(disks); i++) {
        JsonObject *disk = json_array_get_object_element(disks, i);
        gboolean is_root = strcmp(json_object_get_string_member(disk, "role"), "root") == 0;

        g_assert_cmpint(is_root, ==,
                        strcmp(json_object_get_string_member(disk, "device"), device) == 0);
    }
}

static void
test_root_elsewhere(void)
{
    char bytes[1000];

    memset(bytes, 'r', sizeof bytes);
    for (guint i = 0; i < G_N_ELEMENTS(placed); i++) {
        g_autoptr(World) world = world_of(&in);
        g_autoptr(GInputStream) image =
            g_memory_input_stream_new_from_data(bytes, sizeof bytes, NULL);
        GMemoryOutputStream *sink;

        spawn_from(world, image, placed[i].document);
        g_assert_no_error(world->error);
        assert_only_root(world->result, placed[i].root);
        world_run(world, operation_find("snapshot"));
        g_assert_no_error(world->error);
        sink = G_MEMORY_OUTPUT_STREAM(world->sink);
        g_assert_cmpuint(g_memory_output_stream_get_data_size(sink), ==, DISK_BYTES);
        g_assert_cmpmem(g_memory_output_stream_get_data(sink), sizeof bytes, bytes, sizeof bytes);
    }
}

/* ---- a reader that stops, with less to go than lies between the node and it ---- */

#define TAKEN_BYTES 1048576

static gboolean
has_task_pending(const XdMirror *mirror)
{
    const XdRecord *record;
    XdMirrorIter iter;

    xd_mirror_iter_init(&iter, mirror, &xd_class_task);
    while ((record = xd_mirror_iter_next(&iter)) != NULL) {
        if (((const XdTask *) record)->status == XD_TASK_STATUS_TYPE_PENDING)
            return TRUE;
    }
    return FALSE;
}

/* Exchange and task have ended, the last bytes are on their way. */
static void
wait_until_stuck(World *world, GInputStream *from)
{
    gssize taken = 0;

    while (taken < TAKEN_BYTES || xd_http_get_busy(world->connection->http) > 1 ||
           has_task_pending(world->connection->mirror)) {
        gssize n = taken < TAKEN_BYTES ? take_some(from) : 0;

        taken += n > 0 ? n : 0;
        g_main_context_iteration(NULL, FALSE);
    }
}

static void
let_time_pass(World *world)
{
    xd_clock_advance(world->clock, 900000);
}

static const struct {
    const char *name;
    void (*give_up)(World *world);
} reasons[] = {{"time", let_time_pass}, {"cancelled", world_give_up}, {"closed", world_close}};

/* Neither the step's time, nor its caller's patience, nor the connection is for ever. */
static void
test_reader_stops(gconstpointer data)
{
    guint i = GPOINTER_TO_UINT(data);
    g_autoptr(World) world = world_of(&out);
    g_autofree char *before = test_pool_picture(pool);
    int ends[2];
    g_autoptr(GInputStream) from = NULL;
    g_autoptr(GOutputStream) sink = NULL;

    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    from = g_unix_input_stream_new(ends[0], TRUE);
    sink = g_unix_output_stream_new(ends[1], TRUE);
    world_begin(world);
    xd_snapshot_async(world->connection, INSTANCE, sink, NULL, world->cancellable, world_on_ended,
                      world);
    wait_until_stuck(world, from);
    g_assert_false(world->ended);
    reasons[i].give_up(world);
    world_wait(world);
    if (reasons[i].give_up == let_time_pass)
        world_assert_refused(world, HVD_ERROR_TIMED_OUT, "export: not done within 900 s");
    else
        g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    test_pool_assert_picture(pool, before);
    bytes_assert_no_task_pending(pool);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_log_set_fatal_mask("xd-ops", G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/op/%s/transfer/%s", cases[i].way->operation, cases[i].name);

        g_test_add_data_func(path, &cases[i], test_answer);
    }
    g_test_add_func("/op/snapshot/transfer/cut-before", test_cut_before);
    g_test_add_func("/op/snapshot/root-elsewhere", test_root_elsewhere);
    g_test_add_func("/op/spawn/transfer/node-is-content", test_node_is_content);
    g_test_add_func("/op/spawn/transfer/image-is-short", test_image_is_short);
    g_test_add_func("/op/spawn/transfer/image-is-long", test_image_is_long);
    g_test_add_func("/op/spawn/transfer/image-is-another", test_image_is_another);
    g_test_add_func("/op/transfer/big", test_big);
    g_test_add_data_func("/op/spawn/transfer/task-lost", &in, test_task_lost);
    g_test_add_data_func("/op/snapshot/transfer/task-lost", &out, test_task_lost);
    for (guint i = 0; i < G_N_ELEMENTS(reasons); i++) {
        g_autofree char *path =
            g_strconcat("/op/snapshot/transfer/reader-stops/", reasons[i].name, NULL);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_reader_stops);
    }
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
