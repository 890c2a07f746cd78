#include "memory.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OWN_SIZE  (1024 * 1024)
#define HEAD      16 /* malloc() writes into the beginning of what is freed: the rest is looked for */
#define REFERENCE "OpaqueRef:"
#define UUID      36

/* ---- blocks of libcurl and its TLS library ---- */

static GHashTable *
blocks(void)
{
    static GHashTable *table; /* address to size */

    if (table == NULL)
        table = g_hash_table_new(NULL, NULL);
    return table;
}

static void *
block_new(size_t size)
{
    void *block = malloc(size > 0 ? size : 1);

    g_hash_table_insert(blocks(), block, GSIZE_TO_POINTER(size));
    return block;
}

static void
block_free(void *block)
{
    if (block == NULL)
        return;
    explicit_bzero(block, GPOINTER_TO_SIZE(g_hash_table_lookup(blocks(), block)));
    g_hash_table_remove(blocks(), block);
    free(block);
}

static void *
block_resize(void *block, size_t size)
{
    size_t old = block != NULL ? GPOINTER_TO_SIZE(g_hash_table_lookup(blocks(), block)) : 0;
    void *moved = block_new(size);

    if (block != NULL)
        memcpy(moved, block, MIN(old, size));
    block_free(block);
    return moved;
}

static void *
block_new_zeroed(size_t n, size_t size)
{
    return memset(block_new(n * size), 0, n * size);
}

static char *
block_new_string(const char *text)
{
    return memcpy(block_new(strlen(text) + 1), text, strlen(text) + 1);
}

static void *
tls_new(size_t size, const char *file G_GNUC_UNUSED, int line G_GNUC_UNUSED)
{
    return block_new(size);
}

static void *
tls_resize(void *block, size_t size, const char *file G_GNUC_UNUSED, int line G_GNUC_UNUSED)
{
    return block_resize(block, size);
}

static void
tls_free(void *block, const char *file G_GNUC_UNUSED, int line G_GNUC_UNUSED)
{
    block_free(block);
}

typedef int (*SetFunctions)(void *(*) (size_t, const char *, int),
                            void *(*) (void *, size_t, const char *, int),
                            void (*)(void *, const char *, int));

gboolean
memory_watch(void)
{
    gpointer symbol = dlsym(RTLD_DEFAULT, "CRYPTO_set_mem_functions");
    SetFunctions set;

    if (symbol == NULL)
        return FALSE;
    memcpy(&set, &symbol, sizeof set);
    return set(tls_new, tls_resize, tls_free) == 1 &&
           curl_global_init_mem(CURL_GLOBAL_DEFAULT, block_new, block_free, block_resize,
                                block_new_string, block_new_zeroed) == CURLE_OK;
}

static gboolean
is_in_block(const char *address)
{
    GHashTableIter iter;
    gpointer block, size;

    g_hash_table_iter_init(&iter, blocks());
    while (g_hash_table_iter_next(&iter, &block, &size)) {
        if (address >= (char *) block && address < (char *) block + GPOINTER_TO_SIZE(size))
            return TRUE;
    }
    return FALSE;
}

/* ---- what is ours ---- */

/* One piece of memory for all that is loaded, each text behind the other. */
static char *
own_memory(void)
{
    static char *memory;

    if (memory == NULL) {
        memory = mmap(NULL, OWN_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(memory, OWN_SIZE, MADV_DONTDUMP);
    }
    return memory;
}

const char *
memory_load(const char *path)
{
    char *end = own_memory();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    gssize n;

    while (*end != '\0')
        end += strlen(end) + 1;
    n = read(fd, end, (gsize) (own_memory() + OWN_SIZE - end) - 2);
    close(fd);
    if (n <= 0)
        g_error("cannot read %s", path);
    if (end[n - 1] == '\n')
        end[n - 1] = '\0';
    return end;
}

/* ---- looking ---- */

typedef struct {
    char *start;
    char *end;
    gboolean guarded;
    gboolean locked;
} Region;

/* (element-type Region): all that can be written */
static GArray *
list_regions(void)
{
    GArray *regions = g_array_new(FALSE, FALSE, sizeof(Region));
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512];
    Region region = {0};
    gboolean wanted = FALSE;

    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start, end;
        char access[8];

        if (sscanf(line, "%lx-%lx %7s", &start, &end, access) == 3) {
            region = (Region){.start = (char *) start, .end = (char *) end};
            wanted = g_str_has_prefix(access, "rw");
        } else if (wanted && g_str_has_prefix(line, "VmFlags:")) {
            region.guarded = strstr(line, " dd") != NULL;
            region.locked = strstr(line, " lo") != NULL;
            g_array_append_val(regions, region);
        }
    }
    fclose(maps);
    return regions;
}

static void
count_in(const Region *region, const char *needle, gsize length, MemoryCount *count)
{
    const char *at = region->start;

    while ((at = memmem(at, (gsize) (region->end - at), needle, length)) != NULL) {
        gboolean foreign = !region->guarded && is_in_block(at);
        gboolean own = at >= own_memory() && at < own_memory() + OWN_SIZE;

        at += length;
        if (own)
            continue;
        count->guarded += region->guarded;
        count->locked += region->guarded && region->locked;
        count->foreign += foreign;
        count->stray += !region->guarded && !foreign;
    }
}

MemoryCount
memory_count(const char *needle, gsize length)
{
    g_autoptr(GArray) regions = list_regions();
    MemoryCount count = {0};

    g_assert_cmpuint(length, >, 2 * HEAD);
    for (guint i = 0; i < regions->len; i++)
        count_in(&g_array_index(regions, Region, i), needle + HEAD, length - HEAD, &count);
    return count;
}

/* (nullable): the next whole reference in guarded memory; it is used where it lies. */
static const char *
next_reference(const char *from, const char *end)
{
    const char *at = memmem(from, (gsize) (end - from), REFERENCE, strlen(REFERENCE));

    while (at != NULL && (end - at < (gssize) strlen(REFERENCE) + UUID ||
                          !g_ascii_isxdigit(at[strlen(REFERENCE)])))
        at = memmem(at + 1, (gsize) (end - at - 1), REFERENCE, strlen(REFERENCE));
    return at;
}

MemoryCount
memory_count_sessions(guint *n_sessions)
{
    g_autoptr(GArray) regions = list_regions();
    MemoryCount total = {0};

    *n_sessions = 0;
    for (guint i = 0; i < regions->len; i++) {
        const Region *region = &g_array_index(regions, Region, i);
        const char *at = region->guarded ? next_reference(region->start, region->end) : NULL;

        for (; at != NULL; at = next_reference(at + 1, region->end)) {
            MemoryCount count = memory_count(at, strlen(REFERENCE) + UUID);

            (*n_sessions)++;
            total.guarded += count.guarded;
            total.locked += count.locked;
            total.foreign += count.foreign;
            total.stray += count.stray;
        }
    }
    return total;
}
