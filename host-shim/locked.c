#include "locked.h"

#include <string.h>
#include <sys/mman.h>

char *
locked_new(gsize size)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    mlock(memory, size); /* a limit may forbid it: then it is only unlocked */
    madvise(memory, size, MADV_DONTDUMP);
    madvise(memory, size, MADV_WIPEONFORK);
    return memory;
}

void
locked_free(char *memory, gsize size)
{
    if (memory == NULL)
        return;
    explicit_bzero(memory, size);
    munmap(memory, size);
}
