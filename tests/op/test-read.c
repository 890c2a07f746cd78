/* Reads: what they tell, that they cost no request, and how old it may be. */
#include "base/error.h"
#include "ops/inventory.h"
#include "world.h"
#include "xd-documents.h"
#include "xenapi/mirror.h"

#include <string.h>

static TestPool *pool;

typedef void (*Read)(XdConnection *connection, const char *instance, const HvdCall *call,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);

static void
begin(World *world, HvdCallFlags flags)
{
    HvdCall call = {.struct_size = sizeof call, .flags = flags};

    world_begin(world);
    xd_get_instance_async(world->connection, INSTANCE, &call, world->cancellable, world_on_ended,
                          world);
}

static void
get(World *world, HvdCallFlags flags)
{
    begin(world, flags);
    world_wait(world);
}

static JsonNode *
parse(const char *text)
{
    JsonNode *node = json_from_string(text, NULL);

    g_assert_nonnull(node);
    return node;
}

static JsonObject *
only(JsonObject *object, const char *member)
{
    JsonArray *array = json_object_get_array_member(object, member);

    g_assert_cmpuint(json_array_get_length(array), ==, 1);
    return json_array_get_object_element(array, 0);
}

/* ---- what is told ---- */

static void
test_instance(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autoptr(JsonNode) node = NULL;
    JsonObject *info, *disk, *nic;
    JsonArray *addresses;

    test_pool_reset_stats(pool);
    get(world, 0);
    g_assert_no_error(world->error);
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
    node = parse(world->result);
    info = json_node_get_object(node);
    g_assert_cmpstr(json_object_get_string_member(info, "uuid"), ==, INSTANCE);
    g_assert_cmpstr(json_object_get_string_member(info, "name"), ==, "web");
    g_assert_cmpstr(json_object_get_string_member(info, "state"), ==, "running");
    g_assert_cmpint(json_object_get_int_member(info, "memory_bytes"), ==, 268435456);
    g_assert_cmpint(json_object_get_int_member(info, "vcpus"), ==, 1);
    g_assert_false(json_object_has_member(info, "stale_since"));
    disk = only(info, "disks");
    g_assert_cmpstr(json_object_get_string_member(disk, "device"), ==, "0");
    g_assert_cmpstr(json_object_get_string_member(disk, "role"), ==, "root");
    nic = only(info, "networks");
    g_assert_cmpstr(json_object_get_string_member(nic, "mac"), ==, "fa:16:3e:00:00:01");
    addresses = json_object_get_array_member(nic, "addresses");
    g_assert_cmpuint(json_array_get_length(addresses), ==, 1); /* the agent has written it twice */
}

static void
test_lists(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn");
    g_autoptr(JsonNode) instances = NULL;
    g_autoptr(JsonNode) nodes = NULL;
    JsonObject *first;

    test_pool_reset_stats(pool);
    world_begin(world);
    xd_list_instances_async(world->connection, NULL, NULL, world_on_ended, world);
    world_wait(world);
    g_assert_no_error(world->error);
    instances = parse(world->result);
    g_assert_cmpuint(json_array_get_length(json_node_get_array(instances)), ==, 1);
    world_begin(world);
    xd_list_nodes_async(world->connection, NULL, NULL, world_on_ended, world);
    world_wait(world);
    g_assert_no_error(world->error);
    nodes = parse(world->result);
    g_assert_cmpuint(json_array_get_length(json_node_get_array(nodes)), ==, 3);
    first = json_array_get_object_element(json_node_get_array(nodes), 0);
    g_assert_true(json_object_get_boolean_member(first, "coordinator"));
    g_assert_cmpint(json_object_get_int_member(first, "instances"), ==, 1);
    g_assert_cmpuint(test_pool_count_requests(pool), ==, 0);
}

static void
set_other_config(const char *class, const char *ref, const char *key, const char *value)
{
    g_autofree char *remove = g_strconcat(class, ".remove_from_other_config", NULL);
    g_autofree char *add = g_strconcat(class, ".add_to_other_config", NULL);
    g_autofree char *entry = g_strdup_printf("[\"%s\",\"%s\"]", ref, key);
    g_autofree char *new_entry = g_strdup_printf("[\"%s\",\"%s\",\"%s\"]", ref, key, value);

    test_pool_call(pool, remove, entry);
    test_pool_call(pool, add, new_entry);
}

/* Whatever other tools have written into the pool, the documents are what the schemas promise. */
static void
test_planted(void)
{
    g_autoptr(World) past = world_new_prepared(pool, "spawn power-off-hard");
    g_autofree char *vm = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *clone = g_strdup_printf("[\"%s\",\"planted\"]", vm);
    const GPtrArray *vifs = xd_mirror_find(past->connection->mirror, XD_BY_VIF_VM, vm);
    const char *vif = ((const XdRecord *) g_ptr_array_index(vifs, 0))->ref;
    g_autofree char *planted = NULL;
    g_autoptr(World) world = NULL;
    g_autoptr(GError) error = NULL;
    GPtrArray *infos = NULL;

    test_pool_call(pool, "VM.clone", clone);
    planted = test_pool_find_ref(pool, "VM", "planted");
    set_other_config("VM", planted, "nova_uuid", "x");
    set_other_config("VM", vm, "hvd_request", "no identifier");
    set_other_config("VIF", vif, "neutron-port-id", "no identifier");
    world = world_new(pool, TRUE, NULL);
    world_begin(world);
    xd_list_instances_async(world->connection, NULL, NULL, world_on_ended, world);
    world_wait(world);
    g_assert_no_error(world->error);
    xd_document_parse(&xd_shape_instance_list, world->result, -1, world->connection->arena, &infos,
                      &error);
    g_assert_no_error(error);
    g_assert_cmpuint(infos->len, ==, 1);
    xd_document_clear(&xd_shape_instance_list, &infos);
}

static gpointer
answer_of(World *world, Read read, const char *instance)
{
    gpointer answer;

    world_begin(world);
    read(world->connection, instance, NULL, NULL, world_on_ended, world);
    world_wait(world);
    g_assert_no_error(world->error);
    answer = world->result;
    world->result = NULL;
    return answer;
}

static void
test_hot(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn pause");
    g_autofree HvdInstanceState *state = answer_of(world, xd_get_state_async, INSTANCE);
    g_autofree gboolean *exists = answer_of(world, xd_exists_async, INSTANCE);
    g_autofree gboolean *other =
        answer_of(world, xd_exists_async, "6f1ed0b4-9a34-4a5c-8a51-0d5a3c0a1f00");
    g_autofree char *node = test_pool_find(pool, "host", "xapisim1");

    g_assert_cmpint(state->state, ==, HVD_STATE_PAUSED);
    g_assert_cmpuint(state->memory_bytes, ==, 268435456);
    g_assert_cmpuint(state->vcpus, ==, 1);
    g_assert_cmpstr(state->uuid, ==, INSTANCE);
    g_assert_cmpstr(state->node, ==, node);
    g_assert_cmpint(state->stale_since, ==, 0);
    g_assert_true(*exists);
    g_assert_false(*other);
}

static void
nodes_as_read(XdConnection *connection, const char *instance G_GNUC_UNUSED, const HvdCall *call,
              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    xd_list_nodes_async(connection, call, cancellable, callback, user_data);
}

/* The reference of what the instance's guest has told. */
static char *
guest_metrics(World *world)
{
    const GPtrArray *vms = xd_mirror_find(world->connection->mirror, XD_BY_VM_INSTANCE, INSTANCE);
    const XdVM *vm = g_ptr_array_index(vms, 0);

    return g_strdup(vm->guest_metrics);
}

/* As a connection sees it that has only just been opened. */
static void
assert_drivers(const char *expected)
{
    g_autoptr(World) world = world_new(pool, TRUE, NULL);
    g_autofree char *text = answer_of(world, xd_get_instance_async, INSTANCE);
    g_autoptr(JsonNode) info = parse(text);
    const char *told = json_object_get_string_member_with_default(json_node_get_object(info),
                                                                  "guest_drivers", "unknown");

    g_assert_cmpstr(told, ==, expected);
}

static JsonObject *
storage_called(JsonObject *node, const char *name)
{
    JsonArray *storage = json_object_get_array_member(node, "storage");

    for (guint i = 0; i < json_array_get_length(storage); i++) {
        JsonObject *entry = json_array_get_object_element(storage, i);

        if (strcmp(json_object_get_string_member(entry, "name"), name) == 0)
            return entry;
    }
    g_assert_not_reached();
}

/* Which one the pool takes where nobody says another, and how full and connected it is. */
static void
test_storage(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "");
    g_autofree char *text = answer_of(world, nodes_as_read, NULL);
    g_autoptr(JsonNode) nodes = parse(text);
    JsonArray *array = json_node_get_array(nodes);

    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *node = json_array_get_object_element(array, i);
        JsonObject *shared = storage_called(node, "Shared storage");
        JsonObject *local = storage_called(node, "Local storage");

        g_assert_true(json_object_get_boolean_member(shared, "pool_default"));
        g_assert_true(json_object_get_boolean_member(shared, "attached"));
        g_assert_false(json_object_get_boolean_member(local, "pool_default"));
    }
}

/* What no event tells is asked for, and only where the caller wants it. */
static void
test_ask(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "");
    HvdCall call = {.struct_size = sizeof call, .flags = HVD_CALL_ASK};
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(JsonNode) nodes = NULL;
    JsonObject *login;

    world_begin(world);
    xd_list_nodes_async(world->connection, &call, NULL, world_on_ended, world);
    world_wait(world);
    g_assert_no_error(world->error);
    nodes = parse(world->result);
    login = json_object_get_object_member(
        json_array_get_object_element(json_node_get_array(nodes), 0), "login");
    g_assert_cmpstr(json_object_get_string_member(login, "account"), ==, "root");
    g_assert_cmpstr(json_object_get_string_member(login, "role"), ==, "pool-admin");
    g_assert_cmpint(json_object_get_int_member(login, "server_time"), >=, now - 3600);
    for (guint i = 1; i < 3; i++)
        g_assert_false(json_object_has_member(
            json_array_get_object_element(json_node_get_array(nodes), i), "login"));
    test_pool_control(pool, "{\"cmd\":\"fault\",\"add\":{\"method\":\"host.get_servertime\","
                            "\"action\":\"error\",\"error\":[\"INTERNAL_ERROR\",\"no\"]}}");
    world_begin(world);
    xd_list_nodes_async(world->connection, &call, NULL, world_on_ended, world);
    world_wait(world);
    world_assert_refused(world, HVD_ERROR_FAILED, "list-nodes");
}

/* Only a guest that runs can say. */
static void
test_drivers(void)
{
    static const struct {
        const char *detected;
        const char *up_to_date;
        const char *told;
    } rows[] = {
        {"true", "true", "current"},
        {"true", "false", "outdated"},
        {"false", "false", "none"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(World) past = world_new_prepared(pool, "spawn");
        g_autofree char *metrics = guest_metrics(past);

        test_pool_set(pool, "VM_guest_metrics", metrics, "PV_drivers_detected", rows[i].detected);
        test_pool_set(pool, "VM_guest_metrics", metrics, "PV_drivers_up_to_date",
                      rows[i].up_to_date);
        assert_drivers(rows[i].told);
    }
    world_free(world_new_prepared(pool, "spawn power-off-hard"));
    assert_drivers("unknown");
}

/* Two machines that claim to be the instance: nobody guesses. */
static void
test_ambiguous(void)
{
    g_autoptr(World) world = world_new_prepared(pool, "spawn power-off-hard");
    g_autofree char *vm = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *parameters = g_strdup_printf("[\"%s\",\"copy\"]", vm);

    test_pool_call(pool, "VM.clone", parameters);
    while (xd_mirror_find(world->connection->mirror, XD_BY_VM_INSTANCE, INSTANCE)->len < 2)
        g_main_context_iteration(NULL, TRUE);
    get(world, 0);
    world_assert_refused(world, HVD_ERROR_AMBIGUOUS, INSTANCE);
}

/* ---- how old it may be ---- */

static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, const char *const *fields G_GNUC_UNUSED,
       gpointer data G_GNUC_UNUSED)
{
}

/* A connection that has lost sight of its pool; @limit: a setting */
static World *
out_of_sight(const char *limit)
{
    static const HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks, .log = on_log};
    const char *settings[] = {limit, NULL};
    World *past = world_new_prepared(pool, "spawn");
    World *world;

    world_free(past);
    world = world_new_with(pool, TRUE, settings, &callbacks);
    test_pool_control(pool, "{\"cmd\":\"stop\"}");
    while (xd_mirror_get_stale_since(world->connection->mirror) == 0)
        g_main_context_iteration(NULL, TRUE);
    return world;
}

static void
come_back(void)
{
    test_pool_control(pool, "{\"cmd\":\"start\"}");
}

static void
test_too_old(void)
{
    g_autoptr(World) world = out_of_sight("mirror.stale-limit=5");

    get(world, 0);
    world_assert_refused(world, HVD_ERROR_NOT_REACHABLE, "out of sight");
    g_assert_nonnull(strstr(world->error->message, "s: ")); /* and why */
    g_assert_nonnull(strstr(world->error->message, "127."));
    come_back();
}

/* It waits for better, and has it. */
static void
test_waits(void)
{
    g_autoptr(World) world = out_of_sight("mirror.stale-limit=3600");

    begin(world, 0);
    come_back();
    world_wait(world);
    g_assert_no_error(world->error);
    g_assert_null(strstr(world->result, "stale_since"));
}

static void
keep_answer(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    GAsyncResult **kept = data;

    g_assert_null(*kept);
    *kept = g_object_ref(result);
}

/* Whoever keeps the answer has one, whatever would have ended the waiting later, and keeps nobody else. */
static void
test_kept(void)
{
    g_autoptr(World) world = out_of_sight("mirror.stale-limit=3600");
    HvdCall call = {.struct_size = sizeof call, .timeout_ms = 500};
    g_autoptr(GAsyncResult) answered = NULL;
    g_autoptr(GAsyncResult) given_up = NULL;

    world->still = TRUE;
    xd_get_instance_async(world->connection, INSTANCE, &call, NULL, keep_answer, &given_up);
    call.timeout_ms = 5000;
    xd_get_instance_async(world->connection, INSTANCE, &call, world->cancellable, keep_answer,
                          &answered);
    xd_clock_advance(world->clock, 500);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_nonnull(given_up);
    world->still = FALSE;
    come_back();
    while (answered == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_cancellable_cancel(world->cancellable);
    xd_clock_advance(world->clock, 5000);
    world_close(world);
    g_assert_cmpuint(G_OBJECT(answered)->ref_count, ==, 1);
    g_assert_cmpuint(G_OBJECT(given_up)->ref_count, ==, 1);
}

static void
test_allowed(void)
{
    g_autoptr(World) world = out_of_sight("mirror.stale-limit=5");

    get(world, HVD_CALL_ALLOW_STALE);
    g_assert_no_error(world->error);
    g_assert_nonnull(strstr(world->result, "\"stale_since\":"));
    come_back();
}

/* As long as its caller gives it. */
static void
test_impatient(void)
{
    g_autoptr(World) world = out_of_sight("mirror.stale-limit=3600");
    HvdCall call = {.struct_size = sizeof call, .timeout_ms = 500};

    world->still = TRUE;
    world_begin(world);
    xd_get_instance_async(world->connection, INSTANCE, &call, NULL, world_on_ended, world);
    xd_clock_advance(world->clock, 499);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_false(world->ended);
    xd_clock_advance(world->clock, 1);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_true(world->ended);
    world_assert_refused(world, HVD_ERROR_NOT_REACHABLE, "out of sight");
    world->still = FALSE;
    come_back();
}

static void
test_cancelled(void)
{
    g_autoptr(World) world = out_of_sight("mirror.stale-limit=3600");

    begin(world, 0);
    g_cancellable_cancel(world->cancellable);
    world_wait(world);
    g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    come_back();
}

static void
on_closed(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    World *world = data;

    xd_connection_close_finish(result);
    g_assert_true(world->ended);                  /* the read came to its end before */
    world->running = operation_find("reconcile"); /* a sign that we were here */
}

/* Closing ends a read that waits. */
static void
test_closed(void)
{
    World *world = out_of_sight("mirror.stale-limit=3600");

    begin(world, 0);
    xd_connection_close_async(g_steal_pointer(&world->connection), on_closed, world);
    while (world->running == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_assert_error(world->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    world_free(world);
    come_back();
}

/* ---- who reads: SEC-30 ---- */

static void
assert_originator(const char *setting, const char *originator)
{
    const char *const settings[] = {setting, NULL};
    g_autoptr(World) world = world_new(pool, TRUE, settings);
    JsonObject *dump = test_pool_control(pool, "{\"cmd\":\"dump\"}");
    g_autoptr(GList) sessions =
        json_object_get_values(json_object_get_object_member(dump, "session"));

    g_assert_cmpuint(g_list_length(sessions), ==, 1);
    g_assert_cmpstr(
        json_object_get_string_member(json_node_get_object(sessions->data), "originator"), ==,
        originator);
}

static void
test_originator(void)
{
    assert_originator("pool.originator=", "hvd-xenapi/tester");
    assert_originator("pool.originator=a service", "a service");
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/read/instance", test_instance);
    g_test_add_func("/op/read/lists", test_lists);
    g_test_add_func("/op/read/planted", test_planted);
    g_test_add_func("/op/read/storage", test_storage);
    g_test_add_func("/op/read/ask", test_ask);
    g_test_add_func("/op/read/drivers", test_drivers);
    g_test_add_func("/op/read/hot", test_hot);
    g_test_add_func("/op/read/ambiguous", test_ambiguous);
    g_test_add_func("/op/read/too-old", test_too_old);
    g_test_add_func("/op/read/waits", test_waits);
    g_test_add_func("/op/read/kept", test_kept);
    g_test_add_func("/op/read/allowed", test_allowed);
    g_test_add_func("/op/read/impatient", test_impatient);
    g_test_add_func("/op/read/cancelled", test_cancelled);
    g_test_add_func("/op/read/closed", test_closed);
    g_test_add_func("/op/read/originator", test_originator);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
