/* What tests of the bytes of disks have in common. */
#pragma once

#include "world.h"

G_BEGIN_DECLS

/* Of an instance whose image comes with the call. */
#define BYTES_DOCUMENT(image)                                                                      \
    "{\"uuid\":\"" INSTANCE "\",\"name\":\"web\",\"memory_bytes\":268435456,\"vcpus\":1,"          \
    "\"image\":{\"source\":\"stream\",\"format\":\"raw\"," image "}}"
#define BYTES_SIZE(n) "\"size_bytes\":" G_STRINGIFY(n)

/* A stream that gives @n bytes; its end comes once the pipe's other end has been closed. */
GInputStream *bytes_open_pipe(guint n, int *other);
void
bytes_begin_spawn(World *world, GInputStream *image, const char *document, const HvdCall *call);
void bytes_assert_no_task_pending(TestPool *pool);

G_END_DECLS
