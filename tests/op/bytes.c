#include "bytes.h"

#include "ops/spawn.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <unistd.h>

GInputStream *
bytes_open_pipe(guint n, int *other)
{
    g_autofree char *bytes = g_malloc0(n);
    int ends[2];

    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    g_assert_cmpint(write(ends[1], bytes, n), ==, n);
    *other = ends[1];
    return g_unix_input_stream_new(ends[0], TRUE);
}

void
bytes_begin_spawn(World *world, GInputStream *image, const char *document, const HvdCall *call)
{
    world_begin(world);
    xd_spawn_async(world->connection, document, image, call, world->cancellable, world_on_ended,
                   world);
}

void
bytes_assert_no_task_pending(TestPool *pool)
{
    JsonObject *dump = test_pool_control(pool, "{\"cmd\":\"dump\"}");
    JsonObject *tasks = json_object_get_object_member(dump, "task");
    g_autoptr(GList) refs = json_object_get_members(tasks);

    for (GList *link = refs; link != NULL; link = link->next) {
        JsonObject *task = json_object_get_object_member(tasks, link->data);

        g_assert_cmpstr(json_object_get_string_member(task, "status"), !=, "pending");
    }
}
