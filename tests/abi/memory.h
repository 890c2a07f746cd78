/* Where in this process a secret lies: in memory that is kept out of core files, in a block of libcurl
 * or of its TLS library, or where it must not be. Not under sanitizers. */
#pragma once

#include <glib.h>

/**
 * MemoryCount: of copies.
 * @guarded: in memory that no core file has, where the driver keeps secrets
 * @locked: those of them that cannot be swapped out
 * @foreign: in live blocks of libcurl and its TLS library
 * @stray: anywhere else
 */
typedef struct {
    guint guarded;
    guint locked;
    guint foreign;
    guint stray;
} MemoryCount;

/* To be called first: libcurl and its TLS library get memory that is known here, and wiped when they
 * let go of it. FALSE: the TLS library has memory already. */
gboolean memory_watch(void);

/* (transfer none): a file's text, without a newline at its end, where no search finds it */
const char *memory_load(const char *path);

MemoryCount memory_count(const char *needle, gsize length);

/* Copies of all session references: they are what the driver keeps in guarded memory. */
MemoryCount memory_count_sessions(guint *n_sessions);
