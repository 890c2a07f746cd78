/* Life-cycle events: once, at rest, and of everything that happens to a machine. */
#include "world.h"

#include <string.h>

static TestPool *pool;

/* "web:running@xapisim1 " for each event */
static void
on_event(const HvdLifecycle *event, gpointer data)
{
    GString *trace = data;
    static const char *const states[] = {[HVD_STATE_NONE] = "none",
                                         [HVD_STATE_RUNNING] = "running",
                                         [HVD_STATE_PAUSED] = "paused",
                                         [HVD_STATE_SHUTDOWN] = "shutdown",
                                         [HVD_STATE_SUSPENDED] = "suspended"};

    g_assert_cmpuint(event->struct_size, ==, sizeof *event);
    g_string_append_printf(trace, "%s%s:%s%s%.4s ", event->uuid[0] != '\0' ? "" : "?", event->name,
                           event->gone ? "gone" : states[event->state],
                           event->node[0] != '\0' ? "@" : "", event->node);
}

/* That the pool is out of sight for a moment is what one of the tests is about. */
static void
on_log(GLogLevelFlags level G_GNUC_UNUSED, const char *domain G_GNUC_UNUSED,
       const char *message G_GNUC_UNUSED, const char *const *fields G_GNUC_UNUSED,
       gpointer data G_GNUC_UNUSED)
{
}

typedef struct {
    GString *trace;
    World *world;
} Watch;

/* Of the pool as it is. */
static Watch
watch_new_here(void)
{
    Watch watch = {.trace = g_string_new(NULL)};
    HvdHostCallbacks callbacks = {.struct_size = sizeof callbacks,
                                  .user_data = watch.trace,
                                  .log = on_log,
                                  .lifecycle = on_event};

    watch.world = world_new_with(pool, TRUE, NULL, &callbacks);
    return watch;
}

static Watch
watch_new(const char *before)
{
    const Operation operation = {.before = before};

    test_pool_control(pool, "{\"cmd\":\"restore-state\"}");
    if (before[0] != '\0') {
        g_autoptr(World) past = world_new(pool, TRUE, NULL);

        world_prepare(past, &operation);
    }
    return watch_new_here();
}

static void
watch_clear(Watch *watch)
{
    world_free(watch->world);
    g_string_free(watch->trace, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Watch, watch_clear)

/* Runs @names, and waits until the last of the events has come. */
static void
run(Watch *watch, const char *names, const char *last)
{
    const Operation operation = {.before = names};

    world_prepare(watch->world, &operation);
    while (!g_str_has_suffix(watch->trace->str, last))
        g_main_context_iteration(NULL, TRUE);
}

static char *
node(const char *name)
{
    g_autofree char *uuid = test_pool_find(pool, "host", name);

    return g_strndup(uuid, 4);
}

static void
test_life(void)
{
    g_auto(Watch) watch = watch_new("");
    g_autofree char *first = node("xapisim1");
    g_autofree char *second = node("xapisim2");
    g_autofree char *here = g_strdup_printf("web:running@%s ", first);
    g_autofree char *there = g_strdup_printf("web:running@%s ", second);
    g_autofree char *paused = g_strdup_printf("web:paused@%s ", first);
    g_autofree char *expected = g_strconcat(here, paused, here, "web:suspended ", here, there,
                                            "web:shutdown web:gone ", NULL);

    run(&watch, "spawn", here);
    run(&watch, "pause unpause suspend resume", here);
    run(&watch, "live-migrate", there);
    run(&watch, "power-off-hard", "web:shutdown ");
    run(&watch, "destroy", "web:gone ");
    g_assert_cmpstr(watch.trace->str, ==, expected);
}

/* What is there when the connection opens is no news. */
static void
test_first_picture(void)
{
    g_auto(Watch) watch = watch_new("spawn");
    g_autofree char *first = node("xapisim1");
    g_autofree char *paused = g_strdup_printf("web:paused@%s ", first);

    g_assert_cmpstr(watch.trace->str, ==, "");
    run(&watch, "pause", paused);
    g_assert_cmpstr(watch.trace->str, ==, paused);
}

/* Another tool shuts it down while the connection opens: that it is at rest then is told, and its end. */
static void
test_in_motion(void)
{
    g_autoptr(World) past = world_new_prepared(pool, "spawn");
    g_autofree char *vm = test_pool_find_ref(pool, "VM", "web");
    g_auto(Watch) watch = {0};

    test_pool_set(pool, "VM", vm, "current_operations", "{\"OpaqueRef:task\":\"clean_shutdown\"}");
    watch = watch_new_here();
    test_pool_set(pool, "VM", vm, "resident_on", "\"OpaqueRef:NULL\"");
    test_pool_set(pool, "VM", vm, "power_state", "\"Halted\"");
    test_pool_set(pool, "VM", vm, "current_operations", "{}");
    run(&watch, "", "web:shutdown ");
    test_pool_destroy_vm(pool, "web");
    run(&watch, "", "web:gone ");
    g_assert_cmpstr(watch.trace->str, ==, "web:shutdown web:gone ");
}

/* A reboot changes nothing that is told. */
static void
test_reboot(void)
{
    g_auto(Watch) watch = watch_new("spawn");
    g_autofree char *first = node("xapisim1");
    g_autofree char *paused = g_strdup_printf("web:paused@%s ", first);

    run(&watch, "reboot-hard pause", paused);
    g_assert_cmpstr(watch.trace->str, ==, paused);
}

/* Snapshots and templates are none; a VM that no orchestrator made is one, without a uuid. */
static void
test_others(void)
{
    g_auto(Watch) watch = watch_new("spawn");
    g_autofree char *vm = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *snapshot = g_strdup_printf("[\"%s\",\"backup\"]", vm);
    g_autofree char *stranger = NULL;
    g_autofree char *start = NULL;

    test_pool_call(pool, "VM.snapshot", snapshot);
    test_pool_call(pool, "VM.create",
                   "[{\"name_label\":\"stranger\",\"name_description\":\"\",\"user_version\":\"0\","
                   "\"is_a_template\":false,\"affinity\":\"OpaqueRef:NULL\","
                   "\"memory_static_max\":\"268435456\",\"memory_dynamic_max\":\"268435456\","
                   "\"memory_dynamic_min\":\"268435456\",\"memory_static_min\":\"0\","
                   "\"VCPUs_params\":{},\"VCPUs_max\":\"1\",\"VCPUs_at_startup\":\"1\","
                   "\"actions_after_shutdown\":\"destroy\",\"actions_after_reboot\":\"restart\","
                   "\"actions_after_crash\":\"destroy\",\"PV_bootloader\":\"\",\"PV_kernel\":\"\","
                   "\"PV_ramdisk\":\"\",\"PV_args\":\"\",\"PV_bootloader_args\":\"\","
                   "\"PV_legacy_args\":\"\",\"HVM_boot_policy\":\"BIOS order\","
                   "\"HVM_boot_params\":{},\"platform\":{},\"PCI_bus\":\"\","
                   "\"other_config\":{},\"recommendations\":\"\",\"xenstore_data\":{},"
                   "\"ha_always_run\":false,\"ha_restart_priority\":\"\",\"tags\":[],"
                   "\"blocked_operations\":{}}]");
    stranger = test_pool_find_ref(pool, "VM", "stranger");
    start = g_strdup_printf("[\"%s\",false,false]", stranger);
    test_pool_call(pool, "VM.start", start);
    while (!g_str_has_prefix(watch.trace->str, "?stranger:running@"))
        g_main_context_iteration(NULL, TRUE);
}

/* What has happened while the pool was out of sight is told when it is back. */
static void
test_out_of_sight(void)
{
    g_auto(Watch) watch = watch_new("spawn");
    g_autofree char *vm = test_pool_find_ref(pool, "VM", "web");
    g_autofree char *stop = g_strdup_printf("[\"%s\"]", vm);

    test_pool_control(pool, "{\"cmd\":\"stop\"}");
    test_pool_control(pool, "{\"cmd\":\"start\"}");
    test_pool_call(pool, "VM.hard_shutdown", stop);
    while (!g_str_has_suffix(watch.trace->str, "web:shutdown "))
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(watch.trace->str, ==, "web:shutdown ");
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    pool = test_pool_new();
    test_pool_control(pool, "{\"cmd\":\"snapshot-state\"}");
    g_test_add_func("/op/lifecycle/life", test_life);
    g_test_add_func("/op/lifecycle/first-picture", test_first_picture);
    g_test_add_func("/op/lifecycle/in-motion", test_in_motion);
    g_test_add_func("/op/lifecycle/reboot", test_reboot);
    g_test_add_func("/op/lifecycle/others", test_others);
    g_test_add_func("/op/lifecycle/out-of-sight", test_out_of_sight);
    status = g_test_run();
    test_pool_free(pool);
    return status;
}
