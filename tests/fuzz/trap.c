/* GLib ends a program with SIGTRAP, which libFuzzer does not know: it would write no finding. */
#include "fuzz.h"

#include <signal.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void
on_trap(int number G_GNUC_UNUSED)
{
    abort();
}

int
LLVMFuzzerInitialize(int *argc G_GNUC_UNUSED, char ***argv G_GNUC_UNUSED)
{
    signal(SIGTRAP, on_trap);
    return 0;
}
