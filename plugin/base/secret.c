#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Blocks come in powers of two from 64 bytes; each size has a free list inside locked regions. */
#define SMALLEST_SHIFT 6
#define N_CLASSES      10 /* 64 bytes to 32 KiB; larger blocks get a region of their own */
#define REGION_SIZE    (128 * 1024)
#define MIN_REDACTED   4

typedef struct _Region Region;
struct _Region {
    Region *next;
    char *memory; /* between two guard pages */
    gsize size;
    gsize used;
};

typedef struct _Block Block;
struct _Block {
    union {
        Block *next_free;
        Region *own; /* of a block beyond the size classes */
    };
    gsize size; /* of the payload that follows */
};

struct _XdArena {
    guint references;
    gboolean locked;
    Region *regions;
    Block *free_blocks[N_CLASSES];
    XdSecret *secrets; /* the live ones */
};

struct _XdSecret {
    guint references;
    XdArena *arena;
    XdSecret *next;
    XdSecret **link; /* what points here */
    gsize length;
    char bytes[];
};

static Region *
region_new(XdArena *arena, gsize size)
{
    gsize page = (gsize) sysconf(_SC_PAGESIZE);
    gsize room = (size + page - 1) / page * page;
    Region *region = g_new0(Region, 1);
    char *map = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED || mprotect(map + page, room, PROT_READ | PROT_WRITE) != 0)
        g_error("cannot map %" G_GSIZE_FORMAT " bytes", room); /* as g_malloc() does */
    region->memory = map + page;
    region->size = room;
    if (mlock(region->memory, room) != 0)
        arena->locked = FALSE;
    madvise(region->memory, room, MADV_DONTDUMP);
    region->next = arena->regions;
    arena->regions = region;
    return region;
}

static void
region_free(Region *region)
{
    gsize page = (gsize) sysconf(_SC_PAGESIZE);

    explicit_bzero(region->memory, region->size);
    munmap(region->memory - page, region->size + 2 * page);
    g_free(region);
}

XdArena *
xd_arena_new(void)
{
    XdArena *arena = g_new0(XdArena, 1);

    arena->references = 1;
    arena->locked = TRUE;
    region_new(arena, REGION_SIZE); /* so that xd_arena_is_locked() tells the truth at once */
    return arena;
}

XdArena *
xd_arena_ref(XdArena *arena)
{
    arena->references++;
    return arena;
}

void
xd_arena_unref(XdArena *arena)
{
    if (--arena->references > 0)
        return;
    while (arena->regions != NULL) {
        Region *region = arena->regions;

        arena->regions = region->next;
        region_free(region);
    }
    g_free(arena);
}

gboolean
xd_arena_is_locked(const XdArena *arena)
{
    return arena->locked;
}

static guint
size_class(gsize size)
{
    guint n = 0;

    while (n < N_CLASSES && ((gsize) 1 << (n + SMALLEST_SHIFT)) < size)
        n++;
    return n;
}

static Block *
block_carve(XdArena *arena, gsize size)
{
    gsize whole = sizeof(Block) + size;
    Region *region = arena->regions;
    Block *block;

    if (region == NULL || region->size - region->used < whole)
        region = region_new(arena, REGION_SIZE);
    block = (Block *) (region->memory + region->used);
    region->used += whole;
    block->size = size;
    return block;
}

gpointer
xd_arena_alloc(XdArena *arena, gsize size)
{
    guint class = size_class(size);
    Block *block;

    if (class == N_CLASSES) {
        Region *region = region_new(arena, sizeof(Block) + size);

        region->used = region->size;
        block = (Block *) region->memory;
        block->own = region;
        block->size = region->size - sizeof(Block);
        return block + 1;
    }
    block = arena->free_blocks[class];
    if (block == NULL)
        block = block_carve(arena, (gsize) 1 << (class + SMALLEST_SHIFT));
    else
        arena->free_blocks[class] = block->next_free;
    block->own = NULL;
    return block + 1;
}

static void
region_unlink(XdArena *arena, Region *region)
{
    Region **link = &arena->regions;

    while (*link != region)
        link = &(*link)->next;
    *link = region->next;
    region_free(region);
}

void
xd_arena_free(XdArena *arena, gpointer payload)
{
    Block *block;
    guint class;

    if (payload == NULL)
        return;
    block = (Block *) payload - 1;
    class = size_class(block->size);
    if (class == N_CLASSES) {
        region_unlink(arena, block->own);
        return;
    }
    explicit_bzero(payload, block->size);
    block->next_free = arena->free_blocks[class];
    arena->free_blocks[class] = block;
}

XdSecret *
xd_secret_new(XdArena *arena, const char *bytes, gsize length)
{
    XdSecret *secret = xd_arena_alloc(arena, sizeof(XdSecret) + length + 1);

    secret->references = 1;
    secret->arena = xd_arena_ref(arena);
    secret->length = length;
    if (length > 0)
        memcpy(secret->bytes, bytes, length);
    secret->bytes[length] = '\0';
    secret->next = arena->secrets;
    secret->link = &arena->secrets;
    if (secret->next != NULL)
        secret->next->link = &secret->next;
    arena->secrets = secret;
    return secret;
}

XdSecret *
xd_secret_ref(XdSecret *secret)
{
    secret->references++;
    return secret;
}

void
xd_secret_unref(XdSecret *secret)
{
    XdArena *arena = secret->arena;

    if (--secret->references > 0)
        return;
    *secret->link = secret->next;
    if (secret->next != NULL)
        secret->next->link = secret->link;
    xd_arena_free(arena, secret);
    xd_arena_unref(arena);
}

const char *
xd_secret_reveal(const XdSecret *secret, gsize *length)
{
    if (length != NULL)
        *length = secret->length;
    return secret->bytes;
}

gboolean
xd_secret_equal(const XdSecret *a, const XdSecret *b)
{
    guint8 difference = 0;

    if (a == NULL || b == NULL || a->length != b->length)
        return a == b;
    for (gsize i = 0; i < a->length; i++) /* in constant time */
        difference |= (guint8) (a->bytes[i] ^ b->bytes[i]);
    return difference == 0;
}

/* (nullable): the first secret that stands at @text; short ones would hide ordinary words */
static const XdSecret *
secret_at(XdArena *arena, const char *text)
{
    for (const XdSecret *secret = arena->secrets; secret != NULL; secret = secret->next) {
        if (secret->length >= MIN_REDACTED && strncmp(text, secret->bytes, secret->length) == 0)
            return secret;
    }
    return NULL;
}

char *
xd_arena_redact(XdArena *arena, const char *text)
{
    GString *out = g_string_new(NULL);

    while (*text != '\0') {
        const XdSecret *secret = secret_at(arena, text);

        g_string_append(out, secret != NULL ? "<hidden>" : "");
        if (secret == NULL)
            g_string_append_c(out, *text);
        text += secret != NULL ? secret->length : 1;
    }
    return g_string_free(out, FALSE);
}

void
xd_vault_init(XdVault *vault, XdArena *arena)
{
    *vault = (XdVault){.arena = xd_arena_ref(arena)};
}

static void
vault_reserve(XdVault *vault, gsize more)
{
    gsize wanted = vault->length + more + 1;
    gsize capacity = MAX(vault->capacity * 2, 256);
    char *grown;

    if (wanted <= vault->capacity)
        return;
    capacity = MAX(capacity, wanted);
    grown = xd_arena_alloc(vault->arena, capacity);
    if (vault->length > 0)
        memcpy(grown, vault->data, vault->length);
    xd_arena_free(vault->arena, vault->data);
    vault->data = grown;
    vault->capacity = capacity;
}

void
xd_vault_append(XdVault *vault, const char *bytes, gsize length)
{
    vault_reserve(vault, length);
    if (length > 0)
        memcpy(vault->data + vault->length, bytes, length);
    vault->length += length;
    vault->data[vault->length] = '\0';
}

void
xd_vault_append_string(XdVault *vault, const char *text)
{
    xd_vault_append(vault, text, strlen(text));
}

void
xd_vault_append_char(XdVault *vault, char c)
{
    if (vault->length + 1 >= vault->capacity)
        vault_reserve(vault, 1);
    vault->data[vault->length++] = c;
    vault->data[vault->length] = '\0';
}

void
xd_vault_truncate(XdVault *vault, gsize length)
{
    g_return_if_fail(length <= vault->length);
    if (vault->data == NULL)
        return;
    explicit_bzero(vault->data + length, vault->length - length);
    vault->length = length;
}

void
xd_vault_clear(XdVault *vault)
{
    if (vault->arena == NULL)
        return;
    xd_arena_free(vault->arena, g_steal_pointer(&vault->data));
    g_clear_pointer(&vault->arena, xd_arena_unref);
    vault->length = vault->capacity = 0;
}
