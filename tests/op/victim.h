/* A process that is killed in the middle of an operation. */
#pragma once

#include "world.h"

G_BEGIN_DECLS

/* In main(): is this process the victim, and its life. */
gboolean victim_is_wanted(char **argv);
int victim_run(char **argv);

/**
 * victim_kill_at: starts @program, this very test, as a process that runs @operation, and kills it when the
 * pool has got its request number @call, @when "before" or "after" executing it.
 */
void victim_kill_at(TestPool *pool, const char *program, const char *operation, guint call,
                    const char *when);
/* Lets so much time pass in the pool that its session counts as idle (SESSION_IDLE_S of
 * ops/inquiry.c). */
void victim_is_long_gone(TestPool *pool);

G_END_DECLS
