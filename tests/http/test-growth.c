/* SEC-41: a coordinator that tells of more than there can be makes nothing grow without a bound: no memory,
 * no sockets, no time. */
#include "toolstack.h"

#include "xenapi/mirror.h"

#include <string.h>

#define LOGIN     "session.login_with_password"
#define MAX_BYTES (1024 * 1024)
#define A_BATCH   100
#define MAX_NODES 64
#define DISKS     2000

typedef struct {
    Toolstack *toolstack;
    XdConnection *connection;
    guint n; /* batches told */
} World;

/* ---- what is told: @n objects from the @first on ---- */

static void
answer_objects(TestRequest *request, guint id, const char *klass, const char *operation,
               guint first, guint n, const char *more)
{
    g_autoptr(GString) text = g_string_new("{\"events\":[");

    for (guint i = first; i < first + n; i++)
        g_string_append_printf(text,
                               "%s{\"class\":\"%s\",\"operation\":\"%s\",\"ref\":\"OpaqueRef:%u\","
                               "\"snapshot\":{\"uuid\":\"%u\",\"address\":\"127.1.%u.%u\"%s}}",
                               i > first ? "," : "", klass, operation, i, i, i / 250, i % 250 + 1,
                               more);
    g_string_append(text, "],\"valid_ref_counts\":{},\"token\":\"the-token\"}");
    toolstack_answer(request, id, text->str);
}

static void
answer_more(TestRequest *request, guint id, gpointer data)
{
    World *world = data;

    answer_objects(request, id, "vm", "add", world->n++ * A_BATCH, A_BATCH, "");
}

static void
answer_hosts(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    answer_objects(request, id, "host", "add", 0, 1000, "");
}

/* All come, change, half of them go elsewhere, and come back. */
static void
answer_disks(TestRequest *request, guint id, gpointer data)
{
    static const struct {
        const char *operation;
        guint n;
        const char *more;
    } batches[] = {
        {"add", DISKS, ",\"SR\":\"OpaqueRef:sr\""},
        {"mod", DISKS, ",\"SR\":\"OpaqueRef:sr\""},
        {"mod", DISKS / 2, ",\"SR\":\"OpaqueRef:other\""},
        {"mod", DISKS, ",\"SR\":\"OpaqueRef:sr\""},
    };
    guint n = ((World *) data)->n++;

    if (n < G_N_ELEMENTS(batches))
        answer_objects(request, id, "vdi", batches[n].operation, 0, batches[n].n, batches[n].more);
}

static void
keep_silent(TestRequest *request G_GNUC_UNUSED, guint id G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
}

/* The node of pool.url names another coordinator each time, and none of those says a word. */
static void
lead_astray(TestRequest *request, guint id, gpointer data)
{
    World *world = data;
    g_autoptr(GSocketAddress) local =
        g_socket_connection_get_local_address(G_SOCKET_CONNECTION(request->stream), NULL);
    GInetAddress *address = g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(local));
    g_autofree char *here = g_inet_address_to_string(address);
    g_autofree char *there = g_strdup_printf("127.2.%u.%u", world->n / 250, world->n % 250 + 1);

    if (strcmp(here, "127.0.0.1") != 0)
        return;
    world->n++;
    toolstack_fail(request, id, "HOST_IS_SLAVE", there);
}

static void
answer_nothing(TestRequest *request, guint id, gpointer data G_GNUC_UNUSED)
{
    answer_objects(request, id, "vm", "add", 0, 0, "");
}

static World *
world_new(ToolstackFunc poll)
{
    const char *settings[] = {"pool.encoding=json", "mirror.max-bytes=1048576", NULL};
    World *world = g_new0(World, 1);
    g_autoptr(GError) error = NULL;

    world->toolstack = toolstack_new_at("0.0.0.0", 0, NULL); /* it is every node */
    toolstack_plant(world->toolstack, "event.from", 1, G_MAXUINT, poll, world);
    world->connection = toolstack_open(world->toolstack, settings, &error);
    g_assert_no_error(error);
    return world;
}

static void
world_free(World *world)
{
    toolstack_start_clock(world->toolstack);
    toolstack_plant(world->toolstack, "", 1, 0, NULL, NULL);
    toolstack_close(world->connection);
    toolstack_free(world->toolstack);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* ---- memory ---- */

static void
test_objects(void)
{
    g_autoptr(World) world = world_new(answer_more);
    const XdMirror *mirror = world->connection->mirror;
    gsize most = MAX_BYTES / sizeof(XdVM);

    while (xd_mirror_is_fresh(mirror)) {
        g_main_context_iteration(NULL, TRUE);
        g_assert_cmpuint(xd_mirror_count(mirror, &xd_class_vm), <=, most);
    }
    g_assert_cmpuint(xd_mirror_count(mirror, &xd_class_vm), >, A_BATCH);
    g_assert_nonnull(strstr(xd_mirror_get_stale_reason(mirror), "mirror.max-bytes"));
    while (!xd_mirror_is_fresh(mirror)) /* as soon as it shows less */
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(xd_mirror_count(mirror, &xd_class_vm), ==, A_BATCH);
}

/* ---- sockets ---- */

static void
search_long(World *world, ToolstackFunc func, guint step_ms)
{
    const XdHttp *http = world->connection->http;

    toolstack_stop_clock(world->toolstack);
    toolstack_plant(world->toolstack, "*", 1, G_MAXUINT, func, world);
    test_server_drop_all(toolstack_get_server(world->toolstack));
    for (guint more = 0; more < 200; more += xd_http_get_busy(http) >= MAX_NODES) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        xd_clock_advance(toolstack_get_clock(world->toolstack), step_ms);
        g_assert_cmpuint(xd_http_get_busy(http), <=, MAX_NODES + 1); /* and pool.url */
    }
}

static void
test_nodes(void)
{
    g_autoptr(World) world = world_new(answer_hosts);

    search_long(world, keep_silent, 10);
}

static void
test_astray(void)
{
    g_autoptr(World) world = world_new(answer_nothing);

    search_long(world, lead_astray, 10000);
}

/* ---- time: what is found by one key is never searched from one end to the other ---- */

static guint64 steps;

gboolean
g_ptr_array_find(GPtrArray *array, gconstpointer needle, guint *at)
{
    for (guint i = 0; i < array->len; i++, steps++) {
        if (array->pdata[i] != needle)
            continue;
        if (at != NULL)
            *at = i;
        return TRUE;
    }
    return FALSE;
}

gboolean
g_ptr_array_remove_fast(GPtrArray *array, gpointer data)
{
    guint at;

    return g_ptr_array_find(array, data, &at) && g_ptr_array_remove_index_fast(array, at) == data;
}

static void
test_disks(void)
{
    g_autoptr(World) world = world_new(answer_disks);
    const XdMirror *mirror = world->connection->mirror;
    const GPtrArray *disks;

    steps = 0;
    while (toolstack_count(world->toolstack, "event.from") < 5)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(steps, <, 10 * DISKS);
    disks = xd_mirror_find(mirror, XD_BY_VDI_SR, "OpaqueRef:sr");
    g_assert_cmpuint(disks->len, ==, DISKS);
    g_assert_cmpuint(xd_mirror_find(mirror, XD_BY_VDI_SR, "OpaqueRef:other")->len, ==, 0);
    for (guint i = 0; i < disks->len; i++) {
        const XdRecord *disk = g_ptr_array_index(disks, i);

        g_assert_true(xd_mirror_get(mirror, &xd_class_vdi, disk->ref) == disk);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/growth/objects", test_objects);
    g_test_add_func("/growth/nodes", test_nodes);
    g_test_add_func("/growth/astray", test_astray);
    g_test_add_func("/growth/disks", test_disks);
    return g_test_run();
}
