/* Secrets: bytes in locked memory, wiped when freed, without a printable form. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * XdArena:
 *
 * Memory that is locked against swapping, left out of core dumps and wiped block by block. One
 * belongs to each connection, so that two connections in one process share nothing. Reference
 * counted; every #XdSecret holds a reference. Where the memory cannot be locked the arena works
 * all the same, and xd_arena_is_locked() lets its owner warn once.
 */
typedef struct _XdArena XdArena;

XdArena *xd_arena_new(void);
XdArena *xd_arena_ref(XdArena *arena);
void xd_arena_unref(XdArena *arena);
gboolean xd_arena_is_locked(const XdArena *arena);
/**
 * xd_arena_redact: (transfer full): @text with every live #XdSecret of @arena in it replaced by
 * "<hidden>": the last gate before text that a server may have put together reaches a message.
 */
char *xd_arena_redact(XdArena *arena, const char *text);
gpointer xd_arena_alloc(XdArena *arena, gsize size);
void xd_arena_free(XdArena *arena, gpointer block);

/**
 * XdSecret:
 *
 * Immutable bytes in an #XdArena. Passwords, CHAP pairs and the session reference are of this
 * type and of no other. There is deliberately no conversion to a string: xd_secret_reveal() is
 * the one way in, easy to find and to review.
 */
typedef struct _XdSecret XdSecret;

XdSecret *xd_secret_new(XdArena *arena, const char *bytes, gsize length);
XdSecret *xd_secret_ref(XdSecret *secret);
void xd_secret_unref(XdSecret *secret);
/* (transfer none): NUL-terminated beyond @length; valid as long as @secret lives */
const char *xd_secret_reveal(const XdSecret *secret, gsize *length);
gboolean xd_secret_equal(const XdSecret *a, const XdSecret *b);

/**
 * XdVault:
 *
 * A growing buffer in an #XdArena: request bodies (they carry the session reference) and secret
 * strings that arrive in pieces. Outgrown blocks are wiped.
 */
typedef struct {
    XdArena *arena;
    char *data; /* NUL-terminated once something was appended */
    gsize length;
    gsize capacity;
} XdVault;

void xd_vault_init(XdVault *vault, XdArena *arena);
void xd_vault_append(XdVault *vault, const char *bytes, gsize length);
void xd_vault_append_string(XdVault *vault, const char *text);
void xd_vault_append_char(XdVault *vault, char c);
void xd_vault_truncate(XdVault *vault, gsize length);
void xd_vault_clear(XdVault *vault);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdArena, xd_arena_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdSecret, xd_secret_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(XdVault, xd_vault_clear)

G_END_DECLS
