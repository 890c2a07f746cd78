/* What each operation does, and with how many requests. */
#include "base/error.h"
#include "ops/power.h"
#include "ops/spawn.h"
#include "world.h"

#include <string.h>

static TestPool *pool;

static void
fresh(void)
{
    test_pool_control(pool, "{\"cmd\":\"restore-state\"}");
}

/* Every operation once, from its own beginning: it succeeds within its budget of requests. */
static void
test_budget(gconstpointer data)
{
    const Operation *operation = data;
    g_autoptr(World) world = NULL;
    guint requests;

    fresh();
    world = world_new(pool, TRUE, NULL);
    world_prepare(world, operation);
    test_pool_reset_stats(pool);
    world_run(world, operation);
    g_assert_no_error(world->error);
    requests = test_pool_count_requests(pool);
    g_test_message("%s: %u requests, at most %u", operation->name, requests, operation->budget);
    g_assert_cmpuint(requests, <=, operation->budget);
}

static guint
count(const char *text, const char *word)
{
    guint n = 0;

    while ((text = strstr(text, word)) != NULL) {
        text += strlen(word);
        n++;
    }
    return n;
}

/* The same operations as a plan: steps and calls with their parameters are told, none is made. */
static void
test_plan(gconstpointer data)
{
    const Operation *operation = data;
    g_autoptr(World) world = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    HvdCall call = {.struct_size = sizeof call, .flags = HVD_CALL_PLAN_ONLY};

    fresh();
    world = world_new(pool, TRUE, NULL);
    world_prepare(world, operation);
    before = test_pool_picture(pool);
    test_pool_reset_stats(pool);
    world_start(world, operation, &call);
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"steps\":["));
    g_assert_cmpuint(count(world->result, "\"method\":"), ==,
                     count(world->result, "\"parameters\":["));
    g_assert_null(strstr(world->result, TARGET_PASSWORD));
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
    after = test_pool_picture(pool);
    g_assert_cmpstr(before, ==, after);
}

static const Operation *
find_operation(const char *name)
{
    guint i = 0;

    while (strcmp(operations[i].name, name) != 0)
        i++;
    return &operations[i];
}

/* The bytes' digest costs time: it is made for those who ask. */
static void
test_digest(void)
{
    static const HvdCallFlags flags[] = {0, HVD_CALL_DIGEST};
    const Operation *snapshot = find_operation("snapshot");

    for (guint i = 0; i < G_N_ELEMENTS(flags); i++) {
        HvdCall call = {.struct_size = sizeof call, .flags = flags[i]};
        g_autoptr(World) world = NULL;

        fresh();
        world = world_new(pool, TRUE, NULL);
        world_prepare(world, snapshot);
        world_start(world, snapshot, &call);
        world_wait(world);
        g_assert_no_error(world->error);
        g_assert_nonnull(strstr(world->result, "\"size_bytes\":"));
        g_assert_cmpint(strstr(world->result, "\"sha256\":\"") != NULL, ==, i == 1);
    }
}

/* Names and keys are callers' and strangers': whatever is in them, an error is one line. */
static void
test_names(void)
{
    static const char document[] =
        "{\"uuid\":\"" INSTANCE "\",\"name\":\"we\\nb\",\"memory_bytes\":268435456,\"vcpus\":1,"
        "\"image\":{\"source\":\"stream\",\"format\":\"raw\",\"size_bytes\":1},"
        "\"storage\":\"no\\nsuch\"}";
    g_autoptr(World) world = world_new_prepared(pool, "");
    g_autoptr(GInputStream) image = g_memory_input_stream_new();

    world_begin(world);
    xd_spawn_async(world->connection, document, image, NULL, NULL, world_on_ended, world);
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "spawn we");
    world_begin(world);
    xd_power_on_async(world->connection, "no\nsuch", NULL, NULL, world_on_ended, world);
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_NOT_FOUND, "there is no instance");
}

#define SPAWNED(more)                                                                              \
    "{\"uuid\":\"" INSTANCE "\",\"name\":\"web\",\"memory_bytes\":268435456,\"vcpus\":1,"          \
    "\"image\":{\"source\":\"stream\",\"format\":\"raw\",\"size_bytes\":1}," more "}"
#define NIC(more) "{\"mac\":\"fa:16:3e:00:00:01\",\"network\":\"xenbr0\"" more "}"

/* What is wrong with the document is said before anything is asked of the pool. */
static void
test_spawn_documents(void)
{
    static const struct {
        const char *document;
        const char *word;
    } cases[] = {
        {SPAWNED("\"networks\":[" NIC(",\"device\":0") "," NIC(",\"device\":0") "]"),
         "/networks/1/device: "},
        {SPAWNED("\"networks\":[" NIC(",\"device\":3") "," NIC("") "," NIC(",\"device\":3") "]"),
         "/networks/2/device: "},
        {SPAWNED("\"metadata\":{\"a.b\":\"1\",\"a/b\":\"2\"}"), "/metadata: "},
    };
    g_autoptr(World) world = world_new_prepared(pool, "");

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GInputStream) image = g_memory_input_stream_new();

        test_pool_reset_stats(pool);
        world_begin(world);
        xd_spawn_async(world->connection, cases[i].document, image, NULL, NULL, world_on_ended,
                       world);
        world_wait(world);
        world_assert_refused(world, HVD_ERROR_INVALID, cases[i].word);
        g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
    }
}

#define FOUR_NICS NIC("") "," NIC("") "," NIC("") "," NIC("")

/* The numbers that the document names are taken before the others are dealt out; there are as many as the document
 * may have, whatever VM.get_allowed_VIF_devices advises. */
static void
test_spawn_nics(void)
{
    static const struct {
        const char *networks;
        const char *devices;
    } cases[] = {
        {NIC("") "," NIC("") "," NIC(",\"device\":1"), "012"},
        {NIC(",\"device\":6") "," NIC(""), "06"},
        {NIC(",\"device\":2") "," NIC(""), "02"},
        {FOUR_NICS "," FOUR_NICS "," FOUR_NICS "," FOUR_NICS, "0123456789101112131415"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(World) world = world_new_prepared(pool, "");
        g_autofree char *document =
            g_strdup_printf(SPAWNED("\"networks\":[%s]"), cases[i].networks);
        g_autoptr(GInputStream) image = g_memory_input_stream_new_from_data("x", 1, NULL);
        g_autoptr(GString) devices = g_string_new(NULL);
        g_autoptr(JsonNode) node = NULL;
        JsonArray *networks;

        world_begin(world);
        xd_spawn_async(world->connection, document, image, NULL, NULL, world_on_ended, world);
        world_wait(world);
        g_assert_no_error(world->error);
        node = json_from_string(world->result, NULL);
        networks = json_object_get_array_member(json_node_get_object(node), "networks");
        for (guint k = 0; k < json_array_get_length(networks); k++)
            g_string_append(devices, json_object_get_string_member(
                                         json_array_get_object_element(networks, k), "device"));
        g_assert_cmpstr(devices->str, ==, cases[i].devices);
    }
}

/* More vCPUs than any node has processors. A pool that chooses the node itself does not say what was lacking: the
 * advice names it. */
static void
test_spawn_vcpus(void)
{
    static const struct {
        const char *node;
        const char *word;
        const char *advice;
    } cases[] = {
        {NULL, "NO_HOSTS_AVAILABLE", "fewer vCPUs"},
        {"xapisim2", "wants 17, has 16", "another node"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(World) world = world_new_prepared(pool, "");
        g_autofree char *uuid =
            cases[i].node != NULL ? test_pool_find(pool, "host", cases[i].node) : NULL;
        g_autofree char *node = uuid != NULL ? g_strdup_printf(",\"node\":\"%s\"", uuid) : NULL;
        g_autofree char *document = g_strdup_printf(
            "{\"uuid\":\"" INSTANCE "\",\"name\":\"web\",\"memory_bytes\":268435456,"
            "\"vcpus\":17,\"image\":{\"source\":\"stream\",\"format\":\"raw\","
            "\"size_bytes\":1}%s}",
            node != NULL ? node : "");
        g_autoptr(GInputStream) image = g_memory_input_stream_new_from_data("x", 1, NULL);
        g_autofree char *before = test_pool_picture(pool);

        world_begin(world);
        xd_spawn_async(world->connection, document, image, NULL, NULL, world_on_ended, world);
        world_wait(world);
        world_assert_refused(world, HVD_ERROR_NO_RESOURCES, cases[i].word);
        g_assert_nonnull(strstr(xd_error_get_advice(world->error), cases[i].advice));
        test_pool_assert_picture(pool, before);
    }
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    for (guint i = 0; i < n_operations; i++) {
        g_autofree char *budget = g_strdup_printf("/op/%s/budget", operations[i].name);
        g_autofree char *plan = g_strdup_printf("/op/%s/plan", operations[i].name);

        g_test_add_data_func(budget, &operations[i], test_budget);
        g_test_add_data_func(plan, &operations[i], test_plan);
    }
    g_test_add_func("/op/snapshot/digest", test_digest);
    g_test_add_func("/op/names", test_names);
    g_test_add_func("/op/spawn/documents", test_spawn_documents);
    g_test_add_func("/op/spawn/nics", test_spawn_nics);
    g_test_add_func("/op/spawn/vcpus", test_spawn_vcpus);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
