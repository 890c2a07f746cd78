#include "copies.h"

#include <stdio.h>
#include <string.h>

static guint
count_in_region(const char *start, const char *end, const char *needle, gsize length)
{
    guint n = 0;

    while ((start = memmem(start, (gsize) (end - start), needle, length)) != NULL) {
        n++;
        start += length;
    }
    return n;
}

/* malloc() writes into the head of what is freed: the tail of the secret is what is looked for.
 * Nothing is copied by looking. */
#define HEAD 16

guint
copies_count(const XdSecret *secret)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    gsize length;
    const char *needle = xd_secret_reveal(secret, &length);
    guint n = 0;

    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long start;
        unsigned long end;
        char access[8];

        if (sscanf(line, "%lx-%lx %7s", &start, &end, access) == 3 &&
            g_str_has_prefix(access, "rw"))
            n += count_in_region((const char *) start, (const char *) end, needle + HEAD,
                                 length - HEAD);
    }
    if (maps != NULL)
        fclose(maps);
    return n;
}

XdSecret *
copies_make_canary(XdArena *arena, const char *salt)
{
    g_auto(XdVault) vault = {0};

    xd_vault_init(&vault, arena);
    for (guint i = 0; i < 40; i++)
        xd_vault_append_char(&vault, (char) ('A' + (i * 7 + (guint) salt[i % strlen(salt)]) % 26));
    return xd_secret_new(arena, vault.data, vault.length);
}
